//! Typed calls: the operation, the body sent and the answer read.

use std::collections::BTreeMap;

use doorward_catalog::activity::Activity;
use doorward_catalog::people::Role;
use doorward_catalog::{Op, route};
use serde_json::{Value, json};

use super::client;
use super::server::{Act, Fake, Seen};
use crate::client::Client;
use crate::error::Error;
use crate::resources::{
    AuditLogFilter, BlockListFilter, Change, MemberChange, MemberFilter, NewApiKey, NewMember,
    NewWebhook, WebhookChange, WebhookEventFilter, WebhookFilter,
};
use crate::wire::SecretText;

fn fake(answer: Value) -> (Fake, Client) {
    let fake = Fake::answering(move |_| Act::json(200, answer.clone()));
    let client = client(&fake);
    (fake, client)
}

fn sent(fake: &Fake) -> (Op, Seen) {
    let seen = fake.seen().pop().expect("a request");
    let path = seen.target.split('?').next().unwrap().to_owned();
    (route(&seen.method, &path).unwrap().op, seen)
}

#[tokio::test(start_paused = true)]
async fn api_keys() {
    let key = json!({
        "id": "k", "name": "n", "scopes": ["leads:read", "moons:read"], "key": "whole",
        "organization_id": "o", "timestamp_created": "t", "timestamp_updated": "t", "later": 1
    });
    let (fake, client) = fake(key);
    let new = NewApiKey {
        name: "n".to_owned(),
        scopes: "leads:read campaigns:read".parse().unwrap(),
    };
    let made = client.api_keys().create(&new).await.unwrap();
    assert_eq!(made.key.expose_secret(), "whole");
    assert_eq!(made.scopes, ["leads:read", "moons:read"]);
    let (op, seen) = sent(&fake);
    assert_eq!(op, Op::CreateAPIKey);
    assert_eq!(
        seen.json(),
        json!({"name": "n", "scopes": ["campaigns:read", "leads:read"]})
    );
    client.api_keys().delete("k").await.unwrap();
    let (op, seen) = sent(&fake);
    assert_eq!((op, seen.body.len()), (Op::DeleteAPIKey, 0));
}

#[tokio::test(start_paused = true)]
async fn webhooks() {
    let (fake, client) = fake(json!({
        "id": "w", "organization": "o", "target_hook_url": "https://x.example",
        "timestamp_created": "t", "status": -1, "headers": {"x-secret": "s3cret"}
    }));
    let headers =
        || BTreeMap::from([("x-secret".to_owned(), SecretText::new("s3cret".to_owned()))]);
    let new = NewWebhook {
        target_hook_url: "https://x.example".to_owned(),
        event_type: Some("all_events".to_owned()),
        headers: Some(headers()),
        ..NewWebhook::default()
    };
    let made = client.webhooks().create(&new).await.unwrap();
    assert!(made.is_disabled());
    assert!(!format!("{new:?} {made:?}").contains("s3cret"));
    let (op, seen) = sent(&fake);
    assert_eq!(op, Op::CreateWebhook);
    assert_eq!(
        seen.json(),
        json!({"target_hook_url": "https://x.example", "event_type": "all_events",
            "headers": {"x-secret": "s3cret"}})
    );
    let change = WebhookChange {
        name: Change::Clear,
        campaign: Change::Set("c".to_owned()),
        ..WebhookChange::default()
    };
    client.webhooks().patch("w", &change).await.unwrap();
    let (op, seen) = sent(&fake);
    assert_eq!(op, Op::PatchWebhook);
    assert_eq!(seen.json(), json!({"name": null, "campaign": "c"}));
    client.webhooks().get("w").await.unwrap();
    assert_eq!(sent(&fake).0, Op::GetWebhook);
    client.webhooks().delete("w").await.unwrap();
    assert_eq!(sent(&fake).0, Op::DeleteWebhook);
    client.webhooks().resume("w").await.unwrap();
    let (op, seen) = sent(&fake);
    assert_eq!((op, seen.header("content-type")), (Op::ResumeWebhook, None));
}

#[tokio::test(start_paused = true)]
async fn webhook_tests_and_event_types() {
    let (fake, client) = fake(json!({
        "success": false, "error": "Connection timeout", "response_time_ms": 250,
        "event_types": [{"id": "email_sent", "label": "Email Sent", "type": "standard"}, {"id": "x"}]
    }));
    let test = client.webhooks().test("w").await.unwrap();
    assert!(!test.success);
    assert_eq!(test.error.as_deref(), Some("Connection timeout"));
    assert_eq!(sent(&fake).0, Op::TestWebhook);
    let types = client.webhooks().event_types().await.unwrap();
    assert_eq!(types[0].kind.as_deref(), Some("standard"));
    assert_eq!(sent(&fake).0, Op::ListWebhookEventTypes);
}

#[tokio::test(start_paused = true)]
async fn webhook_events() {
    let counts = json!({
        "total_events": 3, "successful_events": 2.0, "failed_events": 1, "success_rate": 66.6,
        "failure_rate": 33.3, "items": [{"date": "2026-08-13", "total_events": 3,
            "successful_events": 2, "failed_events": 1, "success_rate": 66.6}]
    });
    let (fake, client) = fake(counts);
    let summary = client
        .webhook_events()
        .summary(Some("2026-08-01"), None)
        .await
        .unwrap();
    assert_eq!((summary.total_events, summary.successful_events), (3, 2));
    let (op, seen) = sent(&fake);
    assert_eq!(op, Op::GetWebhookEventsSummary);
    assert!(seen.target.ends_with("?from=2026-08-01"));
    let days = client
        .webhook_events()
        .summary_by_date(None, None)
        .await
        .unwrap();
    assert_eq!(
        (days[0].date.as_str(), days[0].counts.failed_events),
        ("2026-08-13", 1)
    );
    drop(client.webhook_events().get("e").await);
    assert_eq!(sent(&fake).0, Op::GetWebhookEvent);
}

#[tokio::test(start_paused = true)]
async fn filters_become_queries() {
    let (fake, client) = fake(json!({"items": []}));
    let some = |text: &str| Some(text.to_owned());
    let filter = WebhookEventFilter {
        success: Some(false),
        from: some("2026-08-01"),
        to: some("2026-08-02"),
        search: some("https://x"),
    };
    client.webhook_events().list(&filter).all(1).await.unwrap();
    assert_eq!(
        sent(&fake).1.target,
        "/api/v2/webhook-events?from=2026-08-01&to=2026-08-02&success=false\
         &search=https%3A%2F%2Fx&limit=100"
    );
    let filter = AuditLogFilter {
        activity: Some(Activity::from(4)),
        ..AuditLogFilter::default()
    };
    client.audit_logs().list(&filter).all(1).await.unwrap();
    assert_eq!(
        sent(&fake).1.target,
        "/api/v2/audit-logs?activity_type=4&limit=1000"
    );
    let filter = MemberFilter {
        accepted: Some(true),
        search: None,
    };
    client.members().list(&filter).all(1).await.unwrap();
    assert_eq!(
        sent(&fake).1.target,
        "/api/v2/workspace-members?accepted=true&limit=100"
    );
    let filter = BlockListFilter {
        domains_only: Some(true),
        search: some("a b"),
    };
    client.block_list().list(&filter).all(1).await.unwrap();
    assert_eq!(
        sent(&fake).1.target,
        "/api/v2/block-lists-entries?domains_only=true&search=a%20b&limit=100"
    );
    let filter = WebhookFilter {
        campaign: some("c"),
        event_type: some("email_sent"),
    };
    client.webhooks().list(&filter).all(1).await.unwrap();
    assert_eq!(
        sent(&fake).1.target,
        "/api/v2/webhooks?campaign=c&event_type=email_sent&limit=100"
    );
    client.group_members().list().all(1).await.unwrap();
    assert_eq!(sent(&fake).0, Op::ListWorkspaceGroupMember);
    client.api_keys().list().all(1).await.unwrap();
    assert_eq!(sent(&fake).0, Op::ListAPIKey);
}

#[tokio::test(start_paused = true)]
async fn people_and_workspaces() {
    let (fake, client) = fake(json!({
        "id": "m", "email": "a@example.com", "user_id": "u", "role": "sage", "workspace_id": "w",
        "accepted": true, "timestamp_created": "t", "timestamp_updated": "t", "owner": "u",
        "name": "N", "admin_workspace_id": "a", "sub_workspace_id": "s", "status": "accepted",
        "workspace_name": "N", "has_admin_workspace": true
    }));
    let new = NewMember {
        email: "a@example.com".to_owned(),
        role: Role::Editor,
        nickname: None,
        permissions: Some(vec!["unibox.all".to_owned()]),
    };
    let made = client.members().create(&new).await.unwrap();
    assert_eq!(made.role, Role::Other("sage".to_owned()));
    let (op, seen) = sent(&fake);
    assert_eq!(op, Op::CreateWorkspaceMember);
    assert_eq!(
        seen.json(),
        json!({"email": "a@example.com", "role": "editor", "permissions": ["unibox.all"]})
    );
    let change = MemberChange {
        nickname: Change::Clear,
        role: Some(Role::View),
    };
    client.members().patch("m", &change).await.unwrap();
    assert_eq!(
        sent(&fake).1.json(),
        json!({"nickname": null, "role": "view"})
    );
    client.members().get("m").await.unwrap();
    assert_eq!(sent(&fake).0, Op::GetWorkspaceMember);
    client.members().delete("m").await.unwrap();
    assert_eq!(sent(&fake).0, Op::DeleteWorkspaceMember);
    assert_eq!(client.workspace().get().await.unwrap().name, "N");
    assert_eq!(sent(&fake).0, Op::GetWorkspace);
    assert!(
        client
            .group_members()
            .admin()
            .await
            .unwrap()
            .has_admin_workspace
    );
    assert_eq!(sent(&fake).0, Op::GetAdminWorkspaceGroupMember);
    client.group_members().create("s").await.unwrap();
    assert_eq!(sent(&fake).1.json(), json!({"sub_workspace_id": "s"}));
    client.group_members().get("g").await.unwrap();
    assert_eq!(sent(&fake).0, Op::GetWorkspaceGroupMember);
    client.group_members().delete("g").await.unwrap();
    assert_eq!(sent(&fake).0, Op::DeleteWorkspaceGroupMember);
}

#[tokio::test(start_paused = true)]
async fn the_block_list() {
    let entry = json!({"id": "b", "timestamp_created": "t", "organization_id": "o",
        "bl_value": "example.com", "is_domain": true});
    let (fake_one, client) = fake(entry.clone());
    assert!(
        client
            .block_list()
            .create("example.com")
            .await
            .unwrap()
            .is_domain
    );
    assert_eq!(sent(&fake_one).1.json(), json!({"bl_value": "example.com"}));
    client.block_list().delete("b").await.unwrap();
    assert_eq!(sent(&fake_one).0, Op::DeleteBlockListEntry);

    let (fake_bulk, client) = fake(json!({"items": [entry], "valid_count": 1, "invalid_count": 2}));
    let values = |n: usize| vec!["example.com".to_owned(); n];
    let made = client.block_list().create_many(&values(3)).await.unwrap();
    assert_eq!((made.valid_count, made.invalid_count), (1, 2));
    assert_eq!(sent(&fake_bulk).0, Op::CreateblukBlockListEntry);
    for n in [0, 1_001] {
        let outcome = client.block_list().create_many(&values(n)).await;
        assert!(matches!(outcome, Err(Error::BadCall { .. })));
        let outcome = client.block_list().delete_many(&values(n)).await;
        assert!(matches!(outcome, Err(Error::BadCall { .. })));
    }
    assert_eq!(fake_bulk.seen().len(), 1);

    let (fake_gone, client) = fake(json!([entry]));
    assert_eq!(
        client
            .block_list()
            .delete_many(&values(1))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(sent(&fake_gone).1.json(), json!({"ids": ["example.com"]}));
}
