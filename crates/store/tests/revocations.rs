//! Revocations: one of a key at a time, the key retired with it, and kept until it is over.
#![cfg(test)]

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{
    NewRevocation, NewUpstreamKey, NewWorkspace, RevocationStore, SqliteStore, Store, StoreError,
    UpstreamKey, UpstreamKeyState, Workspace,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = NOW.plus_millis(60_000);

fn with_key() -> (SqliteStore, Workspace, UpstreamKey) {
    let store = SqliteStore::in_memory().unwrap();
    let workspace = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    let workspace = store.create_workspace(&workspace, NOW).unwrap();
    let new = NewUpstreamKey::new("reader", "file:///run/reader.key");
    let key = store.add_upstream_key(&workspace.id, &new, NOW).unwrap();
    (store, workspace, key)
}

fn new(workspace: &Workspace, id: &str, key: Option<&UpstreamKey>) -> NewRevocation {
    NewRevocation {
        id: id.into(),
        workspace_id: workspace.id.clone(),
        api_key_id: "0195-old".into(),
        key_id: key.map(|key| key.id.clone()),
        state: "{}".into(),
    }
}

#[test]
fn a_key_is_retired_with_its_revocation_and_kept_until_that_is_over() {
    let (store, workspace, key) = with_key();
    let generation = store.generation().unwrap();
    let begun = store
        .begin_revocation(&new(&workspace, "rv-1", Some(&key)), NOW)
        .unwrap();
    assert!(begun.open && begun.version == 1 && begun.ended_at.is_none());
    assert!(store.generation().unwrap() > generation);
    let state = || store.workspace("acme").unwrap().upstream_keys[0].state;
    assert_eq!(state(), UpstreamKeyState::Retired);

    let again = store.begin_revocation(&new(&workspace, "rv-2", None), NOW);
    assert!(
        matches!(again, Err(StoreError::Duplicate { .. })),
        "{again:?}"
    );
    for refused in [
        store.delete_upstream_key(&key.id),
        store.delete_workspace(&workspace.id),
    ] {
        let refused = refused.unwrap_err();
        assert!(refused.to_string().contains("being revoked"), "{refused}");
    }

    let saved = store.save_revocation("rv-1", 1, "{\"a\":1}", false, LATER);
    assert_eq!(saved.unwrap(), Some(2));
    let stale = store.save_revocation("rv-1", 1, "{\"a\":2}", true, LATER);
    assert_eq!(stale.unwrap(), None);
    assert_eq!(store.open_revocations().unwrap()[0].state, "{\"a\":1}");
    let over = store.save_revocation("rv-1", 2, "{\"a\":3}", true, LATER);
    assert_eq!(over.unwrap(), Some(3));
    let after = store.save_revocation("rv-1", 3, "{\"a\":4}", true, LATER);
    assert_eq!(after.unwrap(), None, "it is over");
    assert!(store.open_revocations().unwrap().is_empty());
    let ended = store.revocation("rv-1").unwrap();
    assert_eq!((ended.open, ended.ended_at), (false, Some(LATER)));

    // Another of the same key can be begun then, and is the first that is listed.
    store
        .begin_revocation(&new(&workspace, "rv-2", None), LATER)
        .unwrap();
    let all = store.revocations(Some(&workspace.id), 9).unwrap();
    let ids: Vec<_> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["rv-2", "rv-1"]);
    store.save_revocation("rv-2", 1, "{}", true, LATER).unwrap();
    store.delete_upstream_key(&key.id).unwrap();
    store.delete_workspace(&workspace.id).unwrap();
    assert!(store.revocations(None, 9).unwrap().is_empty());
}

#[test]
fn what_does_not_fit_is_refused_and_retires_nothing() {
    let (store, workspace, key) = with_key();
    let value = format!(
        "{}==",
        "TWFpbiBrZXkgb2YgdGhlIHdvcmtzcGFjZSwgbm90IHRvIGJlIHNob3du"
    );
    let fits = new(&workspace, "rv-1", Some(&key));
    for faulty in [
        NewRevocation {
            api_key_id: "../etc".into(),
            ..fits.clone()
        },
        NewRevocation {
            key_id: Some("uk_none".into()),
            ..fits.clone()
        },
        NewRevocation {
            workspace_id: "ws_none".into(),
            ..fits.clone()
        },
        NewRevocation {
            state: value.repeat(1_000),
            ..fits.clone()
        },
    ] {
        assert!(store.begin_revocation(&faulty, NOW).is_err(), "{faulty:?}");
    }
    let key = store.workspace("acme").unwrap().upstream_keys.remove(0);
    assert_eq!(key.state, UpstreamKeyState::Active);
    assert!(store.open_revocations().unwrap().is_empty());
}
