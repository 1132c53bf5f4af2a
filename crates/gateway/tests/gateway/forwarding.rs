//! Answers come through as they are.

use std::time::Duration;

use doorward_policy::Grant;

use crate::door::{Door, get, post};
use crate::upstream::{Reply, Upstream};

async fn reader(upstream: &Upstream) -> (Door, String) {
    let mut door = Door::open(upstream).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    (door, key)
}

#[tokio::test]
async fn what_belongs_to_the_connection_or_the_origin_stays_behind() {
    let lines = "content-type: application/json\r\n\
                 connection: keep-alive, x-one\r\n\
                 connection: X-Two\r\n\
                 x-one: 1\r\nx-two: 2\r\nx-three: 3\r\n\
                 keep-alive: timeout=5\r\n\
                 proxy-authenticate: Basic\r\n\
                 upgrade: h2c\r\n\
                 set-cookie: session=secret\r\n\
                 access-control-allow-origin: *\r\n\
                 doorward-decision: denied\r\n\
                 retry-after: 7\r\n";
    let upstream =
        Upstream::start(move |_, _| Reply::with("429 Too Many Requests", lines, "{\"a\":1}")).await;
    let (door, key) = reader(&upstream).await;
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (429, &b"{\"a\":1}"[..])
    );
    let mut names: Vec<&str> = answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "content-length",
            "content-type",
            "date",
            "doorward-decision",
            "doorward-request-id",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-three"
        ],
    );
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
    assert_eq!(answer.header("retry-after"), Some("7"));
}

#[tokio::test]
async fn a_big_answer_is_streamed() {
    const SIZE: usize = 20 * 1024 * 1024;
    let upstream = Upstream::start(|_, _| {
        let mut bytes =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: {SIZE}\r\n\r\n")
                .into_bytes();
        bytes.resize(bytes.len() + SIZE, b'x');
        Reply::Bytes(bytes)
    })
    .await;
    let (door, key) = reader(&upstream).await;
    let answer = door
        .send(get("/api/v2/block-lists-entries/download", &key))
        .await;
    assert_eq!((answer.status, answer.body.len()), (200, SIZE));
    assert_eq!(door.entries(1).await[0].metadata["answer"]["bytes"], SIZE);
}

#[tokio::test]
async fn an_answer_is_passed_on_before_it_is_whole() {
    let head =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"first\":\r\n".to_vec();
    let rest = b"2\r\n1}\r\n0\r\nx-trailer: 1\r\n\r\n".to_vec();
    let pause = Duration::from_millis(300);
    let upstream =
        Upstream::start(move |_, _| Reply::Slow(head.clone(), pause, rest.clone())).await;
    let (door, key) = reader(&upstream).await;
    let mut connection = door.connect().await;
    connection.write(get("/api/v2/campaigns", &key)).await;
    let mut first = Vec::new();
    let begun = std::time::Instant::now();
    while !first.windows(5).any(|part| part == b"first") {
        tokio::io::AsyncReadExt::read_buf(&mut connection.stream, &mut first)
            .await
            .unwrap();
    }
    assert!(
        begun.elapsed() < pause,
        "the first piece waited for the last"
    );
    while !first.ends_with(b"0\r\n\r\n") {
        tokio::io::AsyncReadExt::read_buf(&mut connection.stream, &mut first)
            .await
            .unwrap();
    }
    assert!(!String::from_utf8(first).unwrap().contains("x-trailer"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Upstream::plain().await;
    let lines = format!(
        "location: http://{}/api/v2/campaigns\r\n",
        elsewhere.address
    );
    let upstream =
        Upstream::start(move |_, _| Reply::with("307 Temporary Redirect", &lines, "")).await;
    let (door, key) = reader(&upstream).await;
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (502, "upstream_redirect")
    );
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
    assert_eq!(answer.header("location"), None);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn connections_to_the_upstream_are_kept() {
    let upstream = Upstream::plain().await;
    let (mut door, key) = reader(&upstream).await;
    for n in 0..5 {
        assert_eq!(door.send(get("/api/v2/campaigns", &key)).await.status, 200);
        door.client(&format!("another-{n}"), Grant::for_use_case("reader"));
    }
    assert_eq!(upstream.seen().len(), 5);
    assert_eq!(
        upstream.connections(),
        1,
        "a new snapshot keeps the connections of the last"
    );
}

#[tokio::test]
async fn a_connection_that_was_closed_or_used_up_meanwhile_is_used_no_more() {
    let whole = |extra: &str| format!("HTTP/1.1 200 OK\r\n{extra}content-length: 2\r\n\r\n{{}}");
    let closed = Reply::Last(whole("").into_bytes());
    let to_close = Reply::Bytes(whole("connection: close\r\n").into_bytes());
    // More than was asked for: whose it would be is not known.
    let too_much = Reply::Bytes([whole(""), whole("")].concat().into_bytes());
    for reply in [closed, to_close, too_much] {
        let upstream = Upstream::start(move |_, _| reply.clone()).await;
        let mut door = Door::open(&upstream).await;
        let key = door.client("importer", Grant::for_use_case("lead-import"));
        for n in 1..=4 {
            // A write is sent once: on a connection that is gone it would be lost.
            let answer = door.send(post("/api/v2/leads", &key, "{}")).await;
            assert_eq!(answer.status, 200, "{:#}", answer.json());
            assert_eq!((upstream.seen().len(), upstream.connections()), (n, n));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn shutting_down_lets_calls_finish() {
    let answer = Reply::json("200 OK", "{}");
    let Reply::Bytes(answer) = answer else {
        unreachable!()
    };
    let pause = Duration::from_millis(200);
    let upstream = Upstream::start(move |_, _| Reply::Slow(vec![], pause, answer.clone())).await;
    let (mut door, key) = reader(&upstream).await;
    let mut idle = door.connect().await;
    let mut busy = door.connect().await;
    busy.write(get("/api/v2/campaigns", &key)).await;
    while upstream.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    door.stop.take().unwrap().send(()).unwrap();
    assert!(idle.is_closed().await);
    assert_eq!(busy.read().await.unwrap().status, 200);
    assert!(busy.is_closed().await);
    (&mut door.stopped).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(door.address).await.is_err());
}

#[tokio::test]
async fn a_second_of_calls_at_once_has_its_connections_kept() {
    const CALLS: usize = 80;
    let upstream = Upstream::start(|_, _| {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
        Reply::Slow(Vec::new(), std::time::Duration::from_millis(300), answer)
    })
    .await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("one", Grant::for_scopes(["campaigns:read"]));
    let mut callers = Vec::new();
    for _ in 0..CALLS {
        callers.push(door.connect().await);
    }
    for _ in 0..2 {
        for caller in &mut callers {
            caller.write(get("/api/v2/campaigns", &key)).await;
        }
        for caller in &mut callers {
            assert_eq!(caller.read().await.unwrap().status, 200);
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(
        upstream.connections() <= CALLS,
        "{} connections",
        upstream.connections()
    );
}
