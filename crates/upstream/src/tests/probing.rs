//! What a probe finds, and with how many calls.

use doorward_catalog::{Op, Scope, ScopeSet, route};
use serde_json::{Value, json};

use super::server::{Act, Fake, Seen};
use super::{KEY, client};
use crate::probe::{Extent, Liveness, Probe};

fn op_of(seen: &Seen) -> Op {
    let path = seen.target.split('?').next().unwrap();
    route(&seen.method, path).unwrap().op
}

/// An API that checks scopes as Instantly does.
fn api(scopes: &'static str, keys: Value) -> Fake {
    let held: ScopeSet = scopes.parse().unwrap();
    Fake::answering(move |seen| {
        let op = op_of(seen);
        if !held.covers(op) {
            let required = op.facts().scope;
            let message = format!("Invalid scope. Required: {required}. Found: {scopes}");
            return Act::envelope(401, &message);
        }
        match op {
            Op::GetEnrichmentHistory => Act::envelope(404, "Not found"),
            Op::GetWorkspacePlanDetails => Act::json(200, json!({"organization_id": "o"})),
            Op::ListAPIKey => Act::json(200, json!({"items": keys})),
            other => panic!("the probe called {other}"),
        }
    })
}

async fn probe(fake: &Fake) -> Probe {
    let sub = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";
    let probe = client(fake).as_workspace(sub).unwrap().probe().await;
    let seen = fake.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.header("x-as-workspace").is_none())
    );
    assert!(seen.iter().all(|seen| !op_of(seen).facts().writes()));
    assert!(seen.iter().all(|seen| seen.method == "GET"));
    assert!(!format!("{probe:?}").contains(KEY));
    probe
}

fn entry(id: &str, key: &str, scopes: &[&str]) -> Value {
    json!({
        "id": id, "name": "n", "scopes": scopes, "key": key, "organization_id": "o",
        "timestamp_created": "t", "timestamp_updated": "t"
    })
}

#[tokio::test(start_paused = true)]
async fn one_denied_read_tells_a_keys_scopes() {
    // Any key but one that may read everything, also with a scope the catalog does not know.
    for scopes in Scope::assignable() {
        if scopes.is_wildcard() {
            continue;
        }
        let held: &'static str = scopes.to_string().leak();
        let found = probe(&api(held, json!([]))).await;
        assert_eq!(found.alive, Liveness::Alive);
        assert_eq!(found.scopes, Some([scopes].into_iter().collect()));
        assert_eq!((found.extent, found.calls), (Extent::Exact, 1));
    }
    let message = "Invalid scope. Required: x:read. Found: leads:create, moons:read";
    let found = probe(&Fake::doing([Act::envelope(401, message)])).await;
    assert_eq!(found.scopes, Some("leads:create".parse().unwrap()));
    assert_eq!(found.raw_scopes, ["leads:create", "moons:read"]);

    let found = probe(&api("", json!([]))).await;
    assert_eq!(found.scopes, Some(ScopeSet::EMPTY));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_reads_everything_is_looked_up_in_the_list() {
    let whole = entry("k1", KEY, &["all:all"]);
    let other = entry("k2", "MDE5…Q0==", &["all:read"]);
    let found = probe(&api("all:all", json!([other, whole]))).await;
    assert_eq!(found.scopes, Some("all:all".parse().unwrap()));
    assert_eq!(found.extent, Extent::Exact);
    assert_eq!(found.key_id.as_deref(), Some("k1"));
    assert_eq!(found.calls, 3);

    // By the uuid inside the key, by what a mask shows, and not when two masks fit.
    let inside = entry(
        "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f",
        "****",
        &["all:read"],
    );
    let found = probe(&api("all:read", json!([other, inside]))).await;
    assert_eq!(found.scopes, Some("all:read".parse().unwrap()));
    let masked = entry(
        "k3",
        &format!("{}…{}", &KEY[..4], &KEY[60..]),
        &["all:read", "leads:all"],
    );
    let found = probe(&api("all:read", json!([other, masked]))).await;
    assert_eq!(found.key_id.as_deref(), Some("k3"));
    // Of two masks that fit, one is of a key that could not have listed the keys.
    let narrow = entry("k4", &format!("{}******", &KEY[..6]), &["leads:read"]);
    let wide = entry("k5", &format!("{}******", &KEY[..6]), &["all:all"]);
    let found = probe(&api("all:all", json!([narrow, wide]))).await;
    assert_eq!(found.scopes, Some("all:all".parse().unwrap()));
    assert_eq!((found.extent, found.key_id), (Extent::Exact, None));
    // Two that could, and differ, leave it open.
    let found = probe(&api("all:all", json!([masked, wide]))).await;
    assert_eq!(found.scopes, Some("all:read".parse().unwrap()));
    assert_eq!((found.extent, found.key_id), (Extent::AtLeast, None));
}

#[tokio::test(start_paused = true)]
async fn a_key_not_in_the_list_has_at_least_what_was_seen() {
    let found = probe(&api("all:all", json!([]))).await;
    assert_eq!(found.alive, Liveness::Alive);
    assert_eq!(found.scopes, Some("all:read".parse().unwrap()));
    assert_eq!(found.raw_scopes, ["all:read"]);
    assert_eq!(found.extent, Extent::AtLeast);
    assert_eq!(found.calls, 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_key_is_dead_after_one_call() {
    let found = probe(&Fake::doing([Act::envelope(401, "Invalid API key")])).await;
    assert_eq!(found.alive, Liveness::Dead);
    assert_eq!((found.scopes, found.calls), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn no_plan_is_alive_and_the_edge_proves_nothing() {
    let found = probe(&Fake::doing([Act::envelope(402, "no active plan")])).await;
    assert_eq!(found.alive, Liveness::Alive);
    assert!(found.unpaid && !found.edge_blocked);

    let found = probe(&Fake::doing([Act::text(
        403,
        "text/plain",
        "error code: 1010",
    )]))
    .await;
    assert!(matches!(found.alive, Liveness::Unknown { .. }));
    assert!(found.edge_blocked && !found.unpaid);
    assert_eq!((found.scopes, found.calls), (None, 1));

    let found = probe(&Fake::answering(|_| Act::lose())).await;
    assert!(matches!(found.alive, Liveness::Unknown { .. }));
    assert_eq!(found.calls, 1);
}

#[tokio::test(start_paused = true)]
async fn another_server_proves_nothing() {
    let found = probe(&Fake::answering(|_| Act::text(404, "text/html", "<html>"))).await;
    assert!(matches!(found.alive, Liveness::Unknown { .. }), "{found:?}");
    assert_eq!(found.scopes, None);
    let found = probe(&Fake::answering(|_| Act::text(200, "text/html", "<html>"))).await;
    assert!(matches!(found.alive, Liveness::Unknown { .. }), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_first_call_says_nothing_the_next_may() {
    // The enrichment service is down; the plan's denial tells all the same.
    let fake = Fake::answering(|seen| match op_of(seen) {
        Op::GetEnrichmentHistory => Act::envelope(500, "down"),
        _ => Act::envelope(401, "Invalid scope. Required: x:read. Found: leads:all"),
    });
    let found = probe(&fake).await;
    assert_eq!(found.scopes, Some("leads:all".parse().unwrap()));
    assert_eq!(found.calls, 2);

    // Without that proof of `all:read`, no more is claimed than what was allowed.
    let fake = Fake::answering(|seen| match op_of(seen) {
        Op::GetEnrichmentHistory => Act::envelope(500, "down"),
        Op::GetWorkspacePlanDetails => Act::json(200, json!({})),
        _ => Act::json(200, json!({"items": []})),
    });
    let found = probe(&fake).await;
    let expected: ScopeSet = "workspace_billing:read, api_keys:read".parse().unwrap();
    assert_eq!(
        (found.scopes, found.extent),
        (Some(expected), Extent::AtLeast)
    );

    // The documented form, 403 without scopes, leaves them open.
    let fake = Fake::answering(|_| Act::envelope(403, "scope does not allow this action"));
    let found = probe(&fake).await;
    assert_eq!((found.alive, found.scopes), (Liveness::Alive, None));
}
