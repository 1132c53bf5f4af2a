//! Removes old leaves; proofs of those that are kept stay good.

use std::sync::atomic::Ordering;

use super::{Log, LogError};
use crate::segment::{replace, segment_path};
use crate::{TILE_WIDTH, Tile, TileKind};

use super::files::partial_folder;

/// Holds the first leaf that is kept (the minimum index of C2SP tlog-tiles).
pub(crate) const MINIMUM: &str = "minimum";

impl Log {
    /// Removes leaves before `sequence`, as far as they fill whole entry bundles. Hash tiles stay,
    /// so every proof of a leaf that is kept, and between any two checkpoints, stays good. Bytes
    /// that a kept segment still holds go with that segment.
    ///
    /// # Errors
    ///
    /// When `sequence` is beyond the last signed checkpoint, or a file can't be removed: it is
    /// removed by the next pruning.
    pub fn prune(&self, sequence: u64) -> Result<u64, LogError> {
        let signed = self.status().signed;
        if sequence > signed {
            return Err(LogError::NotYet {
                sequence,
                size: signed,
            });
        }
        // Between two ticks: nothing is published meanwhile.
        let _publisher = self
            .publisher
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let storage = &*self.shared.storage;
        let minimum = sequence.max(self.minimum());
        // First what is promised, then what is removed: a crash between leaves too much, never too
        // little.
        replace(storage, MINIMUM, format!("{minimum}\n").as_bytes())
            .map_err(LogError::io(MINIMUM))?;
        self.shared.minimum.store(minimum, Ordering::Release);
        for index in 0..minimum / TILE_WIDTH {
            let bundle = Tile::new(TileKind::Entries, index, TILE_WIDTH as u16)?;
            let path = bundle.to_string();
            match storage.remove(&path).map_err(LogError::io(&path)) {
                Err(error) if !error.is_not_found() => return Err(error),
                Err(_) => {}
                Ok(()) => {
                    let folder = partial_folder(&bundle);
                    storage
                        .remove_folder(&folder)
                        .map_err(LogError::io(&folder))?;
                }
            }
        }
        for pair in self.shared.index.firsts().windows(2) {
            let [first, end] = pair else { break };
            if *end > minimum {
                break;
            }
            let path = segment_path(*first);
            storage.remove(&path).map_err(LogError::io(&path))?;
            self.shared.index.forget(*first);
        }
        Ok(minimum)
    }
}
