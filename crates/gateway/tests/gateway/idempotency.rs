//! Writes under idempotency keys: carried out once, however often they are sent.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_gateway::{IdempotencySettings, Limits};
use doorward_policy::Grant;
use doorward_store::{ClientChange, IdempotencyState, IdempotencyStore, Store};

use crate::door::{Door, NOW, Response, Setup, post};
use crate::upstream::{Reply, Seen, Upstream};

pub(crate) const BODY: &str = r#"{"email":"ann@example.com","campaign":"c1"}"#;
pub(crate) const LEADS: &str = "/api/v2/leads";

pub(crate) async fn importer(upstream: &Upstream, setup: Setup) -> (Door, String) {
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    (door, key)
}

pub(crate) fn keyed(target: &str, key: &str, body: &str, name: &str) -> String {
    let plain = post(target, key, body);
    plain.replacen("\r\n", &format!("\r\nidempotency-key: {name}\r\n"), 1)
}

#[track_caller]
pub(crate) fn refused(answer: &Response, status: u16, reason: &str) {
    let told = (answer.status, answer.reason());
    assert_eq!(told, (status, reason.to_owned()), "{:#}", answer.json());
}

pub(crate) fn writes(upstream: &Upstream) -> usize {
    let line = format!("POST {LEADS} ");
    let seen = upstream.seen();
    seen.iter()
        .filter(|seen| seen.line.starts_with(&line))
        .count()
}

pub(crate) fn lead(made: &str) -> Reply {
    let item = format!(
        r#"{{"id":"l1","email":"ann@example.com","campaign":"c1","timestamp_created":"{made}"}}"#
    );
    Reply::json("200 OK", &format!(r#"{{"items":[{item}]}}"#))
}

#[tokio::test]
async fn a_repeat_gets_the_answer_and_sends_nothing() {
    let upstream = Upstream::start(|_, n| {
        let lines = "content-type: application/json\r\nx-other: 1\r\n";
        Reply::with("201 Created", lines, &format!(r#"{{"n":{n}}}"#))
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let first = door.send(keyed(LEADS, &key, BODY, "\"one\"")).await;
    assert_eq!(
        (first.status, first.header("doorward-idempotency")),
        (201, None)
    );
    for name in ["one", "\"one\""] {
        let again = door.send(keyed(LEADS, &key, BODY, name)).await;
        assert_eq!(
            (again.status, again.body.clone()),
            (201, first.body.clone())
        );
        assert_eq!(again.header("doorward-idempotency"), Some("replayed"));
        assert_eq!(again.header("content-type"), Some("application/json"));
        assert_eq!(again.header("doorward-decision"), Some("allowed"));
    }
    assert!(
        upstream.seen()[0].all("idempotency-key").is_empty(),
        "it goes nowhere"
    );
    let other = door
        .send(keyed(LEADS, &key, r#"{"email":"b@c.org"}"#, "one"))
        .await;
    refused(&other, 422, "idempotency_key_reused");
    assert_eq!(upstream.seen().len(), 1);
    let second = door.send(keyed(LEADS, &key, BODY, "two")).await;
    assert_eq!(second.json()["n"], 1);
    // Without a key nothing is remembered.
    door.send(post(LEADS, &key, BODY)).await;
    door.send(post(LEADS, &key, BODY)).await;
    assert_eq!(upstream.seen().len(), 4);

    let entries = door.entries(11).await;
    let reason = Some("idempotency_replayed");
    let replayed: Vec<_> = entries
        .iter()
        .filter(|entry| entry.reason.as_deref() == reason)
        .collect();
    assert_eq!(replayed.len(), 2);
    assert!(
        replayed
            .iter()
            .all(|entry| entry.result == "success" && entry.upstream_key.is_none())
    );
    // Nothing of the answer or the key can be read from the store.
    let kept = door.store.idempotency_records(None, 9).unwrap();
    assert_eq!(kept.len(), 2);
    let whole = door
        .store
        .idempotency_record(&kept[0].id, NOW)
        .unwrap()
        .unwrap();
    let sealed = whole.answer.unwrap();
    assert!(
        !sealed
            .windows(4)
            .any(|part| part == b"json" || part == b"{\"n\"")
    );
}

#[tokio::test]
async fn a_key_is_one_clients_for_one_operation() {
    let upstream = Upstream::start(|_, n| Reply::json("200 OK", &n.to_string())).await;
    let (mut door, key) = importer(&upstream, Setup::default()).await;
    let other = door.client("other", Grant::for_use_case("lead-import"));
    for (key, target, n) in [
        (&key, LEADS, 0),
        (&other, LEADS, 1),
        (&key, "/api/v2/lead-lists", 2),
    ] {
        let body = if target == LEADS {
            BODY
        } else {
            r#"{"name":"x"}"#
        };
        let answer = door.send(keyed(target, key, body, "k")).await;
        assert_eq!(answer.json(), n);
    }
    // A read is repeated as it is, whatever its key.
    for _ in 0..2 {
        let list = keyed("/api/v2/leads/list", &key, "{}", "not, a key");
        assert_eq!(door.send(list).await.status, 200);
    }
    assert_eq!(upstream.seen().len(), 5);
}

#[tokio::test]
async fn a_malformed_key_is_refused_after_the_policy() {
    let upstream = Upstream::plain().await;
    let (mut door, key) = importer(&upstream, Setup::default()).await;
    for name in ["a b", "", "a,b", "\"a"] {
        let answer = door.send(keyed(LEADS, &key, BODY, name)).await;
        refused(&answer, 400, "idempotency_key_malformed");
    }
    let reader = door.client("reader", Grant::for_use_case("analytics-dashboard"));
    let denied = door.send(keyed(LEADS, &reader, BODY, "a b")).await;
    assert_eq!(denied.status, 403);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_client_that_was_switched_off_gets_no_old_answer() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    assert_eq!(door.send(&call).await.status, 200);
    let client = door.store.clients(None).unwrap().remove(0);
    let off = ClientChange {
        disabled: Some(true),
        ..ClientChange::default()
    };
    door.store.change_client(&client.id, &off, NOW).unwrap();
    door.refresh();
    assert_eq!(door.send(&call).await.status, 403);
}

#[tokio::test]
async fn a_second_at_once_is_told_to_wait() {
    let upstream = Upstream::start(|_, _| {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_vec();
        Reply::Slow(
            Vec::new(),
            Duration::from_millis(300),
            [whole, b"{}".to_vec()].concat(),
        )
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    let (first, ()) = tokio::join!(door.send(&call), async {
        while upstream.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let second = door.send(&call).await;
        refused(&second, 409, "idempotency_in_flight");
        assert_eq!(second.header("retry-after"), Some("1"));
        let other = door.send(keyed(LEADS, &key, "{}", "k")).await;
        refused(&other, 422, "idempotency_key_reused");
    });
    assert_eq!(first.status, 200);
    assert_eq!(
        door.send(&call).await.header("doorward-idempotency"),
        Some("replayed")
    );
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn what_was_not_done_frees_the_key_and_what_was_refused_for_good_does_not() {
    let upstream = Upstream::start(|_, n| {
        let envelope = |status: u16, error: &str| {
            format!(r#"{{"statusCode":{status},"error":"{error}","message":"no"}}"#)
        };
        match n {
            0 => Reply::json("429 Too Many Requests", &envelope(429, "Too Many Requests")),
            1 => Reply::json("402 Payment Required", &envelope(402, "Payment Required")),
            2 => Reply::json("400 Bad Request", &envelope(400, "Bad Request")),
            _ => Reply::json("200 OK", "{}"),
        }
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    for status in [429, 402, 400, 400, 400] {
        assert_eq!(door.send(&call).await.status, status);
    }
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn a_write_that_can_not_be_connected_may_be_repeated() {
    let upstream = Upstream::plain().await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = Some(format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    let setup = Setup {
        base_url,
        ..Setup::default()
    };
    let (door, key) = importer(&upstream, setup).await;
    for _ in 0..2 {
        let answer = door.send(keyed(LEADS, &key, BODY, "k")).await;
        refused(&answer, 502, "upstream_unreachable");
    }
    assert_eq!(door.store.idempotency_records(None, 9).unwrap(), []);
}

/// An upstream that loses the answers to writes, and lists what `list` gives.
pub(crate) async fn losing(list: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen, _| {
        if seen.line.contains("/list") || seen.line.starts_with("GET") {
            list(seen)
        } else {
            Reply::Last(vec![])
        }
    })
    .await
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_makes_one_lead() {
    let upstream = losing(|_| lead(&NOW.to_string())).await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let again = door.send(&call).await;
    assert_eq!(again.status, 200, "{:#}", again.json());
    assert_eq!(again.header("doorward-idempotency"), Some("reconciled"));
    assert_eq!(again.json()["id"], "l1");
    let looked = &upstream.seen()[1];
    assert_eq!(
        String::from_utf8_lossy(&looked.body),
        r#"{"contacts":["ann@example.com"],"limit":100,"campaign":"c1"}"#
    );
    let third = door.send(&call).await;
    assert_eq!(third.header("doorward-idempotency"), Some("replayed"));
    assert_eq!((writes(&upstream), upstream.seen().len()), (1, 2));
    let entries = door.entries(5).await;
    let settled = entries
        .iter()
        .find(|entry| entry.action == "idempotency.settle")
        .unwrap();
    assert_eq!(
        (settled.result.as_str(), settled.reason.as_deref()),
        ("success", Some("found"))
    );
}

#[tokio::test]
async fn a_write_that_is_not_there_goes_again_when_it_can_not_be_under_way() {
    let answers = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&answers);
    let upstream = Upstream::start(move |seen, _| {
        if seen.line.contains("/list") {
            // One of long ago is not what the call made.
            lead("2020-01-01T00:00:00Z")
        } else if told.load(Ordering::SeqCst) {
            Reply::json("200 OK", r#"{"id":"l2"}"#)
        } else {
            Reply::Last(vec![])
        }
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let early = door.send(&call).await;
    refused(&early, 409, "outcome_unknown");
    assert_eq!(early.header("retry-after"), Some("60"));
    assert_eq!(writes(&upstream), 1);

    answers.store(true, Ordering::SeqCst);
    door.set_time(NOW.plus_millis(60_000));
    let sent = door.send(&call).await;
    assert_eq!(
        (sent.status, sent.header("doorward-idempotency")),
        (200, None)
    );
    assert_eq!(sent.json()["id"], "l2");
    assert_eq!(
        door.send(&call).await.header("doorward-idempotency"),
        Some("replayed")
    );
    assert_eq!(writes(&upstream), 2);
}

#[tokio::test]
async fn a_write_may_be_on_its_way_from_when_it_left_and_not_from_when_it_was_noted() {
    let clock = Arc::new(OnceLock::<Arc<AtomicI64>>::new());
    let told = Arc::clone(&clock);
    let upstream = Upstream::start(move |seen, _| {
        if seen.line.contains("/list") {
            return lead("2020-01-01T00:00:00Z");
        }
        // So long it took until it had its turn.
        let left = NOW.plus_millis(50_000).millis();
        told.get().unwrap().store(left, Ordering::SeqCst);
        Reply::Last(vec![])
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    clock.set(Arc::clone(&door.clock)).unwrap();
    let call = keyed(LEADS, &key, BODY, "k");
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let early = door.send(&call).await;
    refused(&early, 409, "outcome_unknown");
    assert_eq!(early.header("retry-after"), Some("60"));
    assert_eq!(writes(&upstream), 1);
}

#[tokio::test]
async fn who_repeats_a_write_is_within_the_clients_limits_too() {
    let upstream = Upstream::start(|_, _| Reply::json("200 OK", "{}")).await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    assert_eq!(door.send(&call).await.status, 200);
    let client = door.store.clients(None).unwrap().remove(0);
    let mut controls = client.controls.clone();
    controls.per_second = Some(1);
    let change = ClientChange {
        controls: Some(controls),
        ..ClientChange::default()
    };
    door.store.change_client(&client.id, &change, NOW).unwrap();
    door.refresh();
    let mut refused = 0;
    for _ in 0..5 {
        let answer = door.send(&call).await;
        match answer.status {
            200 => assert_eq!(answer.header("doorward-idempotency"), Some("replayed")),
            _ => {
                self::refused(&answer, 429, "client_limit");
                refused += 1;
            }
        }
    }
    assert!(refused >= 1);
    assert_eq!(writes(&upstream), 1);
}

#[tokio::test]
async fn what_can_not_be_told_stays_so_until_somebody_lets_go_of_it() {
    let upstream = losing(|_| Reply::json("500 Internal Server Error", "{}")).await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    for (target, body) in [(LEADS, BODY), ("/api/v2/lead-lists", r#"{"name":"x"}"#)] {
        let call = keyed(target, &key, body, "k");
        refused(&door.send(&call).await, 502, "outcome_unknown");
        door.set_time(NOW.plus_millis(3_600_000));
        let again = door.send(&call).await;
        refused(&again, 409, "outcome_unknown");
        let records = door.store.idempotency_records(None, 9).unwrap();
        let op = again.json()["doorward"]["operation"].clone();
        let record = records.iter().find(|record| record.operation.id() == op);
        let record = record.unwrap();
        assert_eq!(record.state, IdempotencyState::Unknown);
        let text = again.json()["message"].to_string();
        assert!(text.contains(&record.id.to_string()), "{text}");
        let before = upstream.seen().len();
        door.store
            .forget_idempotency(&record.id, &record.request_id)
            .unwrap();
        refused(&door.send(&call).await, 502, "outcome_unknown");
        assert_eq!(upstream.seen().len(), before + 1, "it was sent again");
        door.set_time(NOW);
    }
}

#[tokio::test]
async fn a_large_answer_is_passed_on_and_not_kept() {
    let upstream = Upstream::start(|seen, _| {
        if seen.line.contains("/list") {
            Reply::json("200 OK", r#"{"items":[]}"#)
        } else {
            Reply::json("200 OK", &format!("\"{}\"", "x".repeat(5_000)))
        }
    })
    .await;
    let remember = IdempotencySettings {
        answer_bytes: 1_000,
        ..IdempotencySettings::default()
    };
    let setup = Setup {
        remember,
        ..Setup::default()
    };
    let (door, key) = importer(&upstream, setup).await;
    let call = keyed(LEADS, &key, BODY, "k");
    let first = door.send(&call).await;
    assert_eq!((first.status, first.body.len()), (200, 5_002));
    door.set_time(NOW.plus_millis(3_600_000));
    refused(&door.send(&call).await, 409, "answer_not_kept");
    assert_eq!(writes(&upstream), 1);
}

#[tokio::test]
async fn an_answer_cut_off_is_not_asked_for_twice() {
    let upstream = Upstream::start(|seen, _| {
        if seen.line.contains("/list") {
            lead(&NOW.to_string())
        } else {
            let cut =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
            Reply::Last(cut.into())
        }
    })
    .await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    let mut connection = door.connect().await;
    connection.write(&call).await;
    let answered = |door: &Door| {
        let records = door.store.idempotency_records(None, 1).unwrap();
        records.first().map(|record| record.state) == Some(IdempotencyState::Answered)
    };
    while !answered(&door) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(connection);
    let again = door.send(&call).await;
    assert_eq!(again.header("doorward-idempotency"), Some("reconciled"));
    assert_eq!(writes(&upstream), 1);
}

#[tokio::test]
async fn a_client_has_so_many_keys() {
    let upstream = Upstream::plain().await;
    let remember = IdempotencySettings {
        records: 2,
        ..IdempotencySettings::default()
    };
    let setup = Setup {
        remember,
        ..Setup::default()
    };
    let (door, key) = importer(&upstream, setup).await;
    for name in ["a", "b", "a"] {
        assert_eq!(door.send(keyed(LEADS, &key, BODY, name)).await.status, 200);
    }
    let full = door.send(keyed(LEADS, &key, BODY, "c")).await;
    refused(&full, 429, "idempotency_full");
    assert_eq!(full.header("retry-after"), Some("86400"));
    assert_eq!(upstream.seen().len(), 2);
    door.set_time(NOW.plus_millis(24 * 3_600_000));
    // The client's key is good for longer than that.
    assert_eq!(
        door.send(keyed(LEADS, &key, BODY, "a"))
            .await
            .header("doorward-idempotency"),
        None
    );
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn of_many_at_once_one_is_sent() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(
        &upstream,
        Setup {
            limits: Limits::default(),
            ..Setup::default()
        },
    )
    .await;
    let call = keyed(LEADS, &key, BODY, "k");
    let fresh = AtomicUsize::new(0);
    let one = || async {
        let answer = door.send(&call).await;
        match answer.status {
            200 if answer.header("doorward-idempotency").is_none() => {
                fresh.fetch_add(1, Ordering::SeqCst);
            }
            200 => {}
            _ => refused(&answer, 409, "idempotency_in_flight"),
        }
    };
    tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
    assert_eq!(
        (fresh.load(Ordering::SeqCst), upstream.seen().len()),
        (1, 1)
    );
}
