//! A log's own folder, segments included: verified whole, with each of its bytes flipped, while it
//! is written, and pruned.

#![cfg(test)]

#[expect(dead_code, reason = "each test uses a part of it")]
mod storage_double;

mod folder_stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward_ledger::log::{FileAnchor, Log, LogOptions, Tuning};
use doorward_ledger::segment::{Disk, Storage};
use doorward_ledger::{Break, Damage, LocalSigner, Signer, VerifierKey, leaf_hash, verify_folder};
use folder_stage::*;
use storage_double::Double;

#[test]
fn a_sound_log_holds() {
    let double = closed();
    let mut calls = Vec::new();
    let report = verify_folder(Arc::new(double), &keys(), None, &mut |progress| {
        calls.push((progress.leaves, progress.of));
    })
    .unwrap();
    assert!(report.holds(), "{:?}", report.breaks);
    assert_eq!(
        (report.size(), report.durable, report.unsigned()),
        (300, 300, 0)
    );
    assert_eq!((report.pruned, report.unfinished), (0, None));
    assert_eq!(
        report.leaf_bytes,
        (0..300)
            .map(|n| leaf(n).as_bytes().len() as u64)
            .sum::<u64>()
    );
    // The segments hold all leaves once more here.
    assert_eq!(calls.last(), Some(&(600, 600)));
    assert!(calls.is_sorted());
}

#[test]
fn an_empty_log_holds_and_no_log_does_not() {
    let double = Double::default();
    assert_eq!(first(&verify(&double)).why, Break::NoCheckpoint);
    open(&double).close().unwrap();
    assert!(verify(&double).holds());
}

/// Which leaf a byte of a segment belongs to, by the format alone: that of its record; for headers
/// the one that comes next.
fn leaf_at(segment: &[u8], first: u64, at: usize) -> u64 {
    let number = |at: usize, len: usize| {
        let bytes = &segment[at..at + len];
        bytes
            .iter()
            .fold(0_u64, |n, byte| n << 8 | u64::from(*byte))
    };
    let (mut place, mut leaf) = (64, first);
    if at < place {
        return leaf;
    }
    while place < segment.len() {
        let count = number(place + 4, 4);
        place += 32;
        if at < place {
            return leaf;
        }
        for _ in 0..count {
            place += BEFORE_LEAF + usize::try_from(number(place, 4)).unwrap();
            if at < place {
                return leaf;
            }
            leaf += 1;
        }
    }
    leaf
}

/// Flips a bit in each `step`th byte of each file, one at a time. How many.
fn flip(double: &Double, step: usize) -> usize {
    let mut flips = 0;
    for (path, size) in double.listing() {
        // What the format lists as not signed.
        if size == 0 || path == "lock" {
            continue;
        }
        let sound = bytes(double, &path);
        for at in (0..size).step_by(step) {
            double.edit(&path, |bytes| bytes[at] ^= 1 << (at % 8));
            let report = verify(double);
            double.edit(&path, |bytes| bytes.clone_from(&sound));
            assert!(!report.holds(), "{path} at {at}");
            let found = first(&report);
            assert_eq!(found.path, path, "at {at}: {}", found.why);
            if let Some(digits) = path.strip_prefix("segments/") {
                let expected = leaf_at(&sound, digits[..20].parse().unwrap(), at);
                assert_eq!(found.why.leaf(), Some(expected), "{path} at {at}");
            }
            flips += 1;
        }
    }
    assert!(verify(double).holds());
    flips
}

#[test]
fn each_flipped_byte_is_found_where_it_is() {
    let small = write(25, 1 << 10);
    assert!(segments(&small).len() > 1);
    assert!(flip(&small, 1) > 5_000);
    assert!(segments(&closed()).len() > 3);
    assert!(flip(&closed(), 311) > 150);
}

#[test]
fn several_breaks_are_each_told() {
    let double = closed();
    let flip = |path: &str, needle: &str| {
        double.edit(path, |bytes| {
            let found = bytes
                .windows(needle.len())
                .position(|window| window == needle.as_bytes())
                .unwrap();
            bytes[found] ^= 1;
        });
    };
    flip("tile/entries/000", "\"n\":5,");
    flip("tile/entries/000", "\"n\":250,");
    flip("tile/entries/001.p/44", "\"n\":270,");
    flip(SEGMENT, "\"n\":2,");
    flip(SEGMENT, "\"n\":5,");
    let before = bytes(&double, "tile/0/001.p/44");
    double.edit("tile/0/001.p/44", |bytes| bytes[0] ^= 1);
    let report = verify(&double);
    let leaves: Vec<_> = report
        .breaks
        .iter()
        .filter_map(|found| found.why.leaf())
        .collect();
    // Leaf and tile differ in two places: the root tells that one is the tile's fault no more.
    assert!(leaves.starts_with(&[2, 5, 5, 250]), "{:?}", report.breaks);
    double.edit("tile/0/001.p/44", |bytes| bytes.clone_from(&before));

    let report = verify(&double);
    let told: Vec<_> = report
        .breaks
        .iter()
        .map(|found| (found.why.leaf(), found.path.as_str()))
        .collect();
    let (full, partial) = ("tile/entries/000", "tile/entries/001.p/44");
    assert_eq!(
        told,
        [
            (Some(2), SEGMENT),
            (Some(5), full),
            (Some(5), SEGMENT),
            (Some(250), full),
            (Some(270), partial)
        ]
    );
    assert_eq!(report.break_count, 5);
}

#[test]
fn breaks_are_counted_beyond_those_that_are_told() {
    let double = closed();
    // Every leaf of a bundle, each by a byte of its text.
    double.edit("tile/entries/000", |bytes| {
        let mut at = 0;
        while at < bytes.len() {
            bytes[at + 4] ^= 1;
            at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        }
    });
    let report = verify(&double);
    assert_eq!((report.break_count, report.breaks.len()), (256, 100));
    assert_eq!(first(&report).why, Break::Leaf(0));
    // With its tile gone, the tile above still tells.
    double.lose("tile/0/000");
    let report = verify(&double);
    let leaves = Break::Leaves {
        first: 0,
        last: 255,
        tile: "tile/0/000".parse().unwrap(),
    };
    assert_eq!(
        report.breaks,
        [Damage {
            path: "tile/0/000".to_owned(),
            why: leaves
        }]
    );
}

/// A segment made anew to fit a changed leaf, checks and all: only the tree tells.
#[test]
fn a_forged_segment_is_held_against_the_tree() {
    let double = closed();
    double.edit(SEGMENT, |bytes| {
        let text = b"\"n\":3,";
        let at = bytes.windows(text.len()).position(|w| w == text).unwrap();
        bytes[at + 4] = b'9';
        // The record of leaf 3 begins 16 bytes before its text.
        let head = br#"{"at":"#;
        let start = bytes[..at]
            .windows(head.len())
            .rposition(|w| w == head)
            .unwrap();
        let len = leaf(3).as_bytes().len();
        let hash = leaf_hash(&bytes[start..start + len]);
        bytes[start - 12..start].copy_from_slice(&hash.as_bytes()[..12]);
    });
    let report = verify(&double);
    assert_eq!(report.break_count, 1);
    let why = "it is not the leaf that was signed";
    assert_eq!(first(&report).why, Break::Segment { leaf: 3, why });
}

#[test]
fn segments_that_are_lost_or_exchanged_are_told() {
    let sound = closed();
    let paths = segments(&sound);
    let first_of = |path: &str| path["segments/".len()..][..20].parse::<u64>().unwrap();

    let double = sound.copy();
    double.lose(&paths[1]);
    let report = verify(&double);
    assert_eq!(first(&report).path, paths[2]);
    assert_eq!(first(&report).why.leaf(), Some(first_of(&paths[1])));

    let double = sound.copy();
    let other = bytes(&double, &paths[1]);
    double.edit(&paths[0], |bytes| *bytes = other);
    assert_eq!(first(&verify(&double)).why.leaf(), Some(0));

    // Cut off at its end, after the last checkpoint or before.
    let double = sound.copy();
    for path in &paths[2..] {
        double.lose(path);
    }
    assert_eq!(
        first(&verify(&double)).why.leaf(),
        Some(first_of(&paths[2]))
    );

    // A copy without segments is as good as what it has.
    let double = sound.copy();
    for path in &paths {
        double.lose(path);
    }
    assert!(verify(&double).holds());
}

#[test]
fn what_is_not_signed_yet_is_told_apart() {
    let double = Double::default();
    let log = open(&double);
    append(&log, 0..20);
    log.checkpoint().unwrap();
    append(&log, 20..25);
    append(&log, 25..26);
    let live = double.copy();
    let report = verify(&live);
    assert!(report.holds());
    assert_eq!(
        (report.size(), report.durable, report.unsigned()),
        (20, 26, 6)
    );

    // The last batch can't be told from one that is being written.
    let flip = |needle: &str| {
        let changed = live.copy();
        changed.edit(SEGMENT, |bytes| {
            let at = bytes
                .windows(needle.len())
                .position(|w| w == needle.as_bytes())
                .unwrap();
            bytes[at] ^= 1;
        });
        verify(&changed)
    };
    let report = flip("\"n\":25,");
    assert!(report.holds());
    assert_eq!(
        report.unfinished.as_ref().map(|unfinished| unfinished.leaf),
        Some(25)
    );
    assert_eq!(report.durable, 25);
    let report = flip("\"n\":22,");
    assert_eq!(first(&report).why.leaf(), Some(22));
    assert_eq!(report.durable, 26);

    // After it come zeros, and whatever else is there is told.
    let end = bytes(&live, SEGMENT).len();
    let used = bytes(&live, SEGMENT)
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap()
        + 1;
    assert!(end - used > 1000);
    for at in (used..end).step_by(17) {
        let changed = live.copy();
        changed.edit(SEGMENT, |bytes| bytes[at] ^= 1);
        let report = verify(&changed);
        assert!(report.holds());
        let offset = report.unfinished.map(|unfinished| unfinished.offset);
        assert_eq!(offset, Some(used as u64), "at {at}");
    }
    log.close().unwrap();
}

#[test]
fn the_checkpoint_must_be_of_this_log_and_signed_by_its_key() {
    let double = closed();
    let with = |keys: &[VerifierKey], origin| {
        verify_folder(Arc::new(double.copy()), keys, Some(origin), &mut |_| ()).unwrap()
    };
    let report = with(&keys(), "ledger.example/other");
    assert!(matches!(first(&report).why, Break::Checkpoint(_)));
    let stranger = signer(ORIGIN, 8).verifier_key().clone();
    let unknown = with(&[stranger], ORIGIN);
    assert!(matches!(first(&unknown).why, Break::Checkpoint(_)));
    // The segments are still read.
    assert_eq!((unknown.size(), unknown.durable), (0, 300));
}

#[test]
fn who_knows_either_key_can_verify_while_one_takes_over() {
    let double = closed();
    let (old, new) = (signer(ORIGIN, 7), signer("ledger.example/test-2", 8));
    let know = |signer: &LocalSigner| vec![signer.verifier_key().clone()];
    let (knows_old, knows_new) = (know(&old), know(&new));
    let holds = |keys: &[VerifierKey]| {
        verify_folder(Arc::new(double.copy()), keys, Some(ORIGIN), &mut |_| ())
            .unwrap()
            .holds()
    };
    let live = |signers: Vec<Arc<dyn Signer>>, trusted: Vec<VerifierKey>, leaves| {
        let mut options = options(&double);
        (options.signers, options.trusted) = (signers, trusted);
        let (log, _) = Log::open(Arc::new(double.clone()), options).unwrap();
        append(&log, leaves);
        log.close().unwrap();
    };
    assert!(holds(&knows_old) && !holds(&knows_new));
    let both: Vec<Arc<dyn Signer>> = vec![
        Arc::new(signer(ORIGIN, 7)),
        Arc::new(signer("ledger.example/test-2", 8)),
    ];
    live(both, Vec::new(), 300..310);
    assert!(holds(&knows_old) && holds(&knows_new));
    // The new key alone; the log is opened because the old one is still trusted or both signed.
    live(vec![Arc::new(new)], Vec::new(), 310..320);
    assert!(!holds(&knows_old) && holds(&knows_new));
    live(vec![Arc::new(old)], knows_new.clone(), 320..321);
    assert!(holds(&knows_old) && !holds(&knows_new));
}

#[test]
fn of_a_pruned_log_whatever_is_there_is_verified() {
    let double = Double::default();
    let mut options = options(&double);
    options.tuning.keep_segments = 1;
    let (log, _) = Log::open(Arc::new(double.clone()), options).unwrap();
    append(&log, 0..1100);
    log.checkpoint().unwrap();
    log.prune(600).unwrap();
    log.close().unwrap();
    let report = verify(&double);
    assert!(report.holds(), "{:?}", report.breaks);
    assert_eq!((report.size(), report.pruned), (1100, 512));

    // The hashes that stand for what is gone are still proved, and missed.
    let sound = bytes(&double, "tile/0/001");
    double.edit("tile/0/001", |bytes| bytes[9] ^= 1);
    let report = verify(&double);
    assert_eq!(first(&report).why.leaf(), Some(256));
    double.edit("tile/0/001", |bytes| bytes.clone_from(&sound));
    double.lose("tile/0/001");
    let tile = "tile/0/001".parse().unwrap();
    assert_eq!(first(&verify(&double)).why, Break::Tile(tile));
    let again = double.create("tile/0/001", 0).unwrap();
    again.write_at(0, &sound).unwrap();
    assert!(verify(&double).holds());

    // Nobody hides a change by pretending that more was pruned.
    double.edit("minimum", |bytes| *bytes = b"1000\n".to_vec());
    assert!(verify(&double).holds());
    double.edit("tile/entries/002", |bytes| bytes[7] ^= 1);
    assert_eq!(first(&verify(&double)).why, Break::Leaf(512));
    double.edit("minimum", |bytes| *bytes = b"no\n".to_vec());
    assert!(
        verify(&double)
            .breaks
            .iter()
            .any(|found| found.why == Break::Minimum)
    );
}

/// Each way to damage two files on one path through the tree is found.
#[test]
fn two_breaks_at_once_never_hide_each_other() {
    let double = closed();
    let names = [
        "tile/entries/000",
        "tile/entries/001.p/44",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
    ];
    for one in names {
        for other in names {
            for drop_other in [false, true] {
                let copy = double.copy();
                copy.edit(one, |bytes| bytes[11] ^= 4);
                if drop_other && one != other {
                    copy.lose(other);
                } else {
                    copy.edit(other, |bytes| bytes[13] ^= 4);
                }
                let report = verify(&copy);
                assert!(!report.holds(), "{one} and {other}");
                let leaf = [one, other].iter().any(|name| name.contains("entries"));
                let about_leaves = report.breaks.iter().any(|found| found.why.leaf().is_some());
                assert!(
                    about_leaves || !leaf,
                    "{one} and {other}: {:?}",
                    report.breaks
                );
            }
        }
    }
}

#[test]
fn any_folder_is_read_without_panic() {
    for seed in 0..80_usize {
        let double = closed();
        let listing: Vec<_> = double
            .listing()
            .into_iter()
            .filter(|(_, size)| *size > 0)
            .collect();
        for turn in 0..4 {
            let (path, size) = &listing[(seed * 7 + turn * 31) % listing.len()];
            let at = (seed * 7919 + turn * 104_729) % size;
            double.edit(path, |bytes| match (seed + turn) % 4 {
                0 => bytes.truncate(at),
                1 => bytes.extend([0x41; 70]),
                2 => bytes.clear(),
                _ => {
                    let at = at.min(bytes.len().saturating_sub(1));
                    for byte in bytes.iter_mut().skip(at).take(1 + seed % 40) {
                        *byte = 0;
                    }
                }
            });
        }
        verify(&double);
    }
}

#[test]
fn a_log_is_verified_while_it_is_written_and_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Arc::new(Disk::new(folder.path().join("log")).unwrap());
    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.path().join("anchor")).unwrap()));
    let mut options = LogOptions::new(ORIGIN, Arc::new(signer(ORIGIN, 7)), Arc::new(anchor));
    options.tuning = Tuning {
        segment_bytes: 64 << 10,
        checkpoint_every: Duration::from_millis(40),
        keep_segments: 1,
        ..Tuning::default()
    };
    let (log, _) = Log::open(disk(), options).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let (log, stop) = (&log, &stop);
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    let sequence = log.append(&leaf(n)).unwrap().wait().unwrap();
                    n += 1;
                    if caller == 0 && n % 300 == 0 {
                        log.prune(log.status().signed.min(sequence) / 2).unwrap();
                    }
                }
            });
        }
        let mut sizes = Vec::new();
        for _ in 0..40 {
            let report = verify_folder(disk(), &keys(), Some(ORIGIN), &mut |_| ()).unwrap();
            assert!(report.holds(), "{:?}", report.breaks);
            sizes.push(report.durable);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(sizes.is_sorted());
        assert!(sizes.last() > sizes.first());
    });
    log.close().unwrap();
    assert!(
        verify_folder(disk(), &keys(), None, &mut |_| ())
            .unwrap()
            .holds()
    );
}
