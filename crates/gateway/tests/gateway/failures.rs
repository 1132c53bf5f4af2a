//! When the upstream fails: what is certain is said, what is not is not guessed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_gateway::{Limits, Looked, Names};
use doorward_policy::Grant;
use doorward_store::{Store, UpstreamKeyState};

use crate::door::{Door, Response, Setup, get, post, upstream_key};
use crate::upstream::{Reply, Upstream};

const BODY: &str = r#"{"email":"a@b.org"}"#;

async fn importer(upstream: &Upstream, setup: Setup) -> (Door, String) {
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    (door, key)
}

#[track_caller]
fn failed(answer: &Response, status: u16, reason: &str) {
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (status, reason),
        "{:#}",
        answer.json()
    );
    assert_eq!(answer.json()["statusCode"], status);
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_sent_once() {
    let upstream = Upstream::start(|_, n| match n {
        0 => Reply::Last(vec![]),
        1 => Reply::Last(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        _ => Reply::Last(b"nonsense\r\n\r\n".to_vec()),
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    for n in 1..=3 {
        let answer = door.send(post("/api/v2/leads", &key, BODY)).await;
        failed(&answer, 502, "outcome_unknown");
        assert_eq!(answer.json()["doorward"]["operation"], "createLead");
        assert_eq!(upstream.seen().len(), n);
    }
    let entries = door.entries(6).await;
    let (intents, outcomes): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.kind == "intent");
    assert_eq!((intents.len(), outcomes.len()), (3, 3));
    for outcome in outcomes {
        assert_eq!(outcome.reason.as_deref(), Some("outcome_unknown"));
        assert_eq!(outcome.result, "unknown");
    }
}

#[tokio::test]
async fn a_read_is_tried_twice_and_not_more() {
    let upstream = Upstream::start(|_, n| match n {
        0 | 2 | 3 => Reply::Last(vec![]),
        _ => Reply::json("200 OK", "{}"),
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    assert_eq!(door.send(get("/api/v2/campaigns", &key)).await.status, 200);
    assert_eq!(upstream.seen().len(), 2);
    failed(
        &door.send(get("/api/v2/campaigns", &key)).await,
        502,
        "upstream_unreachable",
    );
    assert_eq!(upstream.seen().len(), 4);
}

#[tokio::test]
async fn a_second_try_goes_under_the_key_in_force_by_then() {
    let door = Arc::new(OnceLock::<Arc<Door>>::new());
    let opened = Arc::clone(&door);
    let upstream = Upstream::start(move |_, n| {
        if n > 0 {
            return Reply::json("200 OK", "{}");
        }
        // The key of the first try is taken away while its answer is lost.
        let door = opened.get().unwrap();
        let keys = door.store.workspaces().unwrap().remove(0).upstream_keys;
        let narrow = keys.iter().find(|key| key.name == "narrow").unwrap();
        let retired = UpstreamKeyState::Retired;
        door.store
            .set_upstream_key_state(&narrow.id, retired)
            .unwrap();
        door.refresh();
        Reply::Last(vec![])
    })
    .await;
    let setup = Setup {
        upstream_keys: vec![("narrow", "campaigns:read"), ("wide", "all:all")],
        ..Setup::default()
    };
    let (opened, key) = importer(&upstream, setup).await;
    assert!(door.set(Arc::new(opened)).is_ok());
    let answer = door.get().unwrap().send(get("/api/v2/campaigns", &key));
    assert_eq!(answer.await.status, 200);
    let seen = upstream.seen();
    let under: Vec<_> = seen
        .iter()
        .flat_map(|seen| seen.all("authorization"))
        .collect();
    let bearer = |name| format!("Bearer {}", upstream_key(name));
    assert_eq!(under, [bearer("narrow"), bearer("wide")]);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_said_to_be_so() {
    let upstream = Upstream::plain().await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = Some(format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    let (door, key) = importer(
        &upstream,
        Setup {
            base_url,
            ..Setup::default()
        },
    )
    .await;
    failed(
        &door.send(get("/api/v2/campaigns", &key)).await,
        502,
        "upstream_unreachable",
    );
    let answer = door.send(post("/api/v2/leads", &key, BODY)).await;
    failed(&answer, 502, "upstream_unreachable");
}

/// Never answers.
struct Mute;

impl Names for Mute {
    fn look_up<'a>(&'a self, _: &'a str) -> Looked<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_connected_to_in_time_was_sent_nothing() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        connect: Duration::from_millis(100),
        ..Limits::default()
    };
    let setup = Setup {
        limits,
        base_url: Some("https://api.example".to_owned()),
        names: Some(Arc::new(Mute)),
        ..Setup::default()
    };
    let (door, key) = importer(&upstream, setup).await;
    let answer = door.send(post("/api/v2/leads", &key, BODY));
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
    failed(&answer.unwrap(), 502, "upstream_unreachable");
    let entries = door.entries(2).await;
    let outcome = entries.iter().find(|entry| entry.kind != "intent").unwrap();
    assert_ne!(outcome.result, "unknown");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let upstream = Upstream::start(|_, _| Reply::Silence).await;
    let limits = Limits {
        response_head: Duration::from_millis(100),
        ..Limits::default()
    };
    let (door, key) = importer(
        &upstream,
        Setup {
            limits,
            ..Setup::default()
        },
    )
    .await;
    failed(
        &door.send(get("/api/v2/campaigns", &key)).await,
        504,
        "upstream_timeout",
    );
    failed(
        &door.send(post("/api/v2/leads", &key, BODY)).await,
        504,
        "outcome_unknown",
    );
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_made_whole() {
    let upstream = Upstream::start(|seen, _| {
        let length = if seen.line.contains("limit=") {
            "transfer-encoding: chunked\r\n\r\n9\r\n{\"part\": \r\n"
        } else {
            "content-length: 100\r\n\r\n{\"part\": "
        };
        let head = format!("HTTP/1.1 200 OK\r\n{length}").into_bytes();
        match seen.line.starts_with("GET /api/v2/campaigns/") {
            true => Reply::Slow(head, Duration::from_secs(60), vec![]),
            false => Reply::Last(head),
        }
    })
    .await;
    let limits = Limits {
        response_idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let (door, key) = importer(
        &upstream,
        Setup {
            limits,
            ..Setup::default()
        },
    )
    .await;
    // What is short is refused whole.
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    failed(&answer, 502, "response_cut");
    let answer = door.send(get("/api/v2/campaigns/0195-a", &key)).await;
    failed(&answer, 504, "response_timeout");
    // A write was carried out whatever became of its answer.
    let answer = door.send(post("/api/v2/leads", &key, BODY)).await;
    failed(&answer, 502, "response_cut");
    let said = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        said.contains("its status is 200: the call was carried out"),
        "{said}"
    );
    // Of what is not, the end is missing.
    let mut connection = door.connect().await;
    connection
        .write(get("/api/v2/campaigns?limit=1", &key))
        .await;
    assert!(connection.read().await.is_none());
    let entries = door.entries(5).await;
    let last = entries.last().unwrap();
    assert_eq!(last.reason.as_deref(), Some("response_cut"));
    assert_eq!((last.status, last.result.as_str()), (Some(200), "failure"));
    assert_eq!(last.metadata["answer"]["bytes"], 9);
}

#[tokio::test]
async fn a_write_goes_on_when_its_caller_goes_away() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let pause = Duration::from_millis(100);
    let upstream = Upstream::start(move |_, _| Reply::Slow(vec![], pause, answer.clone())).await;
    let (mut door, key) = importer(&upstream, Setup::default()).await;
    let mut connection = door.connect().await;
    connection.write(post("/api/v2/leads", &key, BODY)).await;
    while upstream.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(connection);
    // Nor does shutting down cut it off.
    door.stop.take().unwrap().send(()).unwrap();
    (&mut door.stopped).await.unwrap().unwrap();
    let entry = &door.entries(2).await[1];
    // The API's answer came, though nobody was there to have it: what was done was done.
    assert_eq!(
        (entry.kind.as_str(), entry.status, entry.reason.as_deref()),
        ("outcome", Some(200), Some("caller_gone"))
    );
    assert_eq!(
        (entry.action.as_str(), entry.result.as_str()),
        ("createLead", "success")
    );
}

#[tokio::test]
async fn https_is_never_spoken_in_clear() {
    let upstream = Upstream::plain().await;
    let base_url = Some(format!("https://{}", upstream.address));
    let setup = Setup {
        base_url,
        ..Setup::default()
    };
    let (door, key) = importer(&upstream, setup).await;
    // The upstream sees the beginning of a TLS handshake and closes.
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    failed(&answer, 502, "upstream_unreachable");
    assert!(upstream.seen().is_empty());
    assert!(upstream.connections() > 0);
}
