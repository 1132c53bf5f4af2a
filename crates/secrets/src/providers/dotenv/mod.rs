//! Secrets in `.env` files.

mod lines;
mod tracked;

use std::path::Path;

use secrecy::SecretString;

use super::files;
use crate::error::{Error, Result};
use crate::provider::{Found, MAX_SECRET_BYTES, Provider, Seen};
use crate::reference::{Place, SecretRef};
use tracked::Tracked;

/// Largest file read, in bytes.
const MAX_FILE: usize = 256 * 1024;

/// Reads one name out of a `.env` file. Nothing is put in for `$NAME`.
///
/// A file that is committed to git is refused: what is in it is known to everyone who has the
/// repository. Whether it is, git itself is asked. A file that others than its owner may write is
/// refused; one that they may read is taken, with a warning.
#[derive(Debug, Default)]
pub struct DotenvProvider;

impl DotenvProvider {
    /// The provider; it has no settings.
    pub fn new() -> Self {
        Self
    }
}

impl Provider for DotenvProvider {
    fn describe(&self) -> &'static str {
        "a .env file"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let (path, name) = place_of(reference)?;
        let io = |source| Error::io(reference, source);
        let file = files::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::refused(reference, "it is not a regular file"));
        }
        if let Some(mode) = files::writable_by_others(&metadata) {
            return Err(Error::refused(
                reference,
                format!(
                    "others may write the file (mode {mode:04o}), and so choose the secret: chmod 600"
                ),
            ));
        }
        not_tracked(reference, path)?;
        let bytes = files::read_bounded(file, MAX_FILE).map_err(io)?;
        if bytes.len() > MAX_FILE {
            return Err(Error::refused(reference, "the file is longer than 256 KiB"));
        }
        Ok(Found {
            secret: pick(reference, &bytes, name)?,
            version: Some(files::version(&metadata)),
            changed_at: files::changed_at(&metadata),
            warning: wide(path, &metadata),
        })
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let (path, _) = place_of(reference)?;
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(reference, source))?;
        Ok(Seen {
            place: format!("the file {}", path.display()),
            changed_at: files::changed_at(&metadata),
            version: Some(files::version(&metadata)),
            readers: files::readers(&metadata),
            writable: false,
            warning: wide(path, &metadata),
        })
    }
}

fn place_of(reference: &SecretRef) -> Result<(&Path, &str)> {
    match reference.place() {
        Place::Dotenv { path, name } => Ok((path, name)),
        _ => Err(Error::refused(reference, "it is not in a .env file")),
    }
}

fn wide(path: &Path, metadata: &std::fs::Metadata) -> Option<String> {
    files::unsafe_owner_or_mode(path, metadata)
        .map(|why| format!("the file is not for Doorward's user alone: {why}"))
}

fn not_tracked(reference: &SecretRef, path: &Path) -> Result<()> {
    match tracked::tracked(path) {
        Tracked::No => Ok(()),
        Tracked::Yes => Err(Error::refused(
            reference,
            "the file is tracked by git, so its secrets are known to all who have the \
             repository: `git rm --cached` it, add it to .gitignore, and exchange the secrets",
        )),
        Tracked::Unknown(why) => Err(Error::refused(
            reference,
            format!(
                "it is in a git repository, and whether git tracks it can't be told ({why}); \
                 mend that, or move the file out of the repository"
            ),
        )),
    }
}

/// The value of a name that is given once.
fn pick(reference: &SecretRef, bytes: &[u8], name: &str) -> Result<SecretString> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let refused = |why: &'static str| Error::refused(reference, why);
    let text = std::str::from_utf8(bytes).map_err(|_| refused(lines::NO_LINE))?;
    let mut found: Option<SecretString> = None;
    for (key, value) in lines::lines(text).map_err(refused)? {
        if key != name {
            continue;
        }
        let value = SecretString::from(value.map_err(refused)?.as_str());
        if found.replace(value).is_some() {
            return Err(refused("the name is given more than once"));
        }
    }
    let secret = found.ok_or_else(|| Error::missing(reference))?;
    match secrecy::ExposeSecret::expose_secret(&secret).len() {
        1..=MAX_SECRET_BYTES => Ok(secret),
        _ => Err(Error::refused(reference, "a secret has 1 to 65536 bytes")),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use secrecy::ExposeSecret;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, SecretRef) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let reference = SecretRef::parse_in("dotenv://.env#KEY", dir.path()).unwrap();
        (dir, reference)
    }

    fn read(text: &str) -> Result<String> {
        let (_dir, reference) = file(text);
        DotenvProvider
            .read(&reference)
            .map(|found| found.secret.expose_secret().to_owned())
    }

    fn git(folder: &Path, args: &[&str]) {
        let done = Command::new("git")
            .args([
                "-C",
                folder.to_str().unwrap(),
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
            ])
            .args(args)
            .output()
            .expect("git is installed");
        assert!(done.status.success(), "{done:?}");
    }

    #[test]
    fn one_name_is_read() {
        for (text, secret) in [
            ("KEY=value\n", "value"),
            ("# a comment\nexport KEY='a b$c' # why\nOTHER=x\n", "a b$c"),
            ("OTHER=$HOME\nKEY='${HOME}'", "${HOME}"),
            ("A=x\nKEY=\"two\\nlines\"\n", "two\nlines"),
            ("\u{feff}KEY=value", "value"),
        ] {
            assert_eq!(read(text).unwrap(), secret, "{text:?}");
        }
        assert!(matches!(read("A=x\nKEYS=y"), Err(Error::Missing { .. })));
        for text in [
            "KEY=",
            "KEY=a\nKEY=b",
            "KEY=a\ncanary\n",
            "KEY='canary",
            "KEY=${HOME}canary",
            "\u{0}",
            "\u{7f}=canary",
        ] {
            let error = read(text).unwrap_err();
            assert!(
                matches!(error, Error::Refused { .. } | Error::Missing { .. }),
                "{error}"
            );
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let long = format!("KEY=a\nB={}", "x".repeat(MAX_FILE));
        assert!(matches!(read(&long), Err(Error::Refused { .. })));
    }

    #[test]
    fn a_file_that_git_tracks_is_refused() {
        let (dir, reference) = file("KEY=canary\n");
        git(dir.path(), &["init", "-q"]);
        assert!(DotenvProvider.read(&reference).is_ok());
        git(dir.path(), &["add", "-f", ".env"]);
        let error = DotenvProvider.read(&reference).err().unwrap();
        assert!(error.to_string().contains("tracked by git"), "{error}");
        git(dir.path(), &["commit", "-qm", "x"]);
        assert!(DotenvProvider.read(&reference).is_err());

        // Through a link from outside, and from a worktree.
        let outside = tempfile::tempdir().unwrap();
        symlink(dir.path().join(".env"), outside.path().join(".env")).unwrap();
        let linked = SecretRef::parse_in("dotenv://.env#KEY", outside.path()).unwrap();
        assert!(DotenvProvider.read(&linked).is_err());
        let tree = outside.path().join("tree");
        git(
            dir.path(),
            &["worktree", "add", "-q", tree.to_str().unwrap()],
        );
        let there = SecretRef::parse_in("dotenv://.env#KEY", &tree).unwrap();
        assert!(DotenvProvider.read(&there).is_err());

        git(dir.path(), &["rm", "-q", "--cached", ".env"]);
        assert!(DotenvProvider.read(&reference).is_ok());
    }

    #[test]
    fn what_git_can_not_tell_is_refused() {
        let (dir, reference) = file("KEY=canary\n");
        fs::create_dir(dir.path().join(".git")).unwrap();
        let error = DotenvProvider.read(&reference).err().unwrap();
        assert!(error.to_string().contains("can't be told"), "{error}");
    }

    #[test]
    fn a_repository_can_have_nothing_run() {
        let (dir, reference) = file("KEY=canary\n");
        git(dir.path(), &["init", "-q"]);
        let made = dir.path().join("made");
        let hook = dir.path().join("hook");
        fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", made.display())).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        git(
            dir.path(),
            &["config", "core.fsmonitor", hook.to_str().unwrap()],
        );
        assert!(DotenvProvider.read(&reference).is_ok());
        assert!(!made.exists());
    }

    #[test]
    fn a_wide_mode_is_warned_of() {
        let (dir, reference) = file("KEY=value\n");
        assert!(DotenvProvider.read(&reference).unwrap().warning.is_none());
        let path = dir.path().join(".env");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let found = DotenvProvider.read(&reference).unwrap();
        assert!(found.warning.unwrap().contains("0644"));
        assert!(
            DotenvProvider
                .inspect(&reference)
                .unwrap()
                .warning
                .is_some()
        );
        for mode in [0o620, 0o602, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = DotenvProvider.read(&reference).err().unwrap();
            assert!(error.to_string().contains("may write"), "{error}");
        }
        let written = DotenvProvider.write(&reference, &"x".into(), &crate::Expect::Any);
        assert!(matches!(written, Err(Error::ReadOnly { .. })));
    }
}
