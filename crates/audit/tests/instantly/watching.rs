//! The watch: finds, records and tells by itself, and ends when told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use doorward_audit::reconcile::{ReconcileOptions, WatchHandle, WatchOptions, watch_instantly};
use doorward_audit::{Filter, Show, find};
use doorward_policy::Timestamp;
use serde_json::json;

use crate::stage::{Ask, EGRESS, NOW, Stage, quickly};

/// The record's clock: the ledger begins with the sandbox, what happens then is an hour later.
static CLOCK: AtomicI64 = AtomicI64::new(NOW);

fn clock() -> Timestamp {
    Timestamp::from_millis(CLOCK.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watch_tells_once_and_ends_when_told() {
    let stage = Stage::with_clock(|_| {}, clock).await;
    CLOCK.store(NOW + 3_600_000, Ordering::Relaxed);
    stage.sandbox.advance(3_540_000);
    let page = stage.ask("GET", "/campaigns?limit=1", None).await;
    let ask = Ask {
        method: "PATCH",
        path: format!("/campaigns/{}", page["items"][0]["id"].as_str().unwrap()),
        body: Some(json!({ "name": "spring" })),
    };
    let (status, _) = stage
        .call(&ask, &stage.key, Some("curl/8"), "198.51.100.9")
        .await;
    assert_eq!(status, 200);

    let options = WatchOptions {
        pull_every: Duration::from_millis(20),
        poll_every: Duration::from_millis(60),
        pull: quickly(),
        reconcile: ReconcileOptions {
            egress: BTreeSet::from([EGRESS.parse().unwrap()]),
            ..ReconcileOptions::default()
        },
        ..WatchOptions::default()
    };
    let handle = WatchHandle::default();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut narrow = stage.source(&stage.key_named("analytics-dashboard"));
    narrow.sub_workspace = Some(stage.sandbox.summary("").workspaces[1].id.clone());
    let sources = vec![stage.source(&stage.key), narrow];
    let watch = tokio::spawn(watch_instantly(
        stage.audit.clone(),
        move || sources.clone(),
        options,
        handle.clone(),
        stopped,
    ));
    let until = |done: fn(&doorward_audit::reconcile::WatchStatus) -> bool| {
        let handle = handle.clone();
        async move {
            for _ in 0..500 {
                if done(&handle.status()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("{:?}", handle.status());
        }
    };
    until(|status| status.around == 1).await;
    let member = json!({ "email": "eve@evil.example", "role": "admin" });
    stage.ask("POST", "/workspace-members", Some(member)).await;
    until(|status| status.changes == 1 && status.rounds >= 4).await;
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(5), watch)
        .await
        .unwrap()
        .unwrap();

    let status = handle.status();
    assert_eq!(
        (status.around, status.missing, status.changes),
        (1, 0, 1),
        "told once"
    );
    assert_eq!(status.told.len(), 1, "{:?}", status.told);
    let told = status.told.values().next().unwrap();
    assert!(told[0].contains("audit_logs:read"), "{told:?}");

    let filter = Filter {
        kind: Some("finding".to_owned()),
        ..Filter::default()
    };
    let found = find(&stage.audit.reader(), &filter, 0, 100, 10_000).unwrap();
    let entries: Vec<_> = found
        .records
        .iter()
        .map(|record| stage.audit.entry(record, Show::People).unwrap())
        .collect();
    let actions: BTreeSet<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let want = [
        "instantly.member_added",
        "reconcile.around",
        "reconcile.foreign_address",
    ];
    assert!(actions.is_superset(&BTreeSet::from(want)), "{actions:?}");
    let around = entries
        .iter()
        .find(|entry| entry.action == "reconcile.around")
        .unwrap();
    assert_eq!(around.source_ip.as_deref(), Some("198.51.100.9"));
    assert_eq!(around.metadata["activity"], "Campaign update");
}
