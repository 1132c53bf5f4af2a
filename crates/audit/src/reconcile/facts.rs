//! The two sides that are held against each other: calls of ours, and records of Instantly's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of thing an act touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A campaign.
    Campaign,
    /// A subscription.
    Webhook,
    /// A subsequence.
    Subsequence,
    /// A list of leads.
    List,
    /// An API key, as the thing that was made or deleted.
    ApiKey,
    /// A sending account, by the subject that stands for its address.
    Account,
}

/// What an act touched, as far as it is known. A kind that is not there says nothing.
pub type Objects = BTreeMap<ObjectKind, BTreeSet<String>>;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was done.
    Done,
    /// Nobody knows: its answer was lost, or it failed on the other side.
    Unknown,
    /// It was refused before anything was done.
    NotDone,
}

/// A call that went through Doorward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OurCall {
    /// Place in the ledger of its first leaf.
    pub sequence: u64,
    /// When it was received.
    pub at: Timestamp,
    /// When its answer was whole; `None` when there was none.
    pub ended: Option<Timestamp>,
    /// The operation.
    #[serde(with = "operation")]
    pub operation: Op,
    /// Instantly's id of the workspace acted on, if known.
    pub place: Option<String>,
    /// Doorward's id of the upstream key.
    pub upstream_key: Option<String>,
    /// Its name, which is also in the user agent that it was sent with.
    pub request_id: Option<String>,
    /// What it touched.
    pub objects: Objects,
    /// What became of it.
    pub fate: Fate,
}

/// An operation, by its id.
mod operation {
    use doorward_catalog::Op;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature is serde's"
    )]
    pub(super) fn serialize<S: Serializer>(op: &Op, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(op.id())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Op, D::Error> {
        let id = String::deserialize(from)?;
        Op::from_id(&id).ok_or_else(|| D::Error::custom("no such operation"))
    }
}

/// A record of Instantly's audit log, as much of it as is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TheirRecord {
    /// Instantly's id of it.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub activity: Activity,
    /// Instantly's id of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether it came through the API.
    pub from_api: bool,
    /// The API key's id, when Instantly says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// Where it came from, as it is written there.
    pub address: String,
    /// The call's name that its user agent ends in, if it is one of Doorward's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Whether its user agent is another program's.
    #[serde(default)]
    pub foreign_agent: bool,
    /// What it touched.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: Objects,
}

impl TheirRecord {
    /// Its address, when it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        let ip: IpAddr = self.address.trim().parse().ok()?;
        Some(ip.to_canonical())
    }
}

/// What is known of keys and addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Addresses that Doorward's calls come from. With none, no address can be told as foreign.
    #[serde(default)]
    pub egress: BTreeSet<IpAddr>,
    /// Instantly's id of each upstream key, by Doorward's id of it.
    #[serde(default)]
    pub own_keys: BTreeMap<String, String>,
    /// The API keys that the workspace lists or listed: name by Instantly's id.
    #[serde(default)]
    pub listed_keys: BTreeMap<String, String>,
    /// Operations that were seen to leave a trace: Instantly's id of the workspace and the
    /// operation's.
    #[serde(default)]
    pub proven: BTreeSet<(String, String)>,
    /// Whether the log was seen to keep user agents as they were sent.
    #[serde(default)]
    pub keeps_marks: bool,
}

/// How exact clocks and how slow logs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Most milliseconds that the clocks of both sides differ.
    pub skew_ms: i64,
    /// Most milliseconds from a call's end to its record.
    pub lag_ms: i64,
    /// Most milliseconds from a call whose answer was lost to its record.
    pub lost_ms: i64,
    /// Milliseconds after which a record that is not there yet is told as missing.
    pub grace_ms: i64,
    /// Most milliseconds from a call to a record that a job or somebody's browser leaves.
    pub late_ms: i64,
}

impl Default for Windows {
    /// 5 s of skew, a minute of lag, two minutes for what was lost, an hour for what is late, and
    /// five minutes of grace.
    fn default() -> Self {
        Self {
            skew_ms: 5_000,
            lag_ms: 60_000,
            lost_ms: 120_000,
            grace_ms: 300_000,
            late_ms: 3_600_000,
        }
    }
}

impl Windows {
    /// The longest time from a call to a record that is its trace.
    pub fn longest(&self) -> i64 {
        self.late_ms
            .max(self.lost_ms)
            .max(self.lag_ms)
            .saturating_add(self.skew_ms)
    }

    /// How long after a call its record may come at the latest, unless it is late.
    pub fn prompt(&self) -> i64 {
        self.lag_ms.max(self.lost_ms).saturating_add(self.skew_ms)
    }
}
