//! The log on a file system that fails.

#![cfg(test)]

mod storage_double;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use doorward_ledger::log::{
    AppendError, CursorFile, Halt, Log, LogError, LogOptions, Opened, Reader, Tuning,
};
use doorward_ledger::segment::{Storage, read_all};
use doorward_ledger::{
    CHECKPOINT_PATH, Checkpoint, Frontier, KeyName, LeafBytes, LocalSigner, Signer, Tile,
    TileBuilder, TileKind, append_to_bundle, leaf_hash, tiles_between,
};
use storage_double::{Crash, Double, Fault};

const ORIGIN: &str = "ledger.example/test";

fn signer() -> LocalSigner {
    LocalSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[7; 32]).unwrap()
}

fn leaf(n: u64) -> LeafBytes {
    static MADE: LazyLock<Vec<LeafBytes>> = LazyLock::new(|| (0..1100).map(make_leaf).collect());
    MADE[n as usize].clone()
}

fn make_leaf(n: u64) -> LeafBytes {
    let size = (n * 37 % 200) as usize;
    let leaf = format!(
        r#"{{"at":"2026-01-01T00:00:00Z","kind":"outcome","n":{n},"pad":"{}","v":1}}"#,
        "x".repeat(size)
    );
    LeafBytes::from_canonical(leaf.into_bytes()).unwrap()
}

fn options(double: &Double) -> LogOptions {
    let mut options = LogOptions::new(ORIGIN, Arc::new(signer()), Arc::new(double.clone()));
    options.tuning = Tuning {
        segment_bytes: 16 << 10,
        reserve_bytes: 4096,
        keep_segments: 1,
        background: false,
        ..Tuning::default()
    };
    options.disk_full_leaf = Arc::new(|_| {
        let leaf = br#"{"at":"2026-01-01T00:00:00Z","kind":"disk_full","v":1}"#;
        LeafBytes::from_canonical(leaf.to_vec()).ok()
    });
    options
}

fn open(double: &Double) -> Result<(Log, Opened), LogError> {
    Log::open(Arc::new(double.clone()), options(double))
}

/// Leaves that were acknowledged, by their sequence.
type Acknowledged = BTreeMap<u64, LeafBytes>;

fn append(log: &Log, n: u64, acknowledged: &mut Acknowledged) -> Result<(), AppendError> {
    let leaf = leaf(n);
    let sequence = log.append(&leaf)?.wait()?;
    assert!(
        acknowledged.insert(sequence, leaf).is_none(),
        "{sequence} given twice"
    );
    Ok(())
}

/// A day in the life of a log; ends at the first error.
fn live(double: &Double, acknowledged: &mut Acknowledged) -> Option<()> {
    let (log, _) = open(double).ok()?;
    for n in 0..5 {
        append(&log, n, acknowledged).ok()?;
    }
    log.tick().ok()?;
    // Batches of many, over several segments and past the first full tile.
    let mut tickets = Vec::new();
    for n in 5..290 {
        let leaf = leaf(n);
        tickets.push((log.append(&leaf).ok()?, leaf));
    }
    let mut failed = false;
    for (ticket, leaf) in tickets {
        match ticket.wait() {
            Ok(sequence) => assert!(acknowledged.insert(sequence, leaf).is_none()),
            Err(_) => failed = true,
        }
    }
    if failed {
        return None;
    }
    log.checkpoint().ok()?;
    for n in 290..293 {
        append(&log, n, acknowledged).ok()?;
        log.checkpoint().ok()?;
    }
    log.close().ok()
}

/// Everything a log promises, after it was opened again.
fn check(double: &Double, acknowledged: &Acknowledged, what: &str) {
    let (log, _) = open(double).unwrap_or_else(|error| panic!("{what}: {error}"));
    let before = log.status();
    assert_eq!(before.durable, before.signed, "{what}: signed on opening");
    let mut more = acknowledged.clone();
    for n in 1000..1003 {
        append(&log, n, &mut more).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    log.checkpoint()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    verify(double, &log.reader(), &more, what);
    log.close().unwrap();
    verify(
        double,
        &Reader::open(Arc::new(double.clone()), Some(ORIGIN)).unwrap(),
        &more,
        what,
    );
}

fn verify(double: &Double, reader: &Reader, acknowledged: &Acknowledged, what: &str) {
    let bytes = read_all(double, CHECKPOINT_PATH, 4096).unwrap();
    assert_eq!(
        double.anchor().as_ref(),
        Some(&bytes),
        "{what}: anchored as published"
    );
    let checkpoint = Checkpoint::open(&bytes, &[signer().verifier_key().clone()])
        .unwrap()
        .checkpoint;
    assert_eq!(checkpoint.size(), reader.size(), "{what}");
    let mut tree = Frontier::new();
    let mut leaves = Vec::new();
    let mut cursor = reader.from(0).unwrap();
    while let Some(record) = cursor.next().unwrap() {
        assert_eq!(record.sequence, tree.size(), "{what}");
        tree.push(leaf_hash(&record.leaf));
        leaves.push(record.leaf);
    }
    assert_eq!(checkpoint.head(), tree.head(), "{what}");
    for (sequence, leaf) in acknowledged {
        let found = leaves.get(*sequence as usize).map(Vec::as_slice);
        assert_eq!(found, Some(leaf.as_bytes()), "{what}: leaf {sequence}");
    }
    let mut builder = TileBuilder::new();
    let mut expected: BTreeMap<Tile, Vec<u8>> = BTreeMap::new();
    for leaf in &leaves {
        let full = |tile: Tile, hashes: &[_]| {
            expected.insert(tile, TileBuilder::tile_bytes(hashes));
            Ok(())
        };
        builder.push(leaf_hash(leaf), full).unwrap();
    }
    for (tile, hashes) in builder.partial_tiles() {
        expected.insert(tile, TileBuilder::tile_bytes(hashes));
    }
    for tile in tiles_between(0, leaves.len() as u64) {
        let stored = read_all(double, &tile.to_string(), 1 << 20)
            .unwrap_or_else(|error| panic!("{what}: {tile}: {error}"));
        if tile.kind() == TileKind::Entries {
            let mut bundle = Vec::new();
            for leaf in leaves
                .iter()
                .skip(tile.first_leaf() as usize)
                .take(tile.width().into())
            {
                append_to_bundle(&mut bundle, leaf).unwrap();
            }
            assert_eq!(stored, bundle, "{what}: {tile}");
        } else {
            assert_eq!(stored, expected[&tile], "{what}: {tile}");
        }
    }
}

/// How many operations there are depends on how the threads meet, so the walk goes on until
/// this many faults in a row found no operation to strike.
const MISSES: u32 = 24;
/// Fewer faults than this struck is a test that tested nothing.
const FEWEST: u32 = 60;

/// `all`: every kind of crash after every operation; otherwise they take turns.
fn each_operation_fails(fault: Fault, all: bool) {
    let (mut struck, mut missed) = (0_u32, 0_u32);
    let mut number = 0;
    while missed < MISSES {
        let crashes = [
            Crash::Process,
            Crash::Power,
            Crash::Torn(number * 7919 + 12345),
        ];
        let turn = number as usize % crashes.len();
        for crash in if all {
            &crashes[..]
        } else {
            &crashes[turn..=turn]
        } {
            let double = Double::default();
            let mut acknowledged = Acknowledged::new();
            double.fail(number, fault);
            let finished = live(&double, &mut acknowledged).is_some();
            if double.heal() {
                (struck, missed) = (struck + 1, 0);
            } else {
                missed += 1;
            }
            double.crash(*crash);
            let what = format!("operation {number} {fault:?}, then {crash:?}, {finished}");
            check(&double, &acknowledged, &what);
            // A sync that failed must not have left leaves in memory alone.
            double.crash(Crash::Power);
            let (log, _) = open(&double).unwrap_or_else(|error| panic!("{what}, again: {error}"));
            verify(&double, &log.reader(), &acknowledged, &what);
        }
        number += 1;
    }
    assert!(struck >= FEWEST, "only {struck} faults struck");
}

#[test]
fn each_operation_fails_though_it_was_done() {
    each_operation_fails(Fault::Persisted, true);
}

#[test]
fn each_operation_fails_undone() {
    each_operation_fails(Fault::NotPersisted, true);
}

#[test]
fn each_operation_fails_half_done() {
    each_operation_fails(Fault::Half, false);
}

#[test]
fn each_operation_meets_a_full_disk() {
    each_operation_fails(Fault::Full, false);
}

#[test]
fn power_fails_at_any_moment() {
    for seed in 1..200_u64 {
        let double = Double::default();
        let (log, _) = open(&double).unwrap();
        let mut acknowledged = Acknowledged::new();
        for n in 0..seed * 3 % 97 {
            append(&log, n, &mut acknowledged).unwrap();
        }
        if seed % 3 == 0 {
            log.checkpoint().unwrap();
        }
        let tickets: Vec<_> = (0..seed % 40)
            .map(|n| log.append(&leaf(n)).unwrap())
            .collect();
        // A copy, as the old writer goes on for a moment.
        let left = double.copy();
        left.crash(Crash::Torn(seed * 104_729));
        check(&left, &acknowledged, &format!("seed {seed}"));
        drop(tickets);
    }
}

#[test]
fn a_full_disk_is_recorded_and_signed() {
    let double = Double::default();
    let (log, _) = open(&double).unwrap();
    let mut acknowledged = Acknowledged::new();
    append(&log, 0, &mut acknowledged).unwrap();
    log.checkpoint().unwrap();
    double.bound(Some(60 << 10));
    let mut n = 1;
    let refused = loop {
        if let Err(error) = append(&log, n, &mut acknowledged) {
            break error;
        }
        n += 1;
    };
    assert_eq!(refused, AppendError::Halted(Halt::DiskFull));
    assert!(n > 50, "{n} leaves fitted");
    assert!(matches!(log.close(), Err(LogError::Halted(Halt::DiskFull))));
    let last = log.status();
    assert_eq!(last.durable, n + 1);
    assert_eq!(last.signed, n + 1, "the room of the reserve was enough");
    let text = log.reader().leaf(n).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("disk_full"));
    drop(log);
    assert!(matches!(
        open(&double),
        Err(LogError::DiskFull { .. } | LogError::Io { .. })
    ));
    double.bound(None);
    check(&double, &acknowledged, "after there was room again");
}

fn filled(leaves: u64) -> (Double, Acknowledged) {
    let double = Double::default();
    let (log, _) = open(&double).unwrap();
    let mut acknowledged = Acknowledged::new();
    for n in 0..leaves {
        append(&log, n, &mut acknowledged).unwrap();
    }
    log.close().unwrap();
    (double, acknowledged)
}

#[test]
fn any_published_file_that_is_lost_or_cut_is_made_anew() {
    let (double, acknowledged) = filled(300);
    let kept: u64 = double
        .listing()
        .iter()
        .find_map(|(name, _)| {
            name.strip_prefix("segments/")?
                .strip_suffix(".seg")?
                .parse()
                .ok()
        })
        .unwrap();
    let mut tried = 0;
    for (name, size) in double.listing() {
        let tile = name.parse::<Tile>().ok();
        let rebuilt = tile.is_some_and(|tile| {
            tile.kind() != TileKind::Entries && tile.first_leaf() >= kept || !tile.is_full()
        });
        if !(name == CHECKPOINT_PATH || rebuilt) {
            continue;
        }
        tried += 1;
        for keep in [None, Some(0), Some(size / 2), Some(size - 1)] {
            let double = double.copy();
            match keep {
                None => double.lose(&name),
                Some(keep) => double.edit(&name, |bytes| bytes.truncate(keep)),
            }
            check(&double, &acknowledged, &format!("{name} cut to {keep:?}"));
        }
    }
    assert!(tried >= 4, "{tried}");
}

#[test]
fn what_was_turned_back_or_changed_is_refused() {
    let (double, _) = filled(20);
    let old = double.copy();
    let (log, _) = open(&double).unwrap();
    append(&log, 20, &mut Acknowledged::new()).unwrap();
    log.close().unwrap();

    old.set_anchor(double.anchor());
    assert!(matches!(
        open(&old),
        Err(LogError::Behind {
            have: 20,
            signed: 21
        })
    ));

    let empty = Double::default();
    empty.set_anchor(double.anchor());
    assert!(matches!(
        open(&empty),
        Err(LogError::Behind {
            have: 0,
            signed: 21
        })
    ));

    let lost = double.copy();
    lost.set_anchor(None);
    assert!(matches!(
        open(&lost),
        Err(LogError::NotAnchored { size: 21 })
    ));
    let mut adopting = options(&lost);
    adopting.adopt = true;
    Log::open(Arc::new(lost.clone()), adopting)
        .unwrap()
        .0
        .close()
        .unwrap();
    open(&lost).unwrap();

    let other = double.copy();
    let (log, _) = open(&Double::default()).unwrap();
    log.close().unwrap();
    let mut options = options(&other);
    options.origin = "ledger.example/other".to_owned();
    assert!(matches!(
        Log::open(Arc::new(other.clone()), options),
        Err(LogError::Checkpoint { .. })
    ));

    // Another tree of the same size, whole in itself, but not the one that was signed.
    let forged = Double::default();
    let (log, _) = open(&forged).unwrap();
    for n in 0..21 {
        append(&log, 500 + n, &mut Acknowledged::new()).unwrap();
    }
    log.close().unwrap();
    forged.set_anchor(double.anchor());
    let refused = open(&forged).map(|_| ()).unwrap_err();
    assert!(
        matches!(refused, LogError::OtherRoot { size: 21 }),
        "{refused}"
    );
}

#[test]
fn an_acknowledged_leaf_that_changed_is_never_cut_off() {
    let double = Double::default();
    let (log, _) = open(&double).unwrap();
    let mut acknowledged = Acknowledged::new();
    for n in 0..20 {
        append(&log, n, &mut acknowledged).unwrap();
    }
    // Not signed, not closed.
    let name = "segments/00000000000000000000.seg";
    let copy = double.copy();
    let written = copy
        .listing()
        .iter()
        .find(|(found, _)| found == name)
        .unwrap()
        .1;
    assert!(written > 2000);
    let wiped = copy.copy();
    copy.edit(name, |bytes| bytes[130] ^= 1);
    let refused = open(&copy).map(|_| ()).unwrap_err();
    assert!(
        matches!(refused, LogError::Damaged { sequence: 0, .. }),
        "{refused}"
    );
    // Nor does it end where a batch was wiped out.
    wiped.edit(name, |bytes| bytes[64..96].fill(0));
    let refused = open(&wiped).map(|_| ()).unwrap_err();
    assert!(
        matches!(refused, LogError::Damaged { sequence: 0, .. }),
        "{refused}"
    );
    drop(log);
}

#[test]
fn every_byte_of_a_segment_counts() {
    let (double, acknowledged) = filled(12);
    let name = "segments/00000000000000000000.seg";
    let size = double
        .listing()
        .iter()
        .find(|(found, _)| found == name)
        .unwrap()
        .1;
    for at in 0..size {
        let double = double.copy();
        double.edit(name, |bytes| bytes[at] ^= 0x20);
        let reader = Reader::open(Arc::new(double.clone()), Some(ORIGIN));
        let read = reader.and_then(|reader| {
            let mut cursor = reader.from(0)?;
            let mut read = Vec::new();
            while let Some(record) = cursor.next()? {
                read.push(record.leaf);
            }
            Ok(read)
        });
        let all: Vec<_> = acknowledged
            .values()
            .map(|leaf| leaf.as_bytes().to_vec())
            .collect();
        assert!(
            !read.is_ok_and(|read| read == all),
            "a flip of byte {at} went unseen"
        );
    }
}

#[test]
fn pruned_leaves_are_gone_and_the_rest_stays() {
    let (double, acknowledged) = filled(600);
    let (log, _) = open(&double).unwrap();
    assert!(matches!(log.prune(601), Err(LogError::NotYet { .. })));
    assert_eq!(log.prune(520).unwrap(), 520);
    let reader = log.reader();
    assert!(matches!(
        reader.leaf(519),
        Err(LogError::Pruned { minimum: 520, .. })
    ));
    assert_eq!(reader.leaf(520).unwrap(), acknowledged[&520].as_bytes());
    assert!(matches!(
        reader.leaf(600),
        Err(LogError::NotYet { size: 600, .. })
    ));
    log.close().unwrap();
    let names: Vec<String> = double.listing().into_iter().map(|(name, _)| name).collect();
    assert!(!names.iter().any(|name| name == "tile/entries/001"));
    assert!(names.iter().any(|name| name == "tile/0/001"));
    let (log, opened) = open(&double).unwrap();
    assert_eq!((opened.size, log.reader().minimum()), (600, 520));
    append(&log, 1, &mut Acknowledged::new()).unwrap();
    log.checkpoint().unwrap();
}

#[test]
fn a_store_out_of_reach_is_told_and_tried_again() {
    for fault in [Fault::Persisted, Fault::NotPersisted] {
        let mut met = 0;
        for number in 0..40 {
            let double = Double::default();
            let (log, _) = open(&double).unwrap();
            append(&log, 0, &mut Acknowledged::new()).unwrap();
            double.fail(number, fault);
            let result = log.checkpoint();
            double.heal();
            // The anchor's is the only operation that does not halt the log.
            if result.is_ok() && log.status().unsigned.is_some() {
                met += 1;
                append(&log, 1, &mut Acknowledged::new()).unwrap();
                log.checkpoint().unwrap();
                assert_eq!((log.status().unsigned, log.status().signed), (None, 2));
            }
        }
        assert_eq!(met, 1, "{fault:?}");
    }
}

#[test]
fn a_second_writer_is_found_out() {
    let double = Double::default();
    let (log, _) = open(&double).unwrap();
    assert!(matches!(open(&double), Err(LogError::Locked)));
    append(&log, 0, &mut Acknowledged::new()).unwrap();
    double.set_anchor(None);
    assert!(log.checkpoint().is_err());
    let refused = append(&log, 1, &mut Acknowledged::new()).unwrap_err();
    assert!(
        matches!(refused, AppendError::Halted(Halt::Failed(_))),
        "{refused}"
    );
}

#[test]
fn a_follower_sees_each_leaf_once_and_remembers_its_place() {
    let double = Double::default();
    let (log, _) = open(&double).unwrap();
    let cursor_file = CursorFile::new(Arc::new(double.clone()), "syslog").unwrap();
    assert_eq!(cursor_file.load().unwrap(), None);
    let reader = log.reader();
    let follower = std::thread::spawn(move || {
        let mut cursor = reader.from(0).unwrap();
        let mut seen = Vec::new();
        while let Some(record) = cursor.follow(Duration::from_secs(20)).unwrap() {
            assert_eq!(record.sequence, seen.len() as u64);
            seen.push(record.leaf);
        }
        (seen, cursor.position())
    });
    let mut acknowledged = Acknowledged::new();
    for n in 0..700 {
        append(&log, n, &mut acknowledged).unwrap();
        if n % 100 == 0 {
            log.checkpoint().unwrap();
        }
    }
    log.close().unwrap();
    let (seen, position) = follower.join().unwrap();
    let all: Vec<_> = acknowledged
        .values()
        .map(|leaf| leaf.as_bytes().to_vec())
        .collect();
    assert_eq!(seen, all);
    cursor_file.store(position).unwrap();
    assert_eq!(cursor_file.load().unwrap(), Some(700));
    assert!(CursorFile::new(Arc::new(double), "../x").is_err());
}

#[test]
fn the_lock_is_given_back() {
    let double = Double::default();
    drop(open(&double).unwrap());
    let storage: Arc<dyn Storage> = Arc::new(double.clone());
    drop(storage.lock().unwrap());
}
