//! How telling is doing.

use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertStatus {
    /// Alerts that were raised.
    pub raised: u64,
    /// Those that found no room in the queue.
    pub dropped: u64,
    /// Each channel.
    pub channels: Vec<ChannelStatus>,
}

/// A channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// Its name.
    pub name: String,
    /// `webhook`, `slack` or `smtp`.
    pub kind: String,
    /// Messages that arrived.
    pub sent: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// Messages that were too many in an hour.
    pub withheld: u64,
    /// Messages that found no room in its queue.
    pub dropped: u64,
    /// Why the last attempt failed, if it did.
    pub trouble: Option<String>,
}

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The channel.
    pub channel: String,
    /// `webhook`, `slack` or `smtp`.
    pub kind: String,
    /// Whether it arrived.
    pub arrived: bool,
    /// What the receiver answered, or why nothing arrived.
    pub answer: String,
}
