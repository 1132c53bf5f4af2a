//! The offline verifier of a whole log.
//!
//! Every leaf is hashed and the whole tree is built anew from the leaves; the log's own tiles are
//! held against it on the way, which tells *where* a break is, and the root against the signed
//! checkpoint, which tells *whether* there is one.

mod breaks;
mod folder;
mod segments;
mod tree;

pub use breaks::{Break, Damage, MAX_BREAKS};
pub use folder::{Report, Unfinished, verify_folder};

use crate::{Checkpoint, Error, Result, SignedCheckpoint, TileSource, VerifierKey};
use tree::TreeWalk;

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

/// Verifies a log's checkpoint, tiles and bundles, as they are published: `verify_folder` does the
/// same for a log's own folder, segments included.
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
/// error but a [`Break`], the one with the first leaf when there are several.
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
    let first = start.min(head.size) / crate::TILE_WIDTH * crate::TILE_WIDTH;
    let unpruned = || 0;
    let mut walk = match TreeWalk::new(source, head, first, &unpruned) {
        Ok(walk) => walk,
        Err(Error::Missing(tile)) => return Ok(Err(Break::Tile(tile))),
        Err(Error::Malformed { .. } | Error::TooLarge { .. }) => return Ok(Err(Break::Root)),
        Err(fault) => return Err(fault),
    };
    while walk.step()? {
        progress(Progress {
            leaves: walk.next() - first,
            of: head.size - first,
        });
    }
    let tree = walk.finish()?;
    Ok(match tree.breaks.found.into_iter().next() {
        Some(damage) => Err(damage.why),
        None => Ok(Verified {
            signed,
            first,
            leaf_bytes: tree.leaf_bytes,
        }),
    })
}
