//! A batch: the leaves that one sync made durable, and their records.

use std::ops::Range;

use super::header::{check, take};
use crate::hash::leaf_hashes;
use crate::{Hash, MAX_LEAF_BYTES, leaf_hash};

/// Length of a batch's header, in bytes.
pub const BATCH_HEADER_LEN: usize = 32;
/// Length of what stands before each leaf, in bytes.
pub const RECORD_HEADER_LEN: usize = 16;
/// The most leaves in a batch.
pub const MAX_BATCH_LEAVES: u32 = 256;

const MAGIC: [u8; 4] = *b"DWBT";
const CHECK_LEN: usize = 12;

/// What stands before the records of a batch. All numbers are big-endian.
///
/// | bytes | |
/// |---|---|
/// | 4 | `DWBT` |
/// | 4 | number of leaves, 1 to 256 |
/// | 8 | sequence of the first leaf |
/// | 4 | length of the records, in bytes |
/// | 4 | zeros |
/// | 8 | check: the first bytes of the SHA-256 of the segment header's check and all before |
///
/// A record is the leaf's length (4 bytes), the first 12 bytes of its leaf hash, and the leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// Sequence of the first leaf.
    pub first: u64,
    /// Number of leaves.
    pub count: u32,
    /// Length of the records, in bytes.
    pub len: u32,
}

impl BatchHeader {
    pub(crate) const MAGIC: [u8; 4] = MAGIC;

    /// As it is stored in the segment whose header has this key.
    pub(crate) fn encode(&self, key: [u8; 8]) -> [u8; BATCH_HEADER_LEN] {
        let mut bytes = Vec::with_capacity(8 + BATCH_HEADER_LEN);
        bytes.extend(key);
        bytes.extend(MAGIC);
        bytes.extend(self.count.to_be_bytes());
        bytes.extend(self.first.to_be_bytes());
        bytes.extend(self.len.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(check(&bytes));
        bytes.last_chunk().copied().unwrap_or([0; BATCH_HEADER_LEN])
    }

    /// The header in these bytes; `None` when they are none of this segment.
    pub(crate) fn parse(bytes: &[u8; BATCH_HEADER_LEN], key: [u8; 8]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        if take::<4>(&mut rest)? != MAGIC {
            return None;
        }
        let count = u32::from_be_bytes(take(&mut rest)?);
        let first = u64::from_be_bytes(take(&mut rest)?);
        let len = u32::from_be_bytes(take(&mut rest)?);
        let header = Self { first, count, len };
        let most = u64::from(count) * (RECORD_HEADER_LEN + MAX_LEAF_BYTES) as u64;
        let sane = (1..=MAX_BATCH_LEAVES).contains(&count) && u64::from(len) <= most;
        (sane && header.encode(key) == *bytes).then_some(header)
    }

    /// The sequence after the last leaf.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// Length of header and records, in bytes.
    pub fn total(&self) -> u64 {
        BATCH_HEADER_LEN as u64 + u64::from(self.len)
    }
}

/// A batch that was read, each record held against its check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Its header.
    pub header: BatchHeader,
    /// Where its header begins in the segment, in bytes.
    pub offset: u64,
    /// The records, after what stands before them.
    bytes: Vec<u8>,
    start: usize,
    /// Where each leaf is in `bytes`.
    leaves: Vec<(Range<usize>, Hash)>,
}

impl Batch {
    /// Checks the records. The error is the number of the first bad one, and why.
    pub(crate) fn new(
        header: BatchHeader,
        offset: u64,
        records: Vec<u8>,
    ) -> Result<Self, (u32, &'static str)> {
        let mut leaves = Vec::with_capacity(header.count as usize);
        let mut rest = records.as_slice();
        for number in 0..header.count {
            let record = Record::take(&mut rest).map_err(|why| (number, why))?;
            let hash = record.hash().map_err(|why| (number, why))?;
            let end = records.len() - rest.len();
            leaves.push((end - record.leaf.len()..end, hash));
        }
        if rest.is_empty() {
            Ok(Self {
                header,
                offset,
                bytes: records,
                start: 0,
                leaves,
            })
        } else {
            Err((
                header.count.saturating_sub(1),
                "more follows than its batch holds",
            ))
        }
    }

    /// A batch as it was just written: `bytes` are its header and records.
    pub(crate) fn written(
        first: u64,
        offset: u64,
        bytes: Vec<u8>,
        leaves: Vec<(Range<usize>, Hash)>,
    ) -> Self {
        let count = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let len = u32::try_from(bytes.len().saturating_sub(BATCH_HEADER_LEN)).unwrap_or(u32::MAX);
        Self {
            header: BatchHeader { first, count, len },
            offset,
            bytes,
            start: BATCH_HEADER_LEN,
            leaves,
        }
    }

    /// Sequence, bytes and leaf hash of each leaf.
    pub fn leaves(&self) -> impl Iterator<Item = (u64, &[u8], Hash)> {
        (self.header.first..)
            .zip(&self.leaves)
            .map(|(sequence, (range, hash))| {
                (
                    sequence,
                    self.bytes.get(range.clone()).unwrap_or_default(),
                    *hash,
                )
            })
    }

    /// The records as they are stored.
    pub(crate) fn records(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// A record that was read.
struct Record<'b> {
    check: [u8; CHECK_LEN],
    leaf: &'b [u8],
}

impl<'b> Record<'b> {
    fn take(rest: &mut &'b [u8]) -> Result<Self, &'static str> {
        const CUT: &str = "its record is cut short";
        let len = take(rest).map(u32::from_be_bytes).ok_or(CUT)? as usize;
        let check = take(rest).ok_or(CUT)?;
        if !(1..=MAX_LEAF_BYTES).contains(&len) {
            return Err("its record has an impossible length");
        }
        let (leaf, after) = rest.split_at_checked(len).ok_or(CUT)?;
        *rest = after;
        Ok(Self { check, leaf })
    }

    /// The leaf's hash, if it is the one that was written.
    fn hash(&self) -> Result<Hash, &'static str> {
        let hash = leaf_hash(self.leaf);
        if hash.as_bytes().starts_with(&self.check) {
            Ok(hash)
        } else {
            Err("its bytes were changed or never fully written")
        }
    }
}

/// Sequence of a leaf, and its hash or what is wrong with it.
pub(crate) type ReadLeaf = (u64, Result<Hash, &'static str>);

/// Each leaf of a batch by itself. After a record whose length is wrong nothing more is found.
pub(crate) fn each_leaf(header: &BatchHeader, records: &[u8]) -> Vec<ReadLeaf> {
    let mut rest = records;
    let mut lost = None;
    (header.first..header.end())
        .map(|sequence| {
            let read = match lost {
                Some(why) => Err(why),
                None => Record::take(&mut rest)
                    .inspect_err(|why| lost = Some(*why))
                    .and_then(|record| record.hash()),
            };
            (sequence, read)
        })
        .collect()
}

/// Appends the record of a leaf of 1 to 65,535 bytes, but for its check: [`fill_checks`] follows.
pub(crate) fn push_record(records: &mut Vec<u8>, leaf: &[u8]) {
    records.reserve(RECORD_HEADER_LEN + leaf.len());
    records.extend((leaf.len() as u32).to_be_bytes());
    records.extend([0; CHECK_LEN]);
    records.extend_from_slice(leaf);
}

/// Hashes the leaves that are at these places, and writes the check of each before it.
pub(crate) fn fill_checks(
    bytes: &mut [u8],
    leaves: Vec<Range<usize>>,
) -> Vec<(Range<usize>, Hash)> {
    let read: Vec<&[u8]> = leaves
        .iter()
        .map(|range| bytes.get(range.clone()).unwrap_or_default())
        .collect();
    let hashes = leaf_hashes(&read);
    for (range, hash) in leaves.iter().zip(&hashes) {
        let before = range.start.saturating_sub(CHECK_LEN)..range.start;
        if let Some((to, from)) = bytes.get_mut(before).zip(hash.as_bytes().get(..CHECK_LEN)) {
            to.copy_from_slice(from);
        }
    }
    leaves.into_iter().zip(hashes).collect()
}
