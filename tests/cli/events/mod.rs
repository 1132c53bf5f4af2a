//! Events and deliveries, as people look at them and act on them.

mod acting;
mod following;
mod keeping;
mod looking;
mod reaching;

use std::path::Path;

use bytes::Bytes;
use doorward_relay::events::{EventId, Origin, Quarantine};
use doorward_relay::intake::{Intake, Of};
use doorward_relay::{DeliveryState, EventStore, Lane, Outcome, StoreOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::{Ran, run};
use crate::operate::Stage;

/// The sandbox's first workspace, or any: what counts is that all events name it.
const WORKSPACE: &str = "0198f000-0000-7000-8000-000000000001";
/// The first event is received then, each other a second later.
const BEGIN: i64 = 1_795_000_000_000;
/// The only source, and the first destination.
const SOURCE: i64 = 1;

/// A data folder with a source and two destinations, and no server unless a test starts one.
pub(crate) struct Events {
    stage: Stage,
    runtime: Runtime,
}

impl Events {
    pub(crate) fn new() -> Events {
        let stage = Stage::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let events = Events {
            stage,
            runtime: runtime.unwrap(),
        };
        events
            .run(&[
                "webhook",
                "create",
                "hooks",
                "--no-subscription",
                "--public-url",
                "https://hooks.example.com",
            ])
            .ended(0);
        for (name, event) in [("crm", "reply_received"), ("lake", "all_events")] {
            let url = format!("https://{name}.example.com/in");
            let add = ["destination", "add", name, "--url", &url, "--event", event];
            events.run(&add).ended(0);
        }
        events
    }

    pub(crate) fn path(&self) -> &Path {
        self.stage.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).ended(0).json()
    }

    /// The store itself: while no server and no command has it.
    fn store(&self) -> EventStore {
        let folder = self.path().join(".doorward");
        let key = std::fs::read_to_string(folder.join("secrets/audit-key")).unwrap();
        let options = StoreOptions {
            reserve: 0,
            ..StoreOptions::default()
        };
        EventStore::open(&folder.join("relay.db"), &key.into(), &options, BEGIN).unwrap()
    }

    /// Takes events in: each a type and a lead.
    fn take(&self, all: &[(&str, &str)]) -> Vec<EventId> {
        let store = self.store();
        let before = store.reader().ends().unwrap().map_or(0, |(_, last)| last);
        let mut intake = Intake::new(store.keys(), 1 << 20);
        let mut ids = Vec::new();
        for (number, (kind, lead)) in (before..).zip(all) {
            let body = json!({
                "event_type": kind,
                "workspace": WORKSPACE,
                "lead_email": lead,
                "campaign_id": "c1",
                "reply_text": format!("Hello from number {number}"),
            });
            let body = Bytes::from(body.to_string());
            let of = Of {
                source: SOURCE,
                workspace: WORKSPACE,
            };
            let at = BEGIN + 1_000 * number;
            let event = intake.event(of, body, at, Origin::Webhook);
            assert_eq!(event.quarantined, None);
            ids.push(self.runtime.block_on(store.take(event)).unwrap().id());
        }
        ids
    }

    /// Takes one in that is kept apart.
    fn take_apart(&self) -> EventId {
        let store = self.store();
        let intake = Intake::new(store.keys(), 1 << 20);
        let of = Of {
            source: SOURCE,
            workspace: WORKSPACE,
        };
        let kept = (Bytes::from_static(b"\xff\x00 nothing \x1b[2J"), None);
        let event = intake.apart(of, kept, BEGIN - 1_000, Quarantine::NotJson);
        self.runtime.block_on(store.take(event)).unwrap().id()
    }

    /// Takes in what is kept of one that is larger than is taken.
    fn take_large(&self) -> EventId {
        let store = self.store();
        let intake = Intake::new(store.keys(), 1 << 20);
        let of = Of {
            source: SOURCE,
            workspace: WORKSPACE,
        };
        let kept = (Bytes::from_static(b"{\"its\":\"begin"), Some([7; 32]));
        let event = intake.apart(of, kept, BEGIN - 2_000, Quarantine::TooLarge);
        self.runtime.block_on(store.take(event)).unwrap().id()
    }

    /// Has deliveries come to something: destination, number of the event, state.
    fn settle(&self, all: &[(i64, i64, DeliveryState)]) {
        let store = self.store();
        for (destination, seq, state) in all {
            let outcome = Outcome {
                lane: Lane::of(*destination),
                seq: *seq,
                state: *state,
                attempts: 9,
                lead: None,
                first_ms: Some(BEGIN),
                last_ms: Some(BEGIN + 60_000),
                next_ms: (*state == DeliveryState::Retry).then_some(BEGIN + 120_000),
                status: Some(if *state == DeliveryState::Delivered {
                    200
                } else {
                    503
                }),
                note: None,
                answer: b"{\"error\":\"down for repair\"}".to_vec(),
            };
            self.runtime.block_on(async {
                store.begin(*destination, Some(0), BEGIN).await.unwrap();
                let done = vec![(outcome.lane, *seq)];
                store.settle(vec![outcome], done).await.unwrap();
            });
        }
    }

    /// What the ledger has of an action, how it ended.
    pub(crate) fn recorded(&self, action: &str) -> Vec<Value> {
        let search = ["audit", "search", "--operation", action, "--json"];
        let found = self.run(&search).ended(0);
        let lines = found.stdout.lines();
        let entries = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        entries.filter(|one| one["result"] != "pending").collect()
    }
}

fn ids(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

fn texts(ids: &[EventId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
