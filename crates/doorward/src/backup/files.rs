//! Files of a backup: copied with their digests, made durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::Listed;
use crate::exit::Failure;

const PIECE: usize = 256 * 1024;
/// Most levels of folders: the ledger has six.
const DEPTH_MAX: usize = 16;

/// What went wrong with which file.
pub(super) fn failed(doing: &str, path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format_args!("can't {doing} {}: {error}", path.display()))
}

/// Makes a folder with mode 0700, whose parent is there.
pub(super) fn make_folder(path: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().mode(0o700).create(path);
    made.map_err(|error| failed("make", path, error))
}

/// Copies a file to one that is not there yet, mode 0600, and tells its digest. Durable.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<(u64, String)> {
    // A link would lead out of what is copied.
    if !fs::symlink_metadata(from)?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut from = File::open(from)?;
    let mut into = create(to)?;
    let listed = pass(&mut from, Some(&mut into))?;
    into.sync_all()?;
    Ok(listed)
}

/// Writes a file that is not there yet, mode 0600. Durable.
pub(super) fn write(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(to)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The size and digest of a file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    pass(&mut File::open(path)?, None)
}

fn create(to: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(to)
}

fn pass(from: &mut File, mut into: Option<&mut File>) -> io::Result<(u64, String)> {
    let mut piece = vec![0; PIECE];
    let mut hash = Context::new(&SHA256);
    let mut size = 0;
    loop {
        let length = from.read(&mut piece)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else {
            break;
        };
        hash.update(read);
        if let Some(into) = &mut into {
            into.write_all(read)?;
        }
        size += length as u64;
    }
    let digest = hash.finish();
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    Ok((size, hex.collect()))
}

/// Copies a folder with all that is in it but `skip` at its top. Whether it stayed the same
/// meanwhile: `false` when a file was gone before it could be copied.
pub(super) fn copy_folder(from: &Path, to: &Path, skip: &[&str]) -> Result<bool, Failure> {
    let mut folders = vec![(from.to_owned(), to.to_owned(), 0)];
    while let Some((from, to, depth)) = folders.pop() {
        if depth > DEPTH_MAX {
            return Err(failed("copy", &from, "it is too deep"));
        }
        make_folder(&to)?;
        let entries = match fs::read_dir(&from) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed("read", &from, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed("read", &from, error))?;
            let name = entry.file_name();
            if depth == 0 && skip.iter().any(|skip| name == *skip) {
                continue;
            }
            let (path, into) = (entry.path(), to.join(&name));
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push((path, into, depth + 1)),
                _ => match copy(&path, &into) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                    Err(error) => return Err(failed("copy", &path, error)),
                },
            }
        }
        sync_folder(&to)?;
    }
    Ok(true)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), Failure> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("write", path, error))
}

/// All files of a folder with their digests, sorted by path.
pub(super) fn list(top: &Path) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(within) = folders.pop() {
        let folder = top.join(&within);
        let entries = fs::read_dir(&folder).map_err(|error| failed("read", &folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| failed("read", &folder, error))?;
            let within = within.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(within);
                continue;
            }
            let path = within
                .to_str()
                .ok_or_else(|| failed("list", &entry.path(), "the name is not UTF-8"))?;
            let (size, sha256) =
                digest(&entry.path()).map_err(|error| failed("read", &entry.path(), error))?;
            listed.push(Listed {
                path: path.to_owned(),
                size,
                sha256,
            });
        }
    }
    listed.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(listed)
}

/// A listed path as one that stays within the backup: plain names alone.
pub(super) fn plain(path: &str) -> Option<PathBuf> {
    let plain = Path::new(path);
    let mut parts = plain.components();
    let all_plain = parts.all(|part| matches!(part, Component::Normal(_)));
    let fits = !path.is_empty() && path.len() <= 1024 && !path.contains(['\\', '\0']);
    let depth = path.split('/').count();
    let same = plain.components().count() == depth;
    (all_plain && fits && same && depth <= DEPTH_MAX).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_path_stays_within() {
        for path in ["doorward.db", "ledger/tile/0/x001/067"] {
            assert!(plain(path).is_some(), "{path}");
        }
        let long = "a/".repeat(20) + "a";
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "./a",
            "a/",
            "a\0",
            &long,
        ] {
            assert!(plain(path).is_none(), "{path}");
        }
    }
}
