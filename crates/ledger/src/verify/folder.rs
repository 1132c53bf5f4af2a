//! Verifies a log's folder as a whole.

use std::io;
use std::sync::Arc;

use super::Progress;
use super::breaks::{Break, Breaks, Damage};
use super::segments::{SegmentWalk, io_error, share};
use super::tree::{Tree, TreeWalk, present};
use crate::hash::leaf_hashes;
use crate::log::{Files, LogError, partial_folder, read_minimum};
use crate::segment::{LogId, Storage, segments};
use crate::tile::hashes_of;
use crate::{
    Checkpoint, Hash, Result, SignedCheckpoint, TILE_WIDTH, Tile, TileKind, TileSource,
    VerifierKey, bundle_leaves,
};

/// What the verifier found in a log's folder.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The newest checkpoint, if it holds: all leaves before its size hash to it unless there are
    /// breaks.
    pub signed: Option<SignedCheckpoint>,
    /// Leaves that are durable, those of the checkpoint included. Those after it are held against
    /// their own checks alone until a checkpoint is signed over them.
    pub durable: u64,
    /// Leaves that were pruned: their hashes stand for them and are proved.
    pub pruned: u64,
    /// Bytes of the leaves that were read from bundles.
    pub leaf_bytes: u64,
    /// What was being written when the log was read, or when it crashed.
    pub unfinished: Option<Unfinished>,
    /// The first breaks, by leaf; those that concern no leaf last. At most
    /// [`MAX_BREAKS`](super::MAX_BREAKS) of the bundles and tiles, and as many of the segments.
    pub breaks: Vec<Damage>,
    /// How many breaks there are.
    pub break_count: u64,
}

impl Report {
    /// Whether nothing is broken.
    pub fn holds(&self) -> bool {
        self.break_count == 0
    }

    /// Leaves under the checkpoint.
    pub fn size(&self) -> u64 {
        self.signed
            .as_ref()
            .map_or(0, |signed| signed.checkpoint.size())
    }

    /// Leaves that are durable and not yet signed.
    pub fn unsigned(&self) -> u64 {
        self.durable.saturating_sub(self.size())
    }
}

/// Bytes at the end of the last segment that are no whole batch: one that is being written, or that
/// a crash tore before it was acknowledged. The log cuts it off when it is opened next. Beyond the
/// last checkpoint, damage to the last batch can't be told from this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfinished {
    /// The segment, within the log's folder.
    pub path: String,
    /// The leaf that would come first.
    pub leaf: u64,
    /// Where the bytes begin in the file.
    pub offset: u64,
}

/// Verifies everything in a log's folder: checkpoint, entry bundles and tiles as
/// [`verify_log`](super::verify_log) does, the partial tiles of older checkpoints, and the segments,
/// each leaf of which is held against its check and, if it is signed, against the tree. Goes on
/// after a break.
///
/// `keys` are the log's and the witnesses'. With an `origin`, the log must be the one of that name.
/// `progress` is called every 256 leaves or more often. Another process may write the log meanwhile:
/// what it adds is not looked at. Of a pruned log, whatever is still there is verified.
///
/// Takes memory for two bundles, one batch and one tile a level, however long the log. Works on a
/// copy without segments, and on one that can't be written to.
///
/// # Errors
///
/// When something can't be read, as opposed to not being there. A log that does not hold is no
/// error: the report tells of it.
pub fn verify_folder(
    storage: Arc<dyn Storage>,
    keys: &[VerifierKey],
    origin: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report> {
    let files = Files(storage);
    let mut breaks = Breaks::default();
    if let Err(fault) = minimum(&files)? {
        breaks.add("minimum".to_owned(), fault);
    }
    let signed = match checkpoint(&files, keys, origin)? {
        Ok(signed) => Some(signed),
        Err(why) => {
            breaks.add(crate::CHECKPOINT_PATH.to_owned(), why);
            None
        }
    };
    let size = signed.as_ref().map_or(0, |signed| signed.checkpoint.size());
    let firsts = segments(&*files.0).map_err(io_error("segments"))?;
    let from = firsts.first().map_or(size, |first| size.min(*first));
    let of = size + (size - from);

    let (mut leaf_bytes, mut pruned, mut bundles_hold) = (0, 0, false);
    if let Some(signed) = &signed {
        let tree = tree(&files, signed, of, progress)?;
        older_partials(&files, size, &tree, &mut breaks)?;
        (leaf_bytes, pruned) = (tree.leaf_bytes, tree.pruned);
        bundles_hold = pruned == 0 && !tree.breaks.has_leaf();
        breaks.join(tree.breaks);
    }
    let name = signed.as_ref().map(|signed| signed.checkpoint.origin());
    let mut walk = SegmentWalk {
        files,
        signed: size,
        bundles_hold,
        log: origin.or(name).map(LogId::of),
        breaks: Breaks::default(),
        unfinished: None,
        end: size,
        tile: None,
        progress: &mut share(progress, size, from, of),
    };
    walk.run()?;
    let (unfinished, durable) = (walk.unfinished, walk.end);
    breaks.join(walk.breaks);
    Ok(Report {
        signed,
        durable,
        pruned,
        leaf_bytes,
        unfinished,
        breaks: breaks.found,
        break_count: breaks.count,
    })
}

fn checkpoint(
    files: &Files,
    keys: &[VerifierKey],
    origin: Option<&str>,
) -> Result<std::result::Result<SignedCheckpoint, Break>> {
    let Some(bytes) = present(files.checkpoint())? else {
        return Ok(Err(Break::NoCheckpoint));
    };
    Ok(match Checkpoint::open(&bytes, keys) {
        Err(fault) => Err(Break::Checkpoint(fault.to_string())),
        Ok(signed) if origin.is_some_and(|origin| origin != signed.checkpoint.origin()) => {
            Err(Break::Checkpoint("it is another ledger's".to_owned()))
        }
        Ok(signed) => Ok(signed),
    })
}

/// The first leaf that is kept.
fn minimum(files: &Files) -> Result<std::result::Result<u64, Break>> {
    match read_minimum(&*files.0) {
        Ok(minimum) => Ok(Ok(minimum)),
        Err(LogError::Io { path, source }) if source.kind() != io::ErrorKind::FileTooLarge => {
            Err(io_error(&path)(source))
        }
        Err(_) => Ok(Err(Break::Minimum)),
    }
}

fn tree(
    files: &Files,
    signed: &SignedCheckpoint,
    of: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Tree> {
    // Asked when a bundle is missing: another process may have pruned the log just now.
    let kept = || {
        minimum(files)
            .ok()
            .and_then(std::result::Result::ok)
            .unwrap_or(0)
    };
    let mut walk = TreeWalk::new(files, signed.checkpoint.head(), 0, &kept)?;
    while walk.step()? {
        progress(Progress {
            leaves: walk.next(),
            of,
        });
    }
    walk.finish()
}

/// Partial tiles and bundles at the right edge that older checkpoints speak of: each is the
/// beginning of what is there now.
fn older_partials(files: &Files, size: u64, tree: &Tree, breaks: &mut Breaks) -> Result<()> {
    let levels = (0..=Tile::MAX_LEVEL).map(|level| TileKind::Hashes { level });
    let edges = tree.edge.iter().zip(levels).zip(0..);
    let edges = edges.map(|((hashes, kind), level)| (hashes, kind, size >> (8 * (level + 1))));
    let bundle = tree
        .edge
        .first()
        .map(|hashes| (hashes, TileKind::Entries, size / TILE_WIDTH));
    for (hashes, kind, index) in bundle.into_iter().chain(edges) {
        let Some(newest) = Tile::in_tree(kind, index, size) else {
            continue;
        };
        let folder = partial_folder(&newest);
        let names = match files.0.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Vec::new(),
            other => other.map_err(io_error(&folder))?,
        };
        for name in names {
            let path = format!("{folder}/{name}");
            let Ok(tile) = path.parse::<Tile>() else {
                continue;
            };
            // Wider ones are of a checkpoint that is still to come, or that was never signed.
            if tile.width() < newest.width() && !begins(files, &tile, hashes)? {
                breaks.add(path, Break::Tile(tile));
            }
        }
    }
    Ok(())
}

/// Whether a partial tile or bundle holds the first of these hashes or their leaves, and no more.
fn begins(files: &Files, tile: &Tile, hashes: &[Hash]) -> Result<bool> {
    let Some(bytes) = files.tile(tile).map(Some).or_else(too_large)? else {
        return Ok(false);
    };
    // Cleared away meanwhile.
    let Some(bytes) = bytes else { return Ok(true) };
    let first = hashes.get(..usize::from(tile.width())).unwrap_or_default();
    Ok(match tile.kind() {
        TileKind::Hashes { .. } => hashes_of(&bytes, tile.width()).as_deref() == Some(first),
        TileKind::Entries => {
            let leaves: Result<Vec<&[u8]>> = bundle_leaves(&bytes).take(first.len() + 1).collect();
            leaves.is_ok_and(|leaves| leaf_hashes(&leaves) == first)
        }
    })
}

fn too_large<T>(fault: crate::Error) -> Result<Option<T>> {
    match fault {
        crate::Error::TooLarge { .. } => Ok(None),
        fault => Err(fault),
    }
}
