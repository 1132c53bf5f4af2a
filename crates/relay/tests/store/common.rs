//! What the tests have in common.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use doorward_relay::events::{EventId, EventKey, NewEvent, Origin, Taken};
use doorward_relay::{DeliveryState, EventStore, Lane, Outcome, StoreOptions};
use doorward_webhook::EventKeys;
use secrecy::SecretString;
use tempfile::TempDir;

/// The time at which things begin.
pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const WORKSPACE: &str = "0198f000-0000-7000-8000-000000000001";

pub(crate) fn key() -> SecretString {
    "an audit key of thirty-two bytes".into()
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions {
        reserve: 0,
        ..StoreOptions::default()
    }
}

pub(crate) fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    (folder, path)
}

pub(crate) fn open(path: &Path) -> EventStore {
    EventStore::open(path, &key(), &options(), NOW).unwrap()
}

/// An event with that payload; of the lead, if there is one.
pub(crate) fn event(keys: &EventKeys, payload: &str, lead: Option<&str>) -> NewEvent {
    NewEvent {
        key: EventKey::new(keys.of_bytes(WORKSPACE, payload.as_bytes())),
        source: 1,
        workspace: WORKSPACE.to_owned(),
        event_type: "reply_received".to_owned(),
        campaign: Some("autumn".to_owned()),
        lead: lead.map(str::to_owned),
        event_ms: Some(NOW - 500),
        received_ms: NOW,
        origin: Origin::Webhook,
        quarantined: None,
        body: Bytes::from(payload.to_owned()),
    }
}

/// Takes so many events in, each at a millisecond of its own, of as many leads.
pub(crate) async fn fill(store: &EventStore, from: i64, count: i64) -> Vec<EventId> {
    let keys = store.keys();
    let mut ids = Vec::new();
    for n in from..from + count {
        let lead = format!("lead{n}@example.com");
        let mut event = event(&keys, &format!("{{\"n\":{n}}}"), Some(&lead));
        event.received_ms = NOW + n;
        let taken = store.take(event).await.unwrap();
        assert!(matches!(taken, Taken::Stored(_)), "{n}");
        ids.push(taken.id());
    }
    ids
}

/// What is in the file and its write-ahead log.
pub(crate) fn on_disk(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    bytes.extend(std::fs::read(PathBuf::from(log)).unwrap_or_default());
    bytes
}

pub(crate) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|found| found == part)
}

/// Asks the file itself, beside the store.
pub(crate) fn number(path: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What came of a delivery along a destination's own lane.
pub(crate) fn outcome(destination: i64, seq: i64, state: DeliveryState) -> Outcome {
    Outcome {
        lane: Lane::of(destination),
        seq,
        state,
        attempts: 1,
        lead: None,
        first_ms: Some(NOW),
        last_ms: Some(NOW),
        next_ms: (state == DeliveryState::Retry).then_some(NOW + 5_000),
        status: Some(200),
        note: None,
        answer: Vec::new(),
    }
}
