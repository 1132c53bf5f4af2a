//! A key as it is shown.

use doorward_catalog::Risk;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::sources::Count;

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Calls go out under it.
    Active,
    /// It is being replaced.
    Retiring,
    /// It is not used any more.
    Retired,
    /// Instantly does not accept it.
    Dead,
    /// Instantly does not list it any more.
    Gone,
    /// Instantly lists it, and Doorward does not hold it.
    Unknown,
}

impl KeyState {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Dead => "dead",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

/// How often a granted scope was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeUse {
    /// The scope, as Instantly spells it.
    pub scope: String,
    /// Calls whose operations it covers and no narrower scope of the key does.
    pub calls: u64,
    /// When last.
    pub last: Option<Timestamp>,
}

/// What Instantly's own audit log has of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Records that name the key.
    pub records: u64,
    /// The last.
    pub last: Timestamp,
    /// Records that name no call of Doorward's.
    pub around: u64,
    /// The addresses that those came from.
    pub addresses: Vec<String>,
}

/// A key: what is known of it, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Doorward's name of it, or Instantly's where Doorward does not hold it.
    pub name: String,
    /// Doorward's id of it.
    pub key_id: Option<String>,
    /// Instantly's id of it.
    pub api_key_id: Option<String>,
    /// Its name at Instantly.
    pub name_there: Option<String>,
    /// How it stands.
    pub state: KeyState,
    /// Whether it makes, lists and revokes the other keys.
    pub manages: bool,
    /// What Doorward itself does under it, in words; that is in no count.
    pub own_use: Option<String>,
    /// Its scopes: as Instantly lists them, else as Doorward knows them.
    pub scopes: Option<Vec<String>>,
    /// The gravest risk of its scopes.
    pub risk: Option<Risk>,
    /// Why that is so, in words that follow "it ".
    pub risk_reason: Option<String>,
    /// When it was made, as Instantly says; else since when Doorward holds it.
    pub created_at: Option<Timestamp>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where its value is kept.
    pub reference: Option<String>,
    /// Calls through Doorward, by the ledger.
    pub used: Option<Count>,
    /// Acts under it, by Instantly's audit log.
    pub seen: Option<Seen>,
    /// Its scopes by how often the ledger has them used; empty where they are not known.
    pub scope_uses: Vec<ScopeUse>,
    /// Keys that Doorward holds and that this one may be.
    pub may_be: Vec<String>,
    /// What else there is to say.
    pub remarks: Vec<String>,
}

impl Row {
    /// Scopes that no call used.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let idle = self.scope_uses.iter().filter(|one| one.calls == 0);
        idle.map(|one| one.scope.as_str())
    }
}
