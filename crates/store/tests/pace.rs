//! What the store keeps of uses and of the pace.
#![cfg(test)]

use doorward_catalog::Environment;
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{
    ClientUse, NewClient, NewWorkspace, PaceStore, SavedPace, SqliteStore, Store,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn used(client: &str, day: i64, calls: u64, leads: u64) -> ClientUse {
    ClientUse {
        client_id: client.to_owned(),
        day,
        calls,
        leads,
    }
}

#[test]
fn uses_are_kept_by_the_latest_day_and_go_with_their_client() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let workspace = store
        .create_workspace(
            &NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:1"),
            NOW,
        )
        .unwrap();
    let grant = Grant::for_use_case("lead-import");
    let client = store
        .create_client(
            &NewClient::new(&workspace.id, "importer", Environment::Production, grant),
            NOW,
        )
        .unwrap();
    let generation = store.generation().unwrap();

    store
        .save_client_uses(&[used(&client.id, 7, 3, 40), used("cl_gone", 7, 1, 1)])
        .unwrap();
    store
        .save_client_uses(&[used(&client.id, 7, 5, 50)])
        .unwrap();
    // A late note of the day before changes nothing.
    store
        .save_client_uses(&[used(&client.id, 6, 99, 99)])
        .unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(
        store.client_uses(7).unwrap(),
        [used(&client.id, 7, 5, 50)],
        "of a client that is not there nothing is kept"
    );
    assert_eq!(store.client_uses(6).unwrap(), []);
    assert_eq!(store.generation().unwrap(), generation);
    store.delete_client(&client.id).unwrap();
    assert_eq!(store.client_uses(7).unwrap(), []);
}

#[test]
fn the_pace_is_what_was_saved_last() {
    let store = SqliteStore::in_memory().unwrap();
    assert_eq!(store.saved_pace().unwrap(), None);
    let mut pace = SavedPace {
        state: "{}".to_owned(),
        ended: false,
        at: NOW,
    };
    store.save_pace(&pace).unwrap();
    pace.ended = true;
    pace.state = "[1]".to_owned();
    store.save_pace(&pace).unwrap();
    assert_eq!(store.saved_pace().unwrap(), Some(pace.clone()));
    pace.state = " ".repeat(64 * 1_024 * 1_024 + 1);
    assert!(store.save_pace(&pace).is_err());
    assert_eq!(store.saved_pace().unwrap().unwrap().state, "[1]");
}
