//! Keys and members are listed, and what changed is in the ledger.

use doorward_audit::instantly::{ListingChange, poll_once};
use doorward_audit::{Filter, Show, find};
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn what_the_log_lacks_is_found_and_recorded() {
    let stage = Stage::new(|_| {}).await;
    let source = stage.source(&stage.key);
    let poll = || async { poll_once(&stage.audit, &source, stage.now()).await.unwrap() };
    assert!(
        poll().await.changes.is_empty(),
        "the first listing is no change"
    );
    assert!(poll().await.changes.is_empty());

    let key = json!({ "name": "Ann's own", "scopes": ["all:all"] });
    let made = stage.ask("POST", "/api-keys", Some(key)).await;
    let new = json!({ "email": "eve@evil.example", "role": "admin" });
    let member = stage.ask("POST", "/workspace-members", Some(new)).await;
    let changes = poll().await.changes;
    let codes: Vec<&str> = changes.iter().map(ListingChange::code).collect();
    assert_eq!(codes, ["api_key_added", "member_added"]);

    let id = member["id"].as_str().unwrap();
    let path = format!("/workspace-members/{id}");
    stage
        .ask("PATCH", &path, Some(json!({ "role": "view" })))
        .await;
    let path = format!("/api-keys/{}", made["id"].as_str().unwrap());
    stage.ask("DELETE", &path, None).await;
    let changes = poll().await.changes;
    let codes: Vec<&str> = changes.iter().map(ListingChange::code).collect();
    assert_eq!(codes, ["api_key_removed", "member_changed"]);

    let filter = Filter {
        kind: Some("finding".to_owned()),
        ..Filter::default()
    };
    let found = find(&stage.audit.reader(), &filter, 0, 100, 10_000).unwrap();
    assert_eq!(found.records.len(), 4);
    let secret = made["key"].as_str().unwrap();
    for record in &found.records {
        let text = String::from_utf8_lossy(&record.leaf);
        for people in ["eve@", "Ann", secret] {
            assert!(!text.contains(people), "{text}");
        }
    }
    let shown = stage.audit.entry(&found.records[3], Show::People).unwrap();
    assert_eq!(shown.action, "instantly.member_changed");
    assert_eq!(shown.resource_ids["email"], "eve@evil.example");
    assert_eq!(shown.metadata["before_role"], "admin");
    assert_eq!(shown.metadata["role"], "view");
}

#[tokio::test]
async fn what_can_not_be_listed_is_told_and_forgets_nothing() {
    let stage = Stage::new(|_| {}).await;
    let wide = stage.source(&stage.key);
    poll_once(&stage.audit, &wide, stage.now()).await.unwrap();
    let narrow = stage.source(&stage.key_named("key-rotation"));
    let polled = poll_once(&stage.audit, &narrow, stage.now()).await.unwrap();
    assert!(polled.changes.is_empty());
    assert_eq!(polled.told.len(), 1);
    assert!(
        polled.told[0].contains("workspace_members:read"),
        "{polled:?}"
    );
}
