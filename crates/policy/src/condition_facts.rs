//! What the judgement of policies depended on, as far as it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A policy that was in force for a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PolicyUsed {
    /// Its name.
    pub name: String,
    /// The digest of its text.
    pub digest: String,
}

/// What a request named and how much it was, and the policies that it was held against: enough to
/// judge it again by ids, counts, time and source, never the body itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConditionFacts {
    /// The policies that bore on the request, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyUsed>,
    /// Which of them stood against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The ids that the request named, by the name of their set; sets that are empty are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ids: BTreeMap<String, BTreeSet<String>>,
    /// The sets that could not be read for sure.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unsure: BTreeSet<String>,
    /// Whether there were more ids than are kept: the sets are not whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Leads that the call was to write.
    #[serde(default)]
    pub leads_in_call: u32,
    /// Leads that the client had written that day.
    #[serde(default)]
    pub leads_today: u64,
    /// Calls that the client had made that day.
    #[serde(default)]
    pub calls_today: u64,
    /// Where the call came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
}
