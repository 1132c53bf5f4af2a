//! What reconciliation found, to be shown and handed on.

use std::collections::BTreeMap;

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::{Objects, TheirRecord};

/// Most entries of each list in a report; the counts are whole.
pub const LISTED_MAX: usize = 1_000;

/// Whose key a record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyClass {
    /// One that Doorward holds: it got out, or somebody uses it beside Doorward.
    Own,
    /// Another one of the workspace's, which Doorward does not hold.
    Listed,
    /// One that the workspace does not list.
    Unknown,
    /// The record names none.
    Unnamed,
}

/// A record that no call through Doorward explains: somebody goes around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// Instantly's id of the record.
    pub record: String,
    /// When.
    pub at: Timestamp,
    /// What happened, in Instantly's words.
    pub activity: String,
    /// Its number.
    pub activity_type: i64,
    /// Whose key.
    pub key: KeyClass,
    /// Instantly's id of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// Instantly's id of the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Where it came from.
    pub address: String,
    /// What it touched.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: Objects,
}

/// Records of one key or one address, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The key's id, or the address.
    pub what: String,
    /// How many records.
    pub records: u64,
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// The keys that were used from the address, or the addresses that the key was used from; the
    /// first 16.
    pub with: Vec<String>,
}

impl Sighting {
    pub(super) fn add(
        all: &mut BTreeMap<String, Sighting>,
        what: &str,
        record: &TheirRecord,
        with: &str,
    ) {
        let new = || Sighting {
            what: what.to_owned(),
            records: 0,
            first: record.at,
            last: record.at,
            with: Vec::new(),
        };
        let sighting = all.entry(what.to_owned()).or_insert_with(new);
        sighting.records += 1;
        sighting.first = sighting.first.min(record.at);
        sighting.last = sighting.last.max(record.at);
        if sighting.with.len() < 16 && !sighting.with.iter().any(|known| known == with) {
            sighting.with.push(with.to_owned());
        }
    }
}

/// A call of ours that was done, and whose record is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Place in the ledger of the call's first leaf.
    pub sequence: u64,
    /// When the call was received.
    pub at: Timestamp,
    /// The operation.
    pub operation: String,
    /// The call's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Doorward's id of the upstream key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_key: Option<String>,
}

/// What was found in a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// From this time on.
    pub since: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// Records that came through the API.
    pub records: u64,
    /// Traces that the calls in this time leave or may leave.
    pub traces: u64,
    /// Records that are the trace of a call of ours.
    pub matched: u64,
    /// Those of them whose call's answer was lost, or failed, and whose record does not name the
    /// call: likely ours.
    pub matched_lost: u64,
    /// Whether records name the call that they are the trace of, so that nothing is left to
    /// likelihood.
    pub exact: bool,
    /// How many records no call explains.
    pub around_total: u64,
    /// The first of them.
    pub around: Vec<Around>,
    /// Keys that the workspace does not list and Doorward does not hold.
    pub unknown_keys: Vec<Sighting>,
    /// Addresses that are not Doorward's.
    pub foreign_addresses: Vec<Sighting>,
    /// How many calls have no trace where one is due.
    pub missing_total: u64,
    /// The first of them.
    pub missing: Vec<Missing>,
    /// Operations none of whose calls was ever seen to leave its trace, and how many calls: their
    /// traces are not counted as missing.
    pub never_seen: BTreeMap<String, u64>,
    /// What else there is to know, in words.
    pub notes: Vec<String>,
}

impl Report {
    /// A report in which nothing was found yet.
    pub const fn new(since: Timestamp, until: Timestamp) -> Self {
        Self {
            since,
            until,
            records: 0,
            traces: 0,
            matched: 0,
            matched_lost: 0,
            exact: false,
            around_total: 0,
            around: Vec::new(),
            unknown_keys: Vec::new(),
            foreign_addresses: Vec::new(),
            missing_total: 0,
            missing: Vec::new(),
            never_seen: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Whether nothing needs anybody's attention.
    pub fn is_clean(&self) -> bool {
        self.around_total == 0
            && self.missing_total == 0
            && self.unknown_keys.is_empty()
            && self.foreign_addresses.is_empty()
    }
}
