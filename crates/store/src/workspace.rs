//! Workspaces and the upstream keys that reach them.

use doorward_catalog::{Environment, Scope, ScopeSet};
use doorward_policy::{Timestamp, WorkspaceKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An Instantly workspace that Doorward guards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workspace {
    /// Doorward's id: `ws_` and 16 hexadecimal digits.
    pub id: String,
    /// Unique name.
    pub name: String,
    /// Instantly's id of it, once known.
    pub instantly_id: Option<String>,
    /// Real or emulated.
    pub kind: WorkspaceKind,
    /// Where its API is: `https://api.instantly.ai`.
    pub base_url: String,
    /// The environments whose clients it takes.
    pub environments: BTreeSet<Environment>,
    /// The upstream keys, by name.
    pub upstream_keys: Vec<UpstreamKey>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A workspace to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkspace {
    /// Unique name, see [`check_name`](crate::check_name).
    pub name: String,
    /// Instantly's id of it, when known.
    pub instantly_id: Option<String>,
    /// Real or emulated.
    pub kind: WorkspaceKind,
    /// Where its API is: of a sandbox never at Instantly's own domain, of a live one plain http on
    /// this machine only.
    pub base_url: String,
    /// The environments whose clients it takes; not empty.
    pub environments: BTreeSet<Environment>,
}

impl NewWorkspace {
    /// A workspace for clients of every environment, Instantly's id not yet known.
    pub fn new(name: &str, kind: WorkspaceKind, base_url: &str) -> Self {
        Self {
            name: name.to_owned(),
            instantly_id: None,
            kind,
            base_url: base_url.to_owned(),
            environments: Environment::ALL.into_iter().collect(),
        }
    }
}

/// What to change of a workspace; `None` leaves as is. The kind can't change, nor can a sandbox be
/// moved to Instantly's own domain: what was granted without a ceiling must not come to stand
/// against the real thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkspaceChange {
    /// Instantly's id of it.
    pub instantly_id: Option<String>,
    /// Where its API is.
    pub base_url: Option<String>,
    /// The environments whose clients it takes. Clients that are there stay.
    pub environments: Option<BTreeSet<Environment>>,
}

/// A real Instantly API key, known by where its value is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamKey {
    /// Doorward's id: `uk_` and 16 hexadecimal digits.
    pub id: String,
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Name, unique in the workspace.
    pub name: String,
    /// Where the value is: `file://…`, `env://…`. Never the value.
    pub reference: String,
    /// The scopes it has, as the API or an operator said; `None` when not known.
    pub scopes: Option<Vec<String>>,
    /// Whether it is used.
    pub state: UpstreamKeyState,
    /// What it is there for.
    pub role: KeyRole,
    /// Instantly's id of it, once known: what it is revoked by.
    pub api_key_id: Option<String>,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// The rotation that made it; `None` for one that was made by hand.
    pub made_by: Option<String>,
    /// When it was made at Instantly, where that is known.
    pub made_at: Option<Timestamp>,
    /// After how many milliseconds it is to be rotated; `None` for what is configured.
    pub rotate_every: Option<i64>,
    /// What the last probe found.
    pub probe: Option<Probe>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl UpstreamKey {
    /// The scopes that the catalog knows, or `None` when nothing is known of them.
    pub fn scope_set(&self) -> Option<ScopeSet> {
        let scopes = self.scopes.as_ref()?;
        Some(
            scopes
                .iter()
                .filter_map(|scope| Scope::parse(scope).ok())
                .collect(),
        )
    }
}

/// An upstream key to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpstreamKey {
    /// Name, unique in the workspace.
    pub name: String,
    /// Where the value is.
    pub reference: String,
    /// The scopes it has, when known.
    pub scopes: Option<Vec<String>>,
    /// What it is there for.
    pub role: KeyRole,
    /// Instantly's id of it, when known.
    pub api_key_id: Option<String>,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// When it was made at Instantly, when known.
    pub made_at: Option<Timestamp>,
    /// After how many milliseconds it is to be rotated; `None` for what is configured.
    pub rotate_every: Option<i64>,
}

impl NewUpstreamKey {
    /// A key that calls go out under, of which no scopes are known yet.
    pub fn new(name: &str, reference: &str) -> Self {
        Self {
            name: name.to_owned(),
            reference: reference.to_owned(),
            scopes: None,
            role: KeyRole::Carries,
            api_key_id: None,
            owner: String::new(),
            made_at: None,
            rotate_every: None,
        }
    }
}

/// What to change of an upstream key; `None` leaves as is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpstreamKeyChange {
    /// What it is there for.
    pub role: Option<KeyRole>,
    /// Instantly's id of it.
    pub api_key_id: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it was made at Instantly.
    pub made_at: Option<Timestamp>,
    /// After how many milliseconds it is to be rotated; `Some(None)` for what is configured.
    pub rotate_every: Option<Option<i64>>,
}

/// What an upstream key is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// Clients' calls go out under it.
    Carries,
    /// Doorward makes, lists and deletes the workspace's keys under it. No client's call ever goes
    /// out under it.
    Manages,
}

impl KeyRole {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Carries => "carries",
            Self::Manages => "manages",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Carries, Self::Manages]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// Whether an upstream key is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKeyState {
    /// Calls go out under it.
    Active,
    /// Being replaced: used only where no active key will do.
    Retiring,
    /// Not used any more.
    Retired,
}

impl UpstreamKeyState {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Retiring, Self::Retired]
            .into_iter()
            .find(|s| s.as_str() == name)
    }
}

/// What a probe of an upstream key found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// When it was made.
    pub at: Timestamp,
    /// What it found.
    pub outcome: ProbeOutcome,
    /// One line for people, at most 200 characters.
    pub detail: String,
}

/// Whether an upstream key is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbeOutcome {
    /// The API takes it.
    Alive,
    /// The API refuses it.
    Dead,
    /// The probe could not tell.
    Unclear,
}

impl ProbeOutcome {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Unclear => "unclear",
        }
    }

    /// The outcome of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Alive, Self::Dead, Self::Unclear]
            .into_iter()
            .find(|o| o.as_str() == name)
    }
}
