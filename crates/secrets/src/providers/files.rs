//! How files with secrets are opened, judged, locked and replaced.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::provider::{Readers, Version};

/// How long a writer waits for another to be done.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
const LOCK_STEP: Duration = Duration::from_millis(10);

/// Opens a file to read it. Links are followed: what they lead to is what is judged.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without this, opening a named pipe would wait for its writer for ever.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

/// Why a file is not taken because of whose it is and who else may read it, if so.
#[cfg(unix)]
pub(super) fn unsafe_owner_or_mode(path: &Path, metadata: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    unsafe_for(path, us, metadata.uid(), metadata.mode())
}

#[cfg(unix)]
pub(super) fn unsafe_for(path: &Path, us: u32, owner: u32, mode: u32) -> Option<String> {
    if owner != us && owner != 0 {
        return Some(format!(
            "it belongs to user {owner}; it must belong to user {us} or to root"
        ));
    }
    let wide = match owner == 0 && is_credential(path) {
        true => 0o7137,
        false => 0o7177,
    };
    (mode & wide != 0).then(|| {
        format!(
            "its mode is {:04o}; it must be 0600 or 0400 (chmod 600)",
            mode & 0o7777
        )
    })
}

/// Whether systemd put it there: the folder is root's alone to write.
#[cfg(unix)]
fn is_credential(path: &Path) -> bool {
    use std::path::Component;
    path.starts_with("/run/credentials")
        && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(not(unix))]
pub(super) fn unsafe_owner_or_mode(_: &Path, _: &Metadata) -> Option<String> {
    None
}

/// The mode of a file that others than its owner may write.
#[cfg(unix)]
pub(super) fn writable_by_others(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let mode = metadata.mode() & 0o7777;
    (mode & 0o022 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn writable_by_others(_: &Metadata) -> Option<u32> {
    None
}

/// Who may read the file.
#[cfg(unix)]
pub(super) fn readers(metadata: &Metadata) -> Readers {
    use std::os::unix::fs::MetadataExt;
    Readers::File {
        mode: metadata.mode() & 0o7777,
        owner: metadata.uid(),
    }
}

#[cfg(not(unix))]
pub(super) fn readers(_: &Metadata) -> Readers {
    Readers::Elsewhere("whoever the system lets read the file")
}

/// Which content a file has, by everything but the content: every replacement is another file,
/// and a change in place is at another time.
#[cfg(unix)]
pub(super) fn version(metadata: &Metadata) -> Version {
    use std::os::unix::fs::MetadataExt;
    Version::new(format!(
        "{:x}.{:x}.{:x}.{:x}",
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.len()
    ))
}

#[cfg(not(unix))]
pub(super) fn version(metadata: &Metadata) -> Version {
    let changed = changed_at(metadata)
        .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
        .unwrap_or_default();
    Version::new(format!("{:x}.{:x}", changed.as_nanos(), metadata.len()))
}

/// When the file was last changed.
pub(super) fn changed_at(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}

/// Whether a file could be put into the folder of `path`.
pub(super) fn writable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        path.parent()
            .is_some_and(|folder| access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok())
    }
    #[cfg(not(unix))]
    path.parent().is_some()
}

/// Reads at most one byte more than `max`, into memory that is wiped and never moved.
pub(super) fn read_bounded(source: impl Read, max: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut source = source;
    let mut bytes = Zeroizing::new(vec![0; max.saturating_add(1)]);
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// One line end at the end is not part of a secret.
pub(super) fn without_line_end(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    }
}

/// Keeps other writers of this folder away until it is dropped. The folder itself is locked, so
/// that no file is left behind.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if waited >= LOCK_WAIT => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "another program is writing in its folder and does not come to an end",
                ));
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(LOCK_STEP);
                waited += LOCK_STEP;
            }
        }
    }
}

/// Whether a file that is there may be replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clobber {
    No,
    Yes,
}

/// What the names of files begin with that are being written.
const HALF_WRITTEN: &str = ".doorward-new-";

/// Removes what writers of this folder left that were killed before they were done. For who holds the
/// folder's lock: nobody else writes there then.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let ours = name
            .to_str()
            .and_then(|name| name.strip_prefix(HALF_WRITTEN));
        if ours.is_some() && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes beside the target and renames, so that no reader ever sees half a secret. The
/// temporary file is made with mode 0600 and is gone if any step fails.
pub(super) fn replace(path: &Path, value: &[u8], clobber: Clobber) -> io::Result<Metadata> {
    let folder = path
        .parent()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no folder"))?;
    let mut file = tempfile::Builder::new()
        .prefix(HALF_WRITTEN)
        .tempfile_in(folder)?;
    file.write_all(value)?;
    file.as_file().sync_all()?;
    let kept = match clobber {
        Clobber::No => file.persist_noclobber(path)?,
        Clobber::Yes => file.persist(path)?,
    };
    sync(folder)?;
    kept.metadata()
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
