//! What a leaked key did, as far as it is known.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

/// What it did from a time on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deeds {
    /// From then on.
    pub(crate) since: Timestamp,
    /// To then.
    pub(crate) until: Timestamp,
    /// Calls through Doorward, by the ledger.
    pub(crate) through: Through,
    /// Acts that Instantly's audit log has; none of a client's key.
    pub(crate) around: Option<Around>,
    /// What could not be known.
    pub(crate) unknown: Vec<String>,
}

/// Calls through Doorward.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Through {
    /// How many.
    pub(crate) calls: u64,
    /// Those of them that were refused or failed.
    pub(crate) failed: u64,
    /// The first and the last.
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    /// By operation and client, the most frequent first.
    pub(crate) operations: Vec<OfOperation>,
    /// Where they came from, the most frequent first.
    pub(crate) addresses: Vec<Address>,
    /// How often the key itself was presented at the gateway's door, and refused.
    pub(crate) presented: Vec<Address>,
}

/// Calls of one operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OfOperation {
    /// The operation, or the action.
    pub(crate) operation: String,
    /// Name of the client.
    pub(crate) client: Option<String>,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// An address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    /// As it was recorded.
    pub(crate) address: String,
    pub(crate) calls: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// Acts of Instantly's audit log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Around {
    /// Up to when that log was read.
    pub(crate) read_to: Option<Timestamp>,
    /// Acts of calls through Doorward: they carry the name of one that is in the ledger.
    pub(crate) ours: u64,
    /// The others: what somebody did with the key around Doorward.
    pub(crate) others: u64,
    /// Those of them that pretend to be Doorward's: they carry the name of no such call.
    #[serde(default)]
    pub(crate) forged: u64,
    /// Instantly's ids of the keys that were made with it.
    #[serde(default)]
    pub(crate) keys_made: Vec<String>,
    /// Where those came from.
    pub(crate) addresses: Vec<Address>,
    /// Those, oldest first, as many as are listed.
    pub(crate) records: Vec<AroundRecord>,
}

/// An act around Doorward.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AroundRecord {
    /// Instantly's id of the record.
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) activity: String,
    /// Where it came from, as it is written there.
    pub(crate) address: String,
    /// Whether Doorward's own calls come from that address.
    pub(crate) own_address: bool,
    /// Whether it pretends to be Doorward's.
    #[serde(default)]
    pub(crate) forged_mark: bool,
    /// Name of the workspace whose log has it.
    #[serde(default)]
    pub(crate) workspace: Option<String>,
    /// Ids of what was touched.
    pub(crate) touched: Vec<String>,
}
