//! What changes while a call is on its way decides whether it goes, and how.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_gateway::{CallFacts, Outcome, Recorder, Recording};
use doorward_ledger::LeafId;
use doorward_policy::Grant;
use doorward_store::{ClientChange, Controls, Store, UpstreamKeyState};
use doorward_veil::{Action, DataClass, Rule, Target};
use tokio::sync::Semaphore;

use crate::door::{Connection, Door, NOW, Response, Setup, get, post, upstream_key};
use crate::pace::pace;
use crate::upstream::{Reply, Upstream};

const LEADS: &str = "/api/v2/leads";
const BODY: &str = r#"{"email":"ann@example.com"}"#;

/// A record that takes its time over an intent.
struct Gate {
    asked: AtomicUsize,
    open: Semaphore,
    ended: Mutex<Vec<(Option<String>, Outcome)>>,
}

impl Recorder for Gate {
    fn intent<'a>(&'a self, _: &'a CallFacts) -> Recording<'a, Option<LeafId>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.open.acquire().await.unwrap().forget();
            Ok(None)
        })
    }

    fn outcome(&self, call: &Arc<CallFacts>, _: Option<LeafId>, outcome: &Outcome) {
        let key = call.upstream_key.as_deref().map(str::to_owned);
        self.ended.lock().unwrap().push((key, *outcome));
    }
}

/// A door behind which a call stands still when its intent is recorded.
struct Stage {
    door: Door,
    gate: Arc<Gate>,
    upstream: Upstream,
    key: String,
}

impl Stage {
    async fn new(upstream: Upstream) -> Self {
        let gate = Arc::new(Gate {
            asked: AtomicUsize::new(0),
            open: Semaphore::new(0),
            ended: Mutex::default(),
        });
        let setup = Setup {
            recorder: Some(Arc::clone(&gate) as Arc<dyn Recorder>),
            upstream_keys: vec![("narrow", "leads:all"), ("wide", "all:all")],
            ..Setup::default()
        };
        let mut door = Door::open_with(&upstream, setup).await;
        let key = door.client("importer", Grant::for_scopes(["leads:all"]));
        Self {
            door,
            gate,
            upstream,
            key,
        }
    }

    /// Sends a call, does something while it is recorded, and gives its answer.
    async fn meanwhile(&self, call: String, act: impl FnOnce(&Door)) -> Response {
        let before = self.gate.asked.load(Ordering::SeqCst);
        let mut connection = self.door.connect().await;
        connection.write(call).await;
        while self.gate.asked.load(Ordering::SeqCst) == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        act(&self.door);
        self.gate.open.add_permits(1);
        connection.read().await.unwrap()
    }

    /// A call is refused so when that is done meanwhile.
    #[track_caller]
    fn refused(&self, answer: &Response, status: u16, reason: &str) {
        answer.refused(status, reason);
        assert!(self.upstream.seen().is_empty(), "nothing goes out");
    }
}

fn change(door: &Door, change: ClientChange) {
    door.change("importer", &change);
}

#[tokio::test]
async fn who_may_not_by_then_does_not_go_though_it_never_waited_for_a_turn() {
    let stage = Stage::new(Upstream::plain().await).await;
    let call = || post(LEADS, &stage.key, BODY);
    let whole = stage.door.store.load_snapshot(NOW).unwrap();
    let controls = whole.clients[0].record.controls.clone();

    let answer = stage.meanwhile(call(), |door| {
        door.control(
            "importer",
            Controls {
                sources: ["203.0.113.0/24".parse().unwrap()].into(),
                ..controls.clone()
            },
        );
    });
    stage.refused(&answer.await, 403, "source_not_allowed");
    stage.door.control("importer", controls.clone());

    let answer = stage.meanwhile(call(), |door| {
        let text = "forbid (principal, action == Action::\"createLead\", resource);";
        door.policy("closed", text);
    });
    let answer = answer.await;
    stage.refused(&answer, 403, "denied_by_policy");
    assert_eq!(answer.json()["doorward"]["policy"], "closed");
    let open = "forbid (principal, action == Action::\"deleteLead\", resource);";
    stage.door.policy("closed", open);

    let answer = stage.meanwhile(call(), |door| {
        let text = "@approval(\"required\")\n\
                    forbid (principal, action == Action::\"createLead\", resource);";
        door.policy("closed", text);
    });
    stage.refused(&answer.await, 403, "approval_required");
    stage.door.policy("closed", open);

    let answer = stage.meanwhile(call(), |door| {
        change(
            door,
            ClientChange {
                grant: Some(Grant::for_scopes(["leads:read"])),
                ..ClientChange::default()
            },
        );
    });
    stage.refused(&answer.await, 403, "scope_missing");
    change(
        &stage.door,
        ClientChange {
            grant: Some(Grant::for_scopes(["leads:all"])),
            ..ClientChange::default()
        },
    );

    // Nothing but the time changes.
    let key = stage.door.store.client_keys(None).unwrap()[0].id;
    let expiring = stage.meanwhile(call(), |door| door.set_time(NOW.plus_millis(5_000)));
    assert_eq!(expiring.await.status, 200, "it does not end");
    stage.door.set_time(NOW);
    let answer = stage.meanwhile(call(), |door| {
        door.store.revoke_client_key(key, NOW).unwrap();
        door.refresh();
    });
    answer.await.refused(401, "unauthorized");
    assert_eq!(stage.upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_key_that_expires_meanwhile_does_not_go_out() {
    let mut stage = Stage::new(Upstream::plain().await).await;
    let client = stage.door.store.clients(None).unwrap()[0].id.clone();
    let ends = NOW.plus_millis(2_000);
    let key = stage.door.key(&client, Some(ends));
    let answer = stage.meanwhile(post(LEADS, &key, BODY), |door| door.set_time(ends));
    stage.refused(&answer.await, 401, "unauthorized");
}

#[tokio::test]
async fn the_key_that_it_goes_under_is_the_one_that_is_recorded() {
    let stage = Stage::new(Upstream::plain().await).await;
    let keys = stage
        .door
        .store
        .workspaces()
        .unwrap()
        .remove(0)
        .upstream_keys;
    let id = |name: &str| {
        let key = keys.iter().find(|key| key.name == name);
        key.unwrap().id.clone()
    };
    let answer = stage.meanwhile(post(LEADS, &stage.key, BODY), |door| {
        let retired = UpstreamKeyState::Retired;
        door.store
            .set_upstream_key_state(&id("narrow"), retired)
            .unwrap();
        door.refresh();
    });
    assert_eq!(answer.await.status, 200);
    let seen = stage.upstream.only();
    let wide = format!("Bearer {}", upstream_key("wide"));
    assert_eq!(seen.all("authorization"), [wide]);
    let ended = stage.gate.ended.lock().unwrap();
    assert_eq!(ended[0].0, Some(id("wide")));
}

#[tokio::test]
async fn an_answer_is_redacted_by_what_holds_when_its_call_leaves() {
    let lead = r#"{"id":"1","email":"ann@example.com"}"#;
    let stage = Stage::new(Upstream::start(|_, _| Reply::json("200 OK", lead)).await).await;
    let answer = stage.meanwhile(post(LEADS, &stage.key, BODY), |door| {
        let whole = door.store.load_snapshot(NOW).unwrap();
        let mut controls = whole.clients[0].record.controls.clone();
        controls.redact = vec![Rule {
            target: Target::Class(DataClass::Email),
            action: Action::Drop,
        }];
        door.control("importer", controls);
    });
    let answer = answer.await;
    assert_eq!(answer.status, 200);
    let shown = String::from_utf8(answer.body).unwrap();
    assert!(!shown.contains("ann@example.com"), "{shown}");
}

#[tokio::test]
async fn a_read_that_waits_is_judged_again_too() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open_with(&upstream, pace(3, 500, Duration::from_secs(10))).await;
    let key = door.client("one", Grant::for_scopes(["campaigns:read"]));
    let read = || get("/api/v2/campaigns", &key);
    for _ in 0..2 {
        assert_eq!(door.send(read()).await.status, 200);
    }
    let mut waiting: Connection = door.connect().await;
    waiting.write(read()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(upstream.seen().len(), 2, "the third waits");
    let text = "forbid (principal, action == Action::\"listCampaign\", resource);";
    door.policy("closed", text);
    let answer = waiting.read().await.unwrap();
    answer.refused(403, "denied_by_policy");
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn what_is_refused_after_its_intent_is_how_that_ended() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open_with(&upstream, pace(3, 500, Duration::from_secs(10))).await;
    let key = door.client("one", Grant::for_scopes(["leads:all"]));
    for _ in 0..2 {
        let read = post("/api/v2/leads/list", &key, "{}");
        assert_eq!(door.send(read).await.status, 200);
    }
    let mut waiting = door.connect().await;
    waiting.write(post(LEADS, &key, BODY)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let text = "forbid (principal, action == Action::\"createLead\", resource);";
    door.policy("closed", text);
    let answer = waiting.read().await.unwrap();
    answer.refused(403, "denied_by_policy");
    let entries = door.entries(4).await;
    let ended: Vec<_> = entries
        .iter()
        .filter(|entry| entry.action == "createLead")
        .map(|entry| (entry.kind.as_str(), entry.result.as_str()))
        .collect();
    assert_eq!(ended, [("intent", "pending"), ("outcome", "refused")]);
}
