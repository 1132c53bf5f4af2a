//! Segment files hold any bytes: whatever is in them is read without a panic, and nothing is read
//! that was not written.

#![cfg(test)]

#[expect(dead_code, reason = "each test uses a part of it")]
mod storage_double;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use doorward_ledger::log::{Log, LogOptions, Reader, Tuning};
use doorward_ledger::segment::{Batch, SegmentReader, Step, Storage};
use doorward_ledger::{KeyName, LeafBytes, LocalSigner};
use proptest::prelude::*;
use storage_double::Double;

const SEGMENT: &str = "segments/00000000000000000000.seg";
const ORIGIN: &str = "ledger.example/test";

fn leaf(n: usize) -> LeafBytes {
    let leaf = format!(
        r#"{{"at":"2026-01-01T00:00:00Z","kind":"a","n":{n},"pad":"{}","v":1}}"#,
        "y".repeat(n * 53 % 300)
    );
    LeafBytes::from_canonical(leaf.into_bytes()).unwrap()
}

/// A closed segment of ten leaves.
fn written() -> Double {
    static MADE: LazyLock<Double> = LazyLock::new(write);
    MADE.copy()
}

fn write() -> Double {
    let double = Double::default();
    let signer = LocalSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[7; 32]).unwrap();
    let mut options = LogOptions::new(ORIGIN, Arc::new(signer), Arc::new(double.clone()));
    options.tuning = Tuning {
        background: false,
        segment_bytes: 16 << 10,
        reserve_bytes: 4096,
        batch_delay: Duration::ZERO,
        ..Tuning::default()
    };
    let (log, _) = Log::open(Arc::new(double.clone()), options).unwrap();
    for n in 0..10 {
        log.append(&leaf(n)).unwrap().wait().unwrap();
    }
    log.close().unwrap();
    double
}

/// All leaves of a segment up to where it ends or breaks, and whether it breaks.
fn read(double: &Double) -> Option<(Vec<Vec<u8>>, bool)> {
    let mut reader = SegmentReader::open(double, SEGMENT).unwrap()?;
    let mut leaves = Vec::new();
    let whole = |batch: &Batch| {
        batch
            .leaves()
            .map(|(_, leaf, _)| leaf.to_vec())
            .collect::<Vec<_>>()
    };
    loop {
        match reader.step().unwrap() {
            Step::Batch(batch) => leaves.extend(whole(&batch)),
            Step::End => return Some((leaves, false)),
            Step::Broken(_) => {
                reader.has_later_batch().unwrap();
                return Some((leaves, true));
            }
        }
    }
}

fn all() -> Vec<Vec<u8>> {
    (0..10).map(|n| leaf(n).as_bytes().to_vec()).collect()
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let double = Double::default();
        double.create_folder("segments").unwrap();
        double.create(SEGMENT, 0).unwrap().write_at(0, &bytes).unwrap();
        prop_assert_eq!(read(&double), None, "no header by chance");
        prop_assert!(Reader::open(Arc::new(double), None).is_ok());
    }

    #[test]
    fn any_bytes_after_a_header_are_no_leaves(bytes in prop::collection::vec(any::<u8>(), 1..2000)) {
        let double = written();
        double.edit(SEGMENT, |segment| {
            segment.truncate(64);
            segment.extend(&bytes);
        });
        let (leaves, broken) = read(&double).unwrap();
        prop_assert!(leaves.is_empty());
        prop_assert_eq!(broken, bytes.iter().take(32).any(|byte| *byte != 0));
    }

    #[test]
    fn what_is_changed_is_never_read_as_something_else(
        at in 64..3000_usize,
        patch in prop::collection::vec(any::<u8>(), 1..80),
    ) {
        let double = written();
        let mut changed = false;
        double.edit(SEGMENT, |segment| {
            for (to, from) in segment.iter_mut().skip(at).zip(&patch) {
                changed |= to != from;
                *to = *from;
            }
        });
        let (leaves, broken) = read(&double).unwrap();
        let all = all();
        prop_assert!(all.starts_with(&leaves));
        prop_assert_eq!(leaves != all, changed);
        // Zeros where a batch should begin are an end; what follows tells the log otherwise.
        prop_assert!(broken || !changed || patch.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_segment_cut_anywhere_holds_the_leaves_before(cut in 64..3000_usize) {
        let double = written();
        double.edit(SEGMENT, |segment| segment.truncate(cut));
        let (leaves, _) = read(&double).unwrap();
        prop_assert!(all().starts_with(&leaves));
    }
}
