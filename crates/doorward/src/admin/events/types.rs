//! What is asked about events, and answered.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::deliveries::DeliveryView;

/// Most events of one answer.
pub(crate) const LISTED_MAX: usize = 1_000;

/// Which events; what is not said asks for nothing.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct EventsAsked {
    /// One of these types, by the name of the subscription or as they are sent.
    pub(crate) types: Vec<String>,
    /// This campaign, by id.
    pub(crate) campaign: Option<String>,
    /// This source, by name or id.
    pub(crate) source: Option<String>,
    /// This workspace, by name or id here, or by Instantly's id.
    pub(crate) workspace: Option<String>,
    /// About this lead, by e-mail address.
    pub(crate) lead: Option<String>,
    /// Received then or later.
    pub(crate) since: Option<Timestamp>,
    /// Received before then.
    pub(crate) until: Option<Timestamp>,
    /// Got here so.
    pub(crate) origin: Option<String>,
    /// In quarantine, or not.
    pub(crate) quarantined: Option<bool>,
}

/// The events, a page of them.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventList {
    /// Which.
    pub(crate) asked: EventsAsked,
    /// Those received first come first; the newest otherwise.
    pub(crate) oldest_first: bool,
    /// Where the page begins, as the page before it said.
    pub(crate) after: Option<String>,
    /// At most so many, and [`LISTED_MAX`].
    pub(crate) limit: usize,
}

/// The newest events whose payload has a text in it.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventSearch {
    /// The text; large and small letters are the same.
    pub(crate) text: String,
    /// Which are looked into.
    pub(crate) asked: EventsAsked,
    /// Where to go on, as the answer before said.
    pub(crate) after: Option<String>,
    /// At most so many, and [`LISTED_MAX`].
    pub(crate) limit: usize,
}

/// One event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventShow {
    /// Its id.
    pub(crate) id: String,
    /// With its payload, which is recorded.
    pub(crate) body: bool,
}

/// A part of a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct EventsPage {
    /// Its events.
    pub(crate) events: Vec<EventView>,
    /// Where the next begins; none at the end.
    pub(crate) next: Option<String>,
    /// Whether no event ever came in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) never_any: bool,
}

/// An event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventView {
    /// Its id.
    pub(crate) id: String,
    /// Its place among all.
    pub(crate) seq: i64,
    /// Its type, as it was sent.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Instantly's id of the workspace.
    pub(crate) workspace_id: String,
    /// Name of the workspace, of one that is known here.
    pub(crate) workspace: Option<String>,
    /// Campaign's id or name.
    pub(crate) campaign: Option<String>,
    /// Name of the source it came by.
    pub(crate) source: Option<String>,
    /// Stands for the lead: the same number, the same lead.
    pub(crate) person: Option<i64>,
    /// When it happened, as it says.
    pub(crate) event_at: Option<Timestamp>,
    /// When it was received.
    pub(crate) received_at: Timestamp,
    /// `webhook`, `backfill`, `reconstructed` or `test`.
    pub(crate) origin: String,
    /// Why it is kept and not delivered, if so.
    pub(crate) quarantined: Option<String>,
    /// Bytes of its payload.
    pub(crate) size: u64,
    /// Its payload, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<BodyView>,
}

/// The payload of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyView {
    /// As it was received.
    Text(String),
    /// The same in base64, of what is no text.
    Base64(String),
    /// There is none any more: why.
    Gone(String),
}

/// An event with what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventShown {
    /// The event.
    #[serde(flatten)]
    pub(crate) event: EventView,
    /// What came of it, by destination.
    pub(crate) deliveries: Vec<DeliveryView>,
}

/// Events as they come in, from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventFollow {
    /// With their payloads, which is recorded.
    pub(crate) bodies: bool,
}

/// Somebody who is told of events as they come in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Following {
    /// What to go on by.
    pub(crate) id: String,
    /// Number of the newest event.
    pub(crate) after: i64,
}

/// The next events, waited for.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventNext {
    /// As [`Following`] said.
    pub(crate) following: String,
    /// After which.
    pub(crate) after: i64,
    /// Which.
    pub(crate) asked: EventsAsked,
    /// How long to wait for one, in milliseconds.
    pub(crate) wait_ms: u64,
}

/// What came in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct NextEvents {
    /// The events, possibly none.
    pub(crate) events: Vec<EventView>,
    /// After which to go on.
    pub(crate) after: i64,
    /// Whether nobody is followed by that id any more: it is to be asked for anew.
    #[serde(default)]
    pub(crate) gone: bool,
}
