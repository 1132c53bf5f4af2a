//! Calls that a person has approved: each passes once, and an approval is not lost without a call.

use std::time::Duration;

use doorward_policy::Grant;
use doorward_store::{ApprovalState, ApprovalStore, IdempotencyStore};

use crate::door::{Door, NOW, Setup, post};
use crate::idempotency::{keyed, lead, losing, refused};
use crate::pace::pace;
use crate::upstream::{Reply, Upstream};

const LEADS: &str = "/api/v2/leads";
const BODY: &str = r#"{"email":"ann@example.com","campaign":"c1"}"#;

async fn stage(upstream: &Upstream, setup: Setup) -> (Door, String) {
    let setup = Setup {
        approvals: true,
        ..setup
    };
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let text = "@approval(\"required\")\n\
                forbid (principal, action == Action::\"createLead\", resource);";
    door.policy("careful", text);
    (door, key)
}

/// Has a call approved that is refused for want of it. Gives the approval's id.
async fn approve(door: &Door, call: &str) -> String {
    let answer = door.send(call).await;
    answer.refused(403, "approval_required");
    let id = answer.json()["doorward"]["approval"]["id"].clone();
    let id = id.as_str().unwrap().to_owned();
    let desk = door.desk.as_ref().unwrap();
    desk.decide(&id, true, "bob", None, NOW).unwrap();
    id
}

fn state(door: &Door, id: &str) -> ApprovalState {
    door.store.approval(id).unwrap().state
}

#[tokio::test]
async fn a_repeat_of_an_approved_write_has_its_answer() {
    let upstream = Upstream::start(|_, n| Reply::json("200 OK", &n.to_string())).await;
    let (door, key) = stage(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    let id = approve(&door, &call).await;
    assert_eq!(door.send(&call).await.json(), 0);
    assert_eq!(state(&door, &id), ApprovalState::Spent);
    for _ in 0..2 {
        let again = door.send(&call).await;
        assert_eq!((again.status, again.json()), (200, 0.into()));
        assert_eq!(again.header("doorward-idempotency"), Some("replayed"));
    }
    // Neither another request nor another key gets by on that.
    let other = keyed(LEADS, &key, r#"{"email":"b@c.org"}"#, "k");
    refused(&door.send(&other).await, 422, "idempotency_key_reused");
    let fresh = door.send(keyed(LEADS, &key, BODY, "other")).await;
    fresh.refused(403, "approval_required");
    let bare = door.send(post(LEADS, &key, BODY)).await;
    bare.refused(403, "approval_required");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn who_may_not_has_no_old_answer() {
    let upstream = Upstream::plain().await;
    let (door, key) = stage(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    approve(&door, &call).await;
    assert_eq!(door.send(&call).await.status, 200);
    let text = "forbid (principal, action == Action::\"createLead\", resource);";
    door.policy("closed", text);
    door.send(&call).await.refused(403, "denied_by_policy");
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_without_another_approval() {
    let upstream = losing(|_| lead(&NOW.to_string())).await;
    let (door, key) = stage(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    approve(&door, &call).await;
    refused(&door.send(&call).await, 502, "outcome_unknown");
    let found = door.send(&call).await;
    assert_eq!(found.status, 200, "{:#}", found.json());
    assert_eq!(found.header("doorward-idempotency"), Some("reconciled"));
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn what_was_not_carried_out_is_not_sent_again_without_another_approval() {
    let upstream = losing(|_| Reply::json("200 OK", r#"{"items":[]}"#)).await;
    let (door, key) = stage(&upstream, Setup::default()).await;
    let call = keyed(LEADS, &key, BODY, "k");
    approve(&door, &call).await;
    refused(&door.send(&call).await, 502, "outcome_unknown");
    door.set_time(NOW.plus_millis(60_000));
    door.send(&call).await.refused(403, "approval_required");
    let writes = || {
        let seen = upstream.seen();
        let line = format!("POST {LEADS} ");
        seen.iter()
            .filter(|seen| seen.line.starts_with(&line))
            .count()
    };
    assert_eq!(writes(), 1);
    approve(&door, &call).await;
    refused(&door.send(&call).await, 502, "outcome_unknown");
    assert_eq!(writes(), 2);
}

#[tokio::test]
async fn an_approval_is_good_again_when_nothing_was_sent() {
    let upstream = Upstream::plain().await;
    let setup = Setup {
        // Nobody listens there.
        base_url: Some("http://127.0.0.1:9".to_owned()),
        ..Setup::default()
    };
    let (door, key) = stage(&upstream, setup).await;
    for call in [post(LEADS, &key, BODY), keyed(LEADS, &key, BODY, "k")] {
        let id = match door.desk.as_ref().unwrap().list(false, 9).unwrap().first() {
            Some(there) => there.id.clone(),
            None => approve(&door, &call).await,
        };
        for _ in 0..2 {
            let failed = door.send(&call).await;
            refused(&failed, 502, "upstream_unreachable");
            assert_eq!(state(&door, &id), ApprovalState::Approved);
        }
        let (_, request) = door.desk.as_ref().unwrap().show(&id).unwrap();
        assert_eq!(request.unwrap().body.as_deref(), Some(BODY));
    }
    assert_eq!(door.store.idempotency_records(None, 9).unwrap(), []);
}

#[tokio::test]
async fn an_approval_is_good_again_when_its_caller_leaves_before_the_turn() {
    let upstream = Upstream::plain().await;
    let (door, key) = stage(&upstream, pace(3, 1_500, Duration::from_secs(10))).await;
    let call = keyed(LEADS, &key, BODY, "k");
    let id = approve(&door, &call).await;
    for _ in 0..2 {
        let read = post("/api/v2/leads/list", &key, "{}");
        assert_eq!(door.send(read).await.status, 200);
    }
    let mut waiting = door.connect().await;
    waiting.write(&call).await;
    let turned = |spent: ApprovalState| {
        let (door, id) = (&door, &id);
        async move {
            for _ in 0..300 {
                if state(door, id) == spent {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            panic!("the approval is {:?}", state(door, id));
        }
    };
    // What can take its time comes before the turn.
    turned(ApprovalState::Spent).await;
    assert_eq!(door.store.idempotency_records(None, 9).unwrap().len(), 1);
    assert_eq!(upstream.seen().len(), 2, "it waits");
    drop(waiting);
    turned(ApprovalState::Approved).await;
    assert_eq!(door.store.idempotency_records(None, 9).unwrap(), []);
    let sent = door.send(&call).await;
    assert_eq!(
        (sent.status, sent.header("doorward-idempotency")),
        (200, None)
    );
    assert_eq!(upstream.seen().len(), 3, "it went once");
    assert_eq!(state(&door, &id), ApprovalState::Spent);
}

#[tokio::test]
async fn an_approval_is_good_again_when_its_call_is_refused_in_its_turn() {
    let upstream = Upstream::plain().await;
    let (door, key) = stage(&upstream, pace(3, 500, Duration::from_secs(10))).await;
    let call = post(LEADS, &key, BODY);
    let id = approve(&door, &call).await;
    for _ in 0..2 {
        let read = post("/api/v2/leads/list", &key, "{}");
        assert_eq!(door.send(read).await.status, 200);
    }
    let mut waiting = door.connect().await;
    waiting.write(&call).await;
    while state(&door, &id) != ApprovalState::Spent {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let text = "forbid (principal, action == Action::\"createLead\", resource);";
    door.policy("closed", text);
    let answer = waiting.read().await.unwrap();
    answer.refused(403, "denied_by_policy");
    assert_eq!(state(&door, &id), ApprovalState::Approved);
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_read_that_was_approved_passes_once() {
    let upstream = Upstream::plain().await;
    let (door, key) = stage(&upstream, Setup::default()).await;
    let text = "@approval(\"required\")\n\
                forbid (principal, action == Action::\"listLeads\", resource);";
    door.policy("exports", text);
    let call = post("/api/v2/leads/list", &key, "{}");
    let id = approve(&door, &call).await;
    assert_eq!(door.send(&call).await.status, 200);
    assert_eq!(state(&door, &id), ApprovalState::Spent);
    door.send(&call).await.refused(403, "approval_required");
    assert_eq!(upstream.seen().len(), 1);
}
