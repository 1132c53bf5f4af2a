//! What is asked about deliveries, and answered.

use std::collections::BTreeMap;

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

/// Deliveries that were tried: of one destination or of all, or of one event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliveryList {
    /// Name or id of the destination; all when none is said.
    pub(crate) destination: Option<String>,
    /// Id of the event.
    pub(crate) event: Option<String>,
    /// `delivered`, `retry`, `held`, `dead` or `discarded`.
    pub(crate) state: Option<String>,
    /// Number of the replay; 0 for what was delivered as it came.
    pub(crate) replay: Option<i64>,
    /// Where the page begins, of one destination.
    pub(crate) after: Option<String>,
    /// At most so many of a destination.
    pub(crate) limit: usize,
}

/// Deliveries, a page of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct DeliveriesPage {
    /// The deliveries.
    pub(crate) deliveries: Vec<DeliveryView>,
    /// Where the next page begins, of one destination; none at the end.
    pub(crate) next: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryView {
    /// Name of the destination.
    pub(crate) destination: String,
    /// Number of the replay it is of; none of what was delivered as it came.
    pub(crate) replay: Option<i64>,
    /// The event's id; none of one that is gone.
    pub(crate) event: Option<String>,
    /// The event's place among all.
    pub(crate) seq: i64,
    /// `delivered`, `retry`, `held`, `dead` or `discarded`; `waiting` before it was tried; `not_sent` of
    /// what the destination does not want, or what is from before it.
    pub(crate) state: String,
    /// How often it was tried.
    pub(crate) attempts: Option<u32>,
    /// When it was tried first.
    pub(crate) first_at: Option<Timestamp>,
    /// When it was tried last.
    pub(crate) last_at: Option<Timestamp>,
    /// When it is tried next.
    pub(crate) next_at: Option<Timestamp>,
    /// The last answer's status.
    pub(crate) status: Option<u16>,
    /// Why it failed.
    pub(crate) note: Option<String>,
}

/// The beginning of a delivery's last answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliveryAnswer {
    /// Id of the event.
    pub(crate) event: String,
    /// Name or id of the destination.
    pub(crate) destination: String,
}

/// What a destination answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The delivery, the last that was tried.
    pub(crate) delivery: DeliveryView,
    /// The beginning of the answer, scrubbed of secrets; none when none is kept.
    pub(crate) answer: Option<String>,
}

/// The dead letters, of one destination or of all.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadList {
    /// Name or id of the destination; all when none is said.
    pub(crate) destination: Option<String>,
    /// Where the page begins, of one destination.
    pub(crate) after: Option<String>,
    /// At most so many of a destination.
    pub(crate) limit: usize,
}

/// Tries dead letters again; answers how many.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadRetry {
    /// Name or id of the destination.
    pub(crate) destination: String,
    /// Id of the event; all when none is said.
    pub(crate) event: Option<String>,
}

/// Gives dead letters up for good; answers how many.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadDiscard {
    /// Name or id of the destination.
    pub(crate) destination: String,
    /// Id of the event; all when none is said.
    pub(crate) event: Option<String>,
}

/// Delivers events to a destination once more, or says which these would be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplayStart {
    /// Name or id of the destination.
    pub(crate) destination: String,
    /// Id of the one event.
    pub(crate) event: Option<String>,
    /// Only these event types.
    pub(crate) types: Vec<String>,
    /// Only these campaigns'.
    pub(crate) campaigns: Vec<String>,
    /// Only these workspaces', by name or id here, or by Instantly's id.
    pub(crate) workspaces: Vec<String>,
    /// Received then or later.
    pub(crate) since: Option<Timestamp>,
    /// Received before then.
    pub(crate) until: Option<Timestamp>,
    /// Most events a second.
    pub(crate) rate: u32,
    /// Say what it would do, and do nothing.
    pub(crate) dry_run: bool,
}

/// What a replay comes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReplayPlan {
    /// Name of the destination.
    pub(crate) destination: String,
    /// `active`, `paused` or `disabled`: nothing is delivered before it is active.
    pub(crate) state: String,
    /// Events that are delivered once more.
    pub(crate) events: u64,
    /// Events that fit and are not: their payload is gone, or its person erased.
    #[serde(default)]
    pub(crate) gone: u64,
    /// Bytes of their payloads.
    pub(crate) bytes: u64,
    /// How many of each type.
    pub(crate) types: BTreeMap<String, u64>,
    /// When the first of them was received.
    pub(crate) first_at: Option<Timestamp>,
    /// When the last of them was received.
    pub(crate) last_at: Option<Timestamp>,
    /// Most events a second.
    pub(crate) rate: u32,
    /// The replay that was begun; none of a dry run, or when there is nothing to deliver.
    pub(crate) replay: Option<ReplayView>,
}

/// The replays, the newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplayList {
    /// Name or id of the destination; all when none is said.
    pub(crate) destination: Option<String>,
    /// Only those that are running.
    pub(crate) running: bool,
}

/// One replay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplayShow {
    /// Its number.
    pub(crate) replay: i64,
}

/// Ends a replay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplayCancel {
    /// Its number.
    pub(crate) replay: i64,
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplayView {
    /// Its number.
    pub(crate) id: i64,
    /// Name of the destination.
    pub(crate) destination: String,
    /// `running`, `done` or `cancelled`.
    pub(crate) state: String,
    /// Only these event types.
    pub(crate) types: Vec<String>,
    /// Only these campaigns'.
    pub(crate) campaigns: Vec<String>,
    /// Only these workspaces', by Instantly's id.
    pub(crate) workspaces: Vec<String>,
    /// Place of the first event that is looked at.
    pub(crate) first_seq: i64,
    /// Place of the last.
    pub(crate) last_seq: i64,
    /// Place of the last that it is done with.
    pub(crate) done_seq: i64,
    /// Most events a second.
    pub(crate) rate: f64,
    /// Events that were sent or are to be sent again, so far.
    pub(crate) matched: u64,
    /// Of these, what the destination has.
    pub(crate) delivered: u64,
    /// Of these, dead letters.
    pub(crate) dead: u64,
    /// Of these, what was given up, or whose payload is gone.
    pub(crate) discarded: u64,
    /// When it was begun.
    pub(crate) begun_at: Timestamp,
    /// When it ended.
    pub(crate) ended_at: Option<Timestamp>,
}
