//! A copy of the store at one moment, while it is used.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use doorward_store::StoreError;

use super::read::EventReader;
use crate::error::Result;

impl EventReader {
    /// Writes a copy of all that is in the store at one moment to `path`, where there must be no
    /// file yet: one file with mode 0600, durable, with nothing in it that was removed here. Others,
    /// and other processes, can use the store meanwhile. What was delivered after that moment is
    /// delivered again by who goes on from the copy.
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
        // Made narrow before anything is in it: an empty file is taken for none.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(io)?;
        self.with(|connection| Ok(connection.execute("VACUUM INTO ?1", [name]).map(drop)?))?;
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|source| io(source).into())
    }
}
