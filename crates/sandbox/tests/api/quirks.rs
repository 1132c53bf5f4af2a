//! The known quirks of the API, one test each, by their numbers.

use crate::common::{ask, bare, call, content_type, get, key, sandbox, with, workspace};
use doorward_catalog::UpstreamKeyFormat;
use doorward_sandbox::{ListKeys, OversizedLimit, ScopeError};
use serde_json::{Value, json};

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

#[tokio::test]
async fn q01_a_missing_scope_is_401_and_names_it() {
    let refused = |sandbox: doorward_sandbox::Sandbox| async move {
        let key = key(&sandbox, "analytics-dashboard");
        let answer = bare("GET", "/api/v2/api-keys")
            .key(&key)
            .send(&sandbox)
            .await;
        (answer.status, answer.value())
    };
    let message = "Invalid scope. Required: api_keys:read. Found: campaigns:read, accounts:read";
    assert_eq!(
        refused(sandbox()).await,
        (
            401,
            json!({"statusCode": 401, "error": "Unauthorized", "message": message})
        )
    );
    assert_eq!(
        refused(with(|settings| settings.scope_error = ScopeError::Forbidden)).await,
        (
            403,
            json!({"statusCode": 403, "error": "Forbidden", "message": message})
        )
    );
}

#[tokio::test]
async fn q02_the_current_workspace_needs_a_scope() {
    let sandbox = sandbox();
    let path = "/api/v2/workspaces/current";
    let narrow = key(&sandbox, "lead-import");
    assert_eq!(
        bare("GET", path).key(&narrow).send(&sandbox).await.status,
        401
    );
    let able = key(&sandbox, "key-rotation");
    assert_eq!(
        bare("GET", path).key(&able).send(&sandbox).await.status,
        200
    );
}

#[tokio::test]
async fn q03_the_edge_blocks_user_agents_when_told_to() {
    let path = "/api/v2/workspaces/current";
    for (blocks, agent, status) in [
        (false, "Python-urllib/3.12", 200),
        (true, "Python-urllib/3.12", 403),
        (true, "acme-sync/1.0", 200),
    ] {
        let sandbox = with(|settings| settings.edge_user_agent_block = blocks);
        let answer = ask(&sandbox, "GET", path)
            .header("user-agent", agent)
            .send(&sandbox)
            .await;
        assert_eq!(answer.status, status, "{blocks} {agent}");
        if status == 403 {
            assert_eq!(content_type(&answer), "text/plain");
            assert_eq!(&answer.body[..], b"error code: 1010");
        }
    }
}

#[tokio::test]
async fn q04_a_delete_has_no_body_and_no_content_type() {
    let sandbox = sandbox();
    let (_, page) = get(&sandbox, "/api/v2/webhooks").await;
    let path = format!(
        "/api/v2/webhooks/{}",
        items(&page)[0]["id"].as_str().unwrap()
    );
    let delete = || ask(&sandbox, "DELETE", &path);
    for asked in [
        delete().json(&json!({})),
        delete().header("content-type", "application/json"),
        delete().bytes("{}"),
        delete().header("content-type", "text/plain"),
    ] {
        let answer = asked.send(&sandbox).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.value()["message"], "body must be null");
    }
    // The documented body, `null`, and none at all.
    assert_eq!(delete().json(&Value::Null).send(&sandbox).await.status, 200);
    assert_eq!(delete().send(&sandbox).await.status, 404);
    // An operation that takes one.
    let (status, body) = call(&sandbox, "DELETE", "/api/v2/leads", json!({})).await;
    assert_ne!(body["message"], "body must be null", "{status}");
}

#[tokio::test]
async fn q05_a_cursor_can_come_with_the_last_page() {
    let sandbox = sandbox();
    let (_, page) = get(&sandbox, "/api/v2/webhooks?limit=100").await;
    assert!(items(&page).len() < 100);
    let cursor = page["next_starting_after"].as_str().unwrap();
    let (_, beyond) = get(
        &sandbox,
        &format!("/api/v2/webhooks?starting_after={cursor}"),
    )
    .await;
    assert_eq!(beyond, json!({ "items": [] }));
}

#[tokio::test]
async fn q06_a_cursor_is_a_text_that_leads_on() {
    let sandbox = sandbox();
    for path in [
        "/api/v2/accounts",
        "/api/v2/audit-logs",
        "/api/v2/emails",
        "/api/v2/webhooks",
    ] {
        let (_, first) = get(&sandbox, &format!("{path}?limit=2")).await;
        let cursor = first["next_starting_after"].as_str().unwrap();
        let cursor = cursor.replace('@', "%40").replace('+', "%2B");
        let (_, second) = get(&sandbox, &format!("{path}?limit=2&starting_after={cursor}")).await;
        assert!(!items(&second).is_empty(), "{path}");
        for item in items(&second) {
            assert!(!items(&first).contains(item), "{path}");
        }
    }
}

#[tokio::test]
async fn q07_a_limit_above_the_maximum() {
    let sandbox = sandbox();
    let path = "/api/v2/webhooks?limit=101";
    let (status, refused) = get(&sandbox, path).await;
    assert_eq!(
        (status, &refused["message"]),
        (400, &json!("querystring/limit must be <= 100"))
    );
    let sandbox = with(|settings| settings.oversized_limit = OversizedLimit::Empty);
    assert_eq!(get(&sandbox, path).await, (200, json!({ "items": [] })));
    let body = json!({ "limit": 1_000 });
    let listed = call(&sandbox, "POST", "/api/v2/leads/list", body).await;
    assert_eq!(listed, (200, json!({ "items": [] })));
    // What is wrong otherwise stays wrong.
    assert_eq!(get(&sandbox, "/api/v2/webhooks?limit=0").await.0, 400);
    assert_eq!(
        get(&sandbox, "/api/v2/webhooks?limit=101&campaign=x")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn q08_a_page_is_of_ten_items() {
    let sandbox = sandbox();
    let (_, page) = get(&sandbox, "/api/v2/audit-logs").await;
    assert_eq!(items(&page).len(), 10);
}

#[tokio::test]
async fn q09_leads_are_paged_in_the_body() {
    let sandbox = sandbox();
    let path = "/api/v2/leads/list";
    let (status, first) = call(&sandbox, "POST", path, json!({ "limit": 3 })).await;
    assert_eq!((status, items(&first).len()), (200, 3));
    let next = json!({ "limit": 3, "starting_after": first["next_starting_after"] });
    let (_, second) = call(&sandbox, "POST", path, next).await;
    assert_eq!(items(&second).len(), 3);
    assert!(
        items(&second)
            .iter()
            .all(|lead| !items(&first).contains(lead))
    );
}

#[tokio::test]
async fn q10_an_error_can_come_in_a_body_of_200() {
    let sandbox = sandbox();
    let (status, seen) = get(&sandbox, "/api/v2/oauth/session/status/nosuchsession").await;
    assert_eq!(status, 200);
    assert!(
        matches!(seen["status"].as_str(), Some("error" | "expired")),
        "{seen}"
    );
}

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
    let names = made
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
async fn q23_limits_are_told_by_no_header_but_of_oauth() {
    let sandbox = sandbox();
    let told = |answer: &doorward_sandbox::Outgoing| {
        let names = answer.headers.keys().map(|name| name.as_str().to_owned());
        names
            .filter(|name| name.contains("rate") || name == "retry-after")
            .collect::<Vec<_>>()
    };
    let emails = || ask(&sandbox, "GET", "/api/v2/emails").send(&sandbox);
    for _ in 0..20 {
        let answer = emails().await;
        assert_eq!((answer.status, told(&answer)), (200, vec![]));
    }
    let answer = emails().await;
    assert_eq!((answer.status, told(&answer)), (429, vec![]));
    assert_eq!(answer.value()["error"], "Too Many Requests");
    let init = || ask(&sandbox, "POST", "/api/v2/oauth/google/init").send(&sandbox);
    for _ in 0..75 {
        assert_eq!(init().await.status, 200);
    }
    let answer = init().await;
    assert_eq!(
        (answer.status, told(&answer)),
        (429, vec!["retry-after".to_owned()])
    );
    assert_eq!(answer.headers["retry-after"], "60");
}

#[tokio::test]
async fn q24_a_workspace_has_100_requests_a_second_and_6000_a_minute() {
    let sandbox = sandbox();
    let keys = ["full-automation", "reporting"].map(|name| key(&sandbox, name));
    let narrow = key(&sandbox, "lead-import");
    let status = |key: &str| bare("GET", "/api/v2/webhooks").key(key).send(&sandbox);
    for n in 0..99 {
        assert_eq!(status(&keys[n % 2]).await.status, 200, "request {n}");
    }
    // One that lacks the scope counts too.
    assert_eq!(status(&narrow).await.status, 401);
    assert_eq!(status(&keys[0]).await.status, 429);
    assert_eq!(status(&narrow).await.status, 429);
    // Another workspace has its own.
    assert_eq!(status(&key(&sandbox, "tern-automation")).await.status, 200);
    let mut passed = 100;
    for _ in 1..60 {
        sandbox.advance(1_000);
        for _ in 0..101 {
            passed += usize::from(status(&keys[0]).await.status == 200);
        }
    }
    assert_eq!(passed, 6_000);
    let stats = sandbox.control("GET", "/_sandbox/stats", b"").value();
    let admin = &stats["workspaces"][workspace(&sandbox, 0)];
    assert_eq!(admin["peak_per_second"], 102);
}

#[tokio::test]
async fn q25_a_key_acts_on_members_of_its_group_and_no_other() {
    let sandbox = sandbox();
    let (admin, sub) = (workspace(&sandbox, 0), workspace(&sandbox, 1));
    let as_workspace = |key: &str, id: &str| {
        let asked = bare("GET", "/api/v2/workspaces/current").key(key);
        asked.header("x-as-workspace", id).send(&sandbox)
    };
    let wide = key(&sandbox, "full-automation");
    assert_eq!(as_workspace(&wide, &sub).await.value()["id"], sub.as_str());
    assert_eq!(
        as_workspace(&wide, &admin).await.value()["id"],
        admin.as_str()
    );
    for stranger in ["00000000-0000-4000-8000-000000000000", "", "x"] {
        assert_eq!(
            as_workspace(&wide, stranger).await.status,
            404,
            "{stranger}"
        );
    }
    // Not the other way.
    let subs = key(&sandbox, "tern-automation");
    assert_eq!(as_workspace(&subs, &admin).await.status, 404);
    // What is made there is there.
    let made = ask(&sandbox, "POST", "/api/v2/block-lists-entries")
        .header("x-as-workspace", &sub)
        .json(&json!({ "bl_value": "there.example" }))
        .send(&sandbox)
        .await;
    assert_eq!(made.value()["organization_id"], sub.as_str());
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
async fn q31_an_unpaid_workspace_is_402() {
    let sandbox = sandbox();
    let (admin, sub) = (workspace(&sandbox, 0), workspace(&sandbox, 1));
    sandbox.set(|settings| settings.unpaid.insert(sub.clone()).then_some(()).unwrap());
    let key = key(&sandbox, "tern-automation");
    let answer = bare("GET", "/api/v2/campaigns")
        .key(&key)
        .send(&sandbox)
        .await;
    assert_eq!(answer.status, 402);
    assert_eq!(answer.value()["error"], "Payment Required");
    let asked = ask(&sandbox, "GET", "/api/v2/campaigns").header("x-as-workspace", &sub);
    assert_eq!(asked.send(&sandbox).await.status, 402);
    assert_eq!(
        get(&sandbox, "/api/v2/campaigns").await.0,
        200,
        "{admin} has paid"
    );
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
