//! What is there: at Instantly and in Doorward itself, as far as it can be declared.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::Environment;
use doorward_policy::{BreakGlass, Grant, Learning, WorkspaceKind};

use crate::live::Seen;
use crate::manifest::ControlsSpec;

/// What is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Present {
    /// Workspaces by name.
    pub workspaces: BTreeMap<String, WorkspaceNow>,
    /// Destinations by name.
    pub destinations: BTreeMap<String, DestinationNow>,
}

/// What is there of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceNow {
    /// What stands behind it.
    pub kind: WorkspaceKind,
    /// Instantly's id of it, once known.
    pub instantly_id: Option<String>,
    /// The keys that Doorward holds and that are in force, by name.
    pub keys: BTreeMap<String, KeyNow>,
    /// The keys that Instantly lists and Doorward does not hold.
    pub stranger_keys: Seen<Vec<StrangerKey>>,
    /// Clients by name.
    pub clients: BTreeMap<String, ClientNow>,
    /// Sources by name.
    pub sources: Seen<BTreeMap<String, SourceNow>>,
    /// Subscriptions that lead elsewhere.
    pub stranger_subscriptions: Seen<Vec<StrangerSubscription>>,
    /// Members by address, in lower case.
    pub members: Seen<BTreeMap<String, MemberNow>>,
    /// The group's sub-workspaces, by Instantly's ids of them.
    pub group: Seen<BTreeMap<String, MembershipNow>>,
    /// The block list.
    pub block_list: Seen<Vec<BlockedNow>>,
}

impl WorkspaceNow {
    /// One of which nothing was looked at.
    pub fn unseen(kind: WorkspaceKind) -> Self {
        Self {
            kind,
            instantly_id: None,
            keys: BTreeMap::new(),
            stranger_keys: Seen::default(),
            clients: BTreeMap::new(),
            sources: Seen::default(),
            stranger_subscriptions: Seen::default(),
            members: Seen::default(),
            group: Seen::default(),
            block_list: Seen::default(),
        }
    }
}

/// A key that Doorward holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyNow {
    /// Its scopes; none when they are not known.
    pub scopes: Option<BTreeSet<String>>,
    /// Who answers for it.
    pub owner: String,
    /// After how many milliseconds it is rotated; none for what is configured.
    pub rotate_every: Option<i64>,
    /// Whether it manages the others.
    pub manages: bool,
    /// Where its value is kept.
    pub kept_at: String,
    /// Instantly's id of it, once known.
    pub api_key_id: Option<String>,
}

/// A key that Instantly lists and Doorward does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrangerKey {
    /// Instantly's id of it.
    pub api_key_id: String,
    /// Its name there.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientNow {
    /// Where it runs.
    pub environment: Environment,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// What it is granted, without what is for a limited time.
    pub grant: Grant,
    /// What is granted beyond the ceiling, for a limited time.
    pub break_glass: Option<BreakGlass>,
    /// Whether it learns.
    pub learning: Option<Learning>,
    /// Whether its calls are refused.
    pub disabled: bool,
    /// What is set for it; every field is said, limits as 0 when there is none.
    pub controls: ControlsSpec,
}

/// A source with its subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceNow {
    /// What is subscribed to; none for a custom label, or without a subscription.
    pub event: Option<String>,
    /// Only this campaign's.
    pub campaign: Option<String>,
    /// How a delivery proves itself, as typed.
    pub proof: String,
    /// The networks that deliveries may come from, written in full.
    pub allow: BTreeSet<String>,
    /// Where deliveries come in.
    pub url: String,
    /// Reference that the secret in force is kept at.
    pub kept_at: String,
    /// Whether there is a subscription at Instantly that leads here.
    pub subscribed: bool,
    /// Whether Instantly has switched it off, or Doorward the source.
    pub off: bool,
}

/// A subscription that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrangerSubscription {
    /// Instantly's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it leads, as far as it may be shown.
    pub target: String,
}

/// A destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationNow {
    /// Where events are sent.
    pub url: String,
    /// Only these event types.
    pub events: BTreeSet<String>,
    /// Only these campaigns'.
    pub campaigns: BTreeSet<String>,
    /// Only these workspaces', by Instantly's ids.
    pub workspaces: BTreeSet<String>,
    /// `received` or `normalised`.
    pub form: String,
    /// Headers that are added.
    pub headers: BTreeMap<String, String>,
    /// Whether the events of one lead are delivered one after the other.
    pub in_order: bool,
    /// Most deliveries at once.
    pub concurrency: u32,
    /// Most deliveries begun in a second; 0 for as many as go.
    pub rate: u32,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u64,
    /// Whether events wait.
    pub paused: bool,
    /// Reference of the newest signing secret.
    pub kept_at: String,
}

/// A member, or somebody invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberNow {
    /// Instantly's id of the membership.
    pub id: String,
    /// The role.
    pub role: String,
    /// The permissions beside the role.
    pub permissions: BTreeSet<String>,
    /// The nickname; empty for none.
    pub nickname: String,
    /// Whether the invitation was accepted.
    pub accepted: bool,
}

/// A sub-workspace of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipNow {
    /// Instantly's id of the membership.
    pub id: String,
    /// The sub-workspace's name.
    pub name: String,
    /// How far it is: `pending`, `accepted`, `rejected`.
    pub status: String,
}

/// An entry of the block list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedNow {
    /// Instantly's id of it.
    pub id: String,
    /// The value as Instantly has it.
    pub value: String,
}
