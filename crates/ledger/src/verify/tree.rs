//! The tree, built anew from the leaves and held against the log's tiles and the signed root.
//!
//! Where a tile and what is below it differ, the tile above decides which of both was signed, or, at
//! the tree's right edge, the root. What was signed is then built on, so that one break hides no
//! other: the root proves at the end that nothing but what was told is broken.

use super::breaks::{Break, Breaks, bundle_path};
use crate::hash::leaf_hashes;
use crate::tile::{hashes_of, read_prefix, tile_root};
use crate::{
    Error, Hash, Result, TILE_WIDTH, Tile, TileBuilder, TileKind, TileSource, TreeHead,
    bundle_leaves,
};

/// A walk through all bundles of a tree.
pub(super) struct TreeWalk<'s> {
    source: &'s dyn TileSource,
    head: TreeHead,
    first: u64,
    /// Tells the leaf before which bundles may be gone.
    minimum: &'s dyn Fn() -> u64,
    next: u64,
    /// The unfinished tile of each level, as it must have been when it was signed.
    levels: Vec<Vec<Hash>>,
    /// Whether the levels have all that came before.
    whole: bool,
    breaks: Breaks,
    /// What is wrong beside the leaves, if the root proves them.
    beside: Vec<Break>,
    beside_count: u64,
    leaf_bytes: u64,
    pruned: u64,
}

/// What came of it.
pub(super) struct Tree {
    pub(super) breaks: Breaks,
    /// Hashes of the unfinished tile of each level.
    pub(super) edge: Vec<Vec<Hash>>,
    pub(super) leaf_bytes: u64,
    /// Leaves that are gone because the log was pruned.
    pub(super) pruned: u64,
}

/// A tile at the right edge that is not what was built.
struct Doubt {
    level: u8,
    tile: Tile,
    built: Vec<Hash>,
    stored: Vec<Hash>,
}

impl<'s> TreeWalk<'s> {
    /// From leaf `first` on, a multiple of 256; the tiles stand for what is before.
    ///
    /// # Errors
    ///
    /// When these tiles are missing or malformed.
    pub(super) fn new(
        source: &'s dyn TileSource,
        head: TreeHead,
        first: u64,
        minimum: &'s dyn Fn() -> u64,
    ) -> Result<Self> {
        Ok(Self {
            source,
            head,
            first,
            minimum,
            next: first,
            levels: TileBuilder::resume(source, first)?.into_levels(),
            whole: true,
            breaks: Breaks::default(),
            beside: Vec::new(),
            beside_count: 0,
            leaf_bytes: 0,
            pruned: 0,
        })
    }

    /// The leaf that comes next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes the next bundle; `false` when there is none.
    pub(super) fn step(&mut self) -> Result<bool> {
        let index = self.next / TILE_WIDTH;
        let Some(bundle) = (self.next < self.head.size)
            .then(|| Tile::in_tree(TileKind::Entries, index, self.head.size))
            .flatten()
        else {
            return Ok(false);
        };
        let bytes = present(read_prefix(self.source, &bundle))?;
        let stored = self.stored(0, index)?;
        self.next = bundle.first_leaf() + u64::from(bundle.width());
        let built = match bytes {
            None if self.next <= (self.minimum)() => {
                self.pruned += u64::from(bundle.width());
                if stored.is_empty()
                    && let Some(tile) = Tile::in_tree(LEAVES, index, self.head.size)
                {
                    self.beside(Break::Tile(tile));
                }
                None
            }
            bytes => self.leaves(bundle, &bytes.unwrap_or_default(), &stored),
        };
        if bundle.is_full() {
            let node = self.settle(0, index, built, stored)?;
            self.push(1, node)?;
        } else {
            let built = built.unwrap_or(stored);
            self.whole &= !built.is_empty();
            match self.levels.first_mut() {
                Some(level) => *level = built,
                None => self.levels.push(built),
            }
        }
        Ok(true)
    }

    /// Hashes of a bundle's leaves; `None` when not all can be read.
    fn leaves(&mut self, bundle: Tile, bytes: &[u8], stored: &[Hash]) -> Option<Vec<Hash>> {
        let width = usize::from(bundle.width());
        let mut rest = bundle_leaves(bytes);
        let leaves: Vec<&[u8]> = rest
            .by_ref()
            .take(width)
            .map_while(std::result::Result::ok)
            .collect();
        let hashes = leaf_hashes(&leaves);
        self.leaf_bytes += leaves.iter().map(|leaf| leaf.len() as u64).sum::<u64>();
        if hashes.len() == width {
            if rest.next().is_some() {
                self.beside(Break::Surplus(bundle));
            }
            return Some(hashes);
        }
        // A length that was changed makes the bundle end too early: where it begins to differ says
        // more than where it ends.
        let differs = if stored.is_empty() {
            None
        } else {
            differences(&hashes, stored).next()
        };
        let leaf = bundle.first_leaf() + differs.unwrap_or(hashes.len()) as u64;
        let why = differs.map_or(Break::Truncated { bundle, leaf }, |_| Break::Leaf(leaf));
        self.breaks.add(bundle.to_string(), why);
        None
    }

    /// Decides between what was built of a full tile and what is stored of it. The tile's root, as
    /// it was signed; `None` when nobody knows it.
    fn settle(
        &mut self,
        level: u8,
        index: u64,
        built: Option<Vec<Hash>>,
        stored: Vec<Hash>,
    ) -> Result<Option<Hash>> {
        let Some(built) = built else {
            // What was not there was told; the tile stands for it.
            return match tile_root(&stored) {
                None => self.signed_root(level, index),
                root => Ok(root),
            };
        };
        let root = tile_root(&built);
        if built == stored {
            return Ok(root);
        }
        let tile = Tile::new(TileKind::Hashes { level }, index, TILE_WIDTH as u16)?;
        let signed = self.signed_root(level, index)?;
        if signed.is_none() || signed == root {
            self.beside(Break::Tile(tile));
            return Ok(root);
        }
        if stored.is_empty() {
            self.range(tile);
            return Ok(signed);
        }
        self.forged(level, tile, &built, &stored);
        Ok(tile_root(&stored))
    }

    /// The root of a full tile as the stored tile above has it.
    fn signed_root(&self, level: u8, index: u64) -> Result<Option<Hash>> {
        if level >= Tile::MAX_LEVEL {
            return Ok(None);
        }
        let above = self.stored(level + 1, index / TILE_WIDTH)?;
        let place = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
        Ok(above.get(place).copied())
    }

    /// Puts the root of a full tile into the level above.
    fn push(&mut self, level: u8, node: Option<Hash>) -> Result<()> {
        let mut next = node;
        for level in level..=Tile::MAX_LEVEL {
            let Some(node) = next else {
                self.whole = false;
                break;
            };
            if !self.whole {
                break;
            }
            while self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(usize::from(level)) else {
                break;
            };
            hashes.push(node);
            if hashes.len() < TILE_WIDTH as usize {
                break;
            }
            let built = std::mem::take(hashes);
            let index = (self.next >> (8 * (u32::from(level) + 1))).saturating_sub(1);
            let stored = self.stored(level, index)?;
            next = self.settle(level, index, Some(built), stored)?;
        }
        Ok(())
    }

    /// Holds the right edge against the root.
    pub(super) fn finish(mut self) -> Result<Tree> {
        let mut proved = false;
        if self.whole {
            let doubts = self.doubts()?;
            let chosen = self.choose(&doubts);
            proved = chosen.is_some();
            for (number, doubt) in doubts.iter().enumerate() {
                let stored_is_right = chosen.is_some_and(|chosen| chosen >> number & 1 == 1);
                if stored_is_right || (chosen.is_none() && !doubt.stored.is_empty()) {
                    self.forged(doubt.level, doubt.tile, &doubt.built, &doubt.stored);
                    self.put(doubt.level, &doubt.stored);
                } else if proved {
                    self.beside(Break::Tile(doubt.tile));
                } else {
                    self.range(doubt.tile);
                }
            }
        }
        let mut beside = Breaks {
            count: self.beside_count.saturating_sub(self.beside.len() as u64),
            ..Breaks::default()
        };
        for why in std::mem::take(&mut self.beside) {
            let (Break::Tile(tile) | Break::Surplus(tile)) = why else {
                continue;
            };
            beside.add(
                tile.to_string(),
                if proved { why } else { Break::Unproved(tile) },
            );
        }
        self.breaks.join(beside);
        if !proved && self.breaks.count == 0 {
            self.breaks
                .add(crate::CHECKPOINT_PATH.to_owned(), Break::Root);
        }
        Ok(Tree {
            breaks: self.breaks,
            edge: self.levels,
            leaf_bytes: self.leaf_bytes,
            pruned: self.pruned,
        })
    }

    /// Tiles at the right edge that differ from what was built.
    fn doubts(&self) -> Result<Vec<Doubt>> {
        let mut doubts = Vec::new();
        for (level, built) in (0..=Tile::MAX_LEVEL).zip(&self.levels) {
            let index = self.head.size >> (8 * (u32::from(level) + 1)).min(63);
            let kind = TileKind::Hashes { level };
            let Some(tile) = Tile::in_tree(kind, index, self.head.size) else {
                continue;
            };
            let stored = self.stored(level, index)?;
            if *built != stored {
                doubts.push(Doubt {
                    level,
                    tile,
                    built: built.clone(),
                    stored,
                });
            }
        }
        Ok(doubts)
    }

    /// For which of the doubtful tiles what is stored must be taken, a bit for each, to come to the
    /// signed root: as few as can be. At most eight tiles, so few trials.
    fn choose(&self, doubts: &[Doubt]) -> Option<u32> {
        let mut choices: Vec<u32> = (0..1 << doubts.len().min(8)).collect();
        choices.sort_by_key(|choice| choice.count_ones());
        choices.into_iter().find(|choice| {
            let mut levels = self.levels.clone();
            for (number, doubt) in doubts.iter().enumerate() {
                if choice >> number & 1 == 1
                    && let Some(level) = levels.get_mut(usize::from(doubt.level))
                {
                    level.clone_from(&doubt.stored);
                }
            }
            TileBuilder::from_levels(self.head.size, levels).root() == self.head.root
        })
    }

    fn put(&mut self, level: u8, hashes: &[Hash]) {
        if let Some(level) = self.levels.get_mut(usize::from(level)) {
            *level = hashes.to_vec();
        }
    }

    /// A tile of the log at this size; empty when it is missing or no tile.
    fn stored(&self, level: u8, index: u64) -> Result<Vec<Hash>> {
        let kind = TileKind::Hashes { level };
        let Some(tile) = Tile::in_tree(kind, index, self.head.size) else {
            return Ok(Vec::new());
        };
        let bytes = present(read_prefix(self.source, &tile))?.unwrap_or_default();
        Ok(hashes_of(&bytes, tile.width()).unwrap_or_default())
    }

    /// What was built of a tile is not what was signed: what is below each hash that differs was
    /// changed.
    fn forged(&mut self, level: u8, tile: Tile, built: &[Hash], stored: &[Hash]) {
        let places: Vec<usize> = differences(built, stored).collect();
        for place in places {
            let node = tile.index() * TILE_WIDTH + place as u64;
            match level.checked_sub(1) {
                None => self
                    .breaks
                    .add(bundle_path(node, self.head.size), Break::Leaf(node)),
                Some(below) => {
                    let kind = TileKind::Hashes { level: below };
                    if let Ok(below) = Tile::new(kind, node, TILE_WIDTH as u16) {
                        self.range(below);
                    }
                }
            }
        }
    }

    /// What is below a tile was changed, and the tile doesn't tell where.
    fn range(&mut self, tile: Tile) {
        let TileKind::Hashes { level } = tile.kind() else {
            return;
        };
        let span = TILE_WIDTH
            .checked_pow(u32::from(level) + 1)
            .unwrap_or(u64::MAX);
        let why = Break::Leaves {
            first: tile.first_leaf().max(self.first),
            last: tile
                .first_leaf()
                .saturating_add(span - 1)
                .min(self.head.size.saturating_sub(1)),
            tile,
        };
        self.breaks.add(tile.to_string(), why);
    }

    fn beside(&mut self, why: Break) {
        self.beside_count += 1;
        if self.beside.len() < super::MAX_BREAKS {
            self.beside.push(why);
        }
    }
}

const LEAVES: TileKind = TileKind::Hashes { level: 0 };

fn differences<'h>(built: &'h [Hash], stored: &'h [Hash]) -> impl Iterator<Item = usize> + 'h {
    let pairs = built.iter().zip(stored).enumerate();
    pairs
        .filter(|(_, (built, stored))| built != stored)
        .map(|(place, _)| place)
}

/// A file that is too large to be what it should be is not there.
pub(super) fn present(read: Result<Option<Vec<u8>>>) -> Result<Option<Vec<u8>>> {
    match read {
        Err(Error::TooLarge { .. }) => Ok(None),
        read => read,
    }
}
