//! The data folder and what is where in it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The data folder when nothing says otherwise, in the current one.
pub(crate) const DEFAULT: &str = ".doorward";

/// Most bytes in the path of a Unix socket (`sun_path` less the end).
const SOCKET_PATH_MAX: usize = 107;

/// The data folder, by its absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// The folder at `path`, which need not be there.
    ///
    /// # Errors
    /// When the current folder can't be told.
    pub(crate) fn at(path: &Path) -> Result<Self, Failure> {
        let absolute = std::path::absolute(path).map_err(|error| {
            Failure::usage(format_args!(
                "can't tell where {} is: {error}",
                path.display()
            ))
        })?;
        // What is there is named by its real path, so that references into it have no `..`.
        Ok(Self(absolute.canonicalize().unwrap_or(absolute)))
    }

    /// Makes the folder, with mode 0700, when it is missing. Git leaves out all that is in it, wherever
    /// it is and whatever it is called.
    ///
    /// # Errors
    /// When it can't be made, or others may look into it.
    pub(crate) fn make(&self) -> Result<(), Failure> {
        make_private(&self.0)?;
        let empty = |mut entries: fs::ReadDir| entries.next().is_none();
        if fs::read_dir(&self.0).is_ok_and(empty) {
            let path = self.0.join(".gitignore");
            fs::write(&path, "*\n").map_err(|error| unusable("write", &path, error))?;
        }
        Ok(())
    }

    /// Looks whether the folder is this user's own and nobody else's to look into: before anything in it
    /// is believed, or told a token. One that is not there is well.
    ///
    /// # Errors
    /// When it belongs to another user, or others may look into it.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.exists() {
            true => check_private(&self.0),
            false => Ok(()),
        }
    }

    /// Looks whether the folder is this user's own: before anything is written into it. What root
    /// wrote there, its owner's server could not read.
    ///
    /// # Errors
    /// When it belongs to another user, be this user root.
    pub(crate) fn check_own(&self) -> Result<(), Failure> {
        match self.exists() {
            true => check_own(&self.0),
            false => Ok(()),
        }
    }

    /// Makes the folder for secrets, with mode 0700, when it is missing.
    pub(crate) fn make_secrets(&self) -> Result<PathBuf, Failure> {
        let path = self.0.join("secrets");
        make_private(&path)?;
        Ok(path)
    }

    /// Makes the folder of the local certificate authority, with mode 0700, when it is missing.
    ///
    /// # Errors
    /// When it can't be made, or others may look into it.
    pub(crate) fn make_ca(&self) -> Result<PathBuf, Failure> {
        self.make()?;
        let path = self.0.join("ca");
        make_private(&path)?;
        Ok(path)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether there is such a folder.
    pub(crate) fn exists(&self) -> bool {
        self.0.is_dir()
    }

    /// The store.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("doorward.db")
    }

    /// The events that came in, and what is owed of them.
    pub(crate) fn relay(&self) -> PathBuf {
        self.0.join("relay.db")
    }

    /// Makes the ledger's folder, with mode 0700, when it is missing.
    ///
    /// # Errors
    /// When it can't be made, or others may look into it.
    pub(crate) fn make_ledger(&self) -> Result<PathBuf, Failure> {
        let path = self.ledger();
        make_private(&path)?;
        Ok(path)
    }

    /// The ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    /// The ledger's public keys, a line each: what a verifier needs. Not in the ledger's folder, so
    /// that a copy of that folder is not verified by what it brings along.
    pub(crate) fn ledger_public_keys(&self) -> PathBuf {
        self.0.join("ledger.pub")
    }

    /// The socket of the admin API.
    ///
    /// # Errors
    /// When the system takes no socket of so long a path.
    pub(crate) fn admin_socket(&self) -> Result<PathBuf, Failure> {
        let path = self.0.join("admin.sock");
        if path.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(Failure::usage(format_args!(
                "the path of the admin socket, {}, is longer than the {SOCKET_PATH_MAX} bytes that \
                 a socket may have; choose a data folder with a shorter path",
                path.display()
            )));
        }
        Ok(path)
    }

    /// What `up` remembers: that this is a demo, and its clients' keys.
    pub(crate) fn demo(&self) -> PathBuf {
        self.0.join("demo.json")
    }

    /// Makes the folder of the sandbox's state, of `up`, when it is missing. What is in it is the
    /// emulated Instantly's, keys in clear among it, and no part of Doorward's own state.
    pub(crate) fn make_sandbox(&self) -> Result<PathBuf, Failure> {
        let path = self.0.join("sandbox");
        make_private(&path)?;
        Ok(path)
    }
}

fn make_private(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.map_err(|error| unusable("make the folder", path, error))?;
    check_private(path)?;
    check_own(path)
}

fn check_own(path: &Path) -> Result<(), Failure> {
    let metadata =
        fs::metadata(path).map_err(|error| unusable("look at the folder", path, error))?;
    let us = rustix::process::geteuid().as_raw();
    may_write(us, metadata.uid())
        .map_err(|why| Failure::usage(format_args!("{} belongs to {why}", path.display())))
}

fn unusable(doing: &str, path: &Path, error: io::Error) -> Failure {
    Failure::usage(format_args!(
        "can't {doing} {}: {error}; choose another folder with --data-dir",
        path.display()
    ))
}

fn check_private(path: &Path) -> Result<(), Failure> {
    let metadata =
        fs::metadata(path).map_err(|error| unusable("look at the folder", path, error))?;
    let us = rustix::process::geteuid().as_raw();
    if !may_own(us, metadata.uid()) {
        return Err(Failure::usage(format_args!(
            "{} belongs to user {}, who could change what is in it, and this is user {us}; run as \
             its owner, or choose another folder with --data-dir",
            path.display(),
            metadata.uid()
        )));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(Failure::usage(format_args!(
            "others may look into {} (mode {:04o}), which is to hold secrets; run `chmod 700 {}` \
             or choose another folder with --data-dir",
            path.display(),
            metadata.mode() & 0o7777,
            path.display()
        )));
    }
    Ok(())
}

/// Whether a folder of this owner may be written to, or why not: one's own alone.
fn may_write(us: u32, owner: u32) -> Result<(), String> {
    if us == owner {
        return Ok(());
    }
    Err(format!(
        "user {owner}, whose server could not read what user {us} writes there, and no server runs \
         that could do it; run this as its owner: sudo -u '#{owner}' doorward …"
    ))
}

/// Whether a folder of this owner may be used: one's own; root may ask anybody's server.
fn may_own(us: u32, owner: u32) -> bool {
    us == 0 || us == owner
}

/// Replaces a file in one step; only its owner can read it.
///
/// # Errors
/// As the system says.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".doorward-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(&dir.path().join("a/b")).unwrap();
        data.make().unwrap();
        let ignored = data.path().join(".gitignore");
        assert_eq!(fs::read_to_string(&ignored).unwrap(), "*\n");
        let secrets = data.make_secrets().unwrap();
        // A folder that is in use already is left as it is.
        fs::remove_file(&ignored).unwrap();
        data.make().unwrap();
        assert!(!ignored.exists());
        for path in [data.path(), &secrets] {
            assert_eq!(
                fs::metadata(path).unwrap().mode() & 0o777,
                0o700,
                "{}",
                path.display()
            );
        }
        let file = data.demo();
        write_private(&file, b"one").unwrap();
        write_private(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        for (us, owner, may) in [
            (1000, 1000, true),
            (1000, 1001, false),
            (1000, 0, false),
            (0, 1000, true),
            (0, 0, true),
        ] {
            assert_eq!(may_own(us, owner), may, "{us} {owner}");
        }
        for us in [0, 1000] {
            assert_eq!(may_write(us, us), Ok(()));
        }
        let why = may_write(0, 1000).unwrap_err();
        assert!(why.contains("sudo -u '#1000'"), "{why}");
    }

    #[test]
    fn a_folder_that_others_look_into_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let error = DataDir::at(&open).unwrap().make().unwrap_err();
        assert!(error.to_string().contains("chmod 700"), "{error}");
        assert_eq!(error.code(), 2);
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_told() {
        let data = DataDir::at(&Path::new("/tmp").join("x".repeat(120))).unwrap();
        assert!(
            data.admin_socket()
                .unwrap_err()
                .to_string()
                .contains("shorter path")
        );
    }
}
