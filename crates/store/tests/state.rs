//! The generation, the snapshot, and what is learnt along the way.

#![cfg(test)]

mod common;

use common::{LATER, NOW, importer, key, live, pepper, sandbox, store};
use doorward_catalog::Op;
use doorward_keys::{KeyRefused, Pepper};
use doorward_policy::{DenyReason, RequestFacts, Terms, authorize};
use doorward_store::{
    ClientChange, NewClientKey, NewUpstreamKey, Probe, ProbeOutcome, Store, StoreError,
    UpstreamKeyState, WorkspaceChange,
};

#[test]
fn the_generation_counts_what_a_snapshot_shows() {
    let store = store();
    let mut last = store.generation().unwrap();
    assert!(last > 0, "an empty store is ahead of an empty snapshot");
    let mut moved = |what: &str| {
        let next = store.generation().unwrap();
        assert_eq!(next, last + 1, "{what}");
        last = next;
    };
    let acme = live(&store, "acme");
    moved("workspace made");
    store
        .change_workspace(&acme.id, &WorkspaceChange::default())
        .unwrap();
    moved("workspace changed");
    let upstream = store
        .add_upstream_key(&acme.id, &NewUpstreamKey::new("k", "env://K"), NOW)
        .unwrap();
    moved("upstream key added");
    store
        .set_upstream_key_state(&upstream.id, UpstreamKeyState::Retiring)
        .unwrap();
    moved("upstream key's state");
    let probe = Probe {
        at: NOW,
        outcome: ProbeOutcome::Dead,
        detail: String::new(),
    };
    store.record_probe(&upstream.id, &probe, None).unwrap();
    moved("probe");
    let client = importer(&store, &acme, "c");
    moved("client made");
    store
        .change_client(&client.id, &ClientChange::default(), NOW)
        .unwrap();
    moved("client changed");
    store
        .add_client_key(&client.id, &NewClientKey::of(&key(1), &pepper()), NOW)
        .unwrap();
    moved("key issued");
    store
        .set_client_key_expiry(key(1).id(), Some(LATER))
        .unwrap();
    moved("key's end");
    store.revoke_client_key(key(1).id(), NOW).unwrap();
    moved("key revoked");
    let asked = ["campaigns:read".to_owned()];
    store
        .record_observed_scope(&acme.id, Op::ShareCampaign, &asked, NOW)
        .unwrap();
    moved("scope observed");
    store.delete_client(&client.id).unwrap();
    moved("client deleted");
    store.delete_upstream_key(&upstream.id).unwrap();
    moved("upstream key deleted");
    store.delete_workspace(&acme.id).unwrap();
    moved("workspace deleted");

    // Neither reads nor failures count.
    let _ = store.workspaces().unwrap();
    assert!(store.delete_workspace(&acme.id).is_err());
    assert!(store.revoke_client_key(key(1).id(), NOW).is_err());
    assert_eq!(store.generation().unwrap(), last);
}

#[test]
fn what_the_real_api_asks_for_is_kept_and_told_when_it_is_news() {
    let store = store();
    let acme = live(&store, "acme");
    let record = |scopes: &[&str], at| {
        let scopes: Vec<String> = scopes.iter().map(|&s| s.to_owned()).collect();
        store
            .record_observed_scope(&acme.id, Op::ShareCampaign, &scopes, at)
            .unwrap();
        let all = store.observed_scopes().unwrap();
        assert_eq!(all.len(), 1);
        (all[0].clone(), store.generation().unwrap())
    };
    let (first, generation) = record(&["campaigns:update", "all:all"], NOW);
    assert_eq!(first.operation, Op::ShareCampaign);
    assert_eq!(first.required, ["all:all", "campaigns:update"]);
    let (again, same) = record(&["all:all", "campaigns:update"], LATER);
    assert_eq!(
        (again.first_seen, again.last_seen, same),
        (NOW, LATER, generation)
    );
    let (other, next) = record(&["campaigns:all"], LATER);
    assert_eq!(
        (&*other.required[0], other.first_seen, next),
        ("campaigns:all", LATER, generation + 1)
    );
    let json = serde_json::to_value(&other).unwrap();
    assert_eq!(json["operation"], "shareCampaign");
    assert!(
        store
            .record_observed_scope("ws_none", Op::ShareCampaign, &[], NOW)
            .is_err()
    );
}

#[test]
fn another_pepper_is_noticed_while_there_are_keys() {
    let store = store();
    store.confirm_pepper("aaaa").unwrap();
    store.confirm_pepper("aaaa").unwrap();
    store.confirm_pepper("bbbb").unwrap();
    let acme = live(&store, "acme");
    let client = importer(&store, &acme, "importer");
    store
        .add_client_key(&client.id, &NewClientKey::of(&key(1), &pepper()), NOW)
        .unwrap();
    store.confirm_pepper("bbbb").unwrap();
    assert!(matches!(
        store.confirm_pepper("aaaa"),
        Err(StoreError::WrongPepper)
    ));
    store.confirm_pepper("bbbb").unwrap();
}

#[test]
fn a_snapshot_answers_as_the_store_does() {
    let store = store();
    let (acme, other) = (live(&store, "acme"), live(&store, "other"));
    let client = importer(&store, &acme, "importer");
    importer(&store, &other, "importer");
    let (good, revoked) = (key(1), key(2));
    for key in [&good, &revoked] {
        store
            .add_client_key(&client.id, &NewClientKey::of(key, &pepper()), NOW)
            .unwrap();
    }
    store.revoke_client_key(revoked.id(), NOW).unwrap();

    let snapshot = store.load_snapshot(LATER).unwrap();
    assert_eq!(snapshot.generation, store.generation().unwrap());
    assert_eq!(snapshot.taken_at, LATER);
    assert_eq!(snapshot.workspaces, store.workspaces().unwrap());
    assert_eq!(snapshot.clients.len(), 2);
    assert_eq!(snapshot.client(&client.id).unwrap().record, client);
    assert_eq!(snapshot.workspace("acme").unwrap().id, acme.id);

    let known = snapshot.authenticate(&pepper(), good.expose()).unwrap();
    assert_eq!(
        (known.key_id, &*known.client.name, &known.workspace.id),
        (good.id(), "importer", &acme.id)
    );
    let create = RequestFacts::new(Op::CreateLead, &acme.id, LATER);
    assert!(authorize(&known.view(), &create, &Terms::GRANT_ALONE, ()).is_ok());
    let denial = authorize(
        &known.view(),
        &RequestFacts::new(Op::CreateLead, &other.id, LATER),
        &Terms::GRANT_ALONE,
        (),
    );
    assert_eq!(
        denial.unwrap_err().reason(),
        DenyReason::WorkspaceNotGranted
    );

    let known = snapshot.authenticate(&pepper(), revoked.expose()).unwrap();
    let denial = authorize(&known.view(), &create, &Terms::GRANT_ALONE, ()).unwrap_err();
    assert_eq!(denial.reason(), DenyReason::KeyRevoked);
    let unknown = snapshot
        .authenticate(&pepper(), key(3).expose())
        .unwrap_err();
    assert_eq!(unknown, KeyRefused::Unknown(key(3).id()));
    let other_pepper = Pepper::new(&[8; 32]).unwrap();
    let mismatch = snapshot
        .authenticate(&other_pepper, good.expose())
        .unwrap_err();
    assert_eq!(mismatch, KeyRefused::Mismatch(good.id()));
}

#[test]
fn a_store_is_shared_between_threads() {
    let store = std::sync::Arc::new(store());
    let acme = sandbox(&*store, "acme");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (store, acme) = (&store, &acme);
            scope.spawn(move || {
                for m in 0..10 {
                    importer(&**store, acme, &format!("c{n}-{m}"));
                }
            });
        }
    });
    assert_eq!(store.clients(None).unwrap().len(), 40);
    assert_eq!(store.generation().unwrap(), 42);
}
