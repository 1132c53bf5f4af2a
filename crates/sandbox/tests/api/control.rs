//! The control API, the state file and what is said at the start.

use doorward_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::common::{ask, bare, builder, call, get, key, sandbox, workspace};

fn control(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = sandbox.control(method, &format!("/_sandbox/{path}"), body.as_bytes());
    (answer.status, answer.value())
}

#[tokio::test]
async fn the_same_seed_brings_the_same_and_a_reset_brings_it_again() {
    let sandbox = sandbox();
    let before = sandbox.summary("http://x");
    assert_eq!(before, builder().build().unwrap().summary("http://x"));
    assert_ne!(
        before,
        builder().seed(8).build().unwrap().summary("http://x")
    );
    // Ids and keys do not depend on the time either.
    let now = Sandbox::builder().seed(7).build().unwrap();
    assert_eq!(before, now.summary("http://x"));
    let leads = |sandbox: Sandbox| async move {
        call(
            &sandbox,
            "POST",
            "/api/v2/leads/list",
            json!({ "limit": 100 }),
        )
        .await
        .1
    };
    let seeded = leads(sandbox.clone()).await;
    call(
        &sandbox,
        "DELETE",
        "/api/v2/block-lists-entries",
        Value::Null,
    )
    .await;
    let body = json!({ "name": "extra", "scopes": ["all:all"] });
    call(&sandbox, "POST", "/api/v2/api-keys", body).await;
    assert_ne!(sandbox.summary("http://x"), before);
    assert_eq!(control(&sandbox, "POST", "reset", &Value::Null).0, 200);
    assert_eq!(sandbox.summary("http://x"), before);
    assert_eq!(leads(sandbox.clone()).await, seeded);
    control(&sandbox, "POST", "reset", &json!({ "seed": 8 }));
    assert_ne!(sandbox.summary("http://x"), before);
}

#[tokio::test]
async fn the_summary_has_roles_and_keys_that_work() {
    let sandbox = sandbox();
    let summary = sandbox.summary("http://127.0.0.1:1/");
    assert_eq!(summary.control_url, "http://127.0.0.1:1/_sandbox");
    let roles: Vec<_> = summary
        .workspaces
        .iter()
        .map(|workspace| workspace.role)
        .collect();
    assert_eq!(roles, ["admin", "sub"]);
    for workspace in &summary.workspaces {
        let asked = bare("GET", "/api/v2/workspaces/current").key(&workspace.keys[0].key);
        let record = asked.send(&sandbox).await.value();
        assert_eq!(
            (&record["id"], &record["name"]),
            (&json!(workspace.id), &json!(workspace.name))
        );
    }
}

#[tokio::test]
async fn a_dump_loads_into_another_sandbox() {
    let one = sandbox();
    let body = json!({ "name": "carried", "scopes": ["leads:read"] });
    call(&one, "POST", "/api/v2/api-keys", body).await;
    let dump = one.control("GET", "/_sandbox/state", b"");
    let other = builder().seed(99).build().unwrap();
    let loaded = other.control("PUT", "/_sandbox/state", &dump.body);
    assert_eq!(loaded.status, 200, "{}", loaded.value());
    assert_eq!(one.summary(""), other.summary(""));
    let carried = key(&other, "carried");
    let list = bare("POST", "/api/v2/leads/list")
        .key(&carried)
        .json(&json!({ "limit": 5 }));
    let (_, there) = call(&one, "POST", "/api/v2/leads/list", json!({ "limit": 5 })).await;
    assert_eq!(list.send(&other).await.value(), there);
    assert_eq!(other.control("GET", "/_sandbox/state", b"").body, dump.body);
    for bad in ["", "{}", "[]", r#"{"version":9,"world":{}}"#] {
        assert_eq!(
            other
                .control("PUT", "/_sandbox/state", bad.as_bytes())
                .status,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_state_file_outlives_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandbox.json");
    let first = builder()
        .state(&file)
        .build()
        .unwrap()
        .spawn("127.0.0.1:0")
        .await
        .unwrap();
    let body = json!({ "bl_value": "kept.example" });
    call(&first.sandbox, "POST", "/api/v2/block-lists-entries", body).await;
    let summary = first.sandbox.summary("");
    first.shutdown().await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // The seed is of no account once there is a state.
    let again = builder().seed(99).state(&file).build().unwrap();
    assert_eq!(again.summary(""), summary);
    let (_, found) = get(&again, "/api/v2/block-lists-entries?search=kept").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    std::fs::write(&file, "{ torn").unwrap();
    assert!(builder().state(&file).build().is_err());
}

#[tokio::test]
async fn the_clock_is_stopped_moved_and_let_go() {
    let sandbox = sandbox();
    let clock = |method: &str, path: &str, body: Value| control(&sandbox, method, path, &body);
    let (_, time) = clock("GET", "clock", Value::Null);
    assert_eq!(time["now"], "2026-03-02T10:00:00.000Z");
    assert_eq!(time["frozen"], true);
    let (_, time) = clock("POST", "clock/advance", json!({ "ms": 90_000 }));
    assert_eq!(time["now"], "2026-03-02T10:01:30.000Z");
    let (_, time) = clock(
        "POST",
        "clock/freeze",
        json!({ "at": "2026-05-01T00:00:00Z" }),
    );
    assert_eq!(time["now"], "2026-05-01T00:00:00.000Z");
    let (_, time) = clock("POST", "clock/run", Value::Null);
    assert_eq!(time["frozen"], false);
    assert!(
        time["now"]
            .as_str()
            .unwrap()
            .starts_with("2026-05-01T00:00:0")
    );
    assert_eq!(clock("POST", "clock/advance", json!({ "ms": -1 })).0, 400);
    assert_eq!(
        clock("POST", "clock/freeze", json!({ "at": "noon" })).0,
        400
    );
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_checked() {
    let sandbox = sandbox();
    let (_, all) = control(&sandbox, "GET", "settings", &Value::Null);
    assert_eq!(
        serde_json::from_value::<Settings>(all.clone()).unwrap(),
        Settings::default()
    );
    let change = json!({ "scope_error": 403, "clock_skew_ms": 5_000 });
    let (status, changed) = control(&sandbox, "PATCH", "settings", &change);
    assert_eq!((status, &changed["scope_error"]), (200, &json!(403)));
    assert_eq!(changed["list_keys"], all["list_keys"]);
    let answer = ask(&sandbox, "POST", "/api/v2/block-lists-entries")
        .json(&json!({ "bl_value": "late.example" }))
        .send(&sandbox)
        .await;
    assert_eq!(
        answer.value()["timestamp_created"],
        "2026-03-02T10:00:05.000Z"
    );
    assert_eq!(answer.headers["date"], "Mon, 02 Mar 2026 10:00:05 GMT");
    for bad in [
        json!({ "scope_error": 402 }),
        json!({ "no_such": 1 }),
        json!([]),
    ] {
        assert_eq!(control(&sandbox, "PATCH", "settings", &bad).0, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_was_received_is_told_without_the_key() {
    let sandbox = sandbox();
    let secret = key(&sandbox, "full-automation");
    let asked = ask(&sandbox, "GET", "/api/v2/webhooks?limit=1").header("x-trace", "t1");
    asked.send(&sandbox).await;
    let asked = bare("DELETE", "/api/v2/nothing").key("no such key");
    asked.send(&sandbox).await;
    let (_, list) = control(&sandbox, "GET", "received", &Value::Null);
    assert!(!list.to_string().contains(&secret));
    let [first, second] = list["items"].as_array().unwrap().as_slice() else {
        panic!("{list}");
    };
    assert_eq!(first["operation"], "listWebhook");
    assert_eq!(first["target"], "/api/v2/webhooks?limit=1");
    assert_eq!(
        (&first["status"], &first["key_matched"]),
        (&json!(200), &json!(true))
    );
    assert_eq!(first["workspace"], workspace(&sandbox, 0).as_str());
    assert_eq!(first["headers"], json!({ "x-trace": "t1" }));
    let wide = &sandbox.summary("").workspaces[0].keys[0];
    assert_eq!(first["key_id"], wide.id.as_str());
    assert_eq!(
        (&second["operation"], &second["key_id"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&second["key_given"], &second["status"]),
        (&json!(true), &json!(404))
    );
    let after = format!("received?after={}", first["number"]);
    let (_, rest) = control(&sandbox, "GET", &after, &Value::Null);
    assert_eq!(rest["items"], json!([second]));
}

#[tokio::test]
async fn on_a_socket_the_control_api_takes_nothing_from_web_pages() {
    let running = sandbox().spawn("127.0.0.1:0").await.unwrap();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http::<http_body_util::Full<bytes::Bytes>>();
    let status = |method: &str, path: &str, origin: Option<&str>| {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", running.url));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let request = request.body(http_body_util::Full::default()).unwrap();
        let answer = client.request(request);
        async move { answer.await.unwrap().status().as_u16() }
    };
    assert_eq!(status("GET", "/_sandbox/clock", None).await, 200);
    assert_eq!(
        status("GET", "/_sandbox/clock", Some("https://evil.example")).await,
        403
    );
    assert_eq!(status("GET", "/_sandbox/nothing", None).await, 404);
    assert_eq!(status("PURGE", "/_sandbox/clock", None).await, 405);
    // The API's own paths are apart.
    assert_eq!(status("GET", "/_sandboxes", None).await, 404);
    assert_eq!(status("OPTIONS", "/api/v2/leads", None).await, 404);
    assert_eq!(status("HEAD", "/api/v2/webhooks", None).await, 401);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn no_time_is_too_far() {
    let sandbox = sandbox();
    for ms in [i64::MAX, i64::MAX] {
        control(&sandbox, "POST", "clock/advance", &json!({ "ms": ms }));
    }
    for skew in [i64::MAX, i64::MIN] {
        control(
            &sandbox,
            "PATCH",
            "settings",
            &json!({ "clock_skew_ms": skew }),
        );
        let path = "/api/v2/workspaces/current/schedule-for-removal";
        assert_eq!(call(&sandbox, "POST", path, Value::Null).await.0, 200);
        assert_eq!(call(&sandbox, "DELETE", path, Value::Null).await.0, 200);
        for path in [
            "/api/v2/campaigns/analytics/daily",
            "/api/v2/background-jobs",
        ] {
            assert_eq!(get(&sandbox, path).await.0, 200);
        }
    }
}
