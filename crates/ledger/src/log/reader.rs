//! Reads leaves, beside the writer or from another process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::files::Files;
use super::index::Index;
use super::prune::MINIMUM;
use super::run::Shared;
use super::{Cursor, LogError, Record};
use crate::segment::{LogId, Storage, read_all};
use crate::{TILE_WIDTH, Tile, TileKind, TileSource, bundle_leaves};

/// How often a reader in another process looks for news.
const POLL: Duration = Duration::from_millis(100);

/// Reads a log's leaves, from entry bundles where they are full, from segments after that. Cheap to
/// clone. What it reads is held against the segments' checks, not against the tree: that is the
/// verifier's work.
#[derive(Clone)]
pub struct Reader {
    files: Files,
    pub(super) index: Arc<Index>,
    minimum: Arc<AtomicU64>,
    live: Option<Arc<Shared>>,
    log: Option<LogId>,
}

impl Reader {
    /// Reads a log that another process may be writing. Leaves at its end may be seen a moment
    /// before they are durable.
    ///
    /// # Errors
    ///
    /// When the folder can't be read, or belongs to another log than `origin`.
    pub fn open(storage: Arc<dyn Storage>, origin: Option<&str>) -> Result<Self, LogError> {
        let reader = Self {
            files: Files(Arc::clone(&storage)),
            minimum: Arc::new(AtomicU64::new(read_minimum(&*storage)?)),
            index: Arc::new(Index::new(storage, Vec::new(), 0)),
            live: None,
            log: origin.map(LogId::of),
        };
        reader.refresh()?;
        Ok(reader)
    }

    pub(super) fn live(shared: Arc<Shared>) -> Self {
        Self {
            files: Files(Arc::clone(&shared.storage)),
            index: Arc::clone(&shared.index),
            minimum: Arc::clone(&shared.minimum),
            log: None,
            live: Some(shared),
        }
    }

    /// Number of leaves that can be read, those that were pruned included.
    pub fn size(&self) -> u64 {
        self.index.durable()
    }

    /// The first leaf that is kept.
    pub fn minimum(&self) -> u64 {
        self.minimum.load(Ordering::Acquire)
    }

    /// Looks what another process wrote since. Beside the writer there is nothing to do.
    ///
    /// # Errors
    ///
    /// When the folder can't be read.
    pub fn refresh(&self) -> Result<(), LogError> {
        if self.live.is_none() {
            self.minimum
                .store(read_minimum(&*self.files.0)?, Ordering::Release);
            self.index.refresh(self.log)?;
        }
        Ok(())
    }

    /// One leaf.
    ///
    /// # Errors
    ///
    /// When it was pruned, is not written yet, or can't be read.
    pub fn leaf(&self, sequence: u64) -> Result<Vec<u8>, LogError> {
        let not_yet = LogError::NotYet {
            sequence,
            size: self.size(),
        };
        match self.from(sequence)?.next()? {
            Some(record) if record.sequence == sequence => Ok(record.leaf),
            _ => Err(not_yet),
        }
    }

    /// Leaves from `sequence` on, which may not be written yet.
    ///
    /// # Errors
    ///
    /// When it was pruned.
    pub fn from(&self, sequence: u64) -> Result<Cursor, LogError> {
        let minimum = self.minimum();
        if sequence < minimum {
            return Err(LogError::Pruned { sequence, minimum });
        }
        Ok(Cursor::new(self.clone(), sequence))
    }

    /// The leaves of the full entry bundle that `sequence` is in, from there on; `None` when there
    /// is no such bundle.
    pub(super) fn bundle(&self, sequence: u64) -> Result<Option<Vec<Record>>, LogError> {
        let index = sequence / TILE_WIDTH;
        let tile = Tile::new(TileKind::Entries, index, TILE_WIDTH as u16)?;
        let Some(bytes) = self.files.tile(&tile)? else {
            return Ok(None);
        };
        let mut records = Vec::with_capacity(TILE_WIDTH as usize);
        for (leaf, at) in bundle_leaves(&bytes).zip(tile.first_leaf()..) {
            // A bundle that is not whole is none: the segment may still have it.
            let Ok(leaf) = leaf else { return Ok(None) };
            records.push(Record {
                sequence: at,
                leaf: leaf.to_vec(),
            });
        }
        if records.len() < TILE_WIDTH as usize {
            return Ok(None);
        }
        records.retain(|record| record.sequence >= sequence);
        Ok(Some(records))
    }

    /// Waits until leaf `sequence` is there; `false` when the time ran out or the log ended.
    pub(super) fn wait_for(&self, sequence: u64, timeout: Duration) -> Result<bool, LogError> {
        if let Some(shared) = &self.live {
            return Ok(shared.wait_for(sequence, timeout));
        }
        let mut left = timeout;
        loop {
            self.refresh()?;
            if self.size() > sequence {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let pause = left.min(POLL);
            std::thread::sleep(pause);
            left -= pause;
        }
    }
}

/// The first leaf that is kept.
pub(crate) fn read_minimum(storage: &dyn Storage) -> Result<u64, LogError> {
    match read_all(storage, MINIMUM, 32) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(LogError::io(MINIMUM)(error)),
        Ok(bytes) => std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.trim_end().parse().ok())
            .ok_or_else(|| LogError::damaged(0, MINIMUM, "it holds no number")),
    }
}
