//! Real keys that come to the gateway in the place of client keys.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use doorward_alert::{Alert, AlertKind};
use doorward_audit::{Audit, Draft};
use doorward_gateway::UpstreamKeyPresented;
use doorward_keys::Pepper;
use doorward_ledger::{
    Act, Actor, ActorKind, Event, FindingState, Resource, Severity, Text, Verdict,
};
use doorward_policy::Timestamp;

use crate::alerts::AlertDesk;

/// The same key is told of again after so long.
const AGAIN_MS: i64 = 60 * 60 * 1_000;
/// Bytes of a fingerprint.
const FINGERPRINT: usize = 16;
/// Most keys that Doorward does not hold, and tells of each for itself in that time: whoever makes
/// keys up makes no more than so many findings.
const STRANGERS_MAX: usize = 10;

/// Tells of them: each key once an hour, by its fingerprint under the pepper.
pub(super) struct Presented {
    audit: Arc<Audit>,
    alerts: AlertDesk,
    pepper: Pepper,
    told: Mutex<Told>,
}

/// What was told of lately.
#[derive(Debug, Default)]
struct Told {
    /// Keys that Doorward holds, by their id: they are as many as it holds.
    held: HashMap<String, Timestamp>,
    /// Others, by their fingerprint.
    strangers: HashMap<String, Timestamp>,
}

impl Told {
    /// Whether a key is to be told of. A key that is held always is, whatever came before it.
    fn is_news(&mut self, held: Option<&str>, fingerprint: &str, at: Timestamp) -> bool {
        let (keys, most, name) = match held {
            Some(id) => (&mut self.held, usize::MAX, id),
            None => (&mut self.strangers, STRANGERS_MAX, fingerprint),
        };
        keys.retain(|_, last| at.millis().saturating_sub(last.millis()) < AGAIN_MS);
        if keys.contains_key(name) || keys.len() >= most {
            return false;
        }
        keys.insert(name.to_owned(), at);
        true
    }
}

impl Presented {
    pub(super) fn new(audit: Arc<Audit>, alerts: AlertDesk, pepper: Pepper) -> Self {
        Self {
            audit,
            alerts,
            pepper,
            told: Mutex::default(),
        }
    }

    /// Records a finding, and raises an alert.
    pub(super) fn seen(&self, seen: &UpstreamKeyPresented<'_>) {
        let fingerprint = fingerprint(&self.pepper, seen.key);
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if !told.is_news(seen.held, &fingerprint, seen.at) {
                return;
            }
        }
        let severity = match seen.held {
            Some(_) => Severity::Critical,
            None => Severity::High,
        };
        let mut ids =
            BTreeMap::from([("fingerprint".to_owned(), Text::Clear(fingerprint.clone()))]);
        if let Some(id) = seen.held {
            ids.insert("upstream_key_id".to_owned(), Text::Clear(id.to_owned()));
        }
        let mut act = Act::new("gateway.upstream_key_presented", Verdict::Refused);
        act.actor = Some(Actor::of(ActorKind::Stranger));
        act.reason = Some("upstream_key_presented".to_owned());
        act.resource = Some(Resource {
            kind: "upstream_key".to_owned(),
            ids,
            ..Resource::default()
        });
        let event = Event::Finding {
            check: "gateway.upstream_key_presented".to_owned(),
            severity,
            state: FindingState::Open,
        };
        self.audit
            .note(Draft::new(seen.at, act, event).source(seen.source));
        tracing::warn!(
            fingerprint,
            upstream_key = seen.held,
            "an Instantly key was presented, and refused"
        );
        self.alerts.tell(alert(seen, &fingerprint));
    }
}

/// What a key is told by in place of its value: a keyed hash.
pub(crate) fn fingerprint(pepper: &Pepper, key: &str) -> String {
    // With or without its padding it is one key.
    let key = key.trim_end_matches('=');
    let digest = pepper.derive("upstream key fingerprint", key);
    let bytes = digest.iter().take(FINGERPRINT);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Keys that Doorward does not hold may be made up: all of them are one alert, told once in a while.
fn alert(seen: &UpstreamKeyPresented<'_>, fingerprint: &str) -> Alert {
    match seen.held {
        Some(id) => Alert::new(
            AlertKind::KeyPresented,
            "a program holds a key that only Doorward should",
            seen.at,
        )
        .severity(doorward_alert::Severity::Critical)
        .text(
            "It presented the key to the gateway in the place of a client key, and was refused. The \
             key has leaked: `doorward leak respond --key ID` replaces and revokes it and tells where \
             it came from. Take it away from the program.",
        )
        .fact("upstream_key", id)
        .fact("fingerprint", fingerprint)
        .key(id),
        None => Alert::new(
            AlertKind::KeyPresented,
            "a program holds an Instantly key",
            seen.at,
        )
        .text(
            "It presented the key to the gateway in the place of a client key, and was refused. It \
             is none that Doorward holds, and may be made up. If it is yours, take it away from the \
             program and replace it at Instantly; `doorward audit search` shows where it came from.",
        )
        .fact("fingerprint", fingerprint)
        .key("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn keys_that_are_made_up_are_bounded_and_hide_none_that_is_held() {
        let mut told = Told::default();
        let news = (0..10_000).filter(|n| told.is_news(None, &n.to_string(), AT));
        assert_eq!(news.count(), STRANGERS_MAX);
        assert_eq!(told.strangers.len(), STRANGERS_MAX);
        assert!(told.is_news(Some("uk_1"), "a", AT));
        assert!(!told.is_news(Some("uk_1"), "a", AT), "once");
        assert!(told.is_news(Some("uk_2"), "b", AT));
        let later = AT.plus_millis(AGAIN_MS);
        assert!(told.is_news(Some("uk_1"), "a", later));
        assert!(told.is_news(None, "0", later));
    }

    #[test]
    fn those_that_are_not_held_are_one_alert() {
        let seen = |held| UpstreamKeyPresented {
            key: "k",
            held,
            source: [127, 0, 0, 1].into(),
            at: AT,
        };
        let (one, two) = (alert(&seen(None), "a"), alert(&seen(None), "b"));
        assert_eq!(one.key, two.key);
        let held = alert(&seen(Some("uk_1")), "a");
        assert_ne!(held.key, one.key);
        assert!(held.severity > one.severity);
    }
}
