//! What was read of Instantly's audit log: kept once, judged once, forgotten when told.

#![cfg(test)]

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{
    InstantlyLogStore, Judgement, LogRow, NewWorkspace, SqliteStore, Store, StoreError,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn store() -> (SqliteStore, String) {
    let store = SqliteStore::in_memory().unwrap();
    let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    let id = store.create_workspace(&new, NOW).unwrap().id;
    (store, id)
}

fn row(n: i64) -> LogRow {
    LogRow {
        id: format!("record-{n:04}"),
        at: NOW.plus_millis(n * 1_000),
        record: format!("{{\"n\":{n}}}"),
    }
}

fn at(n: i64) -> Timestamp {
    NOW.plus_millis(n * 1_000)
}

#[test]
fn a_record_is_kept_once_and_read_by_time() {
    let (store, ws) = store();
    let rows: Vec<LogRow> = (0..10).map(row).collect();
    assert_eq!(store.add_log_records(&ws, &rows[..6]).unwrap(), 6);
    assert_eq!(store.add_log_records(&ws, &rows[3..]).unwrap(), 4);
    assert_eq!(store.log_records(&ws, at(0), at(10), 100).unwrap(), rows);
    assert_eq!(
        store.log_records(&ws, at(2), at(4), 100).unwrap(),
        rows[2..4]
    );
    assert_eq!(store.log_records(&ws, at(2), at(9), 3).unwrap(), rows[2..5]);
    assert!(
        store
            .log_records("ws_0", at(0), at(10), 9)
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.prune_log_records(at(4)).unwrap(), 4);
    assert_eq!(
        store.log_records(&ws, at(0), at(10), 100).unwrap(),
        rows[4..]
    );
}

#[test]
fn a_record_is_open_until_it_is_judged() {
    let (store, ws) = store();
    let rows: Vec<LogRow> = (0..5).map(row).collect();
    store.add_log_records(&ws, &rows).unwrap();
    let open = |to| -> Vec<String> {
        let open = store.open_log_records(to, 100).unwrap();
        open.into_iter().map(|(_, row)| row.id).collect()
    };
    assert_eq!(open(at(3)), ["record-0000", "record-0001", "record-0002"]);
    let matched = Judgement::Matched { call: 7, trace: 1 };
    store
        .judge_log_records(&[
            (&ws, "record-0000", matched),
            (&ws, "record-0002", Judgement::Unmatched),
            (&ws, "nobody", matched),
        ])
        .unwrap();
    assert_eq!(open(at(3)), ["record-0001"]);
    // Read again, it stays judged.
    assert_eq!(store.add_log_records(&ws, &rows).unwrap(), 0);
    assert_eq!(open(at(9)), ["record-0001", "record-0003", "record-0004"]);
    assert_eq!(store.matched_traces(at(0), at(9)).unwrap(), [(7, 1)]);
    assert_eq!(store.matched_traces(at(1), at(9)).unwrap(), []);
}

#[test]
fn what_does_not_fit_adds_nothing() {
    let (store, ws) = store();
    let large = LogRow {
        record: "x".repeat(32 * 1_024 + 1),
        ..row(1)
    };
    let odd = LogRow {
        id: "a b".to_owned(),
        ..row(1)
    };
    for bad in [large, odd] {
        let refused = store.add_log_records(&ws, &[row(0), bad]);
        assert!(
            matches!(refused, Err(StoreError::Field { .. })),
            "{refused:?}"
        );
    }
    let refused = store.add_log_records("ws_0", &[row(0)]);
    assert!(
        matches!(refused, Err(StoreError::NotFound { .. })),
        "{refused:?}"
    );
    assert!(store.open_log_records(at(9), 9).unwrap().is_empty());
    assert!(store.set_watch_state(&ws, "", "x").is_err());
    assert!(store.set_watch_state(&ws, "a b", "x").is_err());
}

#[test]
fn a_state_is_replaced_and_moves_no_generation() {
    let (store, ws) = store();
    let before = store.generation().unwrap();
    assert_eq!(store.watch_state(&ws, "pull").unwrap(), None);
    store.set_watch_state(&ws, "pull", "1").unwrap();
    store.set_watch_state(&ws, "pull", "2").unwrap();
    store.set_watch_state("", "pull", "3").unwrap();
    store.add_log_records(&ws, &[row(0)]).unwrap();
    assert_eq!(
        store.watch_state(&ws, "pull").unwrap().as_deref(),
        Some("2")
    );
    assert_eq!(store.watch_state("", "pull").unwrap().as_deref(), Some("3"));
    store.set_watch_state(&ws, "pull:b", "5").unwrap();
    store.set_watch_state(&ws, "poll", "6").unwrap();
    let named = store.watch_states(&ws, "pull").unwrap();
    let named: Vec<&str> = named.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(named, ["2", "5"]);
    assert_eq!(store.generation().unwrap(), before);
    // The records go with their workspace.
    store.delete_workspace(&ws).unwrap();
    assert!(store.open_log_records(at(9), 9).unwrap().is_empty());
}
