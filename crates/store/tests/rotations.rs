//! Rotations: one at a time, swapped only by who knows what was there, and one key in another's
//! place in one change.
#![cfg(test)]

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{
    KeyRole, NewRotation, NewUpstreamKey, NewWorkspace, PromotedKey, RotationStore, SqliteStore,
    Store, StoreError, UpstreamKey, UpstreamKeyChange, UpstreamKeyState, Workspace,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = NOW.plus_millis(60_000);

fn new(workspace: &Workspace, id: &str, key: &str) -> NewRotation {
    NewRotation {
        id: id.into(),
        workspace_id: workspace.id.clone(),
        key: key.into(),
        reference: "file:///run/reader.key-b".into(),
        state: "{}".into(),
    }
}

fn with_key() -> (SqliteStore, Workspace, UpstreamKey) {
    let store = SqliteStore::in_memory().unwrap();
    let workspace = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    let workspace = store.create_workspace(&workspace, NOW).unwrap();
    let new = NewUpstreamKey {
        scopes: Some(vec!["leads:read".into()]),
        api_key_id: Some("0195-old".into()),
        owner: "Ada".into(),
        rotate_every: Some(1_000),
        ..NewUpstreamKey::new("reader", "file:///run/reader.key")
    };
    let key = store.add_upstream_key(&workspace.id, &new, NOW).unwrap();
    (store, workspace, key)
}

fn promoted(old: Option<&str>) -> PromotedKey {
    PromotedKey {
        old: old.map(str::to_owned),
        scopes: vec!["leads:read".into()],
        api_key_id: "0195-new".into(),
    }
}

/// Name, state and Instantly's id of each key.
fn keys(store: &SqliteStore) -> Vec<(String, &'static str, String)> {
    let all = store.workspace("acme").unwrap().upstream_keys;
    all.into_iter()
        .map(|key| (key.name, key.state.as_str(), key.api_key_id.unwrap()))
        .collect()
}

#[test]
fn a_key_has_one_rotation_that_is_open() {
    let (store, workspace, _) = with_key();
    let first = store
        .begin_rotation(&new(&workspace, "aaaaaaaaaa", "reader"), NOW)
        .unwrap();
    assert!(first.open && first.version == 1 && first.new_key_id.starts_with("uk_"));
    let again = store.begin_rotation(&new(&workspace, "bbbbbbbbbb", "reader"), NOW);
    assert!(
        matches!(again, Err(StoreError::Duplicate { .. })),
        "{again:?}"
    );
    store
        .begin_rotation(&new(&workspace, "cccccccccc", "writer"), NOW)
        .unwrap();
    let ended = store.end_rotation("aaaaaaaaaa", 1, "{\"over\":1}", None, LATER);
    assert!(ended.unwrap());
    store
        .begin_rotation(&new(&workspace, "bbbbbbbbbb", "reader"), LATER)
        .unwrap();
    let open = store.open_rotations().unwrap();
    let ids: Vec<_> = open.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["cccccccccc", "bbbbbbbbbb"]);
    let of = store.rotations(Some(&workspace.id), Some("reader"), 9);
    let of: Vec<_> = of.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(of, ["bbbbbbbbbb", "aaaaaaaaaa"]);
    assert_eq!(store.rotations(None, None, 1).unwrap().len(), 1);
    let over = store.rotation("aaaaaaaaaa").unwrap();
    assert_eq!((over.open, over.ended_at), (false, Some(LATER)));
    assert_eq!(over.state, "{\"over\":1}");
}

#[test]
fn a_state_is_swapped_only_by_who_knows_what_was_there() {
    let (store, workspace, _) = with_key();
    store
        .begin_rotation(&new(&workspace, "aaaaaaaaaa", "reader"), NOW)
        .unwrap();
    let save = |version, state: &str| store.save_rotation("aaaaaaaaaa", version, state, LATER);
    assert_eq!(save(1, "1").unwrap(), Some(2));
    assert_eq!(save(1, "other").unwrap(), None);
    assert_eq!(store.rotation("aaaaaaaaaa").unwrap().state, "1");
    assert_eq!(save(2, "2").unwrap(), Some(3));
    let end = |version| store.end_rotation("aaaaaaaaaa", version, "3", None, LATER);
    assert!(!end(2).unwrap());
    assert!(end(3).unwrap());
    assert_eq!(save(4, "after its end").unwrap(), None);
    let unknown = store.save_rotation("zzzzzzzzzz", 1, "{}", LATER);
    assert_eq!(unknown.unwrap(), None);
}

#[test]
fn a_state_with_a_key_in_it_is_refused() {
    let (store, workspace, _) = with_key();
    let uuid = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";
    let value = doorward_catalog::UpstreamKeyFormat::compose(uuid, "aB3dE5gH7jK9");
    let state = format!("{{\"value\":\"{value}\"}}");
    let new = NewRotation {
        state: state.clone(),
        ..new(&workspace, "aaaaaaaaaa", "reader")
    };
    assert!(store.begin_rotation(&new, NOW).is_err());
    let fits = NewRotation {
        state: "{}".into(),
        ..new
    };
    store.begin_rotation(&fits, NOW).unwrap();
    assert!(store.save_rotation("aaaaaaaaaa", 1, &state, NOW).is_err());
    let long = "x".repeat(300_000);
    assert!(store.save_rotation("aaaaaaaaaa", 1, &long, NOW).is_err());
}

#[test]
fn the_name_goes_to_the_new_key_and_back() {
    let (store, workspace, old) = with_key();
    let rotation = store
        .begin_rotation(&new(&workspace, "aaaaaaaaaa", "reader"), NOW)
        .unwrap();
    let before = store.generation().unwrap();
    let swap = promoted(Some(&old.id));
    let key = store.promote_key("aaaaaaaaaa", &swap, LATER).unwrap();
    assert_eq!(key.id, rotation.new_key_id);
    assert_eq!(key.reference, rotation.reference);
    assert_eq!(key.made_by.as_deref(), Some("aaaaaaaaaa"));
    assert_eq!((key.owner.as_str(), key.rotate_every), ("Ada", Some(1_000)));
    assert_eq!(key.made_at, Some(LATER));
    assert_eq!(store.generation().unwrap(), before + 1, "one change");
    let entry = |name: &str, state, id: &str| (name.to_owned(), state, id.to_owned());
    let swapped = [
        entry("reader", "active", "0195-new"),
        entry("reader~old", "retiring", "0195-old"),
    ];
    assert_eq!(keys(&store), swapped);
    store.promote_key("aaaaaaaaaa", &swap, LATER).unwrap();
    assert_eq!(keys(&store), swapped, "once more changes nothing");

    for _ in 0..2 {
        store.demote_key("aaaaaaaaaa", Some(&old.id)).unwrap();
        let back = [
            entry("reader", "active", "0195-old"),
            entry("reader~new", "retiring", "0195-new"),
        ];
        assert_eq!(keys(&store), back);
    }
    store.promote_key("aaaaaaaaaa", &swap, LATER).unwrap();
    assert_eq!(keys(&store), swapped);

    let ended = store.end_rotation("aaaaaaaaaa", 1, "{}", Some(&old.id), LATER);
    assert!(ended.unwrap());
    let over = [
        entry("reader", "active", "0195-new"),
        entry("reader~aaaaaaaaaa", "retired", "0195-old"),
    ];
    assert_eq!(keys(&store), over);
}

/// A rotation that a person gave up leaves a key behind; the next has its name all the same.
#[test]
fn what_was_left_behind_makes_room() {
    let (store, workspace, old) = with_key();
    let first = store
        .begin_rotation(&new(&workspace, "aaaaaaaaaa", "reader"), NOW)
        .unwrap();
    let swap = promoted(Some(&old.id));
    store.promote_key("aaaaaaaaaa", &swap, NOW).unwrap();
    store
        .end_rotation("aaaaaaaaaa", 1, "{}", None, NOW)
        .unwrap();
    store
        .begin_rotation(&new(&workspace, "bbbbbbbbbb", "reader"), NOW)
        .unwrap();
    let swap = PromotedKey {
        api_key_id: "0195-newer".into(),
        ..promoted(Some(&first.new_key_id))
    };
    store.promote_key("bbbbbbbbbb", &swap, NOW).unwrap();
    let names: Vec<_> = keys(&store).into_iter().map(|(name, ..)| name).collect();
    let left = format!("reader~old~{}", old.id);
    assert_eq!(names, ["reader", "reader~old", &left]);
}

#[test]
fn a_key_is_made_where_there_was_none() {
    let (store, workspace, _) = with_key();
    let rotation = store
        .begin_rotation(&new(&workspace, "aaaaaaaaaa", "writer"), NOW)
        .unwrap();
    // Nothing was promoted yet.
    store.demote_key("aaaaaaaaaa", None).unwrap();
    store
        .promote_key("aaaaaaaaaa", &promoted(None), NOW)
        .unwrap();
    assert_eq!(keys(&store)[1].0, "writer");
    store.demote_key("aaaaaaaaaa", None).unwrap();
    let ended = store.end_rotation("aaaaaaaaaa", 1, "{}", Some(&rotation.new_key_id), NOW);
    assert!(ended.unwrap());
    assert_eq!(keys(&store)[1].0, "writer~aaaaaaaaaa");
    // A name that another key has is not taken from it.
    store
        .begin_rotation(&new(&workspace, "bbbbbbbbbb", "reader"), NOW)
        .unwrap();
    let taken = store.promote_key("bbbbbbbbbb", &promoted(None), NOW);
    assert!(
        matches!(taken, Err(StoreError::Duplicate { .. })),
        "{taken:?}"
    );
}

#[test]
fn what_a_rotation_needs_is_not_deleted() {
    let (store, workspace, old) = with_key();
    let manager = NewUpstreamKey {
        role: KeyRole::Manages,
        ..NewUpstreamKey::new("manager", "file:///run/manager.key")
    };
    let manager = store
        .add_upstream_key(&workspace.id, &manager, NOW)
        .unwrap();
    assert_eq!(manager.role, KeyRole::Manages);
    let state = format!(r#"{{"old":"{}","manager":"{}"}}"#, old.id, manager.id);
    let begun = NewRotation {
        state,
        ..new(&workspace, "aaaaaaaaaa", "reader")
    };
    store.begin_rotation(&begun, NOW).unwrap();
    for id in [&old.id, &manager.id] {
        let refused = store.delete_upstream_key(id);
        assert!(
            matches!(refused, Err(StoreError::Rotating { .. })),
            "{refused:?}"
        );
    }
    let refused = store.delete_workspace(&workspace.id);
    assert!(
        matches!(refused, Err(StoreError::Rotating { .. })),
        "{refused:?}"
    );
    store
        .end_rotation("aaaaaaaaaa", 1, "{}", None, NOW)
        .unwrap();
    store.delete_upstream_key(&manager.id).unwrap();
    store.delete_workspace(&workspace.id).unwrap();
    assert!(store.rotations(None, None, 9).unwrap().is_empty());
}

#[test]
fn what_is_known_of_a_key_changes_and_stays() {
    let (store, _, key) = with_key();
    let change = UpstreamKeyChange {
        owner: Some("Grace".into()),
        rotate_every: Some(None),
        ..UpstreamKeyChange::default()
    };
    let changed = store.change_upstream_key(&key.id, &change).unwrap();
    let stored = store.workspace("acme").unwrap().upstream_keys.remove(0);
    assert_eq!(changed, stored);
    assert_eq!(
        (stored.owner.as_str(), stored.rotate_every),
        ("Grace", None)
    );
    assert_eq!(stored.api_key_id, key.api_key_id);
    assert_eq!(stored.state, UpstreamKeyState::Active);
    for unfit in [
        UpstreamKeyChange {
            rotate_every: Some(Some(0)),
            ..UpstreamKeyChange::default()
        },
        UpstreamKeyChange {
            api_key_id: Some("a/b".into()),
            ..UpstreamKeyChange::default()
        },
    ] {
        assert!(store.change_upstream_key(&key.id, &unfit).is_err());
    }
    let gone = store.change_upstream_key("uk_0", &UpstreamKeyChange::default());
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}
