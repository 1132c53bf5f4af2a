//! The known quirks of every request, one test each, by their numbers.

use doorward_sandbox::{OversizedLimit, ScopeError};
use serde_json::{Value, json};

use crate::common::{ask, bare, call, content_type, get, items, key, sandbox, with, workspace};

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
