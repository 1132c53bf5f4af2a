//! Real keys that come to the gateway in the place of client keys.

use std::collections::HashMap;
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
/// Most keys that are told of in that time: others are counted with all strangers.
const KEYS_MAX: usize = 100;

/// Tells of them: each key once an hour, by its fingerprint under the pepper.
pub(super) struct Presented {
    audit: Arc<Audit>,
    alerts: AlertDesk,
    pepper: Pepper,
    told: Mutex<HashMap<String, Timestamp>>,
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
        // With or without its padding it is one key.
        let key = seen.key.trim_end_matches('=');
        let digest = self.pepper.derive("upstream key fingerprint", key);
        let fingerprint: String = digest
            .iter()
            .take(FINGERPRINT)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if !self.is_news(&fingerprint, seen.at) {
            return;
        }
        let mut act = Act::new("gateway.upstream_key_presented", Verdict::Refused);
        act.actor = Some(Actor::of(ActorKind::Stranger));
        act.reason = Some("upstream_key_presented".to_owned());
        act.resource = Some(Resource {
            kind: "upstream_key".to_owned(),
            ids: [("fingerprint".to_owned(), Text::Clear(fingerprint.clone()))].into(),
            ..Resource::default()
        });
        let event = Event::Finding {
            check: "gateway.upstream_key_presented".to_owned(),
            severity: Severity::High,
            state: FindingState::Open,
        };
        self.audit
            .note(Draft::new(seen.at, act, event).source(seen.source));
        tracing::warn!(
            fingerprint,
            "a real Instantly key was presented, and refused"
        );
        let alert = Alert::new(
            AlertKind::KeyPresented,
            "a program holds a real Instantly key",
            seen.at,
        )
        .text(
            "It presented the key to the gateway in the place of a client key, and was refused. Take \
             the key away from it and replace the key at Instantly; `doorward audit search` shows \
             where it came from.",
        )
        .fact("fingerprint", &fingerprint)
        .key(&fingerprint);
        self.alerts.raise(alert, || None);
    }

    fn is_news(&self, fingerprint: &str, at: Timestamp) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, last| at.millis().saturating_sub(last.millis()) < AGAIN_MS);
        if told.contains_key(fingerprint) || told.len() >= KEYS_MAX {
            return false;
        }
        told.insert(fingerprint.to_owned(), at);
        true
    }
}
