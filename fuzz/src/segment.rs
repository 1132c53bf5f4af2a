//! Segment files: of what was written, no other leaf is ever read.

use std::io;
use std::sync::Arc;

use doorward_ledger::segment::{
    BATCH_HEADER_LEN, LogId, SEGMENT_HEADER_LEN, SegmentHeader, SegmentReader, Step, StoredFile,
};
use ring::digest::{SHA256, digest};

/// The segment's bytes, as a file.
struct Bytes(Vec<u8>);

impl StoredFile for Bytes {
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.0.get(from..).unwrap_or_default();
        let read = bytes.len().min(into.len());
        into[..read].copy_from_slice(&bytes[..read]);
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the bytes as a segment twice: as they are, and with right checks put where checks belong,
/// so that what is behind the checks is reached too.
pub(crate) fn segment(data: &[u8]) -> bool {
    let read = |bytes: Vec<u8>| {
        let Ok(Some(mut reader)) = SegmentReader::new(Arc::new(Bytes(bytes))) else {
            return None;
        };
        let first = reader.header().first;
        let mut leaves: Vec<Vec<u8>> = Vec::new();
        loop {
            let (offset, next) = reader.position();
            match reader.step().expect("reading from memory") {
                Step::Batch(batch) => {
                    assert_eq!(batch.offset, offset);
                    let mut expected = next;
                    for (sequence, leaf, hash) in batch.leaves() {
                        assert_eq!(sequence, expected);
                        assert_eq!(hash, doorward_ledger::leaf_hash(leaf));
                        leaves.push(leaf.to_vec());
                        expected = expected.wrapping_add(1);
                    }
                    assert_eq!(reader.position().1, batch.header.end());
                    assert!(reader.position().0 > offset, "it goes on");
                }
                Step::End => return Some((first, leaves)),
                Step::Broken(broken) => {
                    assert!(broken.sequence >= next && broken.offset == offset);
                    let _ = reader.has_later_batch();
                    return Some((first, leaves));
                }
            }
        }
    };
    let Some((first, leaves)) = read(data.to_vec()) else {
        read(with_checks(data.to_vec()));
        return false;
    };
    if first == SEED_FIRST {
        let written = seed_leaves();
        assert!(
            written.starts_with(&leaves),
            "a leaf was read that nobody wrote"
        );
    }
    read(with_checks(data.to_vec()));
    !leaves.is_empty()
}

/// Sequence of the first leaf in the seed.
const SEED_FIRST: u64 = 70_000;

pub(crate) fn seed_leaves() -> Vec<Vec<u8>> {
    crate::seeds::leaves()
}

/// A segment of the seed's leaves, two batches and some room, written by the format's description
/// and not by the crate.
pub(crate) fn seed() -> Vec<u8> {
    let first = SEED_FIRST;
    let header = SegmentHeader {
        first,
        log: LogId::of("ledger.example/main"),
    };
    let mut bytes = header.encode().to_vec();
    let leaves = seed_leaves();
    let mut sequence = first;
    for batch in leaves.chunks(3) {
        let mut records = Vec::new();
        for leaf in batch {
            records.extend((leaf.len() as u32).to_be_bytes());
            records.extend(&record_hash(leaf)[..12]);
            records.extend(leaf);
        }
        bytes.extend(b"DWBT");
        bytes.extend((batch.len() as u32).to_be_bytes());
        bytes.extend(sequence.to_be_bytes());
        bytes.extend((records.len() as u32).to_be_bytes());
        bytes.extend([0; 12]);
        bytes.extend(records);
        sequence += batch.len() as u64;
    }
    bytes.extend([0; 100]);
    with_checks(bytes)
}

fn record_hash(leaf: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(leaf);
    digest(&SHA256, &bytes).as_ref().to_vec()
}

/// Puts the right checks into a segment's header and its batches', as far as they follow each other.
fn with_checks(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() < SEGMENT_HEADER_LEN {
        return bytes;
    }
    let check = |bytes: &[u8]| digest(&SHA256, bytes).as_ref()[..8].to_vec();
    let key = check(&bytes[..SEGMENT_HEADER_LEN - 8]);
    bytes[SEGMENT_HEADER_LEN - 8..SEGMENT_HEADER_LEN].copy_from_slice(&key);
    let mut at = SEGMENT_HEADER_LEN;
    while let Some(header) = bytes.get(at..at + BATCH_HEADER_LEN) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let len = u32::from_be_bytes([header[16], header[17], header[18], header[19]]);
        let covered = [&key[..], &header[..BATCH_HEADER_LEN - 8]].concat();
        let end = at + BATCH_HEADER_LEN;
        let right = check(&covered);
        bytes[end - 8..end].copy_from_slice(&right);
        at = end.saturating_add(len as usize);
    }
    bytes
}
