//! Secrets in files that only their owner can read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::provider::{MAX_SECRET_BYTES, Overwrite, Provider};
use crate::reference::SecretRef;

/// Reads and writes files, one secret in each.
///
/// A file is taken only if it is a regular file of at most 64 KiB and, on Unix, belongs to this
/// process's user or to root and has no permission for anyone else (0600 or 0400). What systemd hands
/// over as a credential (root's, below `/run/credentials`) may have mode 0440, since its group there is
/// an access list for this service. One newline at the end is not part of the secret.
#[derive(Debug, Default)]
pub struct FileProvider;

impl FileProvider {
    /// The provider; it has no settings.
    pub fn new() -> Self {
        Self
    }
}

impl Provider for FileProvider {
    fn describe(&self) -> &'static str {
        "a file"
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretString> {
        let path = path_of(reference)?;
        let file = open(path).map_err(|source| io_error(reference, source))?;
        // Asked of the open file, not of the path: what was checked is what is read.
        let metadata = file
            .metadata()
            .map_err(|source| io_error(reference, source))?;
        if !metadata.is_file() {
            return Err(refused(reference, "it is not a regular file"));
        }
        check_owner_and_mode(reference, path, &metadata)?;
        parse(
            reference,
            &read_bounded(file).map_err(|source| io_error(reference, source))?,
        )
    }

    fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        overwrite: Overwrite,
    ) -> Result<()> {
        let path = path_of(reference)?;
        let value = secret.expose_secret();
        if value.is_empty() || value.len() >= MAX_SECRET_BYTES {
            return Err(refused(reference, "a secret has 1 to 65535 bytes"));
        }
        if value.ends_with('\n') {
            return Err(refused(
                reference,
                "a secret that ends in a newline would be read without it",
            ));
        }
        let folder = path
            .parent()
            .ok_or_else(|| refused(reference, "it has no folder"))?;
        match replace(folder, path, value.as_bytes(), overwrite) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Exists {
                reference: reference.clone(),
            }),
            result => result.map_err(|source| io_error(reference, source)),
        }
    }
}

fn path_of(reference: &SecretRef) -> Result<&Path> {
    reference
        .as_file()
        .ok_or_else(|| refused(reference, "it is not a file"))
}

fn refused(reference: &SecretRef, why: &str) -> Error {
    Error::Refused {
        reference: reference.clone(),
        why: why.to_owned(),
    }
}

fn io_error(reference: &SecretRef, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::Missing {
            reference: reference.clone(),
        },
        _ => Error::Io {
            reference: reference.clone(),
            source,
        },
    }
}

fn open(path: &Path) -> io::Result<File> {
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

#[cfg(unix)]
fn check_owner_and_mode(
    reference: &SecretRef,
    path: &Path,
    metadata: &std::fs::Metadata,
) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    check_unix(reference, path, us, metadata.uid(), metadata.mode())
}

#[cfg(unix)]
fn check_unix(reference: &SecretRef, path: &Path, us: u32, owner: u32, mode: u32) -> Result<()> {
    if owner != us && owner != 0 {
        let why = format!("it belongs to user {owner}; it must belong to user {us} or to root");
        return Err(refused(reference, &why));
    }
    let wide = match owner == 0 && is_credential(path) {
        true => 0o7137,
        false => 0o7177,
    };
    if mode & wide != 0 {
        let why = format!(
            "its mode is {:04o}; it must be 0600 or 0400 (chmod 600)",
            mode & 0o7777
        );
        return Err(refused(reference, &why));
    }
    Ok(())
}

/// Whether systemd put it there: the folder is root's alone to write.
#[cfg(unix)]
fn is_credential(path: &Path) -> bool {
    use std::path::Component;
    path.starts_with("/run/credentials")
        && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(not(unix))]
fn check_owner_and_mode(_: &SecretRef, _: &Path, _: &std::fs::Metadata) -> Result<()> {
    Ok(())
}

/// Reads at most one byte more than allowed, into memory that is wiped and never moved.
fn read_bounded(file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; MAX_SECRET_BYTES + 1]);
    let mut filled = 0;
    let mut file = file;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn parse(reference: &SecretRef, bytes: &[u8]) -> Result<SecretString> {
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(refused(reference, "it is longer than 65536 bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| refused(reference, "it is not UTF-8"))?;
    let text = match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    };
    if text.is_empty() {
        return Err(refused(reference, "it is empty"));
    }
    Ok(text.into())
}

/// Writes beside the target and renames, so that no reader ever sees half a secret. The
/// temporary file is made with mode 0600 and is gone if any step fails.
fn replace(folder: &Path, path: &Path, value: &[u8], overwrite: Overwrite) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".doorward-")
        .tempfile_in(folder)?;
    file.write_all(value)?;
    file.as_file().sync_all()?;
    match overwrite {
        Overwrite::Refuse => file.persist_noclobber(path)?,
        Overwrite::Replace => file.persist(path)?,
    };
    // The name is durable only when the folder is.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn in_folder() -> (tempfile::TempDir, SecretRef) {
        let dir = tempfile::tempdir().unwrap();
        let reference = SecretRef::file(&dir.path().join("secret")).unwrap();
        (dir, reference)
    }

    fn put(reference: &SecretRef, bytes: &[u8], mode: u32) {
        let path = reference.as_file().unwrap();
        let _ = fs::remove_file(path);
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn read(reference: &SecretRef) -> Result<String> {
        FileProvider
            .read(reference)
            .map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn one_trailing_newline_is_trimmed() {
        let (_dir, reference) = in_folder();
        for (bytes, secret) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            (" a ", " a "),
            ("\na", "\na"),
        ] {
            put(&reference, bytes.as_bytes(), 0o600);
            assert_eq!(read(&reference).unwrap(), secret, "{bytes:?}");
        }
    }

    #[test]
    fn wide_modes_are_refused() {
        let (_dir, reference) = in_folder();
        for mode in [0o400, 0o600] {
            put(&reference, b"canary", mode);
            assert_eq!(read(&reference).unwrap(), "canary");
        }
        for mode in [
            0o640, 0o604, 0o660, 0o644, 0o700, 0o601, 0o620, 0o4600, 0o1600,
        ] {
            put(&reference, b"canary", mode);
            let error = read(&reference).unwrap_err();
            assert!(
                error.to_string().contains(&format!("{mode:04o}")),
                "{mode:o}: {error}"
            );
            assert!(!format!("{error:?}").contains("canary"));
        }
    }

    #[test]
    fn owners_are_us_or_root() {
        let reference = SecretRef::file(Path::new("/x")).unwrap();
        let check = |us, owner, mode| check_unix(&reference, Path::new("/x"), us, owner, mode);
        assert!(check(1000, 1000, 0o100600).is_ok());
        assert!(check(1000, 0, 0o100400).is_ok());
        assert!(check(1000, 1001, 0o100600).is_err());
        assert!(check(0, 1001, 0o100600).is_err());
    }

    #[test]
    fn a_credential_of_systemds_may_be_read_by_its_group() {
        let reference = SecretRef::file(Path::new("/x")).unwrap();
        let credential = "/run/credentials/doorward.service/pepper";
        for (path, owner, mode, fits) in [
            (credential, 0, 0o100440, true),
            (credential, 0, 0o100400, true),
            (credential, 1000, 0o100440, false),
            (credential, 0, 0o100444, false),
            (credential, 0, 0o100460, false),
            (credential, 0, 0o100550, false),
            ("/run/credentials/../x", 0, 0o100440, false),
            ("/run/credentials-x/pepper", 0, 0o100440, false),
            ("/etc/doorward/pepper", 0, 0o100440, false),
        ] {
            let checked = check_unix(&reference, Path::new(path), 1000, owner, mode);
            assert_eq!(checked.is_ok(), fits, "{path} {owner} {mode:o}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        let (dir, reference) = in_folder();
        assert!(matches!(read(&reference), Err(Error::Missing { .. })));
        let folder = SecretRef::file(dir.path()).unwrap();
        assert!(matches!(read(&folder), Err(Error::Refused { .. })));
        let device = SecretRef::file(Path::new("/dev/zero")).unwrap();
        assert!(matches!(read(&device), Err(Error::Refused { .. })));
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            let pipe = SecretRef::file(&pipe).unwrap();
            assert!(matches!(read(&pipe), Err(Error::Refused { .. })));
        }
    }

    #[test]
    fn a_link_is_judged_by_what_it_leads_to() {
        let (dir, reference) = in_folder();
        put(&reference, b"value", 0o600);
        let link = dir.path().join("link");
        symlink(reference.as_file().unwrap(), &link).unwrap();
        let link = SecretRef::file(&link).unwrap();
        assert_eq!(read(&link).unwrap(), "value");
        put(&reference, b"value", 0o644);
        assert!(matches!(read(&link), Err(Error::Refused { .. })));
    }

    #[test]
    fn contents_are_bounded_text() {
        let (_dir, reference) = in_folder();
        for bytes in [
            &b""[..],
            b"\n",
            b"\r\n",
            b"\xff\xfe",
            &[b'x'; MAX_SECRET_BYTES + 1],
        ] {
            put(&reference, bytes, 0o600);
            assert!(matches!(read(&reference), Err(Error::Refused { .. })));
        }
        put(&reference, &[b'x'; MAX_SECRET_BYTES], 0o600);
        assert_eq!(read(&reference).unwrap().len(), MAX_SECRET_BYTES);
    }

    #[test]
    fn writing_makes_a_private_file_and_nothing_else() {
        let (dir, reference) = in_folder();
        FileProvider
            .write(&reference, &"first".into(), Overwrite::Refuse)
            .unwrap();
        assert_eq!(read(&reference).unwrap(), "first");
        let mode = fs::metadata(reference.as_file().unwrap())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);

        let again = FileProvider.write(&reference, &"second".into(), Overwrite::Refuse);
        assert!(matches!(again, Err(Error::Exists { .. })));
        assert_eq!(read(&reference).unwrap(), "first");

        FileProvider
            .write(&reference, &"second".into(), Overwrite::Replace)
            .unwrap();
        assert_eq!(read(&reference).unwrap(), "second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_would_not_read_back_is_not_written() {
        let (dir, reference) = in_folder();
        for value in ["", "a\n", &"x".repeat(MAX_SECRET_BYTES + 1)] {
            let written = FileProvider.write(&reference, &value.into(), Overwrite::Refuse);
            assert!(matches!(written, Err(Error::Refused { .. })));
        }
        let nowhere = SecretRef::file(&dir.path().join("no/such/folder")).unwrap();
        let written = FileProvider.write(&nowhere, &"a".into(), Overwrite::Refuse);
        assert!(matches!(written, Err(Error::Missing { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
