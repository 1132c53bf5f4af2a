//! Builds tiles behind the writer, and signs what is durable.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::files::{FileWriter, partial_folder};
use super::index::BatchCursor;
use super::run::Shared;
use super::{AnchorError, Halt, LogError};
use crate::segment::{replace, segment_path};
use crate::{
    CHECKPOINT_PATH, Checkpoint, Signer, TILE_WIDTH, Tile, TileBuilder, TileKind, append_to_bundle,
};

/// When a checkpoint is due.
pub(crate) struct Cadence {
    pub(crate) every: Duration,
    pub(crate) idle: Duration,
    pub(crate) last: Option<Duration>,
}

impl Cadence {
    fn due(&self, now: Duration, new: bool) -> bool {
        let wait = if new { self.every } else { self.idle };
        self.last
            .is_none_or(|last| now.saturating_sub(last) >= wait)
    }
}

/// Follows the durable leaves. Holds the tree's right edge and one entry bundle, however long the
/// log.
pub(crate) struct Publisher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) files: FileWriter,
    pub(crate) batches: BatchCursor,
    pub(crate) builder: TileBuilder,
    /// The unfinished entry bundle.
    pub(crate) bundle: Vec<u8>,
    /// What the anchor holds, as far as is known.
    pub(crate) anchored: Option<Vec<u8>>,
    /// What was last handed to the anchor without an answer.
    pub(crate) attempted: Option<Vec<u8>>,
    /// Size of the last checkpoint, if any was signed.
    pub(crate) signed: Option<u64>,
    pub(crate) cadence: Cadence,
    /// Folders of partial tiles, cleared away once the full one is there.
    pub(crate) partials: BTreeSet<String>,
}

impl Publisher {
    /// Publishes full tiles, and a checkpoint if one is due or wanted.
    pub(crate) fn tick(&mut self, wanted: bool) -> Result<(), LogError> {
        self.follow()?;
        let new = self.signed != Some(self.builder.size());
        let now = self.shared.options.clock.elapsed();
        if self.cadence.due(now, new) || (wanted && new) {
            self.cadence.last = Some(now);
            self.publish_partials()?;
            self.sign()?;
            self.drop_segments();
        }
        Ok(())
    }

    /// Publishes and signs on a full disk: where there is no room for tiles, the checkpoint alone.
    /// Its tiles are built from the segments at the next start. Nothing else may follow.
    pub(crate) fn last_tick(&mut self) -> Result<(), LogError> {
        match self.tick(true) {
            Err(error) if error.is_disk_full() => loop {
                self.files.clear();
                match self.follow() {
                    Err(error) if error.is_disk_full() => {}
                    Err(error) => return Err(error),
                    Ok(()) => return self.sign(),
                }
            },
            other => other,
        }
    }

    /// Takes all that is durable into the tree.
    fn follow(&mut self) -> Result<(), LogError> {
        while let Some(batch) = self.batches.next_batch()? {
            for (sequence, leaf, hash) in batch.leaves() {
                if sequence < self.builder.size() {
                    continue;
                }
                append_to_bundle(&mut self.bundle, leaf)?;
                let (files, bundle) = (&mut self.files, &mut self.bundle);
                self.builder.push(hash, |tile, hashes| {
                    if tile.kind() == (TileKind::Hashes { level: 0 }) {
                        let entries = Tile::new(TileKind::Entries, tile.index(), tile.width())?;
                        files.add(entries.to_string(), std::mem::take(bundle));
                    }
                    files.add(tile.to_string(), TileBuilder::tile_bytes(hashes));
                    Ok(())
                })?;
            }
            if self.files.is_full() {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), LogError> {
        for path in self.files.flush()? {
            let folder = format!("{path}.p");
            if self.partials.remove(&folder) {
                self.files.remove_folder(&folder);
            }
        }
        Ok(())
    }

    fn publish_partials(&mut self) -> Result<(), LogError> {
        let size = self.builder.size();
        if self.signed == Some(size) {
            return Ok(());
        }
        if let Some(entries) = Tile::in_tree(TileKind::Entries, size / TILE_WIDTH, size) {
            self.partials.insert(partial_folder(&entries));
            self.files.add(entries.to_string(), self.bundle.clone());
        }
        for (tile, hashes) in self.builder.partial_tiles() {
            self.partials.insert(partial_folder(&tile));
            self.files
                .add(tile.to_string(), TileBuilder::tile_bytes(hashes));
        }
        self.flush()
    }

    /// Signs, anchors, and publishes, in this order: what others see is always anchored.
    ///
    /// A signer or store that can't be reached is tried again; meanwhile leaves are taken, and the
    /// status tells of it.
    fn sign(&mut self) -> Result<(), LogError> {
        let options = &self.shared.options;
        let signers: Vec<&dyn Signer> = options.signers.iter().map(|signer| &**signer).collect();
        let head = self.builder.head();
        let note = match Checkpoint::new(&options.origin, head)?.sign(&signers) {
            Ok(note) => note.to_bytes(),
            Err(error) => {
                self.shared.unsigned(Some(error.to_string()));
                return Ok(());
            }
        };
        match self.anchor(&note) {
            Ok(()) => {}
            Err(AnchorError::Conflict) => {
                let why = "another checkpoint is anchored than this ledger's last: a second \
                           writer signs it, or the store was turned back";
                return Err(Halt::Failed(why.into()).into());
            }
            Err(error) => {
                self.shared.unsigned(Some(error.to_string()));
                return Ok(());
            }
        }
        replace(&*self.shared.storage, CHECKPOINT_PATH, &note)
            .map_err(LogError::io(CHECKPOINT_PATH))?;
        self.signed = Some(head.size);
        self.shared.signed(head.size);
        Ok(())
    }

    fn anchor(&mut self, note: &[u8]) -> Result<(), AnchorError> {
        let anchor = Arc::clone(&self.shared.options.anchor);
        if let Some(attempted) = self.attempted.take() {
            // The last swap had no answer: it may have been done.
            let held = anchor
                .load()
                .inspect_err(|_| self.attempted = Some(attempted.clone()))?;
            if held.as_deref() == Some(&*attempted) {
                self.anchored = held;
            }
        }
        match anchor.swap(self.anchored.as_deref(), note) {
            Ok(()) => {
                self.anchored = Some(note.to_vec());
                Ok(())
            }
            Err(error) => {
                if error != AnchorError::Conflict {
                    self.attempted = Some(note.to_vec());
                }
                Err(error)
            }
        }
    }

    /// Removes segments all of whose leaves are in full, signed bundles, but for the last few.
    fn drop_segments(&self) {
        let bundled = self.signed.unwrap_or(0) / TILE_WIDTH * TILE_WIDTH;
        let firsts = self.shared.index.firsts();
        let keep = self.shared.options.tuning.keep_segments.saturating_add(1);
        let old = firsts.len().saturating_sub(keep);
        for pair in firsts.windows(2).take(old) {
            let [first, end] = pair else { break };
            if *end > bundled {
                break;
            }
            // One that stays is tried again after the next checkpoint.
            if self.shared.storage.remove(&segment_path(*first)).is_err() {
                break;
            }
            self.shared.index.forget(*first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_soon_when_there_is_news_and_later_when_not() {
        let second = Duration::from_secs(1);
        let mut cadence = Cadence {
            every: second,
            idle: 60 * second,
            last: None,
        };
        assert!(cadence.due(Duration::ZERO, false));
        cadence.last = Some(100 * second);
        assert!(!cadence.due(100 * second + second / 2, true));
        assert!(cadence.due(101 * second, true));
        assert!(!cadence.due(159 * second, false));
        assert!(cadence.due(160 * second, false));
        // Never before the last one, and never a panic.
        assert!(!cadence.due(second, true));
    }
}
