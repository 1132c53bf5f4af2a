//! Building tiles from leaf hashes, in order.

use super::source::read_prefix;
use super::{TILE_HEIGHT, TILE_WIDTH, Tile, TileKind, TileSource, hashes_of, tile_root};
use crate::merkle::fold_edge;
use crate::{Error, HASH_LEN, Hash, MAX_TREE_SIZE, Result, TreeHead};

/// The unfinished tile of each level: takes leaf hashes, gives each tile that gets full, knows the
/// partial ones and the root. At most 8 · 255 hashes, however long the log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TileBuilder {
    size: u64,
    /// Lowest level first, each below 256 hashes, none empty at the top.
    levels: Vec<Vec<Hash>>,
}

impl TileBuilder {
    /// Of the tree without leaves.
    pub const fn new() -> Self {
        Self {
            size: 0,
            levels: Vec::new(),
        }
    }

    /// Goes on after the first `size` leaves, with the tiles that a source has of them. What it has
    /// is not verified: compare [`head`](Self::head) with a checkpoint of that size.
    ///
    /// # Errors
    ///
    /// When a tile is missing or has another width.
    pub fn resume(source: &dyn TileSource, size: u64) -> Result<Self> {
        if size > MAX_TREE_SIZE {
            return Err(Error::malformed("the tree", "it is too large"));
        }
        let mut levels = Vec::new();
        let mut hashes = size;
        for level in 0..=Tile::MAX_LEVEL {
            if hashes == 0 {
                break;
            }
            let kind = TileKind::Hashes { level };
            let width = u16::try_from(hashes % TILE_WIDTH).unwrap_or(0);
            levels.push(if width == 0 {
                Vec::new()
            } else {
                let tile = Tile::new(kind, hashes / TILE_WIDTH, width)?;
                let bytes = read_prefix(source, &tile)?.ok_or(Error::Missing(tile))?;
                hashes_of(&bytes, width)
                    .ok_or(Error::malformed("a tile", "it has another width"))?
            });
            hashes /= TILE_WIDTH;
        }
        Ok(Self { size, levels })
    }

    /// With these unfinished tiles, the lowest level first.
    pub(crate) const fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    /// The unfinished tile of each level, the lowest first.
    pub(crate) fn into_levels(self) -> Vec<Vec<Hash>> {
        self.levels
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash. Each tile that gets full is given to `full` with its 256 hashes,
    /// the lowest first.
    ///
    /// # Errors
    ///
    /// Those of `full`; then the builder has taken the leaf only in part and must not be used on.
    pub fn push(
        &mut self,
        leaf: Hash,
        mut full: impl FnMut(Tile, &[Hash]) -> Result<()>,
    ) -> Result<()> {
        self.size += 1;
        let mut node = leaf;
        for level in 0..=Tile::MAX_LEVEL {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::with_capacity(TILE_WIDTH as usize));
            }
            let Some(hashes) = self.levels.get_mut(usize::from(level)) else {
                break;
            };
            hashes.push(node);
            if hashes.len() < TILE_WIDTH as usize {
                break;
            }
            let index = (self.size >> (TILE_HEIGHT * (u32::from(level) + 1))) - 1;
            let tile = Tile::new(TileKind::Hashes { level }, index, TILE_WIDTH as u16)?;
            full(tile, hashes)?;
            let Some(root) = tile_root(hashes) else { break };
            node = root;
            hashes.clear();
        }
        Ok(())
    }

    /// The partial tiles at this size with their hashes, the lowest first.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..=Tile::MAX_LEVEL)
            .zip(&self.levels)
            .filter_map(|(level, hashes)| {
                let kind = TileKind::Hashes { level };
                let index = self.size >> (TILE_HEIGHT * (u32::from(level) + 1));
                let tile = Tile::new(kind, index, u16::try_from(hashes.len()).ok()?).ok()?;
                Some((tile, hashes.as_slice()))
            })
    }

    /// Root hash at this size.
    pub fn root(&self) -> Hash {
        let mut right = None;
        for hashes in &self.levels {
            let mut rest = hashes.as_slice();
            let mut roots = Vec::new();
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                roots.extend(tile_root(subtree));
                rest = after;
            }
            right = fold_edge(&roots, right);
        }
        right.unwrap_or(Hash::EMPTY_TREE)
    }

    /// Size and root.
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size,
            root: self.root(),
        }
    }

    /// A tile's bytes.
    pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(hashes.len() * HASH_LEN);
        for hash in hashes {
            bytes.extend(hash.as_bytes());
        }
        bytes
    }
}

/// The tiles and bundles that a tree of `new` leaves has and that of `old` has not, partial ones of
/// `new` included.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..=Tile::MAX_LEVEL).map(|level| (u32::from(level), TileKind::Hashes { level }));
    std::iter::once((0, TileKind::Entries))
        .chain(levels)
        .flat_map(move |(level, kind)| {
            let (had, has) = (old >> (TILE_HEIGHT * level), new >> (TILE_HEIGHT * level));
            let range = if had < has {
                had / TILE_WIDTH..has.div_ceil(TILE_WIDTH)
            } else {
                0..0
            };
            range.filter_map(move |index| Tile::in_tree(kind, index, new))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frontier, leaf_hash};

    #[test]
    fn agrees_with_the_frontier_and_gives_each_full_tile_once() {
        let (mut builder, mut frontier) = (TileBuilder::new(), Frontier::new());
        let mut full = Vec::new();
        for n in 0..70_000_u32 {
            let leaf = leaf_hash(&n.to_be_bytes());
            frontier.push(leaf);
            builder
                .push(leaf, |tile, hashes| {
                    assert_eq!(hashes.len(), 256);
                    full.push(tile);
                    Ok(())
                })
                .unwrap();
            if n < 600 || n % 997 == 0 {
                assert_eq!(builder.head(), frontier.head());
            }
        }
        assert_eq!(builder.head(), frontier.head());
        assert_eq!(full.len(), 273 + 1);
        let partial: Vec<_> = builder
            .partial_tiles()
            .map(|(t, _)| t.to_string())
            .collect();
        assert_eq!(
            partial,
            ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        let all = full.len() + partial.len();
        let expected = tiles_between(0, 70_000)
            .filter(|tile| tile.kind() != TileKind::Entries)
            .count();
        assert_eq!(all, expected);
    }

    #[test]
    fn only_what_is_new_is_between() {
        let names =
            |old, new| -> Vec<String> { tiles_between(old, new).map(|t| t.to_string()).collect() };
        assert!(names(7, 7).is_empty());
        assert_eq!(names(0, 1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(
            names(255, 257),
            [
                "tile/entries/000",
                "tile/entries/001.p/1",
                "tile/0/000",
                "tile/0/001.p/1",
                "tile/1/000.p/1"
            ]
        );
        assert_eq!(
            names(257, 300),
            ["tile/entries/001.p/44", "tile/0/001.p/44"]
        );
    }
}
