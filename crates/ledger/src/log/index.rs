//! Where leaves are in the segments.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::LogError;
use crate::segment::{Batch, Broken, LogId, SegmentReader, Step, Storage, segment_path, segments};

/// A place is remembered each so many bytes of a segment.
const MARK_EVERY: u64 = 256 << 10;
/// So many bytes at most are kept for the publisher; it reads from the segments what is beyond.
const RECENT_BYTES: u64 = 16 << 20;

/// The segments there are, and how far they are durable. A few kilobytes for each segment.
pub(crate) struct Index {
    storage: Arc<dyn Storage>,
    state: RwLock<State>,
    recent: Mutex<Recent>,
}

/// What was just written and is not published: the publisher need not read and hash it again.
#[derive(Default)]
struct Recent {
    batches: VecDeque<Batch>,
    bytes: u64,
}

#[derive(Default)]
struct State {
    segments: Vec<Segment>,
    durable: u64,
}

struct Segment {
    first: u64,
    /// Offsets in bytes and sequences of batches.
    marks: Vec<(u64, u64)>,
}

impl Index {
    pub(crate) fn new(storage: Arc<dyn Storage>, firsts: Vec<u64>, durable: u64) -> Self {
        let segments = firsts.into_iter().map(|first| Segment {
            first,
            marks: Vec::new(),
        });
        let state = State {
            segments: segments.collect(),
            durable,
        };
        Self {
            storage,
            state: RwLock::new(state),
            recent: Mutex::default(),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Number of leaves that are durable.
    pub(crate) fn durable(&self) -> u64 {
        self.read(|state| state.durable)
    }

    /// A segment was begun.
    pub(crate) fn begin(&self, first: u64) {
        self.write(|state| {
            state.segments.retain(|segment| segment.first != first);
            state.segments.push(Segment {
                first,
                marks: Vec::new(),
            });
        });
    }

    /// A batch is durable in the last segment.
    pub(crate) fn advance(&self, first: u64, offset: u64, end: u64) {
        self.write(|state| {
            if let Some(segment) = state.segments.last_mut() {
                let last = segment.marks.last().map_or(0, |(offset, _)| *offset);
                if offset >= last + MARK_EVERY {
                    segment.marks.push((offset, first));
                }
            }
            state.durable = end;
        });
    }

    /// Keeps a batch for the publisher, while there is room.
    pub(crate) fn remember(&self, batch: Batch) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.bytes + batch.header.total() <= RECENT_BYTES {
            recent.bytes += batch.header.total();
            recent.batches.push_back(batch);
        }
    }

    /// The batch that begins with this leaf, if it was kept. Earlier ones are let go.
    fn take_recent(&self, sequence: u64) -> Option<Batch> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(batch) = recent
            .batches
            .pop_front_if(|batch| batch.header.first <= sequence)
        {
            recent.bytes = recent.bytes.saturating_sub(batch.header.total());
            if batch.header.first == sequence {
                return Some(batch);
            }
        }
        None
    }

    /// First sequences of the segments, oldest first.
    pub(crate) fn firsts(&self) -> Vec<u64> {
        self.read(|state| state.segments.iter().map(|segment| segment.first).collect())
    }

    /// The oldest segment is gone.
    pub(crate) fn forget(&self, first: u64) {
        self.write(|state| state.segments.retain(|segment| segment.first != first));
    }

    /// The segment that leaf `sequence` is in or will be, and the nearest place known before it.
    fn locate(&self, sequence: u64) -> Option<(u64, Option<(u64, u64)>)> {
        self.read(|state| {
            let after = state
                .segments
                .partition_point(|segment| segment.first <= sequence);
            let segment = state.segments.get(after.checked_sub(1)?)?;
            let after = segment
                .marks
                .partition_point(|(_, first)| *first <= sequence);
            let mark = after.checked_sub(1).and_then(|at| segment.marks.get(at));
            Some((segment.first, mark.copied()))
        })
    }

    /// For readers in another process: looks what was written since. What is cut short at the end
    /// is not there yet.
    pub(crate) fn refresh(&self, log: Option<LogId>) -> Result<(), LogError> {
        let found = segments(&*self.storage).map_err(LogError::io("segments"))?;
        self.write(|state| {
            state
                .segments
                .retain(|segment| found.binary_search(&segment.first).is_ok());
            for first in found {
                if state.segments.last().is_none_or(|last| last.first < first) {
                    state.segments.push(Segment {
                        first,
                        marks: Vec::new(),
                    });
                }
            }
        });
        let Some((first, mark)) = self.locate(u64::MAX) else {
            return Ok(());
        };
        let path = segment_path(first);
        let Some(mut reader) =
            SegmentReader::open(&*self.storage, &path).map_err(LogError::io(&path))?
        else {
            return Ok(());
        };
        if log.is_some_and(|log| reader.header().log != log) {
            return Err(LogError::OtherLog { path });
        }
        if let Some((offset, sequence)) = mark {
            reader.seek(offset, sequence);
        }
        while let Step::Batch(batch) = reader.step().map_err(LogError::io(&path))? {
            let end = batch.header.end();
            if end > self.durable() {
                self.advance(batch.header.first, batch.offset, end);
            }
        }
        let (_, end) = reader.position();
        self.write(|state| state.durable = state.durable.max(end));
        Ok(())
    }
}

/// Walks through the segments, batch by batch, as far as they are durable.
pub(crate) struct BatchCursor {
    index: Arc<Index>,
    next: u64,
    reader: Option<SegmentReader>,
    takes_recent: bool,
}

impl BatchCursor {
    pub(crate) fn new(index: Arc<Index>, next: u64) -> Self {
        Self {
            index,
            next,
            reader: None,
            takes_recent: false,
        }
    }

    /// For the one who publishes: takes what was just written out of memory.
    pub(crate) fn taking_recent(self) -> Self {
        Self {
            takes_recent: true,
            ..self
        }
    }

    /// The next batch that holds leaves from the cursor's place on: the first may also hold earlier
    /// ones. `None` when there is nothing more.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, LogError> {
        if self.next >= self.index.durable() {
            return Ok(None);
        }
        if self.takes_recent
            && let Some(batch) = self.index.take_recent(self.next)
        {
            self.next = batch.header.end();
            return Ok(Some(batch));
        }
        let mut fresh = false;
        loop {
            let damaged = |path: &str, why| LogError::damaged(self.next, path, why);
            let Some(reader) = &mut self.reader else {
                self.reader = Some(self.open()?);
                fresh = true;
                continue;
            };
            let path = segment_path(reader.header().first);
            reader.skip_to(self.next).map_err(LogError::io(&path))?;
            match reader.step().map_err(LogError::io(&path))? {
                Step::Batch(batch) if batch.header.first > self.next => {
                    return Err(damaged(&path, "it is missing"));
                }
                Step::Batch(batch) => {
                    self.next = batch.header.end();
                    return Ok(Some(batch));
                }
                Step::Broken(Broken { sequence, why, .. }) => {
                    return Err(LogError::damaged(sequence, &path, why));
                }
                Step::End if fresh => return Err(damaged(&path, "it is missing")),
                // Goes on in the next segment.
                Step::End => self.reader = None,
            }
        }
    }

    fn open(&self) -> Result<SegmentReader, LogError> {
        let Some((first, mark)) = self.index.locate(self.next) else {
            return Err(LogError::damaged(
                self.next,
                "segments",
                "its segment is missing",
            ));
        };
        let path = segment_path(first);
        let mut reader = SegmentReader::open(&**self.index.storage(), &path)
            .map_err(LogError::io(&path))?
            .ok_or_else(|| LogError::damaged(first, &path, "the header is damaged"))?;
        if let Some((offset, sequence)) = mark {
            reader.seek(offset, sequence);
        }
        Ok(reader)
    }
}
