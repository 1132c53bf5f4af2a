//! What is asked about destinations, and answered.

use std::collections::BTreeMap;

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::relay::{Destination, Form, HeaderValue, KeptSecret};

/// Adds a destination.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationAdd {
    /// Its name.
    pub(crate) name: String,
    /// What it is set to.
    pub(crate) asked: DestinationAsked,
    /// Reference of a signing secret that is there, or to keep a new one at.
    pub(crate) secret: Option<String>,
}

/// What is said of a destination; what is not said stays, or is as usual.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct DestinationAsked {
    /// Where events are sent.
    pub(crate) url: Option<String>,
    /// Only these event types; an empty list for all.
    pub(crate) events: Option<Vec<String>>,
    /// Only these campaigns'.
    pub(crate) campaigns: Option<Vec<String>>,
    /// Only these workspaces', by name or id here, or by Instantly's id.
    pub(crate) workspaces: Option<Vec<String>>,
    /// What is sent.
    pub(crate) form: Option<Form>,
    /// Headers that are added, as typed; all of them.
    pub(crate) headers: Option<Vec<String>>,
    /// Whether the events of one lead are delivered one after the other.
    pub(crate) in_order: Option<bool>,
    /// Most deliveries under way at once.
    pub(crate) concurrency: Option<u32>,
    /// Most deliveries begun in a second; 0 for as many as go.
    pub(crate) rate: Option<u32>,
    /// How long an answer may take, in milliseconds.
    pub(crate) timeout_ms: Option<u64>,
    /// The text of a condition; empty for none.
    pub(crate) condition: Option<String>,
    /// When it is tried again.
    pub(crate) retry: Option<RetryAsked>,
    /// Reference to the certificate that it is shown, PEM; empty for none.
    pub(crate) client_cert: Option<String>,
    /// Reference to its key, PEM; empty where it stands with the certificate.
    pub(crate) client_key: Option<String>,
    /// Reference to the certificates that it is held against, PEM; empty for those that this machine
    /// trusts.
    pub(crate) trust: Option<String>,
}

/// When a delivery is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RetryAsked {
    /// As usual.
    Usual,
    /// After so many seconds each; never when there are none.
    Waits(Vec<u64>),
}

/// Every destination.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationList {}

/// One destination.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationShow {
    /// Its id or name.
    pub(crate) destination: String,
}

/// Changes a destination.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationSet {
    /// Its id or name.
    pub(crate) destination: String,
    /// What changes.
    pub(crate) asked: DestinationAsked,
    /// Whether it is used.
    pub(crate) switch: Option<Switch>,
}

/// Whether a destination is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Switch {
    /// Events are delivered; those that came meanwhile too.
    On,
    /// Events wait.
    Off,
}

/// Gives a destination another signing secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationRotate {
    /// Its id or name.
    pub(crate) destination: String,
    /// How long deliveries are signed with both, in milliseconds.
    pub(crate) overlap_ms: i64,
    /// Reference that the new one is kept at.
    pub(crate) to: Option<String>,
}

/// Removes a destination. What it was owed is not delivered any more.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationRemove {
    /// Its id or name.
    pub(crate) destination: String,
}

/// A destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DestinationView {
    /// Doorward's id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// `active`, `paused` or `disabled`.
    pub(crate) state: String,
    /// Why it is not active.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
    /// Where events are sent.
    pub(crate) url: String,
    /// Only these event types; all when there are none.
    pub(crate) events: Vec<String>,
    /// Only these campaigns'.
    pub(crate) campaigns: Vec<String>,
    /// Only these workspaces', by Instantly's id.
    pub(crate) workspaces: Vec<String>,
    /// `received` or `normalised`.
    pub(crate) form: String,
    /// Headers that are added; references as such.
    pub(crate) headers: BTreeMap<String, String>,
    /// References of what deliveries are signed with, the newest first.
    pub(crate) secrets: Vec<KeptSecret>,
    /// Whether the events of one lead are delivered one after the other.
    pub(crate) in_order: bool,
    /// Most deliveries under way at once.
    pub(crate) concurrency: u32,
    /// Most deliveries begun in a second.
    pub(crate) rate: Option<u32>,
    /// How long an answer may take, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// The text of its condition.
    pub(crate) condition: Option<String>,
    /// Seconds before the second attempt, the third, and so on.
    pub(crate) retry: Vec<u64>,
    /// Reference to the certificate that it is shown.
    pub(crate) client_cert: Option<String>,
    /// Reference to its key, where it stands apart.
    pub(crate) client_key: Option<String>,
    /// Reference to the certificates that it is held against; those that this machine trusts when
    /// there is none.
    pub(crate) trust: Option<String>,
    /// When it was added.
    pub(crate) created_at: Timestamp,
}

impl DestinationView {
    pub(super) fn of(destination: &Destination, now: Timestamp) -> Self {
        let Destination { end, settings } = destination;
        let headers = settings.headers.iter().map(|(name, value)| {
            let (HeaderValue::Text(value) | HeaderValue::Reference(value)) = value;
            (name.clone(), value.clone())
        });
        let certificate = settings.certificate.as_ref();
        let secrets = settings.secrets.iter();
        let used = secrets.filter(|kept| kept.is_used(now));
        Self {
            id: end.id.clone(),
            name: end.name.clone(),
            state: end.state.as_str().to_owned(),
            why: end.why.clone(),
            url: settings.url.clone(),
            events: settings.events.clone(),
            campaigns: settings.campaigns.clone(),
            workspaces: settings.workspaces.clone(),
            form: settings.form.as_str().to_owned(),
            headers: headers.collect(),
            secrets: used.cloned().collect(),
            in_order: settings.in_order,
            concurrency: settings.concurrency,
            rate: settings.rate,
            timeout_ms: settings.timeout_ms,
            condition: settings.condition.clone(),
            retry: settings.plan().waits,
            client_cert: certificate.map(|shown| shown.chain.clone()),
            client_key: certificate.and_then(|shown| shown.key.clone()),
            trust: settings.trust.clone(),
            created_at: end.created_at,
        }
    }
}
