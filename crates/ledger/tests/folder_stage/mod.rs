//! Small logs on a storage double, to be damaged and verified.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use doorward_ledger::log::{Log, LogOptions, Tuning};
use doorward_ledger::segment::read_all;
use doorward_ledger::{
    Damage, KeyName, LeafBytes, LocalSigner, Report, Signer, VerifierKey, verify_folder,
};

use crate::storage_double::Double;

pub(crate) const ORIGIN: &str = "ledger.example/test";
pub(crate) const SEGMENT: &str = "segments/00000000000000000000.seg";
/// What stands before each leaf in a segment.
pub(crate) const BEFORE_LEAF: usize = 16;

pub(crate) fn signer(name: &str, seed: u8) -> LocalSigner {
    LocalSigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32]).unwrap()
}

pub(crate) fn keys() -> Vec<VerifierKey> {
    vec![signer(ORIGIN, 7).verifier_key().clone()]
}

pub(crate) fn leaf(n: u64) -> LeafBytes {
    let leaf = format!(r#"{{"at":"2026-01-01T00:00:00Z","kind":"a","n":{n},"v":1}}"#);
    LeafBytes::from_canonical(leaf.into_bytes()).unwrap()
}

pub(crate) fn options(double: &Double) -> LogOptions {
    let mut options = LogOptions::new(
        ORIGIN,
        Arc::new(signer(ORIGIN, 7)),
        Arc::new(double.clone()),
    );
    options.tuning = Tuning {
        background: false,
        segment_bytes: 4 << 10,
        reserve_bytes: 0,
        batch_delay: Duration::ZERO,
        keep_segments: 100,
        ..Tuning::default()
    };
    options
}

pub(crate) fn open(double: &Double) -> Log {
    Log::open(Arc::new(double.clone()), options(double))
        .unwrap()
        .0
}

pub(crate) fn append(log: &Log, leaves: std::ops::Range<u64>) {
    let tickets: Vec<_> = leaves.map(|n| log.append(&leaf(n)).unwrap()).collect();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
}

/// A closed log of several segments, with partial tiles of older checkpoints.
pub(crate) fn write(leaves: u64, segment_bytes: u64) -> Double {
    let double = Double::default();
    let mut options = options(&double);
    options.tuning.segment_bytes = segment_bytes;
    let (log, _) = Log::open(Arc::new(double.clone()), options).unwrap();
    for first in (0..leaves).step_by(10) {
        append(&log, first..leaves.min(first + 10));
        if [70, 270, 280].contains(&first) || leaves < 100 {
            log.checkpoint().unwrap();
        }
    }
    log.close().unwrap();
    double
}

pub(crate) fn closed() -> Double {
    static MADE: LazyLock<Double> = LazyLock::new(|| write(300, 4 << 10));
    MADE.copy()
}

pub(crate) fn verify(double: &Double) -> Report {
    verify_folder(Arc::new(double.clone()), &keys(), Some(ORIGIN), &mut |_| ()).unwrap()
}

pub(crate) fn first(report: &Report) -> &Damage {
    report.breaks.first().expect("a break")
}

pub(crate) fn bytes(double: &Double, path: &str) -> Vec<u8> {
    read_all(double, path, 1 << 20).unwrap()
}

pub(crate) fn segments(double: &Double) -> Vec<String> {
    let listed = double.listing().into_iter();
    listed
        .map(|(path, _)| path)
        .filter(|path| path.ends_with(".seg"))
        .collect()
}
