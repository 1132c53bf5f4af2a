//! Writes one segment.

use std::io;
use std::sync::Arc;

use super::{
    BATCH_HEADER_LEN, BatchHeader, LogId, SEGMENT_HEADER_LEN, SegmentHeader, Storage, StoredFile,
    parent,
};

/// The folder of the segments.
pub(crate) const FOLDER: &str = "segments";

/// Where the segment that begins with leaf `first` is.
pub(crate) fn segment_path(first: u64) -> String {
    format!("{FOLDER}/{first:020}.seg")
}

/// First sequences of all segments, by their names, in order.
pub(crate) fn segments(storage: &dyn Storage) -> io::Result<Vec<u64>> {
    let mut found: Vec<u64> = storage
        .list(FOLDER)?
        .iter()
        .filter_map(|name| name.strip_suffix(".seg"))
        .filter(|digits| digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|digits| digits.parse().ok())
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// The segment that is being written.
pub(crate) struct SegmentWriter {
    file: Arc<dyn StoredFile>,
    first: u64,
    key: [u8; 8],
    offset: u64,
    room: u64,
}

impl SegmentWriter {
    /// Creates a segment of `room` bytes under a temporary name, and gives it its own once its
    /// header is durable: a segment without a header is never seen.
    pub(crate) fn create(
        storage: &dyn Storage,
        log: LogId,
        first: u64,
        room: u64,
    ) -> io::Result<Self> {
        let path = segment_path(first);
        let temporary = format!("{FOLDER}/next.tmp");
        let header = SegmentHeader { first, log };
        let file = storage.create(&temporary, room)?;
        file.write_at(0, &header.encode())?;
        file.sync()?;
        storage.rename(&temporary, &path)?;
        storage.sync_folder(parent(&path))?;
        Ok(Self {
            file,
            first,
            key: header.key(),
            offset: SEGMENT_HEADER_LEN as u64,
            room,
        })
    }

    /// Sequence of the segment's first leaf.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Where the next batch begins, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether `bytes` more fit.
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        self.offset + bytes <= self.room
    }

    /// Writes a batch: `bytes` begins with room for its header, which is filled in here. Durable
    /// after [`SegmentWriter::sync`].
    pub(crate) fn append(&mut self, first: u64, count: u32, bytes: &mut [u8]) -> io::Result<()> {
        let len = bytes.len().saturating_sub(BATCH_HEADER_LEN);
        let len = u32::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
        let header = BatchHeader { first, count, len }.encode(self.key);
        for (to, from) in bytes.iter_mut().zip(header) {
            *to = from;
        }
        self.file.write_at(self.offset, bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Goes back to an earlier offset: what was appended since is overwritten.
    pub(crate) fn rewind(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Makes durable what was appended.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Gives back the room that was not used. Nothing is lost when this fails.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.file.truncate(self.offset)?;
        self.file.sync()
    }
}
