//! Tiles and bundles as files: read as a [`TileSource`], written so that none is ever half there.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::LogError;
use crate::segment::{Storage, parent, read_all};
use crate::{
    CHECKPOINT_PATH, Error, HASH_LEN, MAX_BUNDLE_BYTES, MAX_NOTE_BYTES, TILE_WIDTH, Tile, TileKind,
    TileSource, bundle_leaves,
};

/// The log's published files in a [`Storage`].
#[derive(Clone)]
pub(crate) struct Files(pub(crate) Arc<dyn Storage>);

impl Files {
    fn read(&self, path: &str, limit: usize) -> crate::Result<Option<Vec<u8>>> {
        match read_all(&*self.0, path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(Error::TooLarge {
                what: "a file of the log",
                limit,
            }),
            Err(source) => Err(Error::Io {
                path: path.into(),
                source,
            }),
        }
    }

    /// Whether the tile is there, whole as far as its form tells; for a partial one the full one
    /// will do.
    pub(crate) fn has(&self, tile: &Tile) -> crate::Result<bool> {
        for tile in [*tile, tile.full()] {
            let width = usize::from(tile.width());
            let whole = match self.tile(&tile)? {
                None => false,
                Some(bytes) if tile.kind() == TileKind::Entries => {
                    bundle_leaves(&bytes).map_while(Result::ok).count() == width
                }
                Some(bytes) => bytes.len() == width * HASH_LEN,
            };
            if whole {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl TileSource for Files {
    fn checkpoint(&self) -> crate::Result<Option<Vec<u8>>> {
        self.read(CHECKPOINT_PATH, MAX_NOTE_BYTES)
    }

    fn tile(&self, tile: &Tile) -> crate::Result<Option<Vec<u8>>> {
        let limit = match tile.kind() {
            TileKind::Hashes { .. } => TILE_WIDTH as usize * HASH_LEN,
            TileKind::Entries => MAX_BUNDLE_BYTES,
        };
        self.read(&tile.to_string(), limit)
    }
}

/// Where the partial forms of a tile are.
pub(crate) fn partial_folder(tile: &Tile) -> String {
    format!("{}.p", tile.full())
}

/// Writes files in groups: each is synced under a temporary name before it gets its own, and each
/// folder is synced once a group.
pub(crate) struct FileWriter {
    storage: Arc<dyn Storage>,
    folders: BTreeSet<String>,
    waiting: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

/// A group is written once it has so many bytes or files.
const GROUP_BYTES: usize = 8 << 20;
const GROUP_FILES: usize = 64;

impl FileWriter {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            folders: BTreeSet::new(),
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes a file. Durable after [`FileWriter::flush`].
    pub(crate) fn add(&mut self, path: String, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.waiting.push((path, bytes));
    }

    /// Whether enough waits that it should be flushed.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= GROUP_BYTES || self.waiting.len() >= GROUP_FILES
    }

    /// Writes all that waits, durably. Paths of what was written. After an error all of it waits
    /// still.
    pub(crate) fn flush(&mut self) -> Result<Vec<String>, LogError> {
        let group = std::mem::take(&mut self.waiting);
        if let Err(error) = self.write(&group) {
            self.waiting = group;
            return Err(error);
        }
        self.bytes = 0;
        Ok(group.into_iter().map(|(path, _)| path).collect())
    }

    /// Gives up on all that waits, and gives back the room it took.
    pub(crate) fn clear(&mut self) {
        for (path, _) in self.waiting.drain(..) {
            // Most were never begun.
            let _ = self.storage.remove(&temporary(&path));
        }
        self.bytes = 0;
    }

    fn write(&mut self, group: &[(String, Vec<u8>)]) -> Result<(), LogError> {
        for (path, _) in group {
            self.ensure_folder(parent(path))?;
        }
        self.write_temporaries(group)?;
        let mut folders = BTreeSet::new();
        for (path, _) in group {
            self.storage
                .rename(&temporary(path), path)
                .map_err(LogError::io(path))?;
            folders.insert(parent(path));
        }
        for folder in folders {
            self.storage
                .sync_folder(folder)
                .map_err(LogError::io(folder))?;
        }
        Ok(())
    }

    fn write_temporaries(&self, group: &[(String, Vec<u8>)]) -> Result<(), LogError> {
        // One after the other: with several at a time, syncs of batches wait for more of them.
        group.iter().try_for_each(|(path, bytes)| {
            let write = || {
                let file = self.storage.create(&temporary(path), 0)?;
                file.write_at(0, bytes)?;
                file.sync()
            };
            write().map_err(LogError::io(path))
        })
    }

    /// Creates a folder and those above it, each durable in the one above.
    pub(crate) fn ensure_folder(&mut self, path: &str) -> Result<(), LogError> {
        if path.is_empty() || self.folders.contains(path) {
            return Ok(());
        }
        let above = parent(path);
        self.ensure_folder(above)?;
        self.storage
            .create_folder(path)
            .map_err(LogError::io(path))?;
        // Also when it was there: it may not be durable since a crash.
        self.storage
            .sync_folder(above)
            .map_err(LogError::io(above))?;
        self.folders.insert(path.to_owned());
        Ok(())
    }

    /// Forgets a folder that was removed.
    pub(crate) fn remove_folder(&mut self, path: &str) {
        // What stays behind is not read: the full tile is there.
        let _ = self.storage.remove_folder(path);
        self.folders.remove(path);
    }
}

fn temporary(path: &str) -> String {
    format!("{path}.tmp")
}
