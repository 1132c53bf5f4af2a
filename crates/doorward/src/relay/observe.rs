//! What the relay tells: to the ledger what came in, to itself what deliveries meet.

use std::sync::Arc;

use doorward_audit::{Audit, Draft};
use doorward_ledger::{Act, Actor, ActorKind, Decision, Door, Event, Resource, Text, Verdict};
use doorward_policy::Timestamp;
use doorward_relay::deliver::DeliveryObserver;
use doorward_relay::receive::{Counted, Minute, Observer};
use doorward_store::{EndKind, Store};
use serde_json::Value;
use tokio::sync::mpsc;

/// Writes down what came in.
#[derive(Clone)]
pub(super) struct Writes {
    record: Arc<Audit>,
    store: Arc<dyn Store>,
}

impl Writes {
    pub(super) fn new(record: Arc<Audit>, store: Arc<dyn Store>) -> Self {
        Self { record, store }
    }

    /// Doorward's id of a source, and of its workspace.
    fn named(&self, number: i64) -> Option<(String, Option<String>)> {
        let ends = self.store.relay_ends(EndKind::Source).ok()?;
        let end = ends.into_iter().find(|end| end.number == number)?;
        Some((end.id, end.workspace_id))
    }
}

impl Observer for Writes {
    fn minute(&self, minute: Minute) {
        // Not on the door's own time.
        let writes = self.clone();
        tokio::task::spawn_blocking(move || writes.write(&minute));
    }
}

impl Writes {
    fn write(&self, minute: &Minute) {
        let named = minute.source.and_then(|number| self.named(number));
        let (source, workspace) = named.unzip();
        let at = Timestamp::from_millis(minute.until_ms);
        if minute.stored > 0 || minute.known > 0 {
            let draft = received(minute, source.as_deref(), workspace.clone().flatten());
            self.record.note(Draft::new(at, draft.0, draft.1));
        }
        if minute.refused.total() > 0 {
            let draft = refused(minute, source.as_deref(), workspace.flatten());
            self.record.note(Draft::new(at, draft.0, draft.1));
        }
    }
}

fn of_source(act: &mut Act, source: Option<&str>, workspace: Option<String>) {
    act.workspace = workspace;
    if let Some(source) = source {
        let mut resource = Resource {
            kind: "webhook_source".to_owned(),
            ..Resource::default()
        };
        resource
            .ids
            .insert("source_id".to_owned(), Text::Clear(source.to_owned()));
        act.resource = Some(resource);
    }
}

fn counts(counted: &Counted) -> Value {
    let pairs = counted
        .iter()
        .map(|(name, count)| (name.to_owned(), count.into()));
    Value::Object(pairs.collect())
}

fn received(minute: &Minute, source: Option<&str>, workspace: Option<String>) -> (Act, Event) {
    let mut act = Act::new("webhook.receive".to_owned(), Verdict::Success);
    act.actor = Some(Actor::of(ActorKind::Instantly));
    of_source(&mut act, source, workspace);
    let event = Event::WebhooksReceived {
        webhook_source: source.unwrap_or_default().to_owned(),
        since: Timestamp::from_millis(minute.from_ms).to_string(),
        stored: minute.stored,
        known: minute.known,
        quarantined: minute.quarantined.total(),
        digest: minute
            .digest
            .map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect()),
    };
    if minute.quarantined.total() > 0 {
        let why = counts(&minute.quarantined);
        act.metadata.insert("quarantined_for".to_owned(), why);
    }
    (act, event)
}

fn refused(minute: &Minute, source: Option<&str>, workspace: Option<String>) -> (Act, Event) {
    let mut act = Act::new("webhook.refuse".to_owned(), Verdict::Refused);
    act.actor = Some(Actor::of(ActorKind::Stranger));
    act.decision = Some(Decision::Deny);
    of_source(&mut act, source, workspace);
    let event = Event::Refusals {
        door: Door::In,
        since: Timestamp::from_millis(minute.from_ms).to_string(),
        count: minute.refused.total(),
        reasons: minute
            .refused
            .iter()
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect(),
    };
    (act, event)
}

/// What deliveries meet that somebody has to see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The destination answered that it is gone.
    Gone(i64),
    /// The destination is left alone, or is back.
    Breaker(i64, bool),
    /// A delivery was given up.
    Dead(i64),
    /// Its condition could not tell of an event, which is delivered.
    Doubt(i64),
}

/// Tells it to the relay's own task.
pub(super) struct Tells(pub(super) mpsc::UnboundedSender<Told>);

impl DeliveryObserver for Tells {
    fn tried(&self, tried: &doorward_relay::deliver::Tried) {
        if tried.state == doorward_relay::DeliveryState::Dead {
            let _ = self.0.send(Told::Dead(tried.destination));
        }
    }

    fn gone(&self, destination: i64) {
        let _ = self.0.send(Told::Gone(destination));
    }

    fn breaker(&self, destination: i64, open: bool) {
        let _ = self.0.send(Told::Breaker(destination, open));
    }
}
