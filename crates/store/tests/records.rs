//! Records go in, come out the same, and stay within their bounds.

#![cfg(test)]

mod common;

use common::{LATER, NOW, importer, key, live, pepper, sandbox, store};
use doorward_catalog::Environment;
use doorward_policy::{Grant, WorkspaceKind};
use doorward_store::{
    Client, ClientChange, NewClient, NewClientKey, NewUpstreamKey, NewWorkspace, Probe,
    ProbeOutcome, Store, StoreError, UpstreamKeyState, WorkspaceChange,
};

fn message<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn workspaces_come_out_as_they_went_in() {
    let store = store();
    let mut new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
    new.instantly_id = Some("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f".to_owned());
    new.environments = [Environment::Staging].into();
    let made = store.create_workspace(&new, NOW).unwrap();
    assert!(
        made.id.starts_with("ws_") && made.id.len() == 19,
        "{}",
        made.id
    );
    assert_eq!(
        (&made.name, made.kind, made.created_at),
        (&new.name, new.kind, NOW)
    );
    assert_eq!(store.workspace("acme").unwrap(), made);
    assert_eq!(store.workspace(&made.id).unwrap(), made);

    let change = WorkspaceChange {
        base_url: Some("https://elsewhere.example".to_owned()),
        environments: Some(Environment::ALL.into()),
        ..WorkspaceChange::default()
    };
    let changed = store.change_workspace(&made.id, &change).unwrap();
    assert_eq!(changed.base_url, "https://elsewhere.example");
    assert_eq!(changed.environments.len(), 3);
    assert_eq!(
        changed.instantly_id, new.instantly_id,
        "what is not named stays"
    );
    assert_eq!(store.workspace(&made.id).unwrap(), changed);

    store.delete_workspace(&made.id).unwrap();
    assert_eq!(
        message(store.workspace("acme")),
        "there is no workspace 'acme'"
    );
    assert!(matches!(
        store.delete_workspace(&made.id),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn names_and_upstream_ids_are_taken_once() {
    let store = store();
    let acme = live(&store, "acme");
    let again = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:1");
    assert_eq!(
        message(store.create_workspace(&again, NOW)),
        "there is a workspace 'acme' already; choose another name"
    );

    let named = |id: &str| WorkspaceChange {
        instantly_id: Some(id.into()),
        ..Default::default()
    };
    store.change_workspace(&acme.id, &named("one")).unwrap();
    let other = live(&store, "other");
    let twice = store.change_workspace(&other.id, &named("one"));
    assert!(
        matches!(twice, Err(StoreError::Duplicate { .. })),
        "one upstream limit, one record"
    );
    store.change_workspace(&other.id, &named("two")).unwrap();

    importer(&store, &acme, "importer");
    importer(&store, &other, "importer");
    let grant = Grant::for_use_case("reader");
    let new = NewClient::new(&acme.id, "importer", Environment::Staging, grant);
    assert!(matches!(
        store.create_client(&new, NOW),
        Err(StoreError::Duplicate { .. })
    ));

    let upstream = NewUpstreamKey::new("main", "env://MAIN");
    store.add_upstream_key(&acme.id, &upstream, NOW).unwrap();
    store.add_upstream_key(&other.id, &upstream, NOW).unwrap();
    assert!(store.add_upstream_key(&acme.id, &upstream, NOW).is_err());
}

#[test]
fn bad_fields_are_refused_and_leave_no_trace() {
    let store = store();
    let acme = live(&store, "acme");
    let before = store.generation().unwrap();
    let workspace = |name: &str, url: &str| {
        store.create_workspace(&NewWorkspace::new(name, WorkspaceKind::Live, url), NOW)
    };
    assert!(message(workspace("Acme", "https://x")).starts_with("the name of the workspace "));
    assert!(message(workspace("a", "x")).starts_with("the base URL "));
    let nowhere = NewWorkspace {
        environments: [].into(),
        ..NewWorkspace::new("a", WorkspaceKind::Live, "https://x")
    };
    assert!(store.create_workspace(&nowhere, NOW).is_err());

    let reader = || Grant::for_use_case("reader");
    let new = |name: &str, grant| NewClient::new(&acme.id, name, Environment::Production, grant);
    let create = |new: NewClient| message(store.create_client(&new, NOW));
    assert!(create(new("a b", reader())).starts_with("the name of the client "));
    assert!(
        create(NewClient {
            owner: "a\nb".into(),
            ..new("a", reader())
        })
        .contains("owner")
    );
    assert!(
        create(NewClient {
            purpose: "x".repeat(201),
            ..new("a", reader())
        })
        .contains("purpose")
    );
    assert!(
        create(NewClient {
            workspace_id: "ws_none".into(),
            ..new("a", reader())
        })
        .contains("no workspace")
    );
    assert!(create(new("a", Grant::for_use_case("full-automation"))).contains("break-glass"));

    let upstream = |reference| {
        message(store.add_upstream_key(&acme.id, &NewUpstreamKey::new("k", reference), NOW))
    };
    assert!(upstream("secret").contains("is no reference"));
    let many = NewUpstreamKey {
        scopes: Some(vec!["leads:read".to_owned(); 513]),
        ..NewUpstreamKey::new("k", "env://K")
    };
    assert!(store.add_upstream_key(&acme.id, &many, NOW).is_err());

    assert_eq!(store.generation().unwrap(), before);
    assert_eq!(store.workspaces().unwrap().len(), 1);
    assert!(store.clients(None).unwrap().is_empty());
}

#[test]
fn upstream_keys_are_probed_retired_and_deleted() {
    let store = store();
    let acme = live(&store, "acme");
    let made = store
        .add_upstream_key(&acme.id, &NewUpstreamKey::new("main", "file:///k"), NOW)
        .unwrap();
    assert_eq!(
        (made.state, &made.probe, made.scope_set()),
        (UpstreamKeyState::Active, &None, None)
    );

    let probe = Probe {
        at: LATER,
        outcome: ProbeOutcome::Alive,
        detail: "by its 401".to_owned(),
    };
    let found = ["leads:read", "future:read", "all:read"].map(str::to_owned);
    let probed = store.record_probe(&made.id, &probe, Some(&found)).unwrap();
    assert_eq!(probed.probe.as_ref(), Some(&probe));
    let sorted = ["all:read", "future:read", "leads:read"].map(str::to_owned);
    assert_eq!(
        probed.scopes.as_deref(),
        Some(&sorted[..]),
        "sorted, the unknown one kept"
    );
    assert_eq!(
        probed.scope_set().unwrap().to_string(),
        "all:read, leads:read"
    );

    let unclear = Probe {
        outcome: ProbeOutcome::Unclear,
        ..probe
    };
    let still = store.record_probe(&made.id, &unclear, None).unwrap();
    assert_eq!(still.scopes, probed.scopes, "what was known stays");

    let retired = store
        .set_upstream_key_state(&made.id, UpstreamKeyState::Retired)
        .unwrap();
    assert_eq!(store.workspace("acme").unwrap().upstream_keys, [retired]);
    store.delete_upstream_key(&made.id).unwrap();
    assert!(store.workspace("acme").unwrap().upstream_keys.is_empty());
    assert!(matches!(
        store.delete_upstream_key(&made.id),
        Err(StoreError::NotFound { .. })
    ));
    let gone = store.set_upstream_key_state(&made.id, UpstreamKeyState::Active);
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    assert!(matches!(
        store.record_probe(&made.id, &unclear, None),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn clients_come_out_as_they_went_in_and_change() {
    let store = store();
    let acme = live(&store, "acme");
    let new = NewClient {
        owner: "Zoë, sales ops".to_owned(),
        purpose: "nightly import".to_owned(),
        source: "manifest".to_owned(),
        expires_at: Some(LATER),
        ..NewClient::new(
            &acme.id,
            "importer",
            Environment::Production,
            Grant::for_use_case("lead-import"),
        )
    };
    let made = store.create_client(&new, NOW).unwrap();
    assert_eq!(made.grant, new.grant);
    assert_eq!(
        (&*made.owner, &*made.purpose, &*made.source),
        (&*new.owner, &*new.purpose, "manifest")
    );
    assert_eq!(
        (made.expires_at, made.disabled_at, made.created_at),
        (Some(LATER), None, NOW)
    );
    assert_eq!(store.client(&acme.id, "importer").unwrap(), made);
    assert_eq!(store.client(&acme.id, &made.id).unwrap(), made);
    assert!(
        store.client("ws_other", &made.id).is_err(),
        "no way in from another workspace"
    );

    let off = ClientChange {
        disabled: Some(true),
        ..ClientChange::default()
    };
    assert_eq!(
        store
            .change_client(&made.id, &off, NOW)
            .unwrap()
            .disabled_at,
        Some(NOW)
    );
    assert_eq!(
        store
            .change_client(&made.id, &off, LATER)
            .unwrap()
            .disabled_at,
        Some(NOW)
    );
    let more = ClientChange {
        disabled: Some(false),
        expires_at: Some(None),
        grant: Some(Grant::for_use_case("crm-sync")),
        owner: Some("Ada".to_owned()),
        ..ClientChange::default()
    };
    let changed = store.change_client(&made.id, &more, LATER).unwrap();
    assert_eq!(
        changed,
        Client {
            disabled_at: None,
            expires_at: None,
            grant: Grant::for_use_case("crm-sync"),
            owner: "Ada".to_owned(),
            ..made.clone()
        }
    );
    assert_eq!(store.client(&acme.id, "importer").unwrap(), changed);

    let wide = ClientChange {
        grant: Some(Grant::for_scopes(["all:all"])),
        ..Default::default()
    };
    assert!(matches!(
        store.change_client(&made.id, &wide, LATER),
        Err(StoreError::Grant(_))
    ));
    assert_eq!(store.client(&acme.id, "importer").unwrap(), changed);

    let in_use = message(store.delete_workspace(&acme.id));
    assert_eq!(
        in_use,
        "workspace 'acme' still has clients; delete them first"
    );
    store.delete_client(&made.id).unwrap();
    assert!(matches!(
        store.delete_client(&made.id),
        Err(StoreError::NotFound { .. })
    ));
    store.delete_workspace(&acme.id).unwrap();
}

#[test]
fn a_workspace_takes_clients_of_its_environments_only() {
    let store = store();
    let new = NewWorkspace {
        environments: [Environment::Development, Environment::Staging].into(),
        ..NewWorkspace::new("rehearsal", WorkspaceKind::Sandbox, "http://127.0.0.1:1")
    };
    let workspace = store.create_workspace(&new, NOW).unwrap();
    let client = |environment| {
        let grant = Grant::for_use_case("reader");
        store.create_client(&NewClient::new(&workspace.id, "c", environment, grant), NOW)
    };
    assert_eq!(
        message(client(Environment::Production)),
        "workspace 'rehearsal' takes no clients in production; it takes development, staging"
    );
    client(Environment::Staging).unwrap();
}

#[test]
fn client_keys_are_issued_used_revoked_and_go_with_their_client() {
    let store = store();
    let acme = live(&store, "acme");
    let client = importer(&store, &acme, "importer");
    let (first, second) = (key(1), key(2));
    let new = NewClientKey::of(&first, &pepper()).expiring(Some(LATER));
    let made = store.add_client_key(&client.id, &new, NOW).unwrap();
    assert_eq!(
        (made.id, made.hash, made.expires_at),
        (first.id(), new.hash, Some(LATER))
    );
    assert!(matches!(
        store.add_client_key(&client.id, &new, NOW),
        Err(StoreError::Duplicate { .. })
    ));
    let unknown = store.add_client_key("cl_none", &NewClientKey::of(&second, &pepper()), NOW);
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    store
        .add_client_key(&client.id, &NewClientKey::of(&second, &pepper()), NOW)
        .unwrap();

    let before = store.generation().unwrap();
    let uses = [(first.id(), LATER), (first.id(), NOW), (key(9).id(), NOW)];
    store.record_key_uses(&uses).unwrap();
    assert_eq!(
        store.generation().unwrap(),
        before,
        "a use changes no decision"
    );
    let keys = store.client_keys(Some(&client.id)).unwrap();
    let used: Vec<_> = keys.iter().map(|key| (key.id, key.last_used_at)).collect();
    let mut expected = vec![(first.id(), Some(LATER)), (second.id(), None)];
    expected.sort();
    assert_eq!(used, expected, "the latest use counts");

    assert_eq!(
        store.revoke_client_key(first.id(), NOW).unwrap().revoked_at,
        Some(NOW)
    );
    assert_eq!(
        store
            .revoke_client_key(first.id(), LATER)
            .unwrap()
            .revoked_at,
        Some(NOW)
    );
    let extended = store.set_client_key_expiry(first.id(), None).unwrap();
    assert_eq!(
        (extended.expires_at, extended.revoked_at),
        (None, Some(NOW))
    );
    assert!(matches!(
        store.revoke_client_key(key(9).id(), NOW),
        Err(StoreError::NotFound { .. })
    ));

    store.delete_client(&client.id).unwrap();
    assert!(store.client_keys(None).unwrap().is_empty());
}

#[test]
fn replaced_keys_end_together_and_never_later_than_they_would_have() {
    let store = store();
    let acme = live(&store, "acme");
    let client = importer(&store, &acme, "importer");
    let add = |n: u8, ends: Option<doorward_policy::Timestamp>| {
        let new = NewClientKey::of(&key(n), &pepper()).expiring(ends);
        store.add_client_key(&client.id, &new, NOW).unwrap();
    };
    let new = |n: u8| NewClientKey::of(&key(n), &pepper());
    let refused = store.replace_client_keys(&client.id, &new(1), None, LATER, NOW);
    assert!(matches!(refused, Err(StoreError::NoKeyInForce { .. })));
    let soon = NOW.plus_millis(1_000);
    add(1, None);
    add(2, Some(soon));
    add(3, Some(NOW));
    add(4, None);
    store.revoke_client_key(key(4).id(), NOW).unwrap();
    let before = store.generation().unwrap();
    let replaced = store
        .replace_client_keys(&client.id, &new(5), None, LATER, NOW)
        .unwrap();
    assert_eq!(store.generation().unwrap(), before + 1, "one change");
    let ends = |keys: &[doorward_store::ClientKeyRecord]| {
        let mut all: Vec<_> = keys.iter().map(|key| (key.id, key.expires_at)).collect();
        all.sort();
        all
    };
    let mut expected = vec![(key(1).id(), Some(LATER)), (key(2).id(), Some(soon))];
    expected.sort();
    assert_eq!(ends(&replaced.old), expected);
    assert_eq!(replaced.new.expires_at, None);
    // One alone, at once.
    let one = store
        .replace_client_keys(&client.id, &new(6), Some(key(1).id()), NOW, NOW)
        .unwrap();
    assert_eq!(one.old.len(), 1);
    assert_eq!(one.old[0].revoked_at, Some(NOW));
    // Half of it is not there.
    let taken = store.replace_client_keys(&client.id, &new(6), None, NOW, NOW);
    assert!(matches!(taken, Err(StoreError::Duplicate { .. })));
    let left = store.client_keys(Some(&client.id)).unwrap();
    assert_eq!(
        left.iter().filter(|key| key.revoked_at.is_some()).count(),
        2
    );
}

#[test]
fn json_of_a_key_has_no_hash() {
    let store = store();
    let acme = live(&store, "acme");
    let client = importer(&store, &acme, "importer");
    let made = store
        .add_client_key(&client.id, &NewClientKey::of(&key(1), &pepper()), NOW)
        .unwrap();
    let json = serde_json::to_value(&made).unwrap();
    let mut fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "client_id",
            "created_at",
            "expires_at",
            "id",
            "last_used_at",
            "revoked_at"
        ]
    );
    assert_eq!(json["created_at"], "2027-01-15T08:00:00Z");
}

#[test]
fn lists_are_sorted_whatever_the_order_they_were_made_in() {
    let store = store();
    for workspace in ["zeta", "alpha", "mid"] {
        let workspace = sandbox(&store, workspace);
        for name in ["y", "b", "x"] {
            let client = importer(&store, &workspace, name);
            let seed = u8::try_from(store.client_keys(None).unwrap().len()).unwrap();
            store
                .add_client_key(&client.id, &NewClientKey::of(&key(seed), &pepper()), NOW)
                .unwrap();
            store
                .add_upstream_key(&workspace.id, &NewUpstreamKey::new(name, "env://K"), NOW)
                .unwrap();
        }
    }
    let workspaces = store.workspaces().unwrap();
    let names: Vec<&str> = workspaces.iter().map(|w| &*w.name).collect();
    assert_eq!(names, ["alpha", "mid", "zeta"]);
    for workspace in &workspaces {
        let keys: Vec<&str> = workspace.upstream_keys.iter().map(|k| &*k.name).collect();
        assert_eq!(keys, ["b", "x", "y"]);
    }
    let clients = store.clients(None).unwrap();
    let name = |id: &str| &*workspaces.iter().find(|w| w.id == id).unwrap().name;
    let pairs: Vec<_> = clients
        .iter()
        .map(|c| (name(&c.workspace_id), &*c.name))
        .collect();
    assert_eq!(pairs.len(), 9);
    assert!(pairs.is_sorted(), "{pairs:?}");
    assert!(
        store
            .client_keys(None)
            .unwrap()
            .is_sorted_by_key(|key| key.id)
    );
    let one = store.clients(Some(&workspaces[0].id)).unwrap();
    assert_eq!(
        one.iter().map(|c| &*c.name).collect::<Vec<_>>(),
        ["b", "x", "y"]
    );
}
