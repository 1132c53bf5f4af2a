//! Rebuilds tiles that are missing or half written, from what is below them.

use std::sync::Arc;

use super::LogError;
use super::files::{FileWriter, Files};
use super::index::{BatchCursor, Index};
use crate::tile::{hashes_of, read_prefix, tile_root};
use crate::{
    Hash, TILE_WIDTH, Tile, TileBuilder, TileKind, append_to_bundle, bundle_leaves, leaf_hash,
};

/// Makes tiles out of bundles and bundles out of segments.
pub(crate) struct Repair {
    pub(crate) files: Files,
    pub(crate) writer: FileWriter,
    pub(crate) index: Arc<Index>,
    /// Tiles that were rebuilt.
    pub(crate) rebuilt: u64,
}

impl Repair {
    /// Rebuilds the tile if it is not there, or anyway.
    pub(crate) fn ensure(&mut self, tile: &Tile, anyway: bool) -> Result<(), LogError> {
        if !anyway && self.files.has(tile)? {
            return Ok(());
        }
        let bytes = match tile.kind() {
            TileKind::Entries => self.bundle(tile)?,
            TileKind::Hashes { level } => TileBuilder::tile_bytes(&self.hashes(tile, level)?),
        };
        self.writer.add(tile.to_string(), bytes);
        self.writer.flush()?;
        self.rebuilt += 1;
        Ok(())
    }

    /// Leaves of the tile's range, from the segments.
    fn bundle(&self, tile: &Tile) -> Result<Vec<u8>, LogError> {
        let first = tile.first_leaf();
        let end = first + u64::from(tile.width());
        let mut bytes = Vec::new();
        let mut next = first;
        let mut batches = BatchCursor::new(Arc::clone(&self.index), first);
        while next < end {
            let Some(batch) = batches.next_batch()? else {
                return Err(LogError::damaged(next, &tile.to_string(), "it is missing"));
            };
            for (sequence, leaf, _) in batch.leaves() {
                if (next..end).contains(&sequence) {
                    append_to_bundle(&mut bytes, leaf)?;
                    next = sequence + 1;
                }
            }
        }
        Ok(bytes)
    }

    fn hashes(&mut self, tile: &Tile, level: u8) -> Result<Vec<Hash>, LogError> {
        let Some(below) = level.checked_sub(1) else {
            let bundle = Tile::new(TileKind::Entries, tile.index(), tile.width())?;
            self.ensure(&bundle, false)?;
            let bytes = read_prefix(&self.files, &bundle)?.unwrap_or_default();
            let hashes: crate::Result<Vec<Hash>> = bundle_leaves(&bytes)
                .map(|leaf| leaf.map(leaf_hash))
                .collect();
            return Ok(hashes?);
        };
        let mut hashes = Vec::with_capacity(usize::from(tile.width()));
        for number in 0..u64::from(tile.width()) {
            let index = tile.index() * TILE_WIDTH + number;
            let child = Tile::new(TileKind::Hashes { level: below }, index, TILE_WIDTH as u16)?;
            self.ensure(&child, false)?;
            let root = read_prefix(&self.files, &child)?
                .and_then(|bytes| hashes_of(&bytes, child.width()))
                .and_then(|hashes| tile_root(&hashes));
            hashes.push(root.ok_or_else(|| {
                LogError::damaged(child.first_leaf(), &child.to_string(), "it is missing")
            })?);
        }
        Ok(hashes)
    }
}
