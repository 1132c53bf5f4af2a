//! What the ledger keeps in the store: its anchor, and keys of which nothing is left once erased.

#![cfg(test)]

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{LedgerStore, NewWorkspace, SqliteStore, Store, StoreError, SubjectRow};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = NOW.plus_millis(60_000);
const LOG: &str = "doorward.example/acme";

fn store() -> SqliteStore {
    SqliteStore::in_memory().unwrap()
}

/// Bytes that look like no others: a number spread over all of them.
fn bytes<const N: usize>(number: u64, salt: u64) -> [u8; N] {
    let mut state = number ^ (salt << 40);
    std::array::from_fn(|_| {
        // splitmix64
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) as u8
    })
}

fn subject(number: u64) -> SubjectRow {
    SubjectRow {
        id: bytes(number, 1),
        index: bytes(number, 2),
        kind: "email".to_owned(),
        wrapped_key: bytes::<60>(number, 3).to_vec(),
    }
}

/// Every file of the store, one after another.
fn on_disk(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    all
}

/// Which of the parts, 12 bytes each, are somewhere in the bytes.
fn found<'a>(all: &[u8], parts: impl Iterator<Item = &'a [u8]>) -> usize {
    let parts: std::collections::HashSet<&[u8]> = parts.map(|part| &part[..12]).collect();
    let first = |part: &[u8]| usize::from(part[0]) << 8 | usize::from(part[1]);
    let mut begins = vec![false; 1 << 16];
    for part in &parts {
        begins[first(part)] = true;
    }
    let seen: std::collections::HashSet<&[u8]> = all
        .windows(12)
        .filter(|w| begins[first(w)] && parts.contains(w))
        .collect();
    seen.len()
}

#[test]
fn the_anchor_is_swapped_only_by_who_knows_it() {
    let store = store();
    assert_eq!(store.ledger_anchor(LOG).unwrap(), None);
    assert!(!store.swap_ledger_anchor(LOG, Some(b"one"), b"two").unwrap());
    assert_eq!(store.ledger_anchor(LOG).unwrap(), None);
    assert!(store.swap_ledger_anchor(LOG, None, b"one").unwrap());
    assert!(!store.swap_ledger_anchor(LOG, None, b"two").unwrap());
    assert!(!store.swap_ledger_anchor(LOG, Some(b"on"), b"two").unwrap());
    assert_eq!(store.ledger_anchor(LOG).unwrap().unwrap(), b"one");
    assert!(store.swap_ledger_anchor(LOG, Some(b"one"), b"two").unwrap());
    assert_eq!(store.ledger_anchor(LOG).unwrap().unwrap(), b"two");
    assert_eq!(store.ledger_anchor("another").unwrap(), None);
}

#[test]
fn of_many_who_swap_at_once_one_does() {
    let store = store();
    let (threads, rounds) = (8_u8, 40_u8);
    let barrier = Barrier::new(threads.into());
    let winners: u32 = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    let mut won = 0;
                    for round in 0..rounds {
                        let old = store.ledger_anchor(LOG).unwrap();
                        barrier.wait();
                        let new = [round, thread, 1];
                        won +=
                            u32::from(store.swap_ledger_anchor(LOG, old.as_deref(), &new).unwrap());
                        barrier.wait();
                    }
                    won
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .sum()
    });
    assert_eq!(winners, u32::from(rounds));
}

#[test]
fn a_subject_is_found_by_id_and_by_index_entry() {
    let store = store();
    let first = subject(1);
    assert_eq!(store.add_subject(&first, NOW).unwrap(), first);
    assert_eq!(store.subject(&first.id).unwrap().as_ref(), Some(&first));
    let found = store.subject_by_index(&first.index).unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    assert_eq!(store.subject(&subject(2).id).unwrap(), None);
    assert_eq!(store.subject_by_index(&subject(2).index).unwrap(), None);

    // Who comes second under the same entry is given the first.
    let second = SubjectRow {
        index: first.index,
        ..subject(2)
    };
    assert_eq!(store.add_subject(&second, LATER).unwrap(), first);
    assert_eq!(store.subject(&second.id).unwrap(), None);
    // The same id under another entry is a mistake.
    let same_id = SubjectRow {
        id: first.id,
        ..subject(3)
    };
    assert!(matches!(
        store.add_subject(&same_id, NOW),
        Err(StoreError::Field { .. })
    ));
    assert!(!format!("{first:?}").contains("key"));
}

#[test]
fn an_erased_subject_is_gone_and_its_id_used_up() {
    let store = store();
    let first = subject(1);
    store.add_subject(&first, NOW).unwrap();
    store.add_subject(&subject(2), NOW).unwrap();
    assert!(store.erase_subject(&first.id).unwrap());
    assert!(!store.erase_subject(&first.id).unwrap(), "once");
    assert!(!store.erase_subject(&[9; 16]).unwrap());
    assert_eq!(store.subject(&first.id).unwrap(), None);
    assert_eq!(store.subject_by_index(&first.index).unwrap(), None);
    assert_eq!(store.subject_by_index(&[0; 32]).unwrap(), None);
    assert_eq!(store.subject(&subject(2).id).unwrap(), Some(subject(2)));
    assert!(store.add_subject(&first, NOW).is_err(), "ids are used once");
    // The person may come again, as somebody new.
    let again = SubjectRow {
        id: [7; 16],
        ..first
    };
    assert_eq!(store.add_subject(&again, LATER).unwrap(), again);
}

#[test]
fn commitment_keys_are_added_once_and_erased() {
    let store = store();
    assert_eq!(
        store.add_commitment_key("2027-01", b"first", NOW).unwrap(),
        b"first"
    );
    assert_eq!(
        store.add_commitment_key("2027-01", b"other", NOW).unwrap(),
        b"first"
    );
    store.add_commitment_key("2026-12", b"older", NOW).unwrap();
    assert_eq!(
        store.commitment_key_names().unwrap(),
        ["2026-12", "2027-01"]
    );
    assert_eq!(store.commitment_key("2026-12").unwrap().unwrap(), b"older");
    assert!(store.erase_commitment_key("2026-12").unwrap());
    assert!(!store.erase_commitment_key("2026-12").unwrap());
    assert!(!store.erase_commitment_key("2026-11").unwrap());
    assert_eq!(store.commitment_key("2026-12").unwrap(), None);
    assert_eq!(store.commitment_key_names().unwrap(), ["2027-01"]);
    assert_eq!(
        store.add_commitment_key("2026-12", b"newer", NOW).unwrap(),
        b"newer"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let store = store();
    let with = |kind: &str, key: &[u8]| SubjectRow {
        kind: kind.to_owned(),
        wrapped_key: key.to_vec(),
        ..subject(1)
    };
    let long = "a".repeat(17);
    for bad in [
        with("", b"k"),
        with(&long, b"k"),
        with("E-mail", b"k"),
        with("email", b""),
        with("email", &[1; 129]),
        with("email", &[0; 60]),
    ] {
        assert!(
            matches!(store.add_subject(&bad, NOW), Err(StoreError::Field { .. })),
            "{bad:?}"
        );
    }
    store.add_subject(&with("ip", &[1; 128]), NOW).unwrap();
    for (log, new) in [
        ("", &b"a"[..]),
        (&"l".repeat(256), b"a"),
        ("two words", b"a"),
        (LOG, b""),
        (LOG, &[1; 65_537]),
    ] {
        let refused = store.swap_ledger_anchor(log, None, new);
        assert!(matches!(refused, Err(StoreError::Field { .. })), "{log}");
    }
    assert!(store.swap_ledger_anchor(LOG, None, &[1; 65_536]).unwrap());
    for (name, key) in [("", &b"k"[..]), ("A", b"k"), ("a", b""), ("a", &[1; 129])] {
        let refused = store.add_commitment_key(name, key, NOW);
        assert!(matches!(refused, Err(StoreError::Field { .. })), "{name}");
    }
}

#[test]
fn none_of_it_moves_the_generation() {
    let store = store();
    let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    store.create_workspace(&new, NOW).unwrap();
    let before = store.generation().unwrap();
    store.swap_ledger_anchor(LOG, None, b"one").unwrap();
    store.add_subject(&subject(1), NOW).unwrap();
    store.erase_subject(&subject(1).id).unwrap();
    store.add_commitment_key("k", b"key", NOW).unwrap();
    store.erase_commitment_key("k").unwrap();
    assert_eq!(store.generation().unwrap(), before);
}

#[test]
fn a_reader_sees_what_was_written_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.db");
    let store = SqliteStore::open(&path).unwrap();
    let reader = SqliteStore::open_read_only(&path).unwrap();
    store.swap_ledger_anchor(LOG, None, b"one").unwrap();
    store.add_subject(&subject(1), NOW).unwrap();
    store.add_commitment_key("k", b"key", NOW).unwrap();
    assert_eq!(reader.ledger_anchor(LOG).unwrap().unwrap(), b"one");
    assert_eq!(
        reader.subject_by_index(&subject(1).index).unwrap(),
        Some(subject(1))
    );
    assert_eq!(reader.commitment_key("k").unwrap().unwrap(), b"key");
    assert!(matches!(
        reader.swap_ledger_anchor(LOG, Some(b"one"), b"two"),
        Err(StoreError::ReadOnly)
    ));
    assert!(matches!(
        reader.add_subject(&subject(2), NOW),
        Err(StoreError::ReadOnly)
    ));
    assert!(matches!(
        reader.erase_subject(&subject(1).id),
        Err(StoreError::ReadOnly)
    ));
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.ledger_anchor(LOG).unwrap().unwrap(), b"one");
    assert_eq!(store.subject(&subject(1).id).unwrap(), Some(subject(1)));
    assert!(
        store.erase_subject(&subject(1).id).unwrap(),
        "an idle reader is not in the way"
    );
    assert_eq!(reader.subject(&subject(1).id).unwrap(), None);
}

/// Enough subjects that pages split and merge, erased in an order that has nothing to do with
/// theirs: of no erased key or index entry are 12 bytes left in any file, and of those that live
/// all are.
#[test]
fn nothing_of_what_was_erased_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.db");
    let store = SqliteStore::open(&path).unwrap();
    let all: Vec<SubjectRow> = (0..300).map(subject).collect();
    let mut erased = BTreeSet::new();
    let look = |erased: &BTreeSet<usize>, written: usize| {
        let disk = on_disk(folder.path());
        let of = |gone: bool| {
            let rows = all[..written].iter().enumerate();
            rows.filter(move |(n, _)| erased.contains(n) == gone)
                .flat_map(|(_, row)| [&row.wrapped_key[..], &row.index[..]])
        };
        assert_eq!(
            found(&disk, of(true)),
            0,
            "{} of {written} erased",
            erased.len()
        );
        assert_eq!(found(&disk, of(false)), (written - erased.len()) * 2);
    };
    for (n, row) in all.iter().enumerate() {
        store.add_subject(row, NOW).unwrap();
        if n % 6 == 5 {
            let victim = (n * 7_919) % n;
            if erased.insert(victim) {
                assert!(store.erase_subject(&all[victim].id).unwrap());
            }
            if n % 60 == 59 {
                look(&erased, n + 1);
            }
        }
    }
    store
        .add_commitment_key("2027-01", &bytes::<60>(1, 9), NOW)
        .unwrap();
    store
        .add_commitment_key("2027-02", &bytes::<60>(2, 9), NOW)
        .unwrap();
    assert!(store.erase_commitment_key("2027-01").unwrap());
    let disk = on_disk(folder.path());
    assert_eq!(found(&disk, [&bytes::<60>(1, 9)[..]].into_iter()), 0);
    assert_eq!(found(&disk, [&bytes::<60>(2, 9)[..]].into_iter()), 1);
    drop(store);
    look(&erased, all.len());
}
