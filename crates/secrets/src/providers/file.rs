//! Secrets in files that only their owner can read.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::files::{self, Clobber};
use crate::error::{Error, Result};
use crate::provider::{Expect, Found, MAX_SECRET_BYTES, Provider, Seen, Version};
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

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let path = path_of(reference)?;
        let io = |source| Error::io(reference, source);
        let file = files::open(path).map_err(io)?;
        // Asked of the open file, not of the path: what was checked is what is read.
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::refused(reference, "it is not a regular file"));
        }
        if let Some(why) = files::unsafe_owner_or_mode(path, &metadata) {
            return Err(Error::refused(reference, why));
        }
        let bytes = files::read_bounded(file, MAX_SECRET_BYTES).map_err(io)?;
        Ok(Found {
            secret: parse(reference, &bytes)?,
            version: Some(files::version(&metadata)),
            changed_at: files::changed_at(&metadata),
            warning: None,
        })
    }

    fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        let path = path_of(reference)?;
        let io = |source| Error::io(reference, source);
        let value = secret.expose_secret();
        if value.is_empty() || value.len() >= MAX_SECRET_BYTES {
            return Err(Error::refused(reference, "a secret has 1 to 65535 bytes"));
        }
        if value.ends_with('\n') {
            return Err(Error::refused(
                reference,
                "a secret that ends in a newline would be read without it",
            ));
        }
        let _lock = lock(reference, path, expect)?;
        if let Expect::Is(version) = expect {
            let there = std::fs::metadata(path).ok();
            if there.map(|there| files::version(&there)).as_ref() != Some(version) {
                return Err(Error::Conflict {
                    reference: reference.clone(),
                });
            }
        }
        let clobber = match expect {
            Expect::Absent => Clobber::No,
            Expect::Is(_) | Expect::Any => Clobber::Yes,
        };
        match files::replace(path, value.as_bytes(), clobber) {
            Ok(metadata) => Ok(files::version(&metadata)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Error::Exists {
                reference: reference.clone(),
            }),
            Err(error) => Err(io(error)),
        }
    }

    fn erase(&self, reference: &SecretRef) -> Result<()> {
        let path = path_of(reference)?;
        let io = |source| Error::io(reference, source);
        let _lock = lock(reference, path, &Expect::Any)?;
        std::fs::remove_file(path).map_err(io)?;
        path.parent().map_or(Ok(()), files::sync).map_err(io)
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let path = path_of(reference)?;
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(reference, source))?;
        Ok(Seen {
            place: format!("the file {}", path.display()),
            changed_at: files::changed_at(&metadata),
            version: Some(files::version(&metadata)),
            readers: files::readers(&metadata),
            writable: files::writable(path),
            warning: None,
        })
    }
}

fn path_of(reference: &SecretRef) -> Result<&Path> {
    reference
        .as_file()
        .ok_or_else(|| Error::refused(reference, "it is not a file"))
}

/// Keeps other writers away, and removes what those left that were killed. Where folders can't be
/// locked, only those writers go on who compare nothing.
fn lock(reference: &SecretRef, path: &Path, expect: &Expect) -> Result<Option<std::fs::File>> {
    let Some(folder) = path.parent() else {
        return Err(Error::refused(reference, "it has no folder"));
    };
    match (files::lock(folder), expect) {
        (Ok(lock), _) => {
            // It can't be left: a value that a killed writer had in hand may be in it.
            files::sweep(folder).map_err(|source| Error::io(reference, source))?;
            Ok(Some(lock))
        }
        (Err(error), Expect::Any | Expect::Absent)
            if error.kind() != std::io::ErrorKind::TimedOut
                && error.kind() != std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        (Err(error), _) => Err(Error::io(reference, error)),
    }
}

fn parse(reference: &SecretRef, bytes: &[u8]) -> Result<SecretString> {
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(Error::refused(reference, "it is longer than 65536 bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| Error::refused(reference, "it is not UTF-8"))?;
    let text = files::without_line_end(text);
    if text.is_empty() {
        return Err(Error::refused(reference, "it is empty"));
    }
    Ok(text.into())
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
            .map(|found| found.secret.expose_secret().to_owned())
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
    fn what_a_killed_writer_left_goes_with_the_next_write_or_erasure() {
        let (dir, reference) = in_folder();
        let half = dir.path().join(".doorward-new-Ab3dE9");
        let others = dir.path().join(".doorward-notes");
        fs::write(&others, "theirs").unwrap();
        for erase in [false, true] {
            fs::write(&half, "canary").unwrap();
            match erase {
                false => {
                    let secret = SecretString::from("new");
                    let written = FileProvider.write(&reference, &secret, &Expect::Any);
                    written.unwrap();
                }
                true => FileProvider.erase(&reference).unwrap(),
            }
            assert!(!half.exists() && others.exists());
        }
        // Also where there is nothing to erase.
        fs::write(&half, "canary").unwrap();
        assert!(FileProvider.erase(&reference).is_err());
        assert!(!half.exists());
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
        let unsafe_for = |us, owner, mode| files::unsafe_for(Path::new("/x"), us, owner, mode);
        assert_eq!(unsafe_for(1000, 1000, 0o100_600), None);
        assert_eq!(unsafe_for(1000, 0, 0o100_400), None);
        assert!(unsafe_for(1000, 1001, 0o100_600).is_some());
        assert!(unsafe_for(0, 1001, 0o100_600).is_some());
    }

    #[test]
    fn a_credential_of_systemds_may_be_read_by_its_group() {
        let credential = "/run/credentials/doorward.service/pepper";
        for (path, owner, mode, fits) in [
            (credential, 0, 0o100_440, true),
            (credential, 0, 0o100_400, true),
            (credential, 1000, 0o100_440, false),
            (credential, 0, 0o100_444, false),
            (credential, 0, 0o100_460, false),
            (credential, 0, 0o100_550, false),
            ("/run/credentials/../x", 0, 0o100_440, false),
            ("/run/credentials-x/pepper", 0, 0o100_440, false),
            ("/etc/doorward/pepper", 0, 0o100_440, false),
        ] {
            let faulty = files::unsafe_for(Path::new(path), 1000, owner, mode);
            assert_eq!(faulty.is_none(), fits, "{path} {owner} {mode:o}");
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
            .write(&reference, &"first".into(), &Expect::Absent)
            .unwrap();
        assert_eq!(read(&reference).unwrap(), "first");
        let mode = fs::metadata(reference.as_file().unwrap())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);

        let again = FileProvider.write(&reference, &"second".into(), &Expect::Absent);
        assert!(matches!(again, Err(Error::Exists { .. })));
        assert_eq!(read(&reference).unwrap(), "first");

        FileProvider
            .write(&reference, &"second".into(), &Expect::Any)
            .unwrap();
        assert_eq!(read(&reference).unwrap(), "second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_would_not_read_back_is_not_written() {
        let (dir, reference) = in_folder();
        for value in ["", "a\n", &"x".repeat(MAX_SECRET_BYTES + 1)] {
            let written = FileProvider.write(&reference, &value.into(), &Expect::Absent);
            assert!(matches!(written, Err(Error::Refused { .. })));
        }
        let nowhere = SecretRef::file(&dir.path().join("no/such/folder")).unwrap();
        let written = FileProvider.write(&nowhere, &"a".into(), &Expect::Absent);
        assert!(matches!(written, Err(Error::Missing { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_the_expected_secret_is_replaced() {
        let (dir, reference) = in_folder();
        let write =
            |value: &str, expect: &Expect| FileProvider.write(&reference, &value.into(), expect);
        let conflict = |result: Result<Version>| matches!(result, Err(Error::Conflict { .. }));
        let first = write("first", &Expect::Absent).unwrap();
        let found = FileProvider.read(&reference).unwrap();
        assert_eq!(found.version, Some(first.clone()));
        assert!(found.changed_at.is_some());
        let second = write("other", &Expect::Is(first.clone())).unwrap();
        assert_ne!(first, second);
        assert!(conflict(write("third", &Expect::Is(first))));
        // By hand, in place, of the same length.
        put(&reference, b"chang", 0o600);
        assert!(conflict(write("third", &Expect::Is(second.clone()))));
        assert_eq!(read(&reference).unwrap(), "chang");

        FileProvider.erase(&reference).unwrap();
        assert!(matches!(
            FileProvider.erase(&reference),
            Err(Error::Missing { .. })
        ));
        assert!(conflict(write("third", &Expect::Is(second))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_writers_at_once_one_wins() {
        let (_dir, reference) = in_folder();
        let first = FileProvider
            .write(&reference, &"0".into(), &Expect::Absent)
            .unwrap();
        let won: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (1..=8)
                .map(|n| {
                    let (reference, expect) = (reference.clone(), Expect::Is(first.clone()));
                    scope.spawn(move || {
                        FileProvider
                            .write(&reference, &n.to_string().into(), &expect)
                            .is_ok()
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| usize::from(writer.join().unwrap()))
                .sum()
        });
        assert_eq!(won, 1);
    }

    #[test]
    fn a_look_tells_who_may_read() {
        let (_dir, reference) = in_folder();
        assert!(matches!(
            FileProvider.inspect(&reference),
            Err(Error::Missing { .. })
        ));
        put(&reference, b"canary", 0o644);
        let seen = FileProvider.inspect(&reference).unwrap();
        assert!(
            seen.readers
                .to_string()
                .contains("and everyone (mode 0644)"),
            "{seen:?}"
        );
        assert!(seen.writable && seen.changed_at.is_some());
        assert!(!format!("{seen:?}").contains("canary"));
    }
}
