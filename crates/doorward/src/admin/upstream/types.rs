//! What can be asked of upstream keys and what is answered.

use doorward_catalog::{Environment, ScopeSet, UseCase};
use doorward_keys::inventory::{Kept, Row};
use doorward_policy::Timestamp;
use doorward_store::ProbeOutcome;
use serde::{Deserialize, Serialize};

use crate::admin::types::Scopeful;
use crate::rotation::{PlanView, RevocationView};

/// Every upstream key of workspaces.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamList {
    /// Which workspaces.
    pub(crate) of: Scopeful,
    /// What was used is counted from then on.
    pub(crate) since: Timestamp,
    /// Ask Instantly, rather than say what is known here.
    pub(crate) fetch: bool,
}

/// The upstream keys of one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Inventory {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Doorward's id of it.
    pub(crate) workspace_id: String,
    /// Uses are counted from then on.
    pub(crate) since: Timestamp,
    /// The keys.
    pub(crate) keys: Vec<Row>,
    /// Whether Instantly's own list of keys was had, whole.
    pub(crate) listed: bool,
    /// Up to when Instantly's own audit log was read.
    pub(crate) log_read_to: Option<Timestamp>,
    /// Revocations that are owed.
    #[serde(default)]
    pub(crate) owed: Vec<RevocationView>,
    /// What could not be known, and what to do about it.
    pub(crate) told: Vec<String>,
}

/// Takes a key in that is there already, or says more of one that is held.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamAdopt {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name to call it by, or that it has.
    pub(crate) name: String,
    /// Reference of its value; none for one that is held.
    pub(crate) reference: Option<String>,
    /// Who answers for it.
    pub(crate) owner: Option<String>,
    /// Instantly's id of it, as a person says.
    pub(crate) api_key_id: Option<String>,
    /// Its scopes, where they can't be found out.
    pub(crate) scopes: Option<ScopeSet>,
    /// Whether it manages the others, and carries no call of a client; none leaves it.
    pub(crate) manages: Option<bool>,
    /// Whether it is taken in though its id can't be told.
    pub(crate) without_id: bool,
}

/// A key that was taken in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpstreamAdopted {
    /// Its name.
    pub(crate) name: String,
    /// Doorward's id of it.
    pub(crate) key_id: String,
    /// Instantly's id of it.
    pub(crate) api_key_id: Option<String>,
    /// How that is known.
    pub(crate) known_by: Option<String>,
    /// Its scopes.
    pub(crate) scopes: Option<Vec<String>>,
    /// Where its value is kept.
    pub(crate) reference: String,
    /// Whether it was not held before.
    pub(crate) added: bool,
    /// One line for people.
    pub(crate) detail: String,
}

/// Tries a key that is held.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamProbe {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name or id of the key.
    pub(crate) name: String,
}

/// How a key is found to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpstreamProbed {
    /// Its name.
    pub(crate) name: String,
    /// Doorward's id of it.
    pub(crate) key_id: String,
    /// Whether Instantly accepts it.
    pub(crate) alive: ProbeOutcome,
    /// Its scopes as Instantly says, where it does.
    pub(crate) scopes: Option<Vec<String>>,
    /// Whether these are the scopes that Doorward knew; none when either is not known.
    pub(crate) as_known: Option<bool>,
    /// A read that it covers and that was answered.
    pub(crate) read: Option<String>,
    /// One line for people.
    pub(crate) detail: String,
}

/// Which key: by one of its ids, or by a name that is one key's alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhichKey {
    /// Instantly's id, or Doorward's.
    Id(String),
    /// Its name here or there.
    Name(String),
}

/// Looks at a key that is to be revoked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamTarget {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Which key.
    pub(crate) which: WhichKey,
    /// Whether it is revoked though it is being rotated, or may be one that is called under.
    #[serde(default)]
    pub(crate) force: bool,
}

/// A key that may be revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Instantly's id of the key.
    pub(crate) api_key_id: String,
    /// Its name at Instantly, if it is listed there.
    pub(crate) name_there: Option<String>,
    /// Its scopes.
    pub(crate) scopes: Option<Vec<String>>,
    /// When it was made.
    pub(crate) created_at: Option<Timestamp>,
    /// Doorward's id of it, if Doorward holds it.
    pub(crate) key_id: Option<String>,
    /// Its name here.
    pub(crate) name: Option<String>,
    /// Where its value is kept.
    pub(crate) reference: Option<String>,
    /// What Doorward itself does under it, in words.
    pub(crate) own_use: Option<String>,
    /// The operations granted to clients that no key would cover without it.
    pub(crate) lost: Vec<String>,
}

/// Revokes a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamRevoke {
    /// Name or id of the workspace.
    pub(crate) workspace: String,
    /// Instantly's id of the key.
    pub(crate) api_key_id: String,
    /// Whether it is revoked though clients need it.
    pub(crate) force: bool,
}

/// A key that was revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpstreamRevoked {
    /// The key.
    pub(crate) target: Target,
    /// Whether Instantly had no such key any more.
    pub(crate) was_gone: bool,
    /// How far that is: what is not done is owed, and goes on by itself.
    pub(crate) revocation: RevocationView,
}

/// A key that is to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MintAsked {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name to call it by.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) use_cases: Vec<UseCase>,
    /// Where its clients run.
    pub(crate) environment: Environment,
    /// Where its value is to be kept, if not in the encrypted file of the data folder.
    pub(crate) to: Option<String>,
}

/// Which key would be made?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamMintPlan(pub(crate) MintAsked);

/// Makes a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamMint(pub(crate) MintAsked);

/// A scope of a key that is to be made, and what for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MintChoice {
    /// The scope.
    pub(crate) scope: String,
    /// The operations that need it.
    pub(crate) operations: Vec<String>,
    /// Why it is no narrower, when it is wider than they ask for.
    pub(crate) wider_because: Option<String>,
}

/// A key that would be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MintPlan {
    /// Its scopes.
    pub(crate) choices: Vec<MintChoice>,
    /// Each step and call.
    pub(crate) rotation: PlanView,
}

/// A key that is to have less reach.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShrinkAsked {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name or id of the key.
    pub(crate) name: String,
    /// What was used since then is kept.
    pub(crate) since: Timestamp,
    /// Where the new value is to be kept, if not beside the old one.
    pub(crate) to: Option<String>,
    /// No longer overlap of both keys than calls need.
    pub(crate) at_once: bool,
}

/// Which scopes would be kept?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamShrinkPlan(pub(crate) ShrinkAsked);

/// Replaces a key by one with these scopes, if they are what the plan is still.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamShrink(pub(crate) ShrinkAsked, pub(crate) ScopeSet);

/// A key that would have less reach.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShrinkPlan {
    /// Its name.
    pub(crate) name: String,
    /// What was used since then is kept.
    pub(crate) since: Timestamp,
    /// The scopes that it would have.
    pub(crate) scopes: ScopeSet,
    /// Each of them, and why.
    pub(crate) kept: Vec<Kept>,
    /// The scopes that it has and would not have as they are.
    pub(crate) dropped: ScopeSet,
    /// Operations granted to clients that no key would cover any more.
    pub(crate) lost: Vec<String>,
    /// What should be known before it is done.
    pub(crate) told: Vec<String>,
    /// Each step and call.
    pub(crate) rotation: PlanView,
}
