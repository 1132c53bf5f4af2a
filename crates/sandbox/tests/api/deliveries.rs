//! Webhooks as receivers see them, over real sockets.

use doorward_sandbox::{Builder, Running, Sandbox, Settings};
use serde_json::{Value, json};

use crate::common::{Arrived, Receiver, builder, call, delivered, get, until, workspace};

/// A sandbox that delivers.
async fn running(change: impl FnOnce(&mut Settings)) -> Running {
    start(builder(), change).await
}

async fn start(builder: Builder, change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings::default();
    change(&mut settings);
    let sandbox = builder.settings(settings).build().unwrap();
    sandbox.spawn("127.0.0.1:0").await.unwrap()
}

/// Subscribes; the subscription's path.
async fn subscribe(sandbox: &Sandbox, url: &str, mut body: Value) -> String {
    body["target_hook_url"] = json!(url);
    let (status, webhook) = call(sandbox, "POST", "/api/v2/webhooks", body).await;
    assert_eq!(status, 200, "{webhook}");
    format!("/api/v2/webhooks/{}", webhook["id"].as_str().unwrap())
}

fn tell(sandbox: &Sandbox, event: &Value) {
    let told = sandbox.control("POST", "/_sandbox/events", event.to_string().as_bytes());
    assert_eq!(told.status, 200, "{}", told.value());
}

fn types(arrived: &[Arrived]) -> Vec<&str> {
    let kinds = arrived
        .iter()
        .map(|one| one.payload["event_type"].as_str().unwrap());
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.sort_unstable();
    kinds
}

/// A lead of a campaign that mail can still be sent to.
async fn lead(sandbox: &Sandbox) -> Value {
    let body = json!({ "limit": 100 });
    let (_, page) = call(sandbox, "POST", "/api/v2/leads/list", body).await;
    let leads = page["items"].as_array().unwrap().clone();
    let good = |lead: &Value| lead["campaign"].is_string() && lead["status"] == 1;
    leads.into_iter().find(good).unwrap()
}

#[tokio::test]
async fn q11_q12_q15_a_payload_is_flat_named_as_delivered_and_unsigned() {
    let running = running(|_| {}).await;
    let sandbox = &running.sandbox;
    let receiver = Receiver::start().await;
    let body = json!({
        "event_type": "email_link_clicked",
        "headers": { "X-Hook-Token": "s3cret", "content-length": "3", "bad name": "x" },
    });
    subscribe(sandbox, &receiver.url, body).await;
    let lead = lead(sandbox).await;
    let happening = json!({
        "what": "clicked",
        "campaign": lead["campaign"],
        "lead_email": lead["email"],
    });
    let done = sandbox.control(
        "POST",
        "/_sandbox/happenings",
        happening.to_string().as_bytes(),
    );
    assert_eq!(done.status, 200, "{}", done.value());
    let arrived = receiver.wait(1).await;
    let Arrived { headers, payload } = &arrived[0];
    assert_eq!(payload["event_type"], "link_clicked");
    assert_eq!(payload["workspace"], workspace(sandbox, 0).as_str());
    assert_eq!(payload["campaign_id"], lead["campaign"]);
    let path = format!("/api/v2/campaigns/{}", lead["campaign"].as_str().unwrap());
    assert_eq!(
        payload["campaign_name"],
        get(sandbox, &path).await.1["name"]
    );
    assert_eq!(payload["timestamp"], "2026-03-02T10:00:00.000Z");
    assert_eq!(payload["lead_email"], lead["email"]);
    // The lead's fields stand beside the API's own.
    assert_eq!(payload["firstName"], lead["first_name"]);
    assert_eq!((payload.get("data"), payload.get("id")), (None, None));
    assert_eq!(headers["x-hook-token"], "s3cret");
    assert_eq!(headers["content-type"], "application/json");
    let signed = |name: &str| name.contains("signature") || name.starts_with("webhook-");
    assert!(!headers.keys().any(|name| signed(name.as_str())));
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn q13_q14_auto_replies_and_labels_reach_whom_they_are_for() {
    let running = running(|_| {}).await;
    let sandbox = &running.sandbox;
    let label = json!({ "label": "Call me!", "interest_status_label": "positive" });
    let (_, label) = call(sandbox, "POST", "/api/v2/lead-labels", label).await;
    let [all, replies, labels] = [
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    ];
    subscribe(sandbox, &all.url, json!({ "event_type": "all_events" })).await;
    subscribe(
        sandbox,
        &replies.url,
        json!({ "event_type": "reply_received" }),
    )
    .await;
    let custom = json!({ "custom_interest_value": label["interest_status"] });
    subscribe(sandbox, &labels.url, custom).await;
    let lead = lead(sandbox).await;
    for what in ["replied", "auto_replied"] {
        let happening = json!({
            "what": what,
            "campaign": lead["campaign"],
            "lead_email": lead["email"],
        });
        sandbox.control(
            "POST",
            "/_sandbox/happenings",
            happening.to_string().as_bytes(),
        );
    }
    let marked = json!({
        "lead_email": lead["email"],
        "campaign_id": lead["campaign"],
        "interest_value": label["interest_status"],
    });
    let (status, body) = call(
        sandbox,
        "POST",
        "/api/v2/leads/update-interest-status",
        marked,
    )
    .await;
    assert!(status < 300, "{body}");
    delivered(sandbox).await;
    assert_eq!(types(&replies.take()), ["reply_received"]);
    assert_eq!(types(&labels.take()), ["Call me!"]);
    assert_eq!(
        types(&all.take()),
        ["Call me!", "auto_reply_received", "reply_received"]
    );
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn q18_a_failed_delivery_is_tried_three_times_more_in_thirty_seconds() {
    let running = running(|_| {}).await;
    let sandbox = &running.sandbox;
    let receiver = Receiver::start().await;
    receiver.answer(503);
    subscribe(
        sandbox,
        &receiver.url,
        json!({ "event_type": "account_error" }),
    )
    .await;
    tell(
        sandbox,
        &json!({ "event_type": "account_error", "fields": { "why": "test" } }),
    );
    for tries in 1..=4 {
        until(|| receiver.count() == tries).await;
        // Nothing more comes before its time.
        sandbox.advance(9_999);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert_eq!(receiver.count(), tries);
        sandbox.advance(1);
    }
    sandbox.advance(3_600_000);
    delivered(sandbox).await;
    assert_eq!(receiver.count(), 4);
    let (_, page) = get(sandbox, "/api/v2/webhook-events?search=127.0.0.1&limit=100").await;
    let rows = page["items"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for (n, row) in rows.iter().rev().enumerate() {
        assert_eq!(row["retry_count"], n);
        assert_eq!(row["will_retry"], n < 3);
        assert_eq!(row["success"], false);
        assert_eq!(
            (&row["status_code"], &row["error_message"]),
            (&json!(503), &json!("HTTP 503"))
        );
        assert_eq!(row["retry_group_id"], rows[0]["retry_group_id"]);
        assert_eq!(row["payload"]["why"], "test");
    }
    assert_eq!(rows[3]["timestamp_next_retry"], "2026-03-02T10:00:10.000Z");
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_retry_that_succeeds_ends_the_matter() {
    let running = running(|settings| settings.webhook_clock_factor = 0.0).await;
    let sandbox = &running.sandbox;
    // Nothing listens there, until it does.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/hook", listener.local_addr().unwrap());
    drop(listener);
    let receiver = Receiver::start().await;
    let path = subscribe(sandbox, &nobody, json!({ "event_type": "account_error" })).await;
    sandbox.set(|settings| settings.webhook_clock_factor = 1.0);
    tell(sandbox, &json!({ "event_type": "account_error" }));
    until(|| attempts(sandbox) == 1).await;
    // What is changed in between holds for the retry.
    call(
        sandbox,
        "PATCH",
        &path,
        json!({ "target_hook_url": receiver.url }),
    )
    .await;
    sandbox.advance(10_000);
    receiver.wait(1).await;
    delivered(sandbox).await;
    sandbox.advance(60_000);
    delivered(sandbox).await;
    assert_eq!((receiver.count(), attempts(sandbox)), (0, 2));
    let (_, page) = get(sandbox, "/api/v2/webhook-events?search=127.0.0.1").await;
    let last = &page["items"][0];
    assert_eq!(
        (&last["success"], &last["retry_successful"]),
        (&json!(true), &json!(true))
    );
    let first = &page["items"][1];
    assert_eq!(
        (&first["status_code"], &first["will_retry"]),
        (&Value::Null, &json!(true))
    );
    running.shutdown().await.unwrap();
}

fn attempts(sandbox: &Sandbox) -> usize {
    let list = sandbox.control("GET", "/_sandbox/deliveries", b"").value();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| is_local(one))
        .count()
}

fn is_local(one: &Value) -> bool {
    one["webhook_url"].as_str().unwrap().contains("127.0.0.1")
}

#[tokio::test]
async fn q17_failures_in_a_row_switch_a_subscription_off_until_it_is_resumed() {
    for record in [false, true] {
        let running = running(|settings| {
            settings.webhook_clock_factor = 0.0;
            settings.record_events_while_disabled = record;
        })
        .await;
        let sandbox = &running.sandbox;
        let receiver = Receiver::start().await;
        let path = subscribe(
            sandbox,
            &receiver.url,
            json!({ "event_type": "account_error" }),
        )
        .await;
        let event = |count: u32| json!({ "event_type": "account_error", "count": count });
        let status = || async { get(sandbox, &path).await.1["status"].clone() };
        receiver.answer(500);
        tell(sandbox, &event(9));
        delivered(sandbox).await;
        assert_eq!((status().await, receiver.take().len()), (json!(1), 36));
        // One that succeeds, and the row begins anew.
        receiver.answer(204);
        tell(sandbox, &event(1));
        delivered(sandbox).await;
        receiver.answer(500);
        tell(sandbox, &event(9));
        delivered(sandbox).await;
        assert_eq!(status().await, 1);
        tell(sandbox, &event(1));
        delivered(sandbox).await;
        assert_eq!(status().await, -1);
        let (_, webhook) = get(sandbox, &path).await;
        assert_eq!(webhook["timestamp_error"], "2026-03-02T10:00:00.000Z");
        let (_, log) = get(sandbox, "/api/v2/audit-logs?activity_type=20").await;
        assert_eq!(log["items"][0]["webhook_id"], webhook["id"]);

        // Off: nothing is sent, and what happens is recorded only if so set.
        receiver.take();
        receiver.answer(200);
        let rows = || async {
            let path = "/api/v2/webhook-events?limit=100&search=disabled";
            get(sandbox, path).await.1["items"]
                .as_array()
                .unwrap()
                .len()
        };
        tell(sandbox, &event(2));
        delivered(sandbox).await;
        assert_eq!(
            (receiver.count(), rows().await),
            (0, if record { 2 } else { 0 })
        );
        let (_, resumed) = call(sandbox, "POST", &format!("{path}/resume"), Value::Null).await;
        assert_eq!(
            (&resumed["status"], &resumed["timestamp_error"]),
            (&json!(1), &Value::Null)
        );
        assert_eq!(receiver.count(), 0, "what was missed is not made up for");
        tell(sandbox, &event(1));
        receiver.wait(1).await;
        running.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_test_tells_what_the_receiver_said() {
    let running = running(|_| {}).await;
    let sandbox = &running.sandbox;
    let receiver = Receiver::start().await;
    let body =
        json!({ "event_type": "reply_received", "headers": { "authorization": "Basic eA==" } });
    let path = subscribe(sandbox, &receiver.url, body).await;
    let test = format!("{path}/test");
    let (status, said) = call(sandbox, "POST", &test, Value::Null).await;
    assert_eq!(
        (status, &said["success"], &said["status_code"]),
        (200, &json!(true), &json!(200))
    );
    let arrived = receiver.take();
    assert_eq!(arrived[0].headers["authorization"], "Basic eA==");
    assert_eq!(types(&arrived), ["reply_received"]);
    receiver.answer(401);
    let (status, said) = call(sandbox, "POST", &test, Value::Null).await;
    assert_eq!(
        (status, &said["success"], &said["status_code"]),
        (200, &json!(false), &json!(401))
    );
    let gone = json!({ "target_hook_url": "https://nowhere.invalid/" });
    call(sandbox, "PATCH", &path, gone).await;
    let (_, said) = call(sandbox, "POST", &test, Value::Null).await;
    assert_eq!(said["error"], "getaddrinfo ENOTFOUND nowhere.invalid");
    assert_eq!(said.get("status_code"), None);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn over_tls_a_receiver_must_be_trusted() {
    let (receiver, certificate) = Receiver::start_tls().await;
    for (roots, success) in [(vec![certificate], true), (vec![], false)] {
        let running = start(builder().trust(roots), |_| {}).await;
        let sandbox = &running.sandbox;
        let path = subscribe(
            sandbox,
            &receiver.url,
            json!({ "event_type": "email_sent" }),
        )
        .await;
        let (_, said) = call(sandbox, "POST", &format!("{path}/test"), Value::Null).await;
        assert_eq!(said["success"], success, "{said}");
        if !success {
            assert!(
                said["error"].as_str().unwrap().contains("certificate"),
                "{said}"
            );
        }
        running.shutdown().await.unwrap();
    }
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn a_reset_forgets_what_was_owed() {
    let running = running(|_| {}).await;
    let sandbox = &running.sandbox;
    let receiver = Receiver::start().await;
    receiver.answer(500);
    subscribe(
        sandbox,
        &receiver.url,
        json!({ "event_type": "account_error" }),
    )
    .await;
    tell(
        sandbox,
        &json!({ "event_type": "account_error", "count": 3 }),
    );
    until(|| receiver.count() == 3).await;
    assert_eq!(sandbox.control("POST", "/_sandbox/reset", b"").status, 200);
    sandbox.advance(60_000);
    delivered(sandbox).await;
    assert_eq!(receiver.count(), 3);
    running.shutdown().await.unwrap();
}
