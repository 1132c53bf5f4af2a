//! Looking for lost writes: by whom, how long, and how much at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward_gateway::IdempotencySettings;
use doorward_policy::Grant;
use doorward_store::{IdempotencyState, IdempotencyStore, Store};

use crate::door::{Door, NOW, Setup, get};
use crate::idempotency::{BODY, LEADS, importer, keyed, lead, losing, refused};
use crate::pace::pace;
use crate::upstream::{Reply, Upstream};

#[tokio::test]
async fn who_may_only_create_has_its_lost_write_looked_for_after_a_wait_too() {
    let upstream = Upstream::start(|seen, _| {
        if seen.line.contains("/list") {
            lead(&NOW.to_string())
        } else if seen.line.starts_with("GET") {
            Reply::json("200 OK", "{}")
        } else {
            Reply::Last(vec![])
        }
    })
    .await;
    let mut door = Door::open_with(&upstream, pace(3, 500, Duration::from_secs(10))).await;
    let key = door.client("importer", Grant::for_operation("createLead"));
    let other = door.client("other", Grant::for_scopes(["campaigns:read"]));
    let call = keyed(LEADS, &key, BODY, "k");
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let read = door.send(get("/api/v2/campaigns", &other)).await;
    assert_eq!(read.status, 200);
    // The window is full: the search waits for its turn.
    let found = door.send(&call).await;
    assert_eq!(found.status, 200, "{:#}", found.json());
    assert_eq!(found.header("doorward-idempotency"), Some("reconciled"));
}

#[tokio::test]
async fn a_write_that_is_sent_again_is_remembered_while_it_may_be_on_its_way() {
    let upstream = losing(|_| Reply::json("200 OK", r#"{"items":[]}"#)).await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let keep = IdempotencySettings::default().keep;
    let last = NOW.plus_millis(i64::try_from(keep.as_millis()).unwrap() - 1);
    door.set_time(last);
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let again = door.store.idempotency_records(None, 9).unwrap().remove(0);
    assert_eq!(again.state, IdempotencyState::Unknown);
    assert_eq!(again.expires_at, last.plus_millis(70_000));
    // Forgotten by now, it would go out a third time.
    door.set_time(last.plus_millis(59_999));
    refused(&door.send(&call).await, 409, "outcome_unknown");
}

/// Loses the answers to writes, takes its time over searches, and counts those at once.
async fn slow() -> (Upstream, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let (told, now) = (Arc::clone(&most), Arc::new(AtomicUsize::new(0)));
    let upstream = Upstream::start(move |seen, _| {
        if !seen.line.contains("/list") {
            return Reply::Last(vec![]);
        }
        let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
        told.fetch_max(at_once, Ordering::SeqCst);
        let now = Arc::clone(&now);
        let pause = Duration::from_millis(150);
        tokio::spawn(async move {
            // It is over before it is answered.
            tokio::time::sleep(pause / 2).await;
            now.fetch_sub(1, Ordering::SeqCst);
        });
        let body = r#"{"items":[]}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Reply::Slow(Vec::new(), pause, format!("{head}{body}").into_bytes())
    })
    .await;
    (upstream, most)
}

#[tokio::test]
async fn one_search_at_a_time_goes_on_for_a_client_and_for_a_workspace() {
    let (upstream, most) = slow().await;
    let mut door = Door::open(&upstream).await;
    let mut calls = Vec::new();
    for client in ["one", "two"] {
        let key = door.client(client, Grant::for_use_case("lead-import"));
        for n in 0..3 {
            let body = format!(r#"{{"email":"{client}{n}@example.com"}}"#);
            calls.push(keyed(LEADS, &key, &body, &format!("k{n}")));
        }
    }
    // Fewer at once than would have the API left alone.
    for call in &calls[..4] {
        refused(&door.send(call).await, 502, "outcome_unknown");
    }
    assert_eq!(most.load(Ordering::SeqCst), 0);
    let mut waiting = Vec::new();
    for call in &calls[..4] {
        let mut connection = door.connect().await;
        connection.write(call).await;
        waiting.push(connection);
    }
    let mut busy = 0;
    for mut connection in waiting {
        let answer = connection.read().await.unwrap();
        refused(&answer, 409, "outcome_unknown");
        assert!(answer.header("retry-after").is_some());
        let text = answer.json()["message"].to_string();
        busy += usize::from(text.contains("others are looked for"));
    }
    // Of the first client's three, two are told to come again; the other client's waits.
    assert_eq!((busy, most.load(Ordering::SeqCst)), (2, 1));
    let again = door.send(&calls[1]).await;
    let text = again.json()["message"].to_string();
    assert!(text.contains("may still be on its way"), "{text}");
}

#[tokio::test]
async fn what_was_found_is_told_to_nobody_who_may_not_know_it_by_then() {
    for (policy, status, reason) in [
        ("", 401, "unauthorized"),
        // The same for a call that needs an approval.
        ("@approval(\"required\")\n", 401, "unauthorized"),
    ] {
        let upstream = losing(|_| {
            let Reply::Bytes(found) = lead(&NOW.to_string()) else {
                unreachable!()
            };
            Reply::Slow(Vec::new(), Duration::from_millis(300), found)
        })
        .await;
        let (door, key) = importer(&upstream, Setup::default()).await;
        let call = keyed(LEADS, &key, BODY, "k");
        refused(&door.send(&call).await, 502, "outcome_unknown");
        if !policy.is_empty() {
            let text = "forbid (principal, action == Action::\"createLead\", resource);";
            door.policy("careful", &format!("{policy}{text}"));
        }
        let mut waiting = door.connect().await;
        waiting.write(&call).await;
        while upstream.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let id = door.store.client_keys(None).unwrap()[0].id;
        door.store.revoke_client_key(id, NOW).unwrap();
        door.refresh();
        waiting.read().await.unwrap().refused(status, reason);
    }
}
