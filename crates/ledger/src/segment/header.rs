//! The first 64 bytes of a segment file.

use std::fmt;

use crate::{HASH_LEN, Hash};

/// Length of a segment's header, in bytes.
pub const SEGMENT_HEADER_LEN: usize = 64;
const MAGIC: [u8; 8] = *b"DWLEDGER";
const VERSION: u32 = 1;

/// Which log a file belongs to: SHA-256 of the log's origin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LogId(Hash);

impl LogId {
    /// Of the log with this origin.
    pub fn of(origin: &str) -> Self {
        Self(Hash::plain(origin.as_bytes()))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({})", self.0)
    }
}

/// What a segment says of itself. All numbers are big-endian.
///
/// | bytes | |
/// |---|---|
/// | 8 | `DWLEDGER` |
/// | 4 | version, 1 |
/// | 4 | length of this header, 64 |
/// | 8 | sequence of the first leaf |
/// | 32 | SHA-256 of the log's origin |
/// | 8 | check: the first bytes of the SHA-256 of all before |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// Sequence of the segment's first leaf.
    pub first: u64,
    /// The log it belongs to.
    pub log: LogId,
}

impl SegmentHeader {
    /// As it is stored.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_LEN);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend((SEGMENT_HEADER_LEN as u32).to_be_bytes());
        bytes.extend(self.first.to_be_bytes());
        bytes.extend(self.log.0.as_bytes());
        bytes.extend(check(&bytes));
        let mut header = [0; SEGMENT_HEADER_LEN];
        for (to, from) in header.iter_mut().zip(bytes) {
            *to = from;
        }
        header
    }

    /// The header in these bytes; `None` when they are none.
    pub fn parse(bytes: &[u8; SEGMENT_HEADER_LEN]) -> Option<Self> {
        let (body, stored) = bytes.split_last_chunk::<8>()?;
        if check(body) != *stored {
            return None;
        }
        let mut rest = body;
        let known = take::<8>(&mut rest)? == MAGIC
            && u32::from_be_bytes(take(&mut rest)?) == VERSION
            && u32::from_be_bytes(take(&mut rest)?) == SEGMENT_HEADER_LEN as u32;
        let first = u64::from_be_bytes(take(&mut rest)?);
        let log = LogId(Hash::from_bytes(take::<HASH_LEN>(&mut rest)?));
        known.then_some(Self { first, log })
    }

    /// What the checks of this segment's batches also cover, so that a batch copied from another
    /// segment is no batch of this one.
    pub(crate) fn key(&self) -> [u8; 8] {
        let header = self.encode();
        header.last_chunk::<8>().copied().unwrap_or_default()
    }
}

/// The first eight bytes of a SHA-256.
pub(super) fn check(bytes: &[u8]) -> [u8; 8] {
    Hash::plain(bytes)
        .as_bytes()
        .first_chunk::<8>()
        .copied()
        .unwrap_or_default()
}

/// The next `N` bytes.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_that_was_changed() {
        let header = SegmentHeader {
            first: 70_000,
            log: LogId::of("example.org/log"),
        };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::parse(&bytes), Some(header));
        for at in 0..bytes.len() {
            let mut changed = bytes;
            changed[at] ^= 1;
            assert_eq!(SegmentHeader::parse(&changed), None, "{at}");
        }
    }
}
