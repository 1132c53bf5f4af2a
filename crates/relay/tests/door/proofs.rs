//! Who is let in, and what the others learn: nothing.

use doorward_relay::events::{EventId, TakeError};
use doorward_webhook::{Signer, Way, WebhookSecret};
use ring::digest::{SHA256, digest};

use crate::common::*;

#[tokio::test]
async fn what_proves_itself_is_an_event() {
    let open = open(Setup::default()).await;
    let mut client = open.connect().await;
    assert_eq!(client.send(&proved(&payload(1))).await.status, 200);
    let event = open.kept.only();
    assert_eq!((event.source, &*event.event_type), (7, "reply_received"));
    assert_eq!(event.lead.as_deref(), Some("ann@example.com"));
    assert_eq!((event.quarantined, event.received_ms), (None, NOW * 1_000));
    assert_eq!(event.body, payload(1));
    // On the same connection, by the other secret; and the same event once more.
    let old = format!("X-Webhook-Secret: {OLD}");
    for _ in 0..2 {
        let request = post(
            "/in/crm",
            &[&old, "Content-Type: application/json"],
            &payload(2),
        );
        assert_eq!(client.send(&request).await.status, 200);
    }
    assert_eq!(open.kept.events().len(), 2);
    let figures = open.door.figures().remove(0);
    assert_eq!(
        (figures.stored, figures.known, figures.quarantined),
        (2, 1, 0)
    );
    assert_eq!(figures.secrets, [[Some(NOW * 1_000); 2]]);
    assert_eq!(figures.last_ms, Some(NOW * 1_000));
}

#[tokio::test]
async fn whoever_is_refused_learns_nothing() {
    let open = open(Setup {
        sources: vec![header_source(), signed_source()],
        ..Setup::default()
    })
    .await;
    let body = payload(1);
    let right = secret();
    let short = right[..right.len() - 1].to_owned();
    let mut answers = Vec::new();
    for (path, lines) in [
        ("/in/crm", &[][..]),
        ("/in/crm", &["X-Webhook-Secret: wrong"]),
        ("/in/crm", &[&short]),
        ("/in/crm", &[&right, &right]),
        ("/in/crm", &[&right, "x-webhook-secret: wrong"]),
        ("/in/other", &[&right]),
        ("/in/git", &["X-Hub-Signature-256: sha256=00"]),
        ("/in/git", &[&signature(b"another body")]),
    ] {
        let answer = open.send(&post(path, lines, &body)).await;
        assert_eq!(answer.status, 401, "{path} {lines:?}");
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].head.contains("connection: close"));
    assert!(open.kept.events().is_empty());
    for (why, count) in [
        ("missing", 1),
        ("wrong", 3),
        ("repeated", 2),
        ("malformed", 1),
    ] {
        assert_eq!(open.refused(why), count, "{why}");
    }
    assert_eq!(open.door.figures_of_no_source().refused.get("no_source"), 1);
}

#[tokio::test]
async fn a_stranger_is_answered_before_the_body_is_sent() {
    let open = open(Setup::default()).await;
    let mut client = open.connect().await;
    let head = "POST /in/crm HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\
                Expect: 100-continue\r\n\r\n";
    assert_eq!(client.send(head.as_bytes()).await.status, 401);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn what_is_no_request_to_a_source_is_none() {
    let open = open(Setup::default()).await;
    let get = |path: &str, method: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n",
            secret()
        )
        .into_bytes()
    };
    for (path, method, status) in [
        ("/", "GET", 404),
        ("/in/", "POST", 404),
        ("/in/crm/", "POST", 404),
        ("/in/%63rm", "POST", 404),
        ("/in/../in/crm", "POST", 404),
        ("/in/crm", "GET", 405),
        ("/in/none", "PUT", 405),
    ] {
        let answer = open.send(&get(path, method)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.head.contains("connection: close"));
    }
    let allowed = open.send(&get("/in/crm", "OPTIONS")).await;
    assert!(allowed.head.contains("allow: POST"), "{allowed:?}");
    // Instantly may be given an address with a query: it means nothing.
    let request = post("/in/crm?x=1", &[&secret()], &payload(1));
    assert_eq!(open.send(&request).await.status, 200);
}

#[tokio::test]
async fn two_readings_of_one_request_are_none() {
    let open = open(Setup::default()).await;
    let long = format!("X-Long: {}", "x".repeat(20_000));
    let many = ["X-Many: 1"; 70].join("\r\n");
    for line in [
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
        "X-Folded: a\r\n b",
        "Host: other.example",
        &long,
        &many,
    ] {
        let answer = open
            .send(&post("/in/crm", &[&secret(), line], &payload(1)))
            .await;
        assert_eq!(answer.status, 400, "{}", &line[..line.len().min(40)]);
    }
    assert!(open.kept.events().is_empty());
}

#[tokio::test]
async fn signatures_are_over_the_body_as_it_came() {
    let signing = WebhookSecret::parse(&WebhookSecret::symmetric(&[7; 32])).unwrap();
    let symmetric = WebhookSecret::symmetric(&[7; 32]);
    let private = WebhookSecret::parse(&WebhookSecret::asymmetric(&[8; 32]).unwrap()).unwrap();
    let public = private.public().unwrap();
    let shown = secrecy::ExposeSecret::expose_secret(&symmetric).to_owned();
    let open = open(Setup {
        sources: vec![
            signed_source(),
            source("hooks", 9, &[(Way::standard(), &[&shown])]),
            source("keys", 10, &[(Way::standard(), &[&public])]),
        ],
        ..Setup::default()
    })
    .await;
    let body = payload(3);
    assert_eq!(
        open.send(&post("/in/git", &[&signature(&body)], &body))
            .await
            .status,
        200
    );
    for (path, secret) in [("/in/hooks", signing), ("/in/keys", private)] {
        let headers = Signer::new(vec![secret])
            .unwrap()
            .headers("evt_1", NOW, &body);
        let lines = headers.map(|(name, value)| format!("{name}: {value}"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(
            open.send(&post(path, &lines, &body)).await.status,
            200,
            "{path}"
        );
        let other = post(path, &lines, &payload(4));
        assert_eq!(open.send(&other).await.status, 401, "{path}");
    }
    let figures = open.door.figures();
    let stored: u64 = figures.iter().map(|source| source.stored).sum();
    assert_eq!(
        (stored, open.kept.events().len()),
        (1, 1),
        "one event by three ways"
    );
}

#[tokio::test]
async fn what_cannot_be_stored_is_to_be_sent_again() {
    let open = open(Setup::default()).await;
    for error in [
        TakeError::Busy,
        TakeError::Full,
        TakeError::Failed("the disk is gone".to_owned()),
        TakeError::Closed,
    ] {
        *open.kept.refuse.lock().unwrap() = Some(error);
        let answer = open.send(&proved(&payload(1))).await;
        assert_eq!(answer.status, 503);
        assert!(answer.head.contains("retry-after: "), "{answer:?}");
    }
    assert_eq!(open.refused("unavailable"), 4);
    *open.kept.refuse.lock().unwrap() = None;
    assert_eq!(open.send(&proved(&payload(1))).await.status, 200);
}

#[tokio::test]
async fn the_ledger_is_told_what_came_and_what_was_refused() {
    let open = open(Setup::default()).await;
    for n in [1, 2, 2] {
        assert_eq!(open.send(&proved(&payload(n))).await.status, 200);
    }
    assert_eq!(open.send(&proved(b"nonsense")).await.status, 200);
    assert_eq!(open.send(&post("/in/crm", &[], b"")).await.status, 401);
    assert_eq!(open.send(&post("/in/none", &[], b"")).await.status, 401);
    let (kept, told) = open.close().await;
    let mut ids: Vec<EventId> = kept.events().iter().map(|event| event.key.id()).collect();
    ids.sort_unstable();
    let ids: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
    let told = told.0.lock().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    let source = told.iter().find(|minute| minute.source == Some(7)).unwrap();
    assert_eq!((source.stored, source.known), (3, 1));
    assert_eq!(source.quarantined.get("not_json"), 1);
    assert_eq!(source.refused.get("missing"), 1);
    let digest = digest(&SHA256, &ids);
    assert_eq!(
        source.digest.as_ref().map(|digest| &digest[..]),
        Some(digest.as_ref())
    );
    let none = told.iter().find(|minute| minute.source.is_none()).unwrap();
    assert_eq!((none.refused.get("no_source"), none.digest), (1, None));
}

#[tokio::test]
async fn sources_come_and_go_without_a_count_lost() {
    let open = open(Setup::default()).await;
    assert_eq!(open.send(&proved(&payload(1))).await.status, 200);
    open.door
        .set_sources(vec![header_source(), signed_source()]);
    assert_eq!(open.send(&proved(&payload(2))).await.status, 200);
    let stored = open.door.figures().iter().map(|source| source.stored).max();
    assert_eq!(stored, Some(2));
    open.door.set_sources(vec![signed_source()]);
    assert_eq!(open.send(&proved(&payload(3))).await.status, 401);
    let (_, told) = open.close().await;
    let stored: u64 = told
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|minute| minute.stored)
        .sum();
    assert_eq!(stored, 2);
}
