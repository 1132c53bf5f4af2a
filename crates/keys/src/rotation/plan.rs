//! What a rotation is to do: settled before it begins, and never changed after.

use doorward_catalog::ScopeSet;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::RotationId;
use super::timing::Timing;

/// Most outside holders of one key.
pub const CONSUMERS_MAX: usize = 64;

/// Why a key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Its age, by the schedule.
    Schedule,
    /// Somebody asked for it.
    Asked,
    /// To have less reach.
    Shrink,
    /// It leaked: the old key is revoked before anybody outside is served.
    Leak,
    /// There was none: a new key is made.
    Mint,
}

/// The key that is to be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldKey {
    /// Doorward's id of it: `uk_…`.
    pub key_id: String,
    /// Instantly's id of it: what it is revoked by.
    pub api_key_id: String,
    /// The start of the SHA-256 of its value when this was planned: what lies in its place with another
    /// is not it. `None` where an earlier version planned it.
    #[serde(default)]
    pub print: Option<[u8; 8]>,
}

/// What a rotation is to do. Made by [`Plan::new`], which refuses what can't end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub(super) id: RotationId,
    pub(super) workspace: String,
    pub(super) key: String,
    pub(super) why: Why,
    pub(super) scopes: ScopeSet,
    pub(super) old: Option<OldKey>,
    pub(super) manager: String,
    pub(super) consumers: Vec<String>,
    pub(super) timing: Timing,
    pub(super) at: Timestamp,
}

/// What a plan is made of.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The rotation.
    pub id: RotationId,
    /// Doorward's id of the workspace.
    pub workspace: String,
    /// Name of the upstream key, which stays when its value changes.
    pub key: String,
    /// Why.
    pub why: Why,
    /// The scopes of the new key.
    pub scopes: ScopeSet,
    /// The key that is to be replaced; none for a key that is made anew.
    pub old: Option<OldKey>,
    /// Doorward's id of the upstream key that makes, lists and revokes keys.
    pub manager: String,
    /// Instantly's id of that key, where it is known.
    pub manager_api_key_id: Option<String>,
    /// Names of those outside Doorward who hold the key as well and get the new one.
    pub consumers: Vec<String>,
    /// How long each step takes at least and at most.
    pub timing: Timing,
    /// Now.
    pub at: Timestamp,
}

/// Why a plan is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// The rotated key would revoke itself.
    #[error(
        "the key that manages can't be the key that is rotated: add another key with api_keys:all"
    )]
    ManagesItself,
    /// A key without scopes is none.
    #[error("a key without scopes can do nothing")]
    NoScopes,
    /// A wildcard over everything.
    #[error("a key is never made with all:all; name the scopes, or the use cases it is for")]
    Everything,
    /// A replacement of nothing, or a new key in place of one.
    #[error("a key is either made anew or put in the place of an old one")]
    OldAndWhy,
    /// Too many holders, or one twice.
    #[error("at most {CONSUMERS_MAX} consumers, each once")]
    Consumers,
    /// Times that can't be kept.
    #[error("{0}")]
    Timing(&'static str),
}

impl Plan {
    /// The plan of a draft.
    ///
    /// # Errors
    /// A [`PlanFault`] that says what to change.
    pub fn new(draft: Draft) -> Result<Self, PlanFault> {
        let Draft {
            id,
            workspace,
            key,
            why,
            scopes,
            old,
            manager,
            manager_api_key_id,
            consumers,
            timing,
            at,
        } = draft;
        // One key may be known by two names.
        let same = |old: &OldKey| {
            old.key_id == manager || manager_api_key_id.as_ref() == Some(&old.api_key_id)
        };
        if old.as_ref().is_some_and(same) {
            return Err(PlanFault::ManagesItself);
        }
        if old.is_none() != (why == Why::Mint) {
            return Err(PlanFault::OldAndWhy);
        }
        if scopes.is_empty() {
            return Err(PlanFault::NoScopes);
        }
        if scopes.iter().any(|scope| scope.to_string() == "all:all") {
            return Err(PlanFault::Everything);
        }
        let mut names: Vec<_> = consumers.iter().collect();
        names.sort_unstable();
        names.dedup();
        if names.len() != consumers.len() || consumers.len() > CONSUMERS_MAX {
            return Err(PlanFault::Consumers);
        }
        timing.check().map_err(PlanFault::Timing)?;
        Ok(Self {
            id,
            workspace,
            key,
            why,
            scopes,
            old,
            manager,
            consumers,
            timing,
            at,
        })
    }

    /// The rotation.
    pub fn id(&self) -> &RotationId {
        &self.id
    }

    /// Doorward's id of the workspace.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// Name of the upstream key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Why.
    pub fn why(&self) -> Why {
        self.why
    }

    /// The scopes of the new key.
    pub fn scopes(&self) -> ScopeSet {
        self.scopes
    }

    /// The key that is to be replaced.
    pub fn old(&self) -> Option<&OldKey> {
        self.old.as_ref()
    }

    /// Doorward's id of the upstream key that makes, lists and revokes keys.
    pub fn manager(&self) -> &str {
        &self.manager
    }

    /// Those outside Doorward who hold the key as well.
    pub fn consumers(&self) -> &[String] {
        &self.consumers
    }

    /// How long each step takes at least and at most.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// When it was planned.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What the names of all keys begin with that this rotation makes at Instantly.
    pub fn prefix(&self) -> String {
        self.id.prefix(&self.key)
    }
}
