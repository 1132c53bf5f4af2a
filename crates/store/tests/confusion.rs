//! What must not pass for something else: a sandbox for the real thing, one file for two, a secret
//! for a name.

#![cfg(test)]

use doorward_catalog::key_format::UpstreamKeyFormat;
use doorward_catalog::{Environment, Op};
use doorward_keys::{ClientKey, Pepper};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{
    ClientChange, NewClient, NewClientKey, NewUpstreamKey, NewWorkspace, Probe, ProbeOutcome,
    SqliteStore, Store, StoreError, UpstreamKeyState, WorkspaceChange,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn upstream_key() -> String {
    UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "aB3dE5gH7jK9")
}

fn client_key() -> ClientKey {
    ClientKey::generate(Environment::Production, &[7; ClientKey::RANDOM_LEN])
}

/// What is granted on a sandbox has no ceiling, so a sandbox must never be the real thing.
#[test]
fn a_sandbox_is_never_at_instantly() {
    let store = SqliteStore::in_memory().unwrap();
    let at = |url: &str| NewWorkspace::new("box", WorkspaceKind::Sandbox, url);
    let real = [
        "https://api.instantly.ai",
        "https://API.Instantly.AI",
        "https://api.instantly.ai.",
        "https://api.instantly.ai:443",
        "https://api.instantly.ai/",
        "https://instantly.ai",
        "https://eu.api.instantly.ai/base",
        "http://api.instantly.ai",
        "https://api.instantly%2Eai",
        "https://api%2einstantly.ai",
    ];
    for url in real {
        assert!(store.create_workspace(&at(url), NOW).is_err(), "{url}");
    }
    let made = store
        .create_workspace(&at("http://127.0.0.1:4010"), NOW)
        .unwrap();
    for url in real {
        let change = WorkspaceChange {
            base_url: Some(url.to_owned()),
            ..WorkspaceChange::default()
        };
        assert!(store.change_workspace(&made.id, &change).is_err(), "{url}");
    }
    assert_eq!(store.workspace("box").unwrap(), made);
    for (name, url) in [
        ("a", "https://notinstantly.ai"),
        ("b", "https://instantly.ai.example"),
        ("c", "http://[::1]:4010"),
    ] {
        let new = NewWorkspace::new(name, WorkspaceKind::Sandbox, url);
        store.create_workspace(&new, NOW).unwrap();
    }
}

/// The upstream key goes with each call.
#[test]
fn a_live_workspace_is_never_called_in_plain_text_beyond_this_machine() {
    let store = SqliteStore::in_memory().unwrap();
    let create = |name: &str, url: &str| {
        store.create_workspace(&NewWorkspace::new(name, WorkspaceKind::Live, url), NOW)
    };
    for url in [
        "http://api.instantly.ai",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "http://[2001:db8::1]",
    ] {
        let refused = create("acme", url).unwrap_err().to_string();
        assert!(refused.contains("https"), "{url}: {refused}");
    }
    create("a", "http://127.0.0.1:4010").unwrap();
    create("b", "http://localhost:4010").unwrap();
    create("c", "http://[::1]:4010").unwrap();
    create("d", "https://proxy.example:8443").unwrap();
}

#[test]
fn hosts_that_are_none_are_refused() {
    let store = SqliteStore::in_memory().unwrap();
    for url in [
        "https://:443",
        "https://a b",
        "https://a%00b",
        "https://x,y",
        "https://x:port",
        "https://x:99999999",
        "https://[::1",
        "https://x]",
    ] {
        let new = NewWorkspace::new("acme", WorkspaceKind::Live, url);
        assert!(store.create_workspace(&new, NOW).is_err(), "{url}");
    }
}

/// Pasted into the wrong argument, a key must not end up in a log.
#[test]
fn an_error_does_not_repeat_a_key() {
    let store = SqliteStore::in_memory().unwrap();
    let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
    let id = store.create_workspace(&new, NOW).unwrap().id;
    let key = client_key();
    for secret in [upstream_key(), key.expose().to_owned()] {
        let grant = |grant: Grant| {
            let new = NewClient::new(&id, "a", Environment::Production, grant);
            store.create_client(&new, NOW).unwrap_err()
        };
        let sub_workspace = Grant {
            sub_workspaces: [format!("{secret}=")].into(),
            ..Grant::for_use_case("reader")
        };
        let errors: Vec<StoreError> = vec![
            store.workspace(&secret).unwrap_err(),
            store.client(&id, &secret).unwrap_err(),
            store.delete_client(&secret).unwrap_err(),
            store.delete_upstream_key(&secret).unwrap_err(),
            grant(Grant::for_use_case(secret.as_str())),
            grant(Grant::for_operation(secret.as_str())),
            grant(Grant::for_scopes([secret.as_str()])),
            grant(sub_workspace),
        ];
        for error in errors {
            let shown = format!("{error} {error:?}");
            // The id of a client key is public; of the rest, nothing may be shown.
            for part in [&secret[20..36], &secret[36..52]] {
                assert!(!error.to_string().contains(part), "{shown}");
            }
        }
    }
}

#[test]
fn no_text_of_a_record_holds_a_key() {
    let store = SqliteStore::in_memory().unwrap();
    let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
    let id = store.create_workspace(&new, NOW).unwrap().id;
    let upstream = store
        .add_upstream_key(&id, &NewUpstreamKey::new("main", "env://MAIN"), NOW)
        .unwrap();
    let before = store.generation().unwrap();
    for secret in [upstream_key(), client_key().expose().to_owned()] {
        let text = format!("made with {secret}, see there");
        let client = NewClient::new(
            &id,
            "a",
            Environment::Production,
            Grant::for_use_case("reader"),
        );
        let owner = NewClient {
            owner: text.clone(),
            ..client.clone()
        };
        let purpose = NewClient {
            purpose: text.clone(),
            ..client
        };
        let probe = Probe {
            at: NOW,
            outcome: ProbeOutcome::Unclear,
            detail: text.clone(),
        };
        let at = format!("https://proxy.example/{secret}");
        let place = NewWorkspace::new("b", WorkspaceKind::Live, &at);
        let reference = NewUpstreamKey::new("b", &format!("file:///keys/{secret}"));
        for error in [
            store.create_client(&owner, NOW).unwrap_err(),
            store.create_client(&purpose, NOW).unwrap_err(),
            store.record_probe(&upstream.id, &probe, None).unwrap_err(),
            store.create_workspace(&place, NOW).unwrap_err(),
            store.add_upstream_key(&id, &reference, NOW).unwrap_err(),
        ] {
            let shown = error.to_string();
            assert!(shown.contains("key") && !shown.contains(&secret), "{shown}");
        }
    }
    assert_eq!(store.generation().unwrap(), before);
}

/// A key says where it is for; a development key that opened production would say wrong.
#[test]
fn a_key_opens_only_a_client_of_the_environment_it_names() {
    let store = SqliteStore::in_memory().unwrap();
    let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
    let id = store.create_workspace(&new, NOW).unwrap().id;
    let grant = Grant::for_use_case("reader");
    let new = NewClient::new(&id, "a", Environment::Production, grant);
    let client = store.create_client(&new, NOW).unwrap();
    let pepper = Pepper::new(&[7; 32]).unwrap();
    let key = ClientKey::generate(Environment::Development, &[7; ClientKey::RANDOM_LEN]);
    store
        .add_client_key(&client.id, &NewClientKey::of(&key, &pepper), NOW)
        .unwrap();
    let snapshot = store.load_snapshot(NOW).unwrap();
    assert!(snapshot.authenticate(&pepper, key.expose()).is_err());
}

/// A change to the store.
type Act<'a> = Box<dyn Fn() + 'a>;

/// As long as the generation stands still, so does the snapshot.
#[test]
fn every_change_that_a_snapshot_shows_moves_the_generation() {
    let store = SqliteStore::in_memory().unwrap();
    let pepper = Pepper::new(&[7; 32]).unwrap();
    let shown = || {
        let snapshot = store.load_snapshot(NOW).unwrap();
        let mut keys: Vec<String> = store
            .client_keys(None)
            .unwrap()
            .iter()
            .map(|key| format!("{:?} {:?} {:?}", key.id, key.expires_at, key.revoked_at))
            .collect();
        keys.sort();
        let observed: Vec<String> = snapshot
            .observed_scopes
            .iter()
            .map(|seen| format!("{:?} {:?}", seen.operation, seen.required))
            .collect();
        let clients: Vec<String> = snapshot
            .clients
            .iter()
            .map(|client| format!("{:?} {:?}", client.record, client.grant))
            .collect();
        format!(
            "{:?} {clients:?} {keys:?} {observed:?}",
            snapshot.workspaces
        )
    };
    let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
    let id = store.create_workspace(&new, NOW).unwrap().id;
    let upstream = store
        .add_upstream_key(&id, &NewUpstreamKey::new("main", "env://MAIN"), NOW)
        .unwrap();
    let grant = Grant::for_use_case("reader");
    let new = NewClient::new(&id, "a", Environment::Production, grant);
    let client = store.create_client(&new, NOW).unwrap().id;
    let key = client_key();
    let acts: Vec<(&str, Act<'_>)> = vec![
        (
            "add a key",
            Box::new(|| {
                let new = NewClientKey::of(&key, &pepper);
                store.add_client_key(&client, &new, NOW).unwrap();
            }),
        ),
        (
            "use a key",
            Box::new(|| store.record_key_uses(&[(key.id(), NOW)]).unwrap()),
        ),
        (
            "replace a key",
            Box::new(|| {
                let other =
                    ClientKey::generate(Environment::Production, &[8; ClientKey::RANDOM_LEN]);
                let new = NewClientKey::of(&other, &pepper);
                let ends = NOW.plus_millis(1_000);
                store
                    .replace_client_keys(&client, &new, None, ends, NOW)
                    .unwrap();
            }),
        ),
        (
            "end a key",
            Box::new(|| {
                store.set_client_key_expiry(key.id(), Some(NOW)).unwrap();
            }),
        ),
        (
            "revoke a key",
            Box::new(|| {
                store.revoke_client_key(key.id(), NOW).unwrap();
            }),
        ),
        (
            "disable",
            Box::new(|| {
                let change = ClientChange {
                    disabled: Some(true),
                    ..ClientChange::default()
                };
                store.change_client(&client, &change, NOW).unwrap();
            }),
        ),
        (
            "retire",
            Box::new(|| {
                store
                    .set_upstream_key_state(&upstream.id, UpstreamKeyState::Retired)
                    .unwrap();
            }),
        ),
        (
            "observe",
            Box::new(|| {
                let scopes = ["campaigns:all".to_owned()];
                store
                    .record_observed_scope(&id, Op::ShareCampaign, &scopes, NOW)
                    .unwrap();
            }),
        ),
        ("pepper", Box::new(|| store.confirm_pepper("aa").unwrap())),
        (
            "delete a client",
            Box::new(|| store.delete_client(&client).unwrap()),
        ),
        (
            "delete an upstream key",
            Box::new(|| store.delete_upstream_key(&upstream.id).unwrap()),
        ),
    ];
    for (what, act) in acts {
        let (before, was) = (store.generation().unwrap(), shown());
        act();
        let changed = shown() != was;
        assert_eq!(store.generation().unwrap() != before, changed, "{what}");
    }
}

#[cfg(unix)]
mod files {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A second name for the file is no second lock.
    #[test]
    fn a_link_to_the_store_is_the_same_store() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let store = SqliteStore::open(&path).unwrap();
        symlink(&path, &link).unwrap();
        let refused = SqliteStore::open(&link).unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
        drop(store);
        let _store = SqliteStore::open(&link).unwrap();
        assert!(matches!(
            SqliteStore::open(&path),
            Err(StoreError::Locked { .. })
        ));
    }

    /// What a planted link leads to is neither emptied nor made the store.
    #[test]
    fn a_planted_link_harms_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("a.db"), folder.path().join("victim"));
        std::fs::write(&victim, "precious").unwrap();
        symlink(&victim, folder.path().join("a.db.lock")).unwrap();
        assert!(SqliteStore::open(&path).is_err());
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");

        let (path, nowhere) = (folder.path().join("c.db"), folder.path().join("elsewhere"));
        symlink(&nowhere, &path).unwrap();
        assert!(SqliteStore::open(&path).is_err());
        assert!(!nowhere.exists());
    }

    /// Left by a process that was killed, and readable by others since.
    #[test]
    fn companions_that_others_may_read_are_narrowed_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let names = ["a.db", "a.db-wal", "a.db-shm", "a.db.lock"].map(|n| folder.path().join(n));
        let store = SqliteStore::open(&path).unwrap();
        let copies: Vec<Vec<u8>> = names.iter().map(|n| std::fs::read(n).unwrap()).collect();
        drop(store);
        for (name, bytes) in names.iter().zip(&copies) {
            std::fs::write(name, bytes).unwrap();
            std::fs::set_permissions(name, PermissionsExt::from_mode(0o644)).unwrap();
        }
        let _store = SqliteStore::open(&path).unwrap();
        for name in &names {
            let mode = std::fs::metadata(name).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", name.display());
        }
    }

    #[test]
    fn a_file_of_another_program_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.db");
        let text = "not a database, but somebody's notes\n".repeat(100);
        std::fs::write(&path, &text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).unwrap();
        assert!(SqliteStore::open(&path).is_err());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o664);
    }
}
