//! Reads one segment, batch by batch, and believes nothing in it.

use std::io;
use std::sync::Arc;

use super::batch::{ReadLeaf, each_leaf};
use super::{
    BATCH_HEADER_LEN, Batch, BatchHeader, SEGMENT_HEADER_LEN, SegmentHeader, Storage, StoredFile,
};

/// How far later batches are looked for at a time, in bytes.
const WINDOW: usize = 1 << 20;

/// What comes next in a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A whole batch.
    Batch(Batch),
    /// Nothing more was written.
    End,
    /// What was written here is not what was meant.
    Broken(Broken),
}

/// Where a segment stops making sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The first leaf that can't be read.
    pub sequence: u64,
    /// Sequence of the first leaf of the batch it is in.
    pub batch: u64,
    /// Where that batch begins in the file, in bytes.
    pub offset: u64,
    /// What is wrong with the leaf.
    pub why: &'static str,
}

/// What can still be read from where a segment breaks.
pub(crate) enum Salvage {
    /// The batch's header holds: each of its leaves by itself.
    Leaves(Vec<ReadLeaf>),
    /// It does not: a later batch comes next.
    Gap,
    /// Nothing.
    Nothing,
}

/// A place in a segment.
pub struct SegmentReader {
    file: Arc<dyn StoredFile>,
    header: SegmentHeader,
    key: [u8; 8],
    offset: u64,
    next: u64,
}

enum Peek {
    Header(BatchHeader),
    End,
    Broken(&'static str),
}

impl SegmentReader {
    /// Opens a segment at its first batch; `None` when its header is none.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn open(storage: &dyn Storage, path: &str) -> io::Result<Option<Self>> {
        Self::new(storage.open(path)?)
    }

    /// Reads an open file from its first batch on; `None` when its header is none.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn new(file: Arc<dyn StoredFile>) -> io::Result<Option<Self>> {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        if file.read_at(0, &mut bytes)? < SEGMENT_HEADER_LEN {
            return Ok(None);
        }
        Ok(SegmentHeader::parse(&bytes).map(|header| Self {
            file,
            key: header.key(),
            offset: SEGMENT_HEADER_LEN as u64,
            next: header.first,
            header,
        }))
    }

    /// The segment's header.
    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Where the next batch begins: offset in bytes, and sequence of its first leaf.
    pub fn position(&self) -> (u64, u64) {
        (self.offset, self.next)
    }

    /// Goes to a batch that is known to begin there.
    pub(crate) fn seek(&mut self, offset: u64, sequence: u64) {
        (self.offset, self.next) = (offset, sequence);
    }

    /// The next batch.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn step(&mut self) -> io::Result<Step> {
        let header = match self.peek()? {
            Peek::End => return Ok(Step::End),
            Peek::Broken(why) => return Ok(self.broken(0, why)),
            Peek::Header(header) => header,
        };
        let records = self.records(&header)?;
        if records.len() < header.len as usize {
            return Ok(self.broken(0, "its batch is cut short"));
        }
        Ok(match Batch::new(header, self.offset, records) {
            Err((number, why)) => self.broken(number, why),
            Ok(batch) => {
                self.pass(&header);
                Step::Batch(batch)
            }
        })
    }

    /// Passes over batches that end at or before `sequence`, looking at their headers alone; stops
    /// early where the segment ends or breaks.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn skip_to(&mut self, sequence: u64) -> io::Result<()> {
        while let Peek::Header(header) = self.peek()? {
            if header.end() > sequence {
                break;
            }
            self.pass(&header);
        }
        Ok(())
    }

    /// Whether a whole batch stands anywhere after the one that begins here. A crash can tear the
    /// last batch alone, as each is made durable before the next is written.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn has_later_batch(&self) -> io::Result<bool> {
        Ok(self.later_batch()?.is_some())
    }

    /// Where the nearest later batch begins, and with which leaf.
    fn later_batch(&self) -> io::Result<Option<(u64, u64)>> {
        let mut found = None;
        self.scan(self.offset + 1, |at, bytes| {
            found = bytes
                .windows(BATCH_HEADER_LEN)
                .zip(at..)
                .filter(|(bytes, _)| bytes.starts_with(&BatchHeader::MAGIC))
                .find_map(|(bytes, at)| {
                    let header = BatchHeader::parse(bytes.first_chunk()?, self.key)?;
                    (header.first > self.next).then_some((at, header.first))
                });
            found.is_none()
        })?;
        Ok(found)
    }

    /// Whether anything but zeros follows.
    pub(crate) fn more_follows(&self) -> io::Result<bool> {
        let mut more = false;
        self.scan(self.offset, |_, _| {
            more = true;
            false
        })?;
        Ok(more)
    }

    /// Shows what follows, but for zeros, in windows that overlap by a header; ends when told.
    fn scan(&self, from: u64, mut look: impl FnMut(u64, &[u8]) -> bool) -> io::Result<()> {
        let size = self.file.size()?;
        let mut window = vec![0; WINDOW + BATCH_HEADER_LEN];
        let zeros = vec![0; WINDOW + BATCH_HEADER_LEN];
        let mut at = from;
        while at < size {
            let read = self.file.read_at(at, &mut window)?;
            let bytes = window.get(..read).unwrap_or_default();
            // Most of what comes after the end is room that was never used.
            if !zeros.starts_with(bytes) && !look(at, bytes) {
                break;
            }
            at += WINDOW as u64;
        }
        Ok(())
    }

    /// Goes on after a step that was broken, with what can still be read of the batch.
    pub(crate) fn salvage(&mut self) -> io::Result<Salvage> {
        if let Peek::Header(header) = self.peek()? {
            let leaves = each_leaf(&header, &self.records(&header)?);
            self.pass(&header);
            return Ok(Salvage::Leaves(leaves));
        }
        Ok(match self.later_batch()? {
            Some((offset, first)) => {
                self.seek(offset, first);
                Salvage::Gap
            }
            None => Salvage::Nothing,
        })
    }

    /// A batch's records, as far as the file goes.
    fn records(&self, header: &BatchHeader) -> io::Result<Vec<u8>> {
        let start = self.offset + BATCH_HEADER_LEN as u64;
        let there = self.file.size()?.saturating_sub(start);
        let len = usize::try_from(there)
            .map_or(header.len as usize, |there| there.min(header.len as usize));
        let mut records = vec![0; len];
        let read = self.file.read_at(start, &mut records)?;
        records.truncate(read);
        Ok(records)
    }

    fn pass(&mut self, header: &BatchHeader) {
        self.offset += header.total();
        self.next = header.end();
    }

    fn broken(&self, number: u32, why: &'static str) -> Step {
        Step::Broken(Broken {
            sequence: self.next + u64::from(number),
            batch: self.next,
            offset: self.offset,
            why,
        })
    }

    fn peek(&self) -> io::Result<Peek> {
        let mut bytes = [0; BATCH_HEADER_LEN];
        let read = self.file.read_at(self.offset, &mut bytes)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(Peek::End);
        }
        Ok(if read < BATCH_HEADER_LEN {
            Peek::Broken("its batch is cut short")
        } else {
            match BatchHeader::parse(&bytes, self.key) {
                None => Peek::Broken("its batch has a damaged header"),
                Some(header) if header.first != self.next => {
                    Peek::Broken("its batch stands in the wrong place")
                }
                Some(header) => Peek::Header(header),
            }
        })
    }
}
