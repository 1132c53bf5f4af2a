//! A copy of the store at one moment, while it is used.

use std::fs::{File, Permissions, set_permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::PoisonError;

use crate::error::{Result, StoreError};

use super::SqliteStore;

impl SqliteStore {
    /// Writes a copy of all that is in the store at one moment to `path`, where there must be no
    /// file yet: one file with mode 0600, durable, with nothing in it that was deleted here.
    /// Others, and other processes, can use the store meanwhile.
    ///
    /// # Errors
    /// When there is a file, or the copy can't be written; what was begun is to be removed then.
    pub fn copy_to(&self, path: &Path) -> Result<()> {
        let io = |source| StoreError::Io {
            doing: "write",
            path: path.to_owned(),
            source,
        };
        let name = path
            .to_str()
            .ok_or_else(|| io(io::Error::other("the path is not UTF-8")))?;
        if path.exists() {
            return Err(io(io::ErrorKind::AlreadyExists.into()));
        }
        // Made narrow before anything is in it: an empty file is taken for none.
        File::create_new(path).map_err(io)?;
        set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connection.execute("VACUUM INTO ?1", [name])?;
        drop(connection);
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(io)
    }
}
