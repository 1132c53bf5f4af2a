//! The tree's nodes, out of its tiles.

use super::source::read_prefix;
use super::{TILE_HEIGHT, TILE_WIDTH, Tile, TileKind, TileSource, hashes_of, tile_root};
use crate::merkle::NodeSource;
use crate::{Error, Hash, Result};

/// Tiles kept in memory: two for each level, those of the leaf and those of the right edge.
const KEPT: usize = 16;

/// Reads nodes from the tiles of a tree of some size: O(log n) reads for a proof. Nodes are as good
/// as the tiles, so proofs made from them are verified before they are handed out.
pub struct TileNodes<S> {
    source: S,
    size: u64,
    kept: Vec<(Tile, Vec<Hash>)>,
}

impl<S: TileSource> TileNodes<S> {
    /// Of the tree of `size` leaves.
    pub const fn new(source: S, size: u64) -> Self {
        Self {
            source,
            size,
            kept: Vec::new(),
        }
    }

    fn hashes(&mut self, tile: Tile) -> Result<&[Hash]> {
        let at = match self.kept.iter().position(|(kept, _)| *kept == tile) {
            Some(at) => at,
            None => {
                let bytes = read_prefix(&self.source, &tile)?.ok_or(Error::Missing(tile))?;
                let hashes = hashes_of(&bytes, tile.width())
                    .ok_or(Error::malformed("a tile", "it has another width"))?;
                if self.kept.len() >= KEPT {
                    self.kept.remove(0);
                }
                self.kept.push((tile, hashes));
                self.kept.len() - 1
            }
        };
        self.kept
            .get(at)
            .map(|(_, hashes)| hashes.as_slice())
            .ok_or(Error::Missing(tile))
    }
}

impl<S: TileSource> NodeSource for TileNodes<S> {
    fn node(&mut self, level: u32, index: u64) -> Result<Hash> {
        let outside = Error::malformed("the proof", "a node is outside of the tree");
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let kind = TileKind::Hashes {
            level: u8::try_from(tile_level).unwrap_or(u8::MAX),
        };
        let (Some(first), count) = (index.checked_mul(1 << height), 1_usize << height) else {
            return Err(outside);
        };
        let Some(tile) = Tile::in_tree(kind, first / TILE_WIDTH, self.size) else {
            return Err(outside);
        };
        let start = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        self.hashes(tile)?
            .get(start..start.saturating_add(count))
            .and_then(tile_root)
            .ok_or(outside)
    }
}
