//! Keys that are held, and clients that call under them.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::{Environment, OpSet};
use doorward_keys::inventory::Uses;
use doorward_policy::Timestamp;

use crate::live::Seen;

/// An upstream key that Doorward holds and that is not retired.
#[derive(Debug, Clone)]
pub struct HeldKey {
    /// Doorward's id of it.
    pub id: String,
    /// Its name here.
    pub name: String,
    /// Instantly's id of it, where that is known.
    pub api_key_id: Option<String>,
    /// Its scopes, where they are known.
    pub scopes: Option<Vec<String>>,
    /// Whether it manages the others, and carries no call.
    pub manages: bool,
    /// What Doorward itself does under it, in words.
    pub own_use: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it was made, as far as Doorward knows.
    pub made_at: Timestamp,
    /// When Doorward took it in.
    pub added_at: Timestamp,
    /// After how many milliseconds it is to be replaced; none for never.
    pub rotate_every: Option<i64>,
    /// Who outside Doorward holds it too, as configured.
    pub consumers: Vec<String>,
    /// The environments whose clients its workspace takes.
    pub environments: BTreeSet<Environment>,
    /// What it was used for through Doorward.
    pub uses: Seen<KeyUses>,
}

/// What a key was used for through Doorward.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUses {
    /// The calls, by operation.
    pub calls: Uses,
    /// How many of them acted on which sub-workspace; none for the key's own workspace.
    pub places: BTreeMap<Option<String>, u64>,
    /// The clients that made them.
    pub clients: BTreeSet<String>,
}

/// A key that is to be dead and is not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Id of the rotation or the revocation that is to kill it.
    pub id: String,
    /// Whether that is a rotation.
    pub rotation: bool,
    /// Instantly's id of the key, where that is known.
    pub api_key_id: Option<String>,
    /// Where it is.
    pub step: String,
    /// How often the step at hand failed.
    pub tries: u32,
    /// When it was begun.
    pub since: Timestamp,
}

/// A client that is in force.
#[derive(Debug, Clone)]
pub struct ClientFacts {
    /// Doorward's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub environment: Environment,
    /// What it may do now.
    pub granted: OpSet,
    /// What is granted to it that covers what nobody named: wildcard scopes, `full-automation`.
    pub wildcards: Vec<String>,
    /// What it may do only with a person's approval, or never, by policies.
    pub held_back: OpSet,
}
