//! The offline verifier of a whole log.
//!
//! Every leaf is hashed and the whole tree is built anew from the leaves; the log's own tiles are
//! held against it on the way, which tells *where* a break is, and the root against the signed
//! checkpoint, which tells *whether* there is one.

use crate::tile::{TILE_WIDTH, read_prefix};
use crate::{
    Checkpoint, Error, Hash, Result, SignedCheckpoint, Tile, TileBuilder, TileKind, TileSource,
    VerifierKey, bundle_leaves, leaf_hash,
};

/// Where a log does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Break {
    /// There is no checkpoint.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// The checkpoint is malformed, or not signed by the log's key.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(String),
    /// A leaf is not the one that was signed.
    #[error("leaf {0} is not the leaf that was signed; those before it are")]
    Leaf(u64),
    /// Leaves can't be read out of their bundle.
    #[error("{bundle} ends before leaf {leaf}; the leaves before it are as signed")]
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
        /// The tile that was made to fit the change.
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
}

/// What was found in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The checkpoint that all leaves hash to.
    pub signed: SignedCheckpoint,
    /// The first leaf that was read: 0, or the start that was asked for.
    pub first: u64,
    /// Bytes of the leaves that were read.
    pub leaf_bytes: u64,
}

/// How far the verifier is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Leaves verified.
    pub leaves: u64,
    /// Leaves to verify.
    pub of: u64,
}

/// Verifies a log against its newest checkpoint.
///
/// `keys` are the log's and the witnesses'. Leaves before `start`, rounded down to a multiple of
/// 256, are not read: for a log whose beginning was pruned, or verified before; the tiles above them
/// stand for them, and are proved by the root as well. `progress` is called once a bundle.
///
/// Takes memory for one bundle and one tile a level, however long the log.
///
/// # Errors
///
/// When something can't be read, as opposed to not being there. A log that does not hold is no
/// error but a [`Break`].
pub fn verify_log(
    source: &dyn TileSource,
    keys: &[VerifierKey],
    start: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<std::result::Result<Verified, Break>> {
    let Some(bytes) = source.checkpoint()? else {
        return Ok(Err(Break::NoCheckpoint));
    };
    match Checkpoint::open(&bytes, keys) {
        Ok(signed) => verify_against(source, signed, start, progress),
        Err(fault) => Ok(Err(Break::Checkpoint(fault.to_string()))),
    }
}

/// Verifies a log against a checkpoint whose signature was verified, newest or older, as
/// [`verify_log`] does.
///
/// # Errors
///
/// As [`verify_log`].
pub fn verify_against(
    source: &dyn TileSource,
    signed: SignedCheckpoint,
    start: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<std::result::Result<Verified, Break>> {
    let head = signed.checkpoint.head();
    let first = start.min(head.size) / TILE_WIDTH * TILE_WIDTH;
    let built = match TileBuilder::resume(source, first) {
        Ok(built) => built,
        Err(Error::Missing(tile)) => return Ok(Err(Break::Tile(tile))),
        Err(Error::Malformed { .. } | Error::TooLarge { .. }) => return Ok(Err(Break::Root)),
        Err(fault) => return Err(fault),
    };
    let mut walk = Walk {
        source,
        size: head.size,
        first,
        built,
        leaf_bytes: 0,
        leaf: None,
        tile: None,
        surplus: None,
    };
    while walk.built.size() < head.size {
        if let Some(found) = walk.bundle()? {
            return Ok(Err(found));
        }
        progress(Progress {
            leaves: walk.built.size() - first,
            of: head.size - first,
        });
    }
    walk.partial_tiles()?;
    Ok(match walk.found(head.root) {
        Some(found) => Err(found),
        None => Ok(Verified {
            signed,
            first,
            leaf_bytes: walk.leaf_bytes,
        }),
    })
}

struct Walk<'s> {
    source: &'s dyn TileSource,
    size: u64,
    first: u64,
    built: TileBuilder,
    leaf_bytes: u64,
    /// The first leaf that does not hash to its place in its tile.
    leaf: Option<u64>,
    /// The first tile above the leaves that is not what is below it.
    tile: Option<(Tile, u64)>,
    /// The first bundle with more in it than its leaves.
    surplus: Option<Tile>,
}

impl Walk<'_> {
    /// Takes the next bundle.
    fn bundle(&mut self) -> Result<Option<Break>> {
        let first = self.built.size();
        let Some(bundle) = Tile::in_tree(TileKind::Entries, first / TILE_WIDTH, self.size) else {
            return Ok(Some(Break::Root));
        };
        let bytes = present(read_prefix(self.source, &bundle))?.unwrap_or_default();
        let mut leaves = bundle_leaves(&bytes);
        let mut hashes = Vec::with_capacity(usize::from(bundle.width()));
        for leaf in leaves.by_ref().take(usize::from(bundle.width())) {
            let Ok(leaf) = leaf else { break };
            self.leaf_bytes += leaf.len() as u64;
            hashes.push(leaf_hash(leaf));
        }
        let stored = self.stored(TileKind::Hashes { level: 0 }, bundle.index())?;
        let differs = first_difference(&hashes, &stored);
        if self.leaf.is_none() && differs < hashes.len() && !stored.is_empty() {
            self.leaf = Some(first + differs as u64);
        }
        if hashes.len() < usize::from(bundle.width()) {
            // What comes after can't be hashed to the root, so the search ends here. Without its
            // tile, where in the bundle it begins can't be told.
            let at = first + hashes.len() as u64;
            return Ok(Some(
                self.leaf
                    .map_or(Break::Truncated { bundle, leaf: at }, Break::Leaf),
            ));
        }
        if self.surplus.is_none() && leaves.next().is_some() {
            self.surplus = Some(bundle);
        }
        let mut full = Vec::new();
        for hash in hashes {
            self.built.push(hash, |tile, hashes| {
                full.push((tile, hashes.to_vec()));
                Ok(())
            })?;
        }
        for (tile, hashes) in full {
            self.compare(tile, &hashes)?;
        }
        Ok(None)
    }

    fn partial_tiles(&mut self) -> Result<()> {
        let partial: Vec<_> = self
            .built
            .partial_tiles()
            .map(|(tile, hashes)| (tile, hashes.to_vec()))
            .collect();
        for (tile, hashes) in partial {
            self.compare(tile, &hashes)?;
        }
        Ok(())
    }

    /// Holds a tile of the log against what its leaves hash to.
    fn compare(&mut self, tile: Tile, built: &[Hash]) -> Result<()> {
        if self.tile.is_some() {
            return Ok(());
        }
        let stored = self.stored(tile.kind(), tile.index())?;
        if stored != built {
            self.tile = Some((tile, first_difference(built, &stored) as u64));
        }
        Ok(())
    }

    /// A tile of the log at this size; empty when it is missing or no tile.
    fn stored(&self, kind: TileKind, index: u64) -> Result<Vec<Hash>> {
        let Some(tile) = Tile::in_tree(kind, index, self.size) else {
            return Ok(Vec::new());
        };
        let bytes = present(read_prefix(self.source, &tile))?.unwrap_or_default();
        Ok(crate::tile::hashes_of(&bytes, tile.width()).unwrap_or_default())
    }

    /// The break, if there is one, once all was read.
    fn found(&self, root: Hash) -> Option<Break> {
        if self.built.root() == root {
            // The leaves are as signed: what differs is beside them.
            let tile = self.tile.map(|(tile, _)| Break::Tile(tile));
            return tile.or(self.surplus.map(Break::Surplus));
        }
        if let Some(leaf) = self.leaf {
            return Some(Break::Leaf(leaf));
        }
        let Some((tile, at)) = self.tile else {
            return Some(Break::Root);
        };
        let TileKind::Hashes { level } = tile.kind() else {
            return Some(Break::Root);
        };
        // Each hash of this tile stands for a whole tile below, which was made to fit.
        let span = TILE_WIDTH.checked_pow(u32::from(level)).unwrap_or(u64::MAX);
        let first = tile.first_leaf().saturating_add(at.saturating_mul(span));
        let below = level
            .checked_sub(1)
            .and_then(|level| Tile::in_tree(TileKind::Hashes { level }, first / span, self.size));
        Some(Break::Leaves {
            first: first.max(self.first),
            last: first.saturating_add(span - 1).min(self.size - 1),
            tile: below.unwrap_or(tile),
        })
    }
}

fn first_difference(built: &[Hash], stored: &[Hash]) -> usize {
    built
        .iter()
        .zip(stored)
        .position(|(built, stored)| built != stored)
        .unwrap_or(built.len().min(stored.len()))
}

/// A file that is too large to be what it should be is not there.
fn present(read: Result<Option<Vec<u8>>>) -> Result<Option<Vec<u8>>> {
    match read {
        Err(Error::TooLarge { .. }) => Ok(None),
        read => read,
    }
}
