//! Bodies: what is in them, how large they are, and how they come.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_relay::events::Quarantine;
use doorward_relay::receive::DoorLimits;
use doorward_webhook::{Signer, Way, WebhookSecret};
use ring::digest::{SHA256, digest};

use crate::common::*;

fn small() -> DoorLimits {
    DoorLimits {
        body_bytes: 1_000,
        hashed_bytes: 20_000,
        kept_bytes: 100,
        ..DoorLimits::default()
    }
}

fn chunked(path: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n");
    for line in lines {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    let mut request = head.into_bytes();
    for piece in body.chunks(700) {
        request.extend(format!("{:x}\r\n", piece.len()).as_bytes());
        request.extend(piece);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_does_not_fit_is_kept_and_acknowledged() {
    let open = open(Setup::default()).await;
    let other = r#"{"event_type":"x","workspace":"0195f3a2-1b2c-7d3e-8f40-5a6b00000002"}"#;
    let json = "Content-Type: application/json";
    let fits = String::from_utf8(payload(1)).unwrap();
    let cases = [
        (json, "", Quarantine::NotJson),
        (json, "event=x", Quarantine::NotJson),
        (json, "[]", Quarantine::NotAnObject),
        (
            json,
            r#"{"event_type":"x","event_type":"y"}"#,
            Quarantine::DuplicateMember,
        ),
        (json, r#"{"workspace":"w"}"#, Quarantine::NoType),
        (json, other, Quarantine::OtherWorkspace),
        ("Content-Type: text/plain", &fits, Quarantine::ContentType),
        (
            "Content-Encoding: gzip",
            "not really",
            Quarantine::ContentType,
        ),
    ];
    for (line, body, _) in &cases {
        let request = post("/in/crm", &[&secret(), line], body.as_bytes());
        assert_eq!(open.send(&request).await.status, 200, "{line} {body}");
    }
    let events = open.kept.events();
    assert_eq!(events.len(), cases.len());
    for (event, (_, body, why)) in events.iter().zip(&cases) {
        assert_eq!(event.quarantined, Some(*why));
        assert_eq!(event.body, body.as_bytes());
    }
    assert_eq!(open.door.figures()[0].quarantined, cases.len() as u64);
}

#[tokio::test]
async fn of_a_body_too_large_beginning_and_hash_are_kept() {
    let open = open(Setup {
        limits: small(),
        sources: vec![header_source(), signed_source()],
        ..Setup::default()
    })
    .await;
    let body = [b"{\"event_type\":\"".as_slice(), &[b'x'; 9_000]].concat();
    let signed = signature(&body);
    for request in [
        proved(&body),
        chunked("/in/crm", &[&secret()], &body),
        post("/in/git", &[&signed], &body),
        chunked("/in/git", &[&signed], &body),
    ] {
        assert_eq!(open.send(&request).await.status, 200);
    }
    // By whichever way, it is the same.
    let event = open.kept.only();
    assert_eq!(event.quarantined, Some(Quarantine::TooLarge));
    let kept = String::from_utf8(event.body.to_vec()).unwrap();
    let whole = format!(
        r#"{{"sha256":"{}","bytes":{},"complete":true,"head":"{}"}}"#,
        hex(digest(&SHA256, &body).as_ref()),
        body.len(),
        STANDARD.encode(&body[..100]),
    );
    assert_eq!(kept, whole);
}

#[tokio::test]
async fn a_body_without_end_is_read_no_further_and_acknowledged() {
    let open = open(Setup {
        limits: small(),
        ..Setup::default()
    })
    .await;
    let mut client = open.connect().await;
    let body = vec![b'x'; 25_000];
    assert_eq!(
        client
            .send(&chunked("/in/crm", &[&secret()], &body))
            .await
            .status,
        200
    );
    let kept = String::from_utf8(open.kept.only().body.to_vec()).unwrap();
    assert!(kept.contains("\"complete\":false"), "{kept}");
}

#[tokio::test]
async fn of_a_body_too_large_that_stops_what_came_is_kept() {
    let limits = DoorLimits {
        body_idle: Duration::from_millis(80),
        ..small()
    };
    let open = open(Setup {
        limits,
        ..Setup::default()
    })
    .await;
    let whole = proved(&[b'x'; 5_000]);
    let mut client = open.connect().await;
    assert_eq!(client.send(&whole[..4_000]).await.status, 200);
    let kept = String::from_utf8(open.kept.only().body.to_vec()).unwrap();
    assert!(kept.contains("\"complete\":false"), "{kept}");
}

#[tokio::test]
async fn who_proved_nothing_takes_no_memory_from_the_others() {
    let limits = DoorLimits {
        body_bytes: 10_000,
        memory_bytes: 0,
        ..DoorLimits::default()
    };
    let open = open(Setup {
        limits,
        sources: vec![header_source(), signed_source()],
        ..Setup::default()
    })
    .await;
    let body = vec![b' '; 9_000];
    let request = post("/in/git", &[&signature(b"another")], &body);
    let mut slow = open.connect().await;
    slow.write(&request[..request.len() - 10]).await;
    while open.send(&request).await.status != 503 {}
    let large = proved(&[b' '; 9_900]);
    assert_eq!(open.send(&large).await.status, 200);
    assert_eq!(slow.send(&request[request.len() - 10..]).await.status, 401);
}

#[tokio::test]
async fn a_body_too_large_without_proof_is_refused() {
    let private = WebhookSecret::parse(&WebhookSecret::asymmetric(&[8; 32]).unwrap()).unwrap();
    let public = private.public().unwrap();
    let open = open(Setup {
        limits: small(),
        sources: vec![
            signed_source(),
            source("keys", 10, &[(Way::standard(), &[&public])]),
        ],
        ..Setup::default()
    })
    .await;
    let body = vec![b'x'; 9_000];
    let forged = signature(b"another");
    assert_eq!(
        open.send(&post("/in/git", &[&forged], &body)).await.status,
        413
    );
    assert_eq!(
        open.send(&chunked("/in/git", &[&forged], &body))
            .await
            .status,
        413
    );
    // More than is hashed: the signature can't be checked.
    let endless = vec![b'x'; 25_000];
    let signed = signature(&endless);
    assert_eq!(
        open.send(&chunked("/in/git", &[&signed], &endless))
            .await
            .status,
        413
    );
    // Ed25519 needs the body whole: it is not even read.
    let headers = Signer::new(vec![private])
        .unwrap()
        .headers("evt_1", NOW, &body);
    let lines = headers
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .concat();
    let mut client = open.connect().await;
    let head = format!("POST /in/keys HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: 9000\r\n\r\n");
    assert_eq!(client.send(head.as_bytes()).await.status, 413);
    assert!(open.kept.events().is_empty());
}

#[tokio::test]
async fn a_chunked_body_is_the_last_on_its_connection() {
    let open = open(Setup::default()).await;
    let mut client = open.connect().await;
    let mut request = chunked("/in/crm", &[&secret()], &payload(1));
    request.extend(proved(&payload(2)));
    let answer = client.send(&request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close"));
    assert!(client.is_closed().await);
    assert_eq!(open.kept.only().body, payload(1));
}

#[tokio::test]
async fn who_sends_too_slowly_is_not_waited_for() {
    let limits = DoorLimits {
        head_read: Duration::from_millis(80),
        body_idle: Duration::from_millis(80),
        ..DoorLimits::default()
    };
    let open = open(Setup {
        limits,
        sources: vec![header_source(), signed_source()],
        ..Setup::default()
    })
    .await;
    let mut head = open.connect().await;
    head.write(b"POST /in/crm HTTP/1.1\r\nHo").await;
    let mut silent = open.connect().await;
    // Who proved itself is asked to come again, who did not is told off.
    let cut = |request: Vec<u8>| request[..request.len() - 5].to_vec();
    let mut trusted = open.connect().await;
    assert_eq!(trusted.send(&cut(proved(&payload(1)))).await.status, 503);
    let body = payload(1);
    let request = post("/in/git", &[&signature(&body)], &body);
    let mut unproved = open.connect().await;
    assert_eq!(unproved.send(&cut(request)).await.status, 408);
    assert!(head.is_closed().await && silent.is_closed().await);
    assert!(open.kept.events().is_empty());
    assert_eq!(open.refused("body"), 2);
}

#[tokio::test]
async fn memory_is_for_so_many_bodies_and_no_more() {
    let limits = DoorLimits {
        body_bytes: 6_000,
        memory_bytes: 0,
        ..DoorLimits::default()
    };
    let open = open(Setup {
        limits,
        ..Setup::default()
    })
    .await;
    let body = vec![b' '; 6_000];
    let whole = proved(&body);
    // There is memory for four at the least.
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut client = open.connect().await;
        client.write(&whole[..whole.len() - 10]).await;
        slow.push(client);
    }
    // Each has its memory once its head is read.
    let mut turned_away = 0;
    for _ in 0..200 {
        if open.send(&whole).await.status == 503 {
            turned_away += 1;
            break;
        }
    }
    assert_eq!(turned_away, 1);
    for mut client in slow {
        let answer = client.send(&whole[whole.len() - 10..]).await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    }
    assert_eq!(
        open.send(&whole).await.status,
        200,
        "what was taken is given back"
    );
}
