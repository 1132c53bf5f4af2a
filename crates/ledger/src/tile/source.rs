//! Where tiles are read from.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{MAX_BUNDLE_BYTES, TILE_WIDTH, Tile, TileKind};
use crate::{Error, HASH_LEN, MAX_NOTE_BYTES, Result};

/// Path of the newest checkpoint, beside `tile/`.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// A log that can be read: its newest checkpoint, its tiles and entry bundles. What it gives is not
/// trusted.
pub trait TileSource {
    /// The newest signed checkpoint; `None` when there is none yet. At most [`MAX_NOTE_BYTES`].
    ///
    /// # Errors
    ///
    /// When it can't be read.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>>;

    /// The bytes of exactly this tile, or of this width of it; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// When it can't be read or is too large to be one.
    fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>>;
}

impl<S: TileSource + ?Sized> TileSource for &S {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        (**self).checkpoint()
    }

    fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        (**self).tile(tile)
    }
}

/// A folder with `checkpoint` and `tile/…`, as they would be served.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// The log in this folder. Nothing is read yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let path = self.0.join(name);
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(fault)
                if matches!(fault.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(fault) => return Err(io(fault)),
        };
        let length = file.metadata().map_err(io)?.len();
        let mut bytes = Vec::with_capacity(limit.min(usize::try_from(length).unwrap_or(limit)) + 1);
        file.take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        if bytes.len() > limit {
            return Err(Error::TooLarge {
                what: "a file of the log",
                limit,
            });
        }
        Ok(Some(bytes))
    }
}

impl TileSource for Directory {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        self.read(CHECKPOINT_PATH, MAX_NOTE_BYTES)
    }

    fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        let limit = match tile.kind() {
            TileKind::Hashes { .. } => TILE_WIDTH as usize * HASH_LEN,
            TileKind::Entries => MAX_BUNDLE_BYTES,
        };
        self.read(&tile.to_string(), limit)
    }
}

/// The first `width` entries of a tile or bundle, from the partial one or, when that was cleared
/// away, from the full one.
///
/// # Errors
///
/// When neither is there or has that many.
pub(crate) fn read_prefix(source: &dyn TileSource, tile: &Tile) -> Result<Option<Vec<u8>>> {
    if let Some(bytes) = source.tile(tile)? {
        return Ok(Some(bytes));
    }
    if tile.is_full() {
        return Ok(None);
    }
    let Some(mut bytes) = source.tile(&tile.full())? else {
        return Ok(None);
    };
    let end = match tile.kind() {
        TileKind::Hashes { .. } => usize::from(tile.width()) * HASH_LEN,
        TileKind::Entries => super::bundle_leaves(&bytes)
            .take(usize::from(tile.width()))
            .map_while(Result::ok)
            .map(|leaf| leaf.len() + 2)
            .sum(),
    };
    bytes.truncate(end);
    Ok(Some(bytes))
}
