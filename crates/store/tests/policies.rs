//! Policies as they are kept.

#![cfg(test)]

use doorward_policy::Timestamp;
use doorward_store::{PolicyStore, SqliteStore, Store, StoreError};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_800_000_060);

#[test]
fn a_policy_is_saved_changed_shown_and_removed() {
    let store = SqliteStore::in_memory().unwrap();
    let first = store.save_policy("own", "one", "s1", NOW).unwrap();
    let generation = store.generation().unwrap();
    let second = store.save_policy("own", "two", "s2", LATER).unwrap();
    assert_eq!(
        store.generation().unwrap(),
        generation + 1,
        "a snapshot shows it"
    );
    assert_eq!(
        (second.created_at, second.updated_at),
        (first.created_at, LATER)
    );
    assert_eq!(
        store.load_snapshot(NOW).unwrap().policies,
        std::slice::from_ref(&second)
    );
    assert_eq!(store.policy("own").unwrap(), second);
    assert_eq!(store.delete_policy("own").unwrap(), second);
    assert!(store.policies().unwrap().is_empty());
    for missing in [store.policy("own"), store.delete_policy("own")] {
        assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    }
}

#[test]
fn names_sizes_and_the_number_are_bounded() {
    let store = SqliteStore::in_memory().unwrap();
    for name in ["", "A", "../x", "a b"] {
        assert!(store.save_policy(name, "x", "s", NOW).is_err(), "{name}");
    }
    assert!(
        store
            .save_policy("big", &"x".repeat(64 * 1024), "s", NOW)
            .is_ok()
    );
    assert!(
        store
            .save_policy("big", &"x".repeat(64 * 1024 + 1), "s", NOW)
            .is_err()
    );
    for n in 1..1_000 {
        store.save_policy(&format!("p{n}"), "x", "s", NOW).unwrap();
    }
    assert!(store.save_policy("one-more", "x", "s", NOW).is_err());
    assert!(store.policy("one-more").is_err());
    store.save_policy("p7", "changed", "s", NOW).unwrap();
}
