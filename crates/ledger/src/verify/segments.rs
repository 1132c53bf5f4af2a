//! The segments, held against their own checks and against the tree.

use std::io;
use std::sync::Arc;

use super::breaks::{Break, Breaks};
use super::tree::present;
use super::{Progress, Unfinished};
use crate::log::Files;
use crate::segment::{
    Broken, LogId, Salvage, SegmentReader, Step, Storage, segment_path, segments,
};
use crate::tile::{hashes_of, read_prefix};
use crate::{Error, Hash, Result, TILE_WIDTH, Tile, TileKind, bundle_leaves, leaf_hash};

/// A walk through the segments.
pub(super) struct SegmentWalk<'p> {
    pub(super) files: Files,
    /// Leaves under the checkpoint: those are held against the tree.
    pub(super) signed: u64,
    /// Whether all leaves in bundles are as signed.
    pub(super) bundles_hold: bool,
    /// Which log it must be, if known.
    pub(super) log: Option<LogId>,
    pub(super) breaks: Breaks,
    pub(super) unfinished: Option<Unfinished>,
    /// The leaf after the last that was read.
    pub(super) end: u64,
    /// The tile that was looked at last.
    pub(super) tile: Option<(Tile, Vec<Hash>)>,
    pub(super) progress: &'p mut dyn FnMut(u64),
}

/// One segment of the walk.
struct Segment {
    path: String,
    /// Another process may be writing to it.
    last: bool,
}

impl SegmentWalk<'_> {
    fn storage(&self) -> &Arc<dyn Storage> {
        &self.files.0
    }

    /// Reads all segments.
    pub(super) fn run(&mut self) -> Result<()> {
        let firsts = segments(&**self.storage()).map_err(io_error("segments"))?;
        // Where the segment before ended; unknown after one that could not be read.
        let mut end = None;
        for (number, first) in firsts.iter().enumerate() {
            let segment = Segment {
                path: segment_path(*first),
                last: number + 1 == firsts.len(),
            };
            if let Some(end) = end.filter(|end| end != first) {
                let why = "the segment that holds it is missing";
                self.add(&segment.path, end, why);
            }
            end = self.segment(&segment, *first)?;
            self.end = self.end.max(end.unwrap_or(0));
            if segment.last
                && let Some(end) = end.filter(|end| *end < self.signed)
            {
                self.add(
                    &segment.path,
                    end,
                    "the segments end before it, though it was signed",
                );
            }
        }
        Ok(())
    }

    /// The leaf after the segment's last; `None` when it could not be read to its end.
    fn segment(&mut self, segment: &Segment, first: u64) -> Result<Option<u64>> {
        let opened = match SegmentReader::open(&**self.storage(), &segment.path) {
            // The writer removed it meanwhile: its leaves are in bundles.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io_error(&segment.path))?,
        };
        let Some(mut reader) = opened else {
            self.add(&segment.path, first, "the segment's header is damaged");
            return Ok(None);
        };
        if self.log.is_some_and(|log| reader.header().log != log) {
            self.add(
                &segment.path,
                first,
                "the segment belongs to another ledger",
            );
            return Ok(None);
        }
        if reader.header().first != first {
            self.add(&segment.path, first, "the segment has another's name");
            return Ok(None);
        }
        while self.step(segment, &mut reader)? {
            (self.progress)(reader.position().1);
        }
        Ok(Some(reader.position().1))
    }

    /// Takes the next batch; `false` at the segment's end.
    fn step(&mut self, segment: &Segment, reader: &mut SegmentReader) -> Result<bool> {
        let io = || io_error(&segment.path);
        let mut step = reader.step().map_err(io())?;
        let later = !matches!(step, Step::Batch(_)) && reader.has_later_batch().map_err(io())?;
        if later {
            // Should it only now have been written: it was whole before the later one was begun.
            step = reader.step().map_err(io())?;
        }
        let (_, next) = reader.position();
        let broken = match step {
            Step::Batch(batch) => {
                for (sequence, _, hash) in batch.leaves() {
                    self.hold(segment, sequence, hash)?;
                }
                return Ok(true);
            }
            Step::End if !reader.more_follows().map_err(io())? => return Ok(false),
            Step::End => None,
            Step::Broken(broken) => Some(broken),
        };
        if segment.last && !later && next >= self.signed {
            self.unfinished = Some(Unfinished {
                path: segment.path.clone(),
                leaf: next,
                offset: reader.position().0,
            });
            return Ok(false);
        }
        let (leaf, why) = match broken {
            Some(Broken { sequence, why, .. }) => (sequence, why),
            None if later => (next, "its batch is missing"),
            None => (next, "more than zeros follows its segment's last batch"),
        };
        self.add(&segment.path, leaf, why);
        match reader.salvage().map_err(io())? {
            Salvage::Nothing => Ok(false),
            Salvage::Gap => Ok(true),
            Salvage::Leaves(leaves) => {
                for (sequence, read) in leaves {
                    match read {
                        Ok(hash) => self.hold(segment, sequence, hash)?,
                        Err(_) if sequence <= leaf => {}
                        Err(why) => self.add(&segment.path, sequence, why),
                    }
                }
                Ok(true)
            }
        }
    }

    /// Holds a leaf that passed its own check against the tree.
    fn hold(&mut self, segment: &Segment, sequence: u64, hash: Hash) -> Result<()> {
        if sequence < self.signed && !self.is_signed(sequence, hash)? {
            self.add(
                &segment.path,
                sequence,
                "it is not the leaf that was signed",
            );
        }
        Ok(())
    }

    fn is_signed(&mut self, sequence: u64, hash: Hash) -> Result<bool> {
        let index = sequence / TILE_WIDTH;
        let kind = TileKind::Hashes { level: 0 };
        let Some(tile) = Tile::in_tree(kind, index, self.signed) else {
            return Ok(false);
        };
        let place = usize::try_from(sequence % TILE_WIDTH).unwrap_or(usize::MAX);
        let hashes = match &mut self.tile {
            Some((held, hashes)) if *held == tile => hashes,
            held => {
                let bytes = present(read_prefix(&self.files, &tile))?.unwrap_or_default();
                let hashes = hashes_of(&bytes, tile.width()).unwrap_or_default();
                &mut held.insert((tile, hashes)).1
            }
        };
        if hashes.get(place) == Some(&hash) {
            return Ok(true);
        }
        // If the tile is what was damaged, which was told, the bundle may have the leaf still.
        let bundle = Tile::new(TileKind::Entries, index, tile.width())?;
        let bytes = present(read_prefix(&self.files, &bundle))?.unwrap_or_default();
        let bundled = bundle_leaves(&bytes).nth(place);
        if bundled.is_some_and(|leaf| leaf.is_ok_and(|leaf| leaf_hash(leaf) == hash)) {
            return Ok(true);
        }
        // With neither to be relied on there is nothing to hold it against.
        Ok(hashes.is_empty() && !self.bundles_hold)
    }

    fn add(&mut self, path: &str, leaf: u64, why: &'static str) {
        self.breaks
            .add(path.to_owned(), Break::Segment { leaf, why });
    }
}

/// The share of the work that the segments are: leaves from `from` to `to`.
pub(super) fn share<'p>(
    progress: &'p mut dyn FnMut(Progress),
    done: u64,
    from: u64,
    of: u64,
) -> impl FnMut(u64) + 'p {
    move |next| {
        progress(Progress {
            leaves: (done + next.saturating_sub(from)).min(of),
            of,
        });
    }
}

pub(super) fn io_error(path: &str) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::Io { path, source }
}
