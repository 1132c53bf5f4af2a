//! Bodies are bounded, whole, and JSON.

use std::time::Duration;

use doorward_gateway::Limits;
use doorward_policy::Grant;

use crate::door::{Door, Setup, get, post, request};
use crate::upstream::Upstream;

const JSON: &str = "Content-Type: application/json";

async fn door(upstream: &Upstream, limits: Limits) -> (Door, String) {
    let mut door = Door::open_with(
        upstream,
        Setup {
            limits,
            ..Setup::default()
        },
    )
    .await;
    let key = door.client(
        "robot",
        Grant::for_scopes([
            "leads:create",
            "leads:read",
            "leads:delete",
            "campaigns:update",
        ]),
    );
    (door, key)
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let upstream = Upstream::plain().await;
    let (door, key) = door(&upstream, Limits::default()).await;
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for body in [
        "{",
        "x",
        r#"{"email":1,"email":2}"#,
        r#"{"a":{"b":1,"\u0062":2}}"#,
        deep.as_str(),
        "{}{}",
        " ",
    ] {
        door.send(post("/api/v2/leads", &key, body))
            .await
            .refused(400, "body_malformed");
    }
    for lines in [
        &[][..],
        &["Content-Type: text/plain"],
        &["Content-Type: application/x-www-form-urlencoded"],
        &[JSON, JSON],
        &[JSON, "Content-Encoding: gzip"],
    ] {
        let text = request("POST", "/api/v2/leads", &key, lines, "{}");
        door.send(text).await.refused(415, "media_type_unsupported");
    }
    door.send(request("GET", "/api/v2/leads/0195-a", &key, &[JSON], "{}"))
        .await
        .refused(400, "body_not_allowed");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn the_very_bytes_are_sent_on() {
    let upstream = Upstream::plain().await;
    let (door, key) = door(&upstream, Limits::default()).await;
    let body = "{ \"email\" :\t\"\\u0061@b.org\",\n \"x\": [1.50, 1e3, \"ü\"] }\n";
    assert_eq!(
        door.send(post("/api/v2/leads", &key, body)).await.status,
        200
    );
    assert_eq!(upstream.only().body, body.as_bytes());
}

#[tokio::test]
async fn no_body_means_no_content_type() {
    let upstream = Upstream::plain().await;
    let (door, key) = door(&upstream, Limits::default()).await;
    let bare = request(
        "DELETE",
        "/api/v2/leads/0195-a",
        &key,
        &[JSON, "Content-Length: 0"],
        "",
    );
    assert_eq!(door.send(bare).await.status, 200);
    assert_eq!(
        door.send(request(
            "POST",
            "/api/v2/campaigns/0195-a/pause",
            &key,
            &[JSON],
            ""
        ))
        .await
        .status,
        200
    );
    assert_eq!(
        door.send(request(
            "DELETE",
            "/api/v2/leads",
            &key,
            &[JSON],
            r#"{"ids":["a"]}"#
        ))
        .await
        .status,
        200
    );
    let seen = upstream.seen();
    assert_eq!(
        seen[0].names(),
        ["accept", "authorization", "host", "user-agent"]
    );
    assert!(seen[1].all("content-type").is_empty() && seen[1].body.is_empty());
    assert_eq!(seen[2].all("content-type"), ["application/json"]);
    assert_eq!(seen[2].body, br#"{"ids":["a"]}"#);
}

#[tokio::test]
async fn sizes_are_bounded_before_the_body_is_read() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        body_bytes: 1_000,
        memory_bytes: 1_500,
        ..Limits::default()
    };
    let (door, key) = door(&upstream, limits).await;
    let fits = format!("\"{}\"", "x".repeat(998));
    assert_eq!(
        door.send(post("/api/v2/leads", &key, &fits)).await.status,
        200
    );
    let head = request(
        "POST",
        "/api/v2/leads",
        &key,
        &[JSON, "Content-Length: 1001"],
        "",
    );
    door.send(head).await.refused(413, "body_too_large");
    let expecting = [JSON, "Content-Length: 1001", "Expect: 100-continue"];
    door.send(request("POST", "/api/v2/leads", &key, &expecting, ""))
        .await
        .refused(413, "body_too_large");
    let chunked = request(
        "POST",
        "/api/v2/leads",
        &key,
        &[JSON, "Transfer-Encoding: chunked"],
        "",
    );
    let body = format!("3e9\r\n{}\r\n0\r\n\r\n", "1".repeat(1001));
    door.send(chunked + &body)
        .await
        .refused(413, "body_too_large");

    // One body that is awaited holds its share of the memory.
    let mut waiting = door.connect().await;
    let text = post("/api/v2/leads", &key, &fits);
    let (first, rest) = text.split_at(text.len() - 1);
    let used = || door.learnt.used.lock().unwrap().len();
    let before = used();
    waiting.write(first).await;
    while used() == before {
        tokio::task::yield_now().await;
    }
    let refused = loop {
        let answer = door.send(post("/api/v2/leads", &key, &fits)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.refused(503, "memory_exhausted");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(waiting.send(rest).await.status, 200);
    assert_eq!(
        door.send(post("/api/v2/leads", &key, &fits)).await.status,
        200
    );
}

#[tokio::test]
async fn an_expected_body_is_asked_for_and_taken() {
    let upstream = Upstream::plain().await;
    let (door, key) = door(&upstream, Limits::default()).await;
    let lines = [JSON, "Content-Length: 2", "Expect: 100-continue"];
    let mut connection = door.connect().await;
    connection
        .write(request("POST", "/api/v2/leads", &key, &lines, ""))
        .await;
    let mut interim = Vec::new();
    while !interim.ends_with(b"\r\n\r\n") {
        tokio::io::AsyncReadExt::read_buf(&mut connection.stream, &mut interim)
            .await
            .unwrap();
    }
    assert!(interim.starts_with(b"HTTP/1.1 100 "));
    assert_eq!(connection.send("{}").await.status, 200);
    assert!(upstream.only().all("expect").is_empty());
    let denied = request("DELETE", "/api/v2/campaigns/0195-a", &key, &lines, "");
    door.send(denied).await.refused(403, "scope_missing");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        body_read: Duration::from_millis(100),
        ..Limits::default()
    };
    let (door, key) = door(&upstream, limits).await;
    let text = post("/api/v2/leads", &key, "{}");
    door.send(&text[..text.len() - 1])
        .await
        .refused(408, "body_timeout");
    assert!(upstream.seen().is_empty());
    assert_eq!(
        door.send(get("/api/v2/leads/0195-a", &key)).await.status,
        200
    );
}
