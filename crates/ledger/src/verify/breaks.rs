//! What the verifier finds.

use crate::{Tile, TileKind};

/// So many breaks of a kind are told one by one; the others are counted.
pub const MAX_BREAKS: usize = 100;

/// How a log does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Break {
    /// There is no checkpoint.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// The checkpoint is malformed, not signed by the log's key, or another log's.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(String),
    /// A leaf is not the one that was signed.
    #[error("leaf {0} is not the leaf that was signed")]
    Leaf(u64),
    /// Leaves can't be read out of their bundle.
    #[error("{bundle} ends before leaf {leaf}")]
    Truncated {
        /// The entry bundle.
        bundle: Tile,
        /// The first leaf that can't be read.
        leaf: u64,
    },
    /// One of some leaves, and the tiles below them, are not what was signed.
    #[error("a leaf from {first} to {last} was changed, and {tile} with it")]
    Leaves {
        /// First leaf of the range.
        first: u64,
        /// Last leaf of the range.
        last: u64,
        /// The tile that was made to fit the change, or removed.
        tile: Tile,
    },
    /// Leaves and tiles agree with each other but not with the checkpoint.
    #[error(
        "the leaves do not hash to the checkpoint's root, though the tiles agree with them: leaves and tiles were replaced together"
    )]
    Root,
    /// All leaves are as signed, but a tile is missing, or is not what they hash to.
    #[error("{0} is not what the leaves hash to; the leaves themselves are as signed")]
    Tile(Tile),
    /// An entry bundle has more than its leaves.
    #[error("{0} holds more than its leaves; the leaves themselves are as signed")]
    Surplus(Tile),
    /// A tile is missing or is not what the leaves hash to, and because of other breaks it can't be
    /// told whether the leaves are as signed.
    #[error("{0} is missing or changed, and its leaves can't be proved because of what else is")]
    Unproved(Tile),
    /// A segment can't be read from this leaf on, or its leaf is not the one that was signed.
    #[error("leaf {leaf} in its segment: {why}")]
    Segment {
        /// The leaf.
        leaf: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// The file that tells where a pruned log begins holds no number.
    #[error("the file that tells the first leaf kept holds no number")]
    Minimum,
}

impl Break {
    /// The first leaf that is broken; `None` when none is, as far as is known.
    pub const fn leaf(&self) -> Option<u64> {
        match self {
            Self::Leaf(leaf)
            | Self::Truncated { leaf, .. }
            | Self::Leaves { first: leaf, .. }
            | Self::Segment { leaf, .. } => Some(*leaf),
            Self::Unproved(tile) => Some(tile.first_leaf()),
            _ => None,
        }
    }
}

/// A break, and the file it is in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// The file, within the log's folder.
    pub path: String,
    /// What is wrong with it.
    pub why: Break,
}

/// Breaks as they are found: the first ones, and how many.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaks {
    pub(super) found: Vec<Damage>,
    pub(super) count: u64,
}

impl Breaks {
    pub(super) fn add(&mut self, path: String, why: Break) {
        self.count += 1;
        if self.found.len() < MAX_BREAKS {
            self.found.push(Damage { path, why });
        }
    }

    /// Adds those of another part, and puts them in order: the checkpoint's, then the first broken
    /// leaf, last what is wrong with no leaf.
    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.found.extend(other.found);
        self.found.sort_by_key(|damage| match damage.why {
            Break::NoCheckpoint | Break::Checkpoint(_) => (0, 0),
            ref why => why.leaf().map_or((2, 0), |leaf| (1, leaf)),
        });
    }

    /// Whether a leaf is broken, as far as is known.
    pub(super) fn has_leaf(&self) -> bool {
        // Beyond those that are told it may well be.
        self.count > self.found.len() as u64
            || self.found.iter().any(|damage| damage.why.leaf().is_some())
    }
}

/// The path of the bundle that a leaf of a tree of this size is in.
pub(super) fn bundle_path(leaf: u64, size: u64) -> String {
    Tile::in_tree(TileKind::Entries, leaf / crate::TILE_WIDTH, size)
        .map_or_else(String::new, |tile| tile.to_string())
}
