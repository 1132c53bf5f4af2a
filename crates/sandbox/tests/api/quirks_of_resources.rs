//! The known quirks of single resources, one test each, by their numbers; those of deliveries are
//! with the deliveries.

use doorward_catalog::UpstreamKeyFormat;
use doorward_sandbox::ListKeys;
use serde_json::{Value, json};

use crate::common::{ask, bare, call, get, items, key, sandbox, with};

#[tokio::test]
async fn q16_a_reader_of_webhooks_reads_their_secret() {
    let sandbox = sandbox();
    let reader = key(&sandbox, "webhook-handler");
    let page = bare("GET", "/api/v2/webhooks")
        .key(&reader)
        .send(&sandbox)
        .await
        .value();
    let secret = items(&page)
        .iter()
        .find_map(|row| row["headers"]["x-hook-secret"].as_str());
    assert!(secret.is_some_and(|secret| secret.starts_with("seeded-")));
}

#[tokio::test]
async fn q19_keys_are_listed_masked_or_in_clear() {
    let path = "/api/v2/api-keys?limit=100";
    for (list_keys, clear) in [(ListKeys::Masked, false), (ListKeys::Clear, true)] {
        let sandbox = with(|settings| settings.list_keys = list_keys);
        let (_, page) = get(&sandbox, path).await;
        for row in items(&page) {
            let shown = row["key"].as_str().unwrap();
            assert_eq!(UpstreamKeyFormat::matches(shown), clear);
        }
    }
}

#[tokio::test]
async fn q20_a_key_is_shown_once_and_never_changed() {
    let sandbox = sandbox();
    let body = json!({ "name": "once", "scopes": ["leads:read"] });
    let (_, made) = call(&sandbox, "POST", "/api/v2/api-keys", body).await;
    let mut names = made
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>();
    let documented = [
        "id",
        "key",
        "name",
        "organization_id",
        "scopes",
        "timestamp_created",
        "timestamp_updated",
    ];
    names.sort();
    assert_eq!(names, documented);
    let path = format!("/api/v2/api-keys/{}", made["id"].as_str().unwrap());
    for method in ["GET", "PATCH", "PUT"] {
        let (status, body) = call(&sandbox, method, &path, json!({ "name": "twice" })).await;
        let message = format!("Route {method}:{path} not found");
        assert_eq!((status, &body["message"]), (404, &json!(message)));
    }
}

#[tokio::test]
async fn q21_keys_have_the_known_form() {
    for workspace in sandbox().summary("").workspaces {
        for key in workspace.keys {
            assert!(UpstreamKeyFormat::matches(&key.key));
            assert_eq!(key.key.len(), UpstreamKeyFormat::LENGTH);
        }
    }
}

#[tokio::test]
async fn q22_a_repeated_post_makes_a_second_object() {
    let sandbox = sandbox();
    let body = json!({ "bl_value": "twice.example" });
    let path = "/api/v2/block-lists-entries";
    let post = || {
        ask(&sandbox, "POST", path)
            .header("idempotency-key", "1")
            .json(&body)
    };
    let first = post().send(&sandbox).await.value();
    let second = post().send(&sandbox).await.value();
    assert_ne!(first["id"], second["id"]);
    let (_, found) = get(&sandbox, &format!("{path}?search=twice.example")).await;
    assert_eq!(items(&found).len(), 2);
}

#[tokio::test]
async fn q26_of_a_member_only_nickname_and_role_change() {
    let sandbox = sandbox();
    let (_, page) = get(&sandbox, "/api/v2/workspace-members?search=okafor").await;
    let path = format!(
        "/api/v2/workspace-members/{}",
        items(&page)[0]["id"].as_str().unwrap()
    );
    let (status, changed) = call(
        &sandbox,
        "PATCH",
        &path,
        json!({ "nickname": "Ines", "role": "view" }),
    )
    .await;
    assert_eq!((status, &changed["nickname"]), (200, &json!("Ines")));
    for body in [
        json!({ "permissions": [] }),
        json!({ "email": "x@larkspur.example" }),
    ] {
        assert_eq!(call(&sandbox, "PATCH", &path, body).await.0, 400);
    }
    let (_, after) = get(&sandbox, &path).await;
    assert_eq!(after["permissions"], items(&page)[0]["permissions"]);
}

#[tokio::test]
async fn q27_some_changes_leave_no_trace_in_the_audit_log() {
    let sandbox = sandbox();
    let log = || get(&sandbox, "/api/v2/audit-logs?limit=1000");
    let before = log().await;
    let (_, page) = get(&sandbox, "/api/v2/workspace-members?search=okafor").await;
    let member = format!(
        "/api/v2/workspace-members/{}",
        items(&page)[0]["id"].as_str().unwrap()
    );
    let current = "/api/v2/workspaces/current";
    for (method, path, body) in [
        ("PATCH", member.as_str(), json!({ "role": "admin" })),
        ("DELETE", member.as_str(), Value::Null),
        (
            "POST",
            "/api/v2/workspace-members",
            json!({ "email": "a@b.example", "role": "admin" }),
        ),
        (
            "POST",
            "/api/v2/block-lists-entries",
            json!({ "bl_value": "x.example" }),
        ),
        ("DELETE", "/api/v2/block-lists-entries", Value::Null),
        (
            "POST",
            "/api/v2/workspaces/current/change-owner",
            json!({ "email": "teo@larkspur.example", "sec": "x" }),
        ),
        ("PATCH", current, json!({ "name": "Renamed" })),
    ] {
        assert_eq!(
            call(&sandbox, method, path, body).await.0,
            200,
            "{method} {path}"
        );
    }
    assert_eq!(log().await, before);
}

#[tokio::test]
async fn q28_the_block_list_goes_in_one_call() {
    let sandbox = sandbox();
    let path = "/api/v2/block-lists-entries";
    let bulk = format!("{path}/bulk-create");
    for (count, status) in [(0, 400), (1, 200), (1_000, 200), (1_001, 400)] {
        let body = json!({ "bl_values": vec!["x.example"; count] });
        assert_eq!(
            call(&sandbox, "POST", &bulk, body).await.0,
            status,
            "{count}"
        );
    }
    assert_eq!(call(&sandbox, "DELETE", path, Value::Null).await.0, 200);
    assert_eq!(get(&sandbox, path).await, (200, json!({ "items": [] })));
}

#[tokio::test]
async fn q29_an_unsubscribe_stays_in_its_campaign() {
    let sandbox = sandbox();
    let blocked = || get(&sandbox, "/api/v2/block-lists-entries?limit=100");
    let before = blocked().await;
    let (_, page) = call(
        &sandbox,
        "POST",
        "/api/v2/leads/list",
        json!({ "limit": 100 }),
    )
    .await;
    let lead = items(&page).iter().find(|lead| {
        lead["campaign"].is_string() && lead["email"].is_string() && lead["status"] == 1
    });
    let lead = lead.unwrap();
    let happening = json!({
        "what": "unsubscribed",
        "campaign": lead["campaign"],
        "lead_email": lead["email"],
    });
    let done = sandbox.control(
        "POST",
        "/_sandbox/happenings",
        happening.to_string().as_bytes(),
    );
    assert_eq!(done.status, 200, "{}", done.value());
    let path = format!("/api/v2/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(get(&sandbox, &path).await.1["status"], -2);
    assert_eq!(blocked().await, before);
}

#[tokio::test]
async fn q30_the_owner_changes_for_an_update_and_a_removal_is_a_day_off() {
    let sandbox = sandbox();
    let body = json!({ "name": "updater", "scopes": ["workspaces:update"] });
    let (_, made) = call(&sandbox, "POST", "/api/v2/api-keys", body).await;
    let updater = made["key"].as_str().unwrap();
    let current = "/api/v2/workspaces/current";
    let heir = json!({ "email": "teo@larkspur.example", "sec": "x" });
    let asked = bare("POST", &format!("{current}/change-owner"))
        .key(updater)
        .json(&heir);
    assert_eq!(asked.send(&sandbox).await.status, 200);
    let schedule = format!("{current}/schedule-for-removal");
    assert_eq!(
        bare("POST", &schedule)
            .key(updater)
            .send(&sandbox)
            .await
            .status,
        401
    );
    let (_, record) = call(&sandbox, "POST", &schedule, Value::Null).await;
    assert_eq!(
        record["scheduled_for_removal_at"],
        "2026-03-03T10:00:00.000Z"
    );
    sandbox.advance(86_400_000 - 1);
    assert_eq!(get(&sandbox, current).await.0, 200);
    sandbox.advance(1);
    let answer = bare("GET", current).key(updater).send(&sandbox).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn q32_events_are_listed_by_day_and_not_replayed() {
    let sandbox = sandbox();
    let path = "/api/v2/webhook-events";
    let (_, day) = get(&sandbox, &format!("{path}?from=2026-02-21&to=2026-02-21")).await;
    let id = items(&day)[0]["id"].as_str().unwrap();
    assert_eq!(get(&sandbox, &format!("{path}/{id}")).await.0, 200);
    for method in ["POST", "PATCH", "DELETE"] {
        let (status, _) = call(&sandbox, method, &format!("{path}/{id}"), Value::Null).await;
        assert_eq!(status, 404);
    }
}

#[tokio::test]
async fn q33_a_deleted_key_can_take_time_to_die() {
    let path = "/api/v2/campaigns";
    for delay in [0, 30_000] {
        let sandbox = with(|settings| settings.revocation_delay_ms = delay);
        let body = json!({ "name": "short", "scopes": ["campaigns:read"] });
        let (_, made) = call(&sandbox, "POST", "/api/v2/api-keys", body).await;
        let key = made["key"].as_str().unwrap();
        let gone = format!("/api/v2/api-keys/{}", made["id"].as_str().unwrap());
        assert_eq!(call(&sandbox, "DELETE", &gone, Value::Null).await.0, 200);
        let works = || async { bare("GET", path).key(key).send(&sandbox).await.status == 200 };
        if delay > 0 {
            assert!(works().await);
            sandbox.advance(i64::from(delay) - 1);
            assert!(works().await);
            sandbox.advance(1);
        }
        assert!(!works().await);
    }
}
