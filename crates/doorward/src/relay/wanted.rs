//! The condition of a destination, asked of each event.
//!
//! An event of which the condition can't tell is delivered: a filter keeps what nobody asked for
//! away, and what it can't judge may be the reply that somebody waits for. It is counted, and told
//! once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_condition::{EventAsked, EventCondition};
use doorward_policy::Timestamp;
use doorward_relay::deliver::Want;
use doorward_relay::events::Event;
use doorward_webhook::{Canonicaliser, Limits, Object, facts, type_name};
use tokio::sync::mpsc;

use super::observe::Told;

/// A destination as it was changed last: its number and its version.
type Destination = (i64, u64);

/// How many events could not be judged, by destination; and who is told of the first.
#[derive(Default)]
pub(super) struct Doubts {
    counts: Mutex<HashMap<Destination, Arc<AtomicU64>>>,
    told: Option<mpsc::UnboundedSender<Told>>,
}

impl Doubts {
    pub(super) fn new(told: mpsc::UnboundedSender<Told>) -> Self {
        Self {
            told: Some(told),
            ..Self::default()
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Destination, Arc<AtomicU64>>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, destination: Destination) -> Arc<AtomicU64> {
        let mut counts = self.counts();
        counts.retain(|known, _| known.0 != destination.0 || *known == destination);
        Arc::clone(counts.entry(destination).or_default())
    }

    /// The number of each destination that has any.
    pub(super) fn figures(&self) -> Vec<(i64, u64)> {
        let counts = self.counts();
        let counts = counts.iter();
        counts
            .map(|((number, _), count)| (*number, count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// A condition, and whose.
pub(super) struct Wanted {
    condition: EventCondition,
    number: i64,
    name: String,
    count: Arc<AtomicU64>,
    told: Option<mpsc::UnboundedSender<Told>>,
}

impl Wanted {
    pub(super) fn new(
        condition: EventCondition,
        (number, version): Destination,
        name: &str,
        doubts: &Doubts,
    ) -> Self {
        Self {
            condition,
            number,
            name: name.to_owned(),
            count: doubts.of((number, version)),
            told: doubts.told.clone(),
        }
    }

    fn judge(&self, event: &Event, payload: &[u8]) -> Option<bool> {
        let mut canonicaliser = Canonicaliser::default();
        let payload = canonicaliser.run(payload, &Limits::default()).ok()?;
        let facts = facts(payload).ok()?;
        let members = payload.object()?;
        let inner = members.get("data").and_then(|data| data.object());
        let mut fields = Vec::new();
        for name in self.condition.fields() {
            let found = field(members, name);
            let found = found.or_else(|| field(inner?, name));
            fields.extend(found.map(|text| (name.to_owned(), text)));
        }
        let received = Timestamp::from_millis(event.received_ms);
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        let asked = EventAsked {
            destination: &self.name,
            event_type: &event.event_type,
            subscribed_type: type_name(&event.event_type),
            workspace: &event.workspace,
            campaign: &said(&event.campaign),
            campaign_name: &said(&facts.campaign_name),
            lead: &said(&facts.lead),
            origin: event.origin.as_str(),
            happened: facts.at.unwrap_or(received),
            received,
        };
        self.condition.wants(&asked, fields)
    }
}

impl Want for Wanted {
    fn wants(&self, event: &Event) -> bool {
        // What has no payload any more is not sent; that is said where it would have been.
        let Some(payload) = event.body.bytes() else {
            return true;
        };
        self.judge(event, payload).unwrap_or_else(|| {
            if self.count.fetch_add(1, Ordering::Relaxed) == 0
                && let Some(told) = &self.told
            {
                let _ = told.send(Told::Doubt(self.number));
            }
            true
        })
    }
}

/// A field of a payload, as a text.
fn field(members: Object<'_>, name: &str) -> Option<String> {
    let node = members.get(name)?;
    if let Some(number) = node.number() {
        return Some(number.to_owned());
    }
    match node.bytes() {
        b"true" => Some("true".to_owned()),
        b"false" => Some("false".to_owned()),
        _ => node.text(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use doorward_relay::events::{Body, Origin};

    use super::*;

    fn event(payload: &str) -> Event {
        Event {
            seq: 1,
            id: "evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718".parse().unwrap(),
            source: 1,
            workspace: "w1".to_owned(),
            event_type: "reply_received".to_owned(),
            campaign: None,
            subject: None,
            event_ms: None,
            received_ms: 1_800_000_000_000,
            origin: Origin::Webhook,
            quarantined: None,
            size: 0,
            body: Body::Whole(Bytes::from(payload.to_owned())),
        }
    }

    fn wanted(text: &str, doubts: &Doubts) -> Wanted {
        let text = format!("forbid (principal, action, resource) unless {{ {text} }};");
        let condition = EventCondition::read(&text);
        let condition = condition.unwrap_or_else(|faults| panic!("{}", faults[0]));
        Wanted::new(condition, (3, 1), "crm", doubts)
    }

    #[test]
    fn fields_are_texts_wherever_the_payload_has_them() {
        let doubts = Doubts::default();
        for (text, payload, is) in [
            (
                r#"resource.hasTag("n") && resource.getTag("n") == "1.50""#,
                r#"{"event_type":"x","n":1.50}"#,
                true,
            ),
            (
                r#"resource.hasTag("hot") && resource.getTag("hot") == "true""#,
                r#"{"event_type":"x","data":{"hot":true}}"#,
                true,
            ),
            (
                r#"resource.hasTag("a") || resource.hasTag("b") || resource.hasTag("c")"#,
                r#"{"event_type":"x","a":null,"b":[1],"c":{}}"#,
                false,
            ),
            (
                r#"resource.lead_domain == "example.com""#,
                r#"{"event_type":"x","lead_email":"Ann@Example.COM"}"#,
                true,
            ),
        ] {
            let found = wanted(text, &doubts).wants(&event(payload));
            assert_eq!(found, is, "{text} {payload}");
        }
        assert_eq!(doubts.figures(), []);
    }

    #[test]
    fn what_can_not_be_told_is_delivered_counted_and_told_once() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let doubts = Doubts::new(tell);
        let one = wanted(r#"resource.lead == "nobody""#, &doubts);
        assert!(!one.wants(&event(r#"{"event_type":"x"}"#)));
        for _ in 0..3 {
            assert!(one.wants(&event("no JSON")));
        }
        assert_eq!(doubts.figures(), [(3, 3)]);
        assert_eq!(told.try_recv(), Ok(Told::Doubt(3)));
        assert!(told.try_recv().is_err(), "once");
        // Of what is gone there is nothing to be told.
        let gone = Event {
            body: Body::Erased,
            ..event("")
        };
        assert!(one.wants(&gone));
        assert_eq!(doubts.figures(), [(3, 3)]);
    }
}
