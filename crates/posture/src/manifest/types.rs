//! What a manifest declares. What is `None` is not declared, and stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use doorward_catalog::Environment;
use doorward_policy::Grant;
use serde::{Deserialize, Serialize};

/// The declared state of workspaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// Workspaces by the names that Doorward has for them.
    pub workspaces: BTreeMap<String, WorkspaceSpec>,
    /// Destinations by name; they are of no workspace.
    pub destinations: BTreeMap<String, DestinationSpec>,
    /// Whether destinations that are not declared are removed.
    pub prune_destinations: bool,
    /// How much is too much.
    pub thresholds: ThresholdSpec,
}

/// A kind of thing that is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A real key.
    UpstreamKey,
    /// A client.
    Client,
    /// A source with its subscription.
    Subscription,
    /// A destination.
    Destination,
    /// A member.
    Member,
    /// A sub-workspace of the group.
    SubWorkspace,
    /// The block list.
    BlockList,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::UpstreamKey,
        Kind::Client,
        Kind::Subscription,
        Kind::Destination,
        Kind::Member,
        Kind::SubWorkspace,
        Kind::BlockList,
    ];

    /// Its name in manifests, plans and targets.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::UpstreamKey => "upstream_key",
            Kind::Client => "client",
            Kind::Subscription => "subscription",
            Kind::Destination => "destination",
            Kind::Member => "member",
            Kind::SubWorkspace => "sub_workspace",
            Kind::BlockList => "block_list",
        }
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is declared of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkspaceSpec {
    /// The kinds whose things are removed when they are not declared.
    pub prune: BTreeSet<Kind>,
    /// The team's own domains; they are blocked.
    pub own_domains: BTreeSet<String>,
    /// Competitors' domains; they are blocked.
    pub competitors: BTreeSet<String>,
    /// Upstream keys by name.
    pub upstream_keys: BTreeMap<String, KeySpec>,
    /// Clients by name.
    pub clients: BTreeMap<String, ClientSpec>,
    /// Sources by name.
    pub subscriptions: BTreeMap<String, SubscriptionSpec>,
    /// Members by address, in lower case.
    pub members: BTreeMap<String, MemberSpec>,
    /// Sub-workspaces of the group, by Instantly's ids.
    pub sub_workspaces: Option<BTreeSet<String>>,
    /// Addresses and domains that are never written to, in one form, sorted, each once; those of
    /// the team and of competitors are not among them.
    pub block_list: Option<Vec<String>>,
}

impl WorkspaceSpec {
    /// Everything that is to be blocked, sorted, each once; `None` when nothing is declared.
    pub fn blocked(&self) -> Option<Vec<String>> {
        let domains = self.own_domains.iter().chain(&self.competitors);
        let mut all: Vec<String> = domains.cloned().collect();
        if self.block_list.is_none() && all.is_empty() {
            return None;
        }
        all.extend(self.block_list.iter().flatten().cloned());
        all.sort_unstable();
        all.dedup();
        Some(all)
    }
}

/// An upstream key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpec {
    /// Its scopes.
    pub scopes: Option<BTreeSet<String>>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// After how many milliseconds it is rotated.
    pub rotate_every: Option<i64>,
    /// Whether it manages the others.
    pub manages: Option<bool>,
    /// Reference that a new key's value is kept at.
    pub kept_at: Option<String>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientSpec {
    /// Where it runs.
    pub environment: Environment,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// What it is granted, whole; without break-glass and learning, which are for a limited time.
    pub grant: Grant,
    /// Whether its calls are refused.
    pub disabled: Option<bool>,
    /// What is set for it beside its grant.
    pub controls: ControlsSpec,
}

/// What is set for a client beside its grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlsSpec {
    /// `interactive`, `default` or `batch`.
    pub class: Option<String>,
    /// Its share among the clients of its class.
    pub weight: Option<u32>,
    /// Most calls in a second; 0 for no limit.
    pub per_second: Option<u32>,
    /// Most calls in a day; 0 for no limit.
    pub per_day: Option<u32>,
    /// Most leads written in a day; 0 for no limit.
    pub leads_per_day: Option<u32>,
    /// Most calls under way; 0 for no limit.
    pub concurrency: Option<u32>,
    /// The networks that it may call from, as written in full (`192.0.2.1/32`).
    pub sources: Option<BTreeSet<String>>,
    /// What is redacted, like `email=mask`.
    pub redact: Option<Vec<String>>,
}

/// A source with its subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionSpec {
    /// What is subscribed to.
    pub event: Option<String>,
    /// The custom label's value, in place of an event.
    pub label: Option<f64>,
    /// Only this campaign's events, uuid.
    pub campaign: Option<String>,
    /// How a delivery proves itself.
    pub proof: Option<String>,
    /// The networks that deliveries may come from.
    pub allow: Option<BTreeSet<String>>,
    /// Where Doorward is reached from outside.
    pub public_url: Option<String>,
    /// Reference that the secret is kept at.
    pub kept_at: Option<String>,
}

impl SubscriptionSpec {
    /// How a delivery proves itself when nothing is said.
    pub const PROOF: &'static str = "header:X-Webhook-Secret";
}

/// A destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationSpec {
    /// Where events are sent.
    pub url: String,
    /// Only these event types; all when there are none.
    pub events: Option<BTreeSet<String>>,
    /// Only these campaigns'.
    pub campaigns: Option<BTreeSet<String>>,
    /// Only these workspaces', by name here or by Instantly's id.
    pub workspaces: Option<BTreeSet<String>>,
    /// `received` or `normalised`.
    pub form: Option<String>,
    /// Headers that are added; secret values by reference.
    pub headers: Option<BTreeMap<String, String>>,
    /// Whether the events of one lead are delivered one after the other.
    pub in_order: Option<bool>,
    /// Most deliveries at once.
    pub concurrency: Option<u32>,
    /// Most deliveries begun in a second; 0 for as many as go.
    pub rate: Option<u32>,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Whether events wait.
    pub paused: Option<bool>,
    /// Reference of the signing secret.
    pub kept_at: Option<String>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSpec {
    /// `owner`, `admin`, `editor` or `view`.
    pub role: String,
    /// The permissions beside the role, all of them.
    pub permissions: Option<BTreeSet<String>>,
    /// The nickname; empty for none.
    pub nickname: Option<String>,
}

/// How much is too much; what is not said is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThresholdSpec {
    /// Whole numbers by the names of [`crate::Thresholds`].
    pub numbers: BTreeMap<&'static str, u64>,
    /// Domains that members' addresses may be of.
    pub email_domains: Option<BTreeSet<String>>,
    /// Hosts that webhooks may be sent to.
    pub webhook_hosts: Option<BTreeSet<String>>,
}
