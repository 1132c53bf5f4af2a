//! Writes under idempotency keys: noted before they leave, answered once, forgotten when told.

#![cfg(test)]

use std::time::Duration;

use doorward_catalog::{Environment, Op};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{
    IdempotencyId, IdempotencyRecord, IdempotencyState, IdempotencyStore, NewClient, NewWorkspace,
    Noted, SqliteStore, Store, StoreError,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const PLENTY: u64 = 1 << 30;

fn with_client() -> (SqliteStore, String) {
    let store = SqliteStore::in_memory().unwrap();
    let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    let workspace = store.create_workspace(&new, NOW).unwrap().id;
    let grant = Grant::for_use_case("lead-import");
    let new = NewClient::new(&workspace, "importer", Environment::Production, grant);
    let client = store.create_client(&new, NOW).unwrap().id;
    (store, client)
}

fn record(client: &str, n: u8, request: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        id: IdempotencyId::new([n; 32]),
        client_id: client.to_owned(),
        operation: Op::CreateLead,
        as_workspace: None,
        fingerprint: [9; 32],
        state: IdempotencyState::Sent,
        request_id: request.to_owned(),
        sent_at: NOW,
        expires_at: NOW.plus_millis(1_000),
        status: None,
        answer: None,
    }
}

fn state(store: &SqliteStore, n: u8) -> Option<IdempotencyState> {
    let found = store.idempotency_record(&IdempotencyId::new([n; 32]), NOW);
    found.unwrap().map(|record| record.state)
}

#[test]
fn a_write_is_answered_once_by_the_call_that_sent_it() {
    let (store, client) = with_client();
    let sent = record(&client, 1, "req_1");
    assert_eq!(store.note_sent(&sent, 10, NOW).unwrap(), Noted::Done);
    assert_eq!(
        store.idempotency_record(&sent.id, NOW).unwrap(),
        Some(sent.clone())
    );
    assert!(
        !store
            .note_answer(&sent.id, "req_0", 200, None, PLENTY)
            .unwrap()
    );
    assert!(
        store
            .note_unknown(&sent.id, "req_1", NOW.plus_millis(7))
            .unwrap()
    );
    assert_eq!(state(&store, 1), Some(IdempotencyState::Unknown));
    let lost = store.idempotency_record(&sent.id, NOW).unwrap().unwrap();
    assert_eq!(lost.sent_at, NOW.plus_millis(7));

    // It is sent again; who sent it before has no say any more.
    let again = record(&client, 1, "req_2");
    assert_eq!(store.note_sent(&again, 10, NOW).unwrap(), Noted::Done);
    assert!(!store.forget_idempotency(&sent.id, "req_1").unwrap());
    let kept = Some(&b"sealed"[..]);
    assert!(
        store
            .note_answer(&sent.id, "req_2", 201, kept, PLENTY)
            .unwrap()
    );
    assert!(
        !store
            .note_answer(&sent.id, "req_2", 500, None, PLENTY)
            .unwrap()
    );
    assert!(!store.note_unknown(&sent.id, "req_2", NOW).unwrap());
    let answered = store.idempotency_record(&sent.id, NOW).unwrap().unwrap();
    assert_eq!(
        (answered.status, answered.answer.as_deref()),
        (Some(201), kept)
    );
    assert_eq!(store.note_sent(&again, 10, NOW).unwrap(), Noted::Answered);
    assert!(store.forget_idempotency(&sent.id, "req_2").unwrap());
    assert_eq!(state(&store, 1), None);
}

#[test]
fn what_has_expired_is_as_if_it_had_not_been() {
    let (store, client) = with_client();
    let sent = record(&client, 1, "req_1");
    store.note_sent(&sent, 1, NOW).unwrap();
    store
        .note_answer(&sent.id, "req_1", 200, None, PLENTY)
        .unwrap();
    let end = NOW.plus_millis(1_000);
    assert_eq!(store.idempotency_record(&sent.id, end).unwrap(), None);
    assert_eq!(store.note_sent(&sent, 1, end).unwrap(), Noted::Done);
    assert_eq!(store.prune_idempotency(end).unwrap(), 1);
    assert_eq!(store.idempotency_records(None, 10).unwrap(), []);
}

#[test]
fn a_client_has_so_many_records_and_bytes() {
    let (store, client) = with_client();
    for n in 1..=2 {
        let sent = IdempotencyRecord {
            expires_at: NOW.plus_millis(i64::from(n) * 1_000),
            ..record(&client, n, "req")
        };
        assert_eq!(store.note_sent(&sent, 2, NOW).unwrap(), Noted::Done);
    }
    let third = record(&client, 3, "req");
    let first_end = NOW.plus_millis(1_000);
    assert_eq!(
        store.note_sent(&third, 2, NOW).unwrap(),
        Noted::Full(first_end)
    );
    // What is there may be sent again, and what has expired does not count.
    assert_eq!(
        store.note_sent(&record(&client, 2, "req"), 2, NOW).unwrap(),
        Noted::Done
    );
    let third = IdempotencyRecord {
        expires_at: NOW.plus_millis(9_000),
        ..third
    };
    assert_eq!(store.note_sent(&third, 2, first_end).unwrap(), Noted::Done);

    let sealed = Some(&[7_u8; 60][..]);
    for n in [2, 3] {
        let id = IdempotencyId::new([n; 32]);
        assert!(store.note_answer(&id, "req", 200, sealed, 100).unwrap());
    }
    let kept = |n| {
        let id = IdempotencyId::new([n; 32]);
        let found = store.idempotency_record(&id, NOW).unwrap().unwrap();
        (found.state, found.answer.is_some())
    };
    assert_eq!(kept(2), (IdempotencyState::Answered, true));
    assert_eq!(
        kept(3),
        (IdempotencyState::Answered, false),
        "no room for it"
    );
}

#[test]
fn after_a_start_whatever_was_sent_is_unknown() {
    let (store, client) = with_client();
    for n in 1..=3 {
        store
            .note_sent(&record(&client, n, "req"), 10, NOW)
            .unwrap();
    }
    let answered = IdempotencyId::new([2; 32]);
    store
        .note_answer(&answered, "req", 200, None, PLENTY)
        .unwrap();
    let late = Duration::from_secs(10);
    assert_eq!(store.end_interrupted_writes(late).unwrap(), 2);
    let id = IdempotencyId::new([1; 32]);
    let interrupted = store.idempotency_record(&id, NOW).unwrap().unwrap();
    assert_eq!(interrupted.sent_at, NOW.plus_millis(10_000));
    assert_eq!(state(&store, 1), Some(IdempotencyState::Unknown));
    assert_eq!(state(&store, 2), Some(IdempotencyState::Answered));
    assert_eq!(store.end_interrupted_writes(late).unwrap(), 0);
}

#[test]
fn records_are_listed_named_and_gone_with_their_client() {
    let (store, client) = with_client();
    let before = store.generation().unwrap();
    for n in 1..=3 {
        let sent = IdempotencyRecord {
            sent_at: NOW.plus_millis(i64::from(n)),
            ..record(&client, n, "req")
        };
        store.note_sent(&sent, 10, NOW).unwrap();
    }
    assert_eq!(store.generation().unwrap(), before);
    let listed = store.idempotency_records(Some(&client), 2).unwrap();
    let times: Vec<Timestamp> = listed.iter().map(|record| record.sent_at).collect();
    assert_eq!(times, [NOW.plus_millis(3), NOW.plus_millis(2)]);
    assert_eq!(store.idempotency_records(Some("cl_0"), 9).unwrap(), []);
    let short = listed[0].id.to_string();
    assert_eq!(short, "idem_0303030303030303");
    let head = IdempotencyId::parse_short(&short).unwrap();
    assert_eq!(store.idempotency_records_named(head).unwrap(), listed[..1]);
    for wrong in [
        "",
        "idem_",
        "idem_03",
        "idem_+303030303030303",
        "0303030303030303",
    ] {
        assert_eq!(IdempotencyId::parse_short(wrong), None, "{wrong}");
    }
    store.delete_client(&client).unwrap();
    assert_eq!(store.idempotency_records(None, 9).unwrap(), []);
    let orphan = store.note_sent(&record(&client, 1, "req"), 10, NOW);
    assert!(matches!(orphan, Err(StoreError::NotFound { .. })));
}
