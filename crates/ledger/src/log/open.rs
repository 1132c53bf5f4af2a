//! Opens a log: finds out what is there, mends what a crash may leave, refuses the rest.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::files::{FileWriter, Files, partial_folder};
use super::index::{BatchCursor, Index};
use super::publisher::{Cadence, Publisher};
use super::reader::read_minimum;
use super::repair::Repair;
use super::run::Shared;
use super::writer::{RESERVE, Writer};
use super::{Log, LogError, LogOptions};
use crate::segment::{
    BATCH_HEADER_LEN, Batch, LogId, SEGMENT_HEADER_LEN, SegmentReader, SegmentWriter, Step,
    Storage, replace, segment_path, segments,
};
use crate::tile::read_prefix;
use crate::{
    CHECKPOINT_PATH, Checkpoint, Error, TILE_WIDTH, Tile, TileBuilder, TileKind, VerifierKey,
    tiles_between,
};

/// What was found and mended when a log was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Opened {
    /// Leaves that are there.
    pub size: u64,
    /// Leaves under the last signed checkpoint, as found.
    pub signed: u64,
    /// Bytes of a batch that was never acknowledged, cut off.
    pub torn_bytes: u64,
    /// Tiles that were missing or half written, rebuilt.
    pub rebuilt_tiles: u64,
    /// The checkpoint file was unreadable or behind the anchor, and was written anew.
    pub mended_checkpoint: bool,
}

impl Log {
    /// Opens the log in `storage`, or begins one.
    ///
    /// # Errors
    ///
    /// When another process writes it, something was changed or lost, it doesn't fit its anchor, or
    /// there is no room. Nothing acknowledged is ever cut off to make it open.
    pub fn open(
        storage: Arc<dyn Storage>,
        options: LogOptions,
    ) -> Result<(Self, Opened), LogError> {
        let lock = storage.lock().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => LogError::Locked,
            _ => LogError::io("lock")(error),
        })?;
        let mut files = FileWriter::new(Arc::clone(&storage));
        files.ensure_folder("segments")?;
        files.ensure_folder("tile")?;
        let log = LogId::of(&options.origin);
        let mut opened = Opened::default();

        let found = Found::load(&*storage, &options)?;
        let signed = found.newest();
        opened.signed = signed.map_or(0, Checkpoint::size);

        let firsts = segments(&*storage).map_err(LogError::io("segments"))?;
        let tail = recover(&*storage, log, &firsts, opened.signed)?;
        (opened.size, opened.torn_bytes) = (tail.end, tail.torn);
        if found.anchor.is_none() && opened.size.max(opened.signed) > 0 && !options.adopt {
            return Err(LogError::NotAnchored { size: opened.size });
        }

        let index = Arc::new(Index::new(
            Arc::clone(&storage),
            firsts.clone(),
            opened.size,
        ));
        let mut repair = Repair {
            files: Files(Arc::clone(&storage)),
            writer: files,
            index: Arc::clone(&index),
            rebuilt: 0,
        };
        let kept = firsts.first().copied().unwrap_or(0);
        let minimum = read_minimum(&*storage)?;
        let builder = resume(&mut repair, kept, minimum, &found)?;
        let bundle = unfinished_bundle(&mut repair, builder.size())?;
        opened.rebuilt_tiles = repair.rebuilt;

        // Leaves go on in a segment of their own: what was recovered is not written to again.
        let room = options.tuning.segment_bytes.max(SEGMENT_HEADER_LEN as u64);
        let segment = SegmentWriter::create(&*storage, log, opened.size, room)
            .map_err(LogError::io("segments"))?;
        index.begin(segment.first());
        keep_reserve(&*storage, options.tuning.reserve_bytes)?;
        opened.mended_checkpoint = found.mend(&*storage)?;

        let partials = right_edge(builder.size()).map(|tile| partial_folder(&tile));
        let partials: BTreeSet<String> = partials.collect();
        let cadence = Cadence {
            every: options.tuning.checkpoint_every,
            idle: options.tuning.checkpoint_idle,
            last: None,
        };
        let shared = Shared::new(storage, options, Arc::clone(&index), minimum, opened.signed);
        let shared = Arc::new(shared);
        let mut publisher = Publisher {
            shared: Arc::clone(&shared),
            files: repair.writer,
            batches: BatchCursor::new(index, builder.size()).taking_recent(),
            signed: signed.map(Checkpoint::size),
            builder,
            bundle,
            anchored: found.anchor.map(|(bytes, _)| bytes),
            attempted: None,
            cadence,
            partials,
        };
        // What was acknowledged before a crash is signed before anything new is taken.
        publisher.tick(true)?;
        let writer = Writer {
            shared: Arc::clone(&shared),
            log,
            segment,
            callers: 1,
            sync: Duration::ZERO,
        };
        Ok((Self::start(shared, publisher, writer, lock)?, opened))
    }
}

/// The checkpoints there are, verified.
struct Found {
    anchor: Option<(Vec<u8>, Checkpoint)>,
    file: Option<(Vec<u8>, Checkpoint)>,
}

impl Found {
    fn load(storage: &dyn Storage, options: &LogOptions) -> Result<Self, LogError> {
        let signers = options
            .signers
            .iter()
            .map(|signer| signer.verifier_key().clone());
        let keys: Vec<VerifierKey> = signers.chain(options.trusted.iter().cloned()).collect();
        let verify = |bytes: Vec<u8>| {
            let checkpoint = Checkpoint::open(&bytes, &keys)?.checkpoint;
            if checkpoint.origin() != options.origin {
                return Err(Error::malformed("the checkpoint", "it is of another log"));
            }
            Ok((bytes, checkpoint))
        };
        let anchor = options
            .anchor
            .load()?
            .map(verify)
            .transpose()
            .map_err(|source| LogError::Checkpoint {
                place: "store",
                source,
            })?;
        let file = match crate::segment::read_all(storage, CHECKPOINT_PATH, crate::MAX_NOTE_BYTES) {
            Ok(bytes) => verify(bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => return Err(LogError::io(CHECKPOINT_PATH)(error)),
        };
        let file = match file {
            // The anchor has it whole, or newer.
            Err(_) if anchor.is_some() => None,
            other => other.map_err(|source| LogError::Checkpoint {
                place: "ledger's folder",
                source,
            })?,
        };
        Ok(Self { anchor, file })
    }

    fn all(&self) -> impl Iterator<Item = &Checkpoint> {
        self.anchor
            .iter()
            .chain(&self.file)
            .map(|(_, checkpoint)| checkpoint)
    }

    fn newest(&self) -> Option<&Checkpoint> {
        self.all().max_by_key(|checkpoint| checkpoint.size())
    }

    /// Publishes the anchor's checkpoint when the file is missing or older.
    fn mend(&self, storage: &dyn Storage) -> Result<bool, LogError> {
        let Some((bytes, anchored)) = &self.anchor else {
            return Ok(false);
        };
        let size = self.file.as_ref().map(|(_, checkpoint)| checkpoint.size());
        if size.is_some_and(|size| size >= anchored.size()) {
            return Ok(false);
        }
        replace(storage, CHECKPOINT_PATH, bytes).map_err(LogError::io(CHECKPOINT_PATH))?;
        Ok(true)
    }
}

struct Tail {
    end: u64,
    torn: u64,
}

/// Reads the segments from the last signed leaf on, and cuts off what a crash tore.
fn recover(
    storage: &dyn Storage,
    log: LogId,
    firsts: &[u64],
    signed: u64,
) -> Result<Tail, LogError> {
    let start = firsts
        .partition_point(|first| *first <= signed)
        .checked_sub(1);
    let Some(start) = start else {
        return match firsts.first() {
            None if signed == 0 => Ok(Tail { end: 0, torn: 0 }),
            None => Err(LogError::Behind { have: 0, signed }),
            Some(first) => Err(LogError::damaged(
                signed,
                &segment_path(*first),
                "its segment is missing",
            )),
        };
    };
    let mut tail = Tail { end: 0, torn: 0 };
    let live = firsts.get(start..).unwrap_or_default();
    for (number, first) in live.iter().enumerate() {
        let path = segment_path(*first);
        let mut reader = SegmentReader::open(storage, &path)
            .map_err(LogError::io(&path))?
            .ok_or_else(|| LogError::damaged(*first, &path, "the header is damaged"))?;
        if reader.header().log != log {
            return Err(LogError::OtherLog { path });
        }
        if reader.header().first != *first || (number > 0 && tail.end != *first) {
            return Err(LogError::damaged(
                tail.end,
                &path,
                "its segment is missing or misplaced",
            ));
        }
        reader.skip_to(signed).map_err(LogError::io(&path))?;
        let mut last: Option<Batch> = None;
        let broken = loop {
            match reader.step().map_err(LogError::io(&path))? {
                Step::Batch(batch) => last = Some(batch),
                Step::End => break None,
                Step::Broken(broken) => break Some(broken),
            }
        };
        let (offset, end) = reader.position();
        tail.end = end;
        let is_last = number + 1 == live.len();
        // Only the very last batch can be torn: each is durable before the next is written.
        let later = is_last && reader.has_later_batch().map_err(LogError::io(&path))?;
        match broken {
            Some(broken) if !is_last || later || broken.batch < signed => {
                return Err(LogError::damaged(broken.sequence, &path, broken.why));
            }
            None if later => return Err(LogError::damaged(end, &path, "its batch is missing")),
            _ => {}
        }
        if end < signed && is_last {
            return Err(LogError::Behind { have: end, signed });
        }
        if is_last {
            let cut = settle(storage, &path, offset, last.as_ref()).map_err(LogError::io(&path))?;
            tail.torn = broken.map_or(0, |_| cut);
        }
    }
    Ok(tail)
}

/// Makes a segment's end certain: the last batch is written once more, as a sync that failed may
/// have left it in memory alone and will not be tried again for bytes that did not change; all
/// after it is cut off.
fn settle(storage: &dyn Storage, path: &str, end: u64, last: Option<&Batch>) -> io::Result<u64> {
    let file = storage.open(path)?;
    if let Some(batch) = last {
        file.write_at(batch.offset + BATCH_HEADER_LEN as u64, batch.records())?;
        let mut header = [0; BATCH_HEADER_LEN];
        file.read_at(batch.offset, &mut header)?;
        file.write_at(batch.offset, &header)?;
    }
    let cut = file.size()?.saturating_sub(end);
    file.truncate(end)?;
    file.sync()?;
    Ok(cut)
}

/// The tree at the newest signed size, out of its tiles; what is missing is rebuilt.
fn resume(
    repair: &mut Repair,
    kept: u64,
    minimum: u64,
    found: &Found,
) -> Result<TileBuilder, LogError> {
    let Some(newest) = found.newest() else {
        return Ok(TileBuilder::new());
    };
    // Those that the segments still hold whole, and the right edge.
    let tiles: Vec<Tile> = tiles_between(kept.min(newest.size()), newest.size())
        .chain(right_edge(newest.size()))
        .filter(|tile| {
            let end = tile.first_leaf() + u64::from(tile.width());
            tile.kind() != TileKind::Entries || end > minimum
        })
        .collect();
    for anyway in [false, true] {
        for tile in &tiles {
            // What the segments don't hold whole can't be made anew from them.
            let whole = tile.first_leaf() >= kept || tile.kind() != TileKind::Entries;
            if !anyway || whole {
                repair.ensure(tile, anyway)?;
            }
        }
        let builder = TileBuilder::resume(&repair.files, newest.size())?;
        if builder.head() == newest.head() {
            for older in found.all() {
                let head = TileBuilder::resume(&repair.files, older.size())?.head();
                if head != older.head() {
                    return Err(LogError::OtherRoot { size: older.size() });
                }
            }
            return Ok(builder);
        }
    }
    Err(LogError::OtherRoot {
        size: newest.size(),
    })
}

/// The partial tiles of a tree.
fn right_edge(size: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..=Tile::MAX_LEVEL).map(|level| TileKind::Hashes { level });
    std::iter::once((TileKind::Entries, 0))
        .chain(levels.zip(0..))
        .filter_map(move |(kind, level)| {
            Tile::in_tree(kind, (size >> (8 * level)) / TILE_WIDTH, size)
        })
}

fn unfinished_bundle(repair: &mut Repair, size: u64) -> Result<Vec<u8>, LogError> {
    let Some(tile) = Tile::in_tree(TileKind::Entries, size / TILE_WIDTH, size) else {
        return Ok(Vec::new());
    };
    repair.ensure(&tile, false)?;
    read_prefix(&repair.files, &tile)?
        .ok_or_else(|| LogError::damaged(tile.first_leaf(), &tile.to_string(), "it is missing"))
}

/// Sets room aside that a full disk can be recorded in.
fn keep_reserve(storage: &dyn Storage, bytes: u64) -> Result<(), LogError> {
    let there = storage.open(RESERVE).and_then(|file| file.size());
    if bytes == 0 || there.is_ok_and(|size| size >= bytes) {
        return Ok(());
    }
    let make = || {
        storage.create(RESERVE, bytes)?.sync()?;
        storage.sync_folder("")
    };
    make().map_err(|error| {
        if super::error::disk_full(&error) {
            LogError::DiskFull { needed: bytes }
        } else {
            LogError::io(RESERVE)(error)
        }
    })
}
