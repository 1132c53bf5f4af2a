//! Requests that two programs could read differently.

use std::time::Duration;

use doorward_gateway::Limits;
use doorward_policy::Grant;

use crate::door::{Door, Setup, get, post, request};
use crate::upstream::Upstream;

const BODY: &str = r#"{"email":"a@b.org"}"#;

async fn importer(upstream: &Upstream) -> (Door, String) {
    let mut door = Door::open(upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    (door, key)
}

#[tokio::test]
async fn ambiguous_lengths_are_refused_and_the_connection_closed() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream).await;
    let length = format!("Content-Length: {}", BODY.len());
    let chunked = "Transfer-Encoding: chunked";
    let json = "Content-Type: application/json";
    for lines in [
        &[json, &length, chunked][..],
        &[json, chunked, &length],
        &[json, &length, &length],
        &[json, &length, "Content-Length: 0"],
        &[json, "Content-Length: 0", &length],
        &[json, chunked, chunked],
        &[json, "Transfer-Encoding: identity"],
        &[json, "Transfer-Encoding: chunked, identity"],
        &[json, "Transfer-Encoding: \x0bchunked"],
        &[json, "Content-Length: 0x13"],
        &[json, "Content-Length: -1"],
        &[json, "X: y\r\n Content-Length: 5"],
        &[json, "X: y\nTransfer-Encoding: chunked", &length],
        &[json, "Host: elsewhere", &length],
    ] {
        // What follows would be a request of its own to one of the two readings.
        let smuggled = get("/api/v2/campaigns", &key);
        let head = request("POST", "/api/v2/leads", &key, lines, "");
        let mut connection = door.connect().await;
        let answer = connection.send(format!("{head}{BODY}{smuggled}")).await;
        answer.refused(400, "head_malformed");
        assert!(connection.is_closed().await, "{lines:?}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn fragments_are_refused() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream).await;
    for target in [
        "/api/v2/campaigns#x",
        "/api/v2/campaigns?a=b#x",
        "/api/v2/campaigns#",
    ] {
        door.send(get(target, &key))
            .await
            .refused(400, "head_malformed");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn long_heads_are_refused() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        head_bytes: 4 * 1024,
        ..Limits::default()
    };
    let mut door = Door::open_with(
        &upstream,
        Setup {
            limits,
            ..Setup::default()
        },
    )
    .await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    let long = format!("X: {}", "y".repeat(4 * 1024));
    door.send(request("GET", "/api/v2/campaigns", &key, &[&long], ""))
        .await
        .refused(431, "head_too_large");
    let many: Vec<String> = (0..100).map(|n| format!("X-{n}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = request("GET", "/api/v2/campaigns", &key, &many, "");
    door.send(text).await.refused(431, "head_too_large");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn only_what_is_listed_goes_on() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream).await;
    let lines = [
        "Content-Type: application/json; charset=utf-8",
        "Accept: application/json, */*",
        "Accept-Encoding: gzip",
        "User-Agent: Python-urllib/3.12",
        "Cookie: a=b",
        "Connection: keep-alive, X-One",
        "Connection: X-Two, X-Api-Key",
        "X-One: 1",
        "X-Two: 2",
        "X-Api-Key: 3",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Upgrade: h2c",
        "Proxy-Authorization: Basic abc",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Host: elsewhere",
        "Forwarded: host=elsewhere",
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /api/v2/api-keys",
        "Idempotency-Key: abc",
        "Doorward-Decision: allowed",
        "Doorward-Actor: ann@example.com",
    ];
    let answer = door
        .send(request("POST", "/api/v2/leads", &key, &lines, BODY))
        .await;
    assert_eq!(answer.status, 200);
    let seen = upstream.only();
    assert_eq!(
        seen.names(),
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "user-agent"
        ],
    );
    assert_eq!(seen.all("content-type"), ["application/json"]);
    assert_eq!(seen.all("accept"), ["application/json, */*"]);
    assert_eq!(seen.all("host"), [upstream.address.to_string()]);
    // With the call's name, so that a record of Instantly's can be held against it.
    let name = seen.all("user-agent")[0].to_owned();
    let call = answer.header("doorward-request-id").unwrap().to_owned();
    assert!(name.starts_with("doorward/") && name.ends_with(&format!(" {call}")));
    assert_eq!(seen.body, BODY.as_bytes());
}

#[tokio::test]
async fn path_and_query_are_rebuilt() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream).await;
    let target = "http://door/api/v2/campaigns?limit=%31%30&&search=a+b%2bc&ids=1&ids=2";
    assert_eq!(door.send(get(target, &key)).await.status, 200);
    assert_eq!(
        upstream.only().line,
        "GET /api/v2/campaigns?limit=10&search=a%20b%2Bc&ids=1&ids=2 HTTP/1.1",
    );
}

#[tokio::test]
async fn chunked_bodies_are_framed_anew_and_end_the_connection() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream).await;
    let lines = [
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    ];
    let head = request("POST", "/api/v2/leads", &key, &lines, "");
    let (one, two) = BODY.split_at(7);
    let body = format!(
        "{:x}\r\n{one}\r\n{:X};ext=1\r\n{two}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        one.len(),
        two.len()
    );
    let mut connection = door.connect().await;
    let answer = connection
        .send(format!("{head}{body}{}", get("/api/v2/campaigns", &key)))
        .await;
    assert_eq!(answer.status, 200);
    assert!(connection.is_closed().await);
    let seen = upstream.only();
    assert_eq!(seen.body, BODY.as_bytes());
    assert_eq!(seen.all("content-length"), [BODY.len().to_string()]);
    assert!(seen.all("transfer-encoding").is_empty() && seen.all("x-trailer").is_empty());
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_order() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream).await;
    let one = get("/api/v2/campaigns", &key);
    let two = post("/api/v2/leads", &key, BODY);
    let bad = request("GET", "/api/v2/campaigns#x", &key, &[], "");
    let mut connection = door.connect().await;
    connection.write(format!("{one}{two}{one}{bad}{one}")).await;
    for _ in 0..3 {
        assert_eq!(connection.read().await.unwrap().status, 200);
    }
    connection
        .read()
        .await
        .unwrap()
        .refused(400, "head_malformed");
    assert!(connection.is_closed().await);
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn bytes_that_are_no_request_close_the_connection() {
    let upstream = Upstream::plain().await;
    let (door, _) = importer(&upstream).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"[..],
        b"GET /\n\n",
        b"PRI * HTTP/2.0\r\n\r\nS\n\r\n\r\n",
    ] {
        let mut connection = door.connect().await;
        connection.send(bytes).await.refused(400, "head_malformed");
        assert!(connection.is_closed().await);
    }
}

#[tokio::test]
async fn slow_heads_are_cut_off() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        head_read: Duration::from_millis(100),
        ..Limits::default()
    };
    let door = Door::open_with(
        &upstream,
        Setup {
            limits,
            ..Setup::default()
        },
    )
    .await;
    let mut connection = door.connect().await;
    connection.write("GET /healthz HTTP/1.1\r\nHost:").await;
    // Whether an answer precedes it is the library's matter: the connection must not stay.
    let ended = async { while connection.read().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .unwrap();
}
