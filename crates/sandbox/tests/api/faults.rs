//! Faults on demand, as a client on a socket sees them.

use std::time::{Duration, Instant};

use doorward_sandbox::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{builder, get, key};

async fn running() -> Running {
    let sandbox = builder().build().unwrap();
    sandbox.spawn("127.0.0.1:0").await.unwrap()
}

fn set(running: &Running, fault: &Value) {
    let set = running
        .sandbox
        .control("POST", "/_sandbox/faults", fault.to_string().as_bytes());
    assert_eq!(set.status, 200, "{}", set.value());
}

/// What comes back on a connection of its own until it ends, and how it ends.
async fn raw(running: &Running, request: &str) -> (String, std::io::Result<()>) {
    let address = running.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let ended = stream.read_to_end(&mut read).await.map(drop);
    (String::from_utf8_lossy(&read).into_owned(), ended)
}

/// A request with the widest key that asks for the connection to be closed.
fn request(running: &Running, method: &str, target: &str, body: &str) -> String {
    let key = key(&running.sandbox, "full-automation");
    let about = match body {
        "" => String::new(),
        body => {
            let length = body.len();
            format!("content-type: application/json\r\ncontent-length: {length}\r\n")
        }
    };
    format!(
        "{method} {target} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\
         authorization: Bearer {key}\r\n{about}\r\n{body}"
    )
}

fn split(answer: &str) -> (&str, usize, usize) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    (head, length.unwrap().parse().unwrap(), body.len())
}

const WEBHOOKS: &str = "/api/v2/webhooks";

#[tokio::test]
async fn an_answer_can_be_cut_slow_or_of_another_type() {
    let running = running().await;
    let ask = request(&running, "GET", WEBHOOKS, "");
    let (whole, _) = raw(&running, &ask).await;
    let (head, length, got) = split(&whole);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(length, got);

    set(
        &running,
        &json!({ "kind": "truncated", "missing_bytes": 10, "count": 1 }),
    );
    let (cut, ended) = raw(&running, &ask).await;
    let (_, announced, got) = split(&cut);
    assert_eq!((announced, got), (length, length - 10));
    assert!(ended.is_ok());

    set(
        &running,
        &json!({ "kind": "reset", "after_bytes": 20, "count": 1 }),
    );
    let (cut, ended) = raw(&running, &ask).await;
    assert_eq!(
        ended.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    if let Some((_, body)) = cut.split_once("\r\n\r\n") {
        assert!(body.len() <= 20);
    }

    set(
        &running,
        &json!({ "kind": "slow_body", "bytes": length / 4, "pause_ms": 20, "count": 1 }),
    );
    let start = Instant::now();
    let (slow, _) = raw(&running, &ask).await;
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert_eq!(split(&slow).2, length);

    set(
        &running,
        &json!({ "kind": "wrong_content_type", "count": 1 }),
    );
    let (typed, _) = raw(&running, &ask).await;
    assert!(split(&typed).0.contains("content-type: text/html"));

    set(
        &running,
        &json!({ "kind": "latency", "ms": 60, "count": 1 }),
    );
    let start = Instant::now();
    let (late, _) = raw(&running, &ask).await;
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert_eq!(split(&late).2, length);

    // All are spent.
    let left = running
        .sandbox
        .control("GET", "/_sandbox/faults", b"")
        .value();
    assert_eq!(left, json!({ "items": [] }));
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_a_write_leaves_the_write_done() {
    let running = running().await;
    let path = "/api/v2/block-lists-entries";
    let body = json!({ "bl_value": "lost.example" }).to_string();
    set(
        &running,
        &json!({
            "kind": "lost_response",
            "operation": "createBlockListEntry",
            "count": 1,
        }),
    );
    let (answer, _) = raw(&running, &request(&running, "POST", path, &body)).await;
    assert_eq!(answer, "");
    let (_, found) = get(&running.sandbox, &format!("{path}?search=lost.example")).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_status_comes_instead_of_the_act() {
    let running = running().await;
    let path = "/api/v2/block-lists-entries";
    let body = json!({ "bl_value": "never.example" }).to_string();
    set(
        &running,
        &json!([
            { "kind": "status", "status": 502, "path": path, "count": 1 },
            { "kind": "storm", "retry_after": 7, "path": path, "count": 2 },
        ]),
    );
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (answer, _) = raw(&running, &request(&running, "POST", path, &body)).await;
        let (head, ..) = split(&answer);
        let status = head.split(' ').nth(1).unwrap().to_owned();
        seen.push((status, head.contains("retry-after: 7")));
    }
    // The first request is struck by both: the first set says what it is.
    let statuses = [("502", false), ("429", true), ("200", false)];
    assert_eq!(
        seen,
        statuses.map(|(status, told)| (status.to_owned(), told))
    );
    let (_, found) = get(&running.sandbox, &format!("{path}?search=never.example")).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    running.shutdown().await.unwrap();
}
