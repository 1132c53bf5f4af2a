//! Sources and destinations as they are kept.

#![cfg(test)]

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{
    EndChange, EndKind, EndState, NewEnd, NewWorkspace, RelayEnd, RelayStore, SqliteStore, Store,
    StoreError,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_800_000_060);

fn workspace(store: &SqliteStore) -> String {
    let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:1");
    store.create_workspace(&new, NOW).unwrap().id
}

fn end(kind: EndKind, name: &str, workspace: Option<&str>) -> NewEnd {
    NewEnd {
        kind,
        workspace_id: workspace.map(str::to_owned),
        name: name.to_owned(),
        settings: "{}".to_owned(),
    }
}

fn add(store: &SqliteStore, new: &NewEnd) -> RelayEnd {
    store.add_relay_end(new, NOW).unwrap()
}

#[test]
fn ends_are_added_found_changed_and_removed() {
    let store = SqliteStore::in_memory().unwrap();
    let ws = workspace(&store);
    let generation = store.generation().unwrap();
    let source = add(&store, &end(EndKind::Source, "replies", Some(&ws)));
    let destination = add(&store, &end(EndKind::Destination, "replies", None));
    assert!(source.id.starts_with("src_") && destination.id.starts_with("dst_"));
    assert_eq!((source.version, source.state), (1, EndState::Active));
    for end in [&source, &destination] {
        for by in [&end.id, &end.name] {
            assert_eq!(store.relay_end(end.kind, by).unwrap(), *end);
        }
        assert_eq!(
            store.relay_ends(end.kind).unwrap(),
            std::slice::from_ref(end)
        );
    }
    assert!(matches!(
        store.relay_end(EndKind::Source, &destination.id),
        Err(StoreError::NotFound { .. })
    ));

    let change = EndChange {
        name: Some("crm".to_owned()),
        settings: Some(r#"{"url":"https://crm.example"}"#.to_owned()),
        state: Some((EndState::Disabled, "it answered 410".to_owned())),
    };
    let changed = store.change_relay_end(&destination.id, 1, &change, LATER);
    let changed = changed.unwrap().unwrap();
    assert_eq!(
        (
            &*changed.name,
            changed.state,
            &*changed.why,
            changed.version
        ),
        ("crm", EndState::Disabled, "it answered 410", 2)
    );
    assert_eq!((changed.created_at, changed.changed_at), (NOW, LATER));
    assert_eq!(changed.number, destination.number);
    let stale = store.change_relay_end(&destination.id, 1, &EndChange::default(), LATER);
    assert_eq!(stale.unwrap(), None);
    let kept = store.change_relay_end(&destination.id, 2, &EndChange::default(), LATER);
    let kept = kept.unwrap().unwrap();
    assert_eq!(
        (&kept.settings, kept.state),
        (&changed.settings, EndState::Disabled)
    );

    assert_eq!(store.delete_relay_end(&kept.id).unwrap(), kept);
    assert!(matches!(
        store.delete_relay_end(&kept.id),
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(store.generation().unwrap(), generation);
}

#[test]
fn a_number_is_never_given_twice() {
    let store = SqliteStore::in_memory().unwrap();
    let first = add(&store, &end(EndKind::Destination, "a", None));
    store.delete_relay_end(&first.id).unwrap();
    let second = add(&store, &end(EndKind::Destination, "a", None));
    assert!(second.number > first.number);
    assert_ne!(second.id, first.id);
}

#[test]
fn a_name_is_one_ends_of_its_kind_and_what_does_not_fit_is_refused() {
    let store = SqliteStore::in_memory().unwrap();
    let ws = workspace(&store);
    let first = add(&store, &end(EndKind::Source, "replies", Some(&ws)));
    let second = add(&store, &end(EndKind::Source, "opens", Some(&ws)));
    let again = store.add_relay_end(&end(EndKind::Source, "replies", Some(&ws)), NOW);
    assert!(matches!(again, Err(StoreError::Duplicate { .. })));
    let taken = EndChange {
        name: Some("replies".to_owned()),
        ..EndChange::default()
    };
    let taken = store.change_relay_end(&second.id, 1, &taken, NOW);
    assert!(matches!(taken, Err(StoreError::Duplicate { .. })));

    let key = doorward_catalog::UpstreamKeyFormat::compose(
        "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f",
        "aB3dE5gH7jK9",
    );
    let with = |settings: String| NewEnd {
        settings,
        ..end(EndKind::Destination, "x", None)
    };
    for bad in [
        end(EndKind::Source, "x", None),
        end(EndKind::Source, "x", Some("ws_0000000000000000")),
        end(EndKind::Destination, "../x", None),
        end(EndKind::Destination, &first.id, None),
        with("x".repeat(64 * 1024 + 1)),
        with(format!(r#"{{"secret":"{key}"}}"#)),
    ] {
        let refused = store.add_relay_end(&bad, NOW).unwrap_err().to_string();
        assert!(!refused.contains(&key), "{refused}");
    }
    let why = EndChange {
        state: Some((EndState::Paused, "two\nlines".to_owned())),
        ..EndChange::default()
    };
    assert!(store.change_relay_end(&first.id, 1, &why, NOW).is_err());
    assert_eq!(store.relay_end(EndKind::Source, &first.id).unwrap(), first);
    assert!(store.relay_ends(EndKind::Destination).unwrap().is_empty());
}

#[test]
fn their_number_is_bounded_and_a_workspace_with_a_source_stays() {
    let store = SqliteStore::in_memory().unwrap();
    let ws = workspace(&store);
    for n in 0..1_000 {
        add(&store, &end(EndKind::Destination, &format!("d{n}"), None));
    }
    let more = store.add_relay_end(&end(EndKind::Destination, "more", None), NOW);
    assert!(more.unwrap_err().to_string().contains("1,000"));
    let source = add(&store, &end(EndKind::Source, "replies", Some(&ws)));
    assert!(matches!(
        store.delete_workspace(&ws),
        Err(StoreError::InUse { .. })
    ));
    store.delete_relay_end(&source.id).unwrap();
    store.delete_workspace(&ws).unwrap();
}
