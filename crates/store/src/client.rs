//! Clients and their keys.

use doorward_catalog::Environment;
use doorward_keys::{ClientKey, KeyHash, KeyId, Pepper};
use doorward_policy::{Grant, Timestamp};
use serde::Serialize;

use crate::controls::Controls;

/// A program or agent that calls through Doorward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Doorward's id: `cl_` and 16 hexadecimal digits.
    pub id: String,
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Name, unique in the workspace.
    pub name: String,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// Where it runs. Does not change: its keys say it too.
    pub environment: Environment,
    /// What it is for; may be empty.
    pub purpose: String,
    /// What it is granted, as written.
    pub grant: Grant,
    /// What is set for it beside its grant.
    pub controls: Controls,
    /// What made it: `cli`, `demo`, `manifest`.
    pub source: String,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was switched off, if it was.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A client to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClient {
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Name, unique in the workspace, see [`check_name`](crate::check_name).
    pub name: String,
    /// Who answers for it, at most 200 characters.
    pub owner: String,
    /// Where it runs.
    pub environment: Environment,
    /// What it is for, at most 200 characters.
    pub purpose: String,
    /// What it is granted; resolved when it is made, and refused if that fails.
    pub grant: Grant,
    /// What is set for it beside its grant.
    pub controls: Controls,
    /// What makes it; a name.
    pub source: String,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// By which names its maker is known.
    pub makers: Vec<String>,
}

impl NewClient {
    /// A client made on the command line, with no owner or purpose said and no end.
    pub fn new(workspace_id: &str, name: &str, environment: Environment, grant: Grant) -> Self {
        Self {
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            owner: String::new(),
            environment,
            purpose: String::new(),
            grant,
            controls: Controls::default(),
            source: "cli".to_owned(),
            expires_at: None,
            makers: Vec::new(),
        }
    }
}

/// What to change of a client; `None` leaves as is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientChange {
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// What it is granted; resolved as for a new client.
    pub grant: Option<Grant>,
    /// What is set for it beside its grant, whole.
    pub controls: Option<Controls>,
    /// When it ends; `Some(None)` for never.
    pub expires_at: Option<Option<Timestamp>>,
    /// Whether it is switched off. Switching off what is off keeps the first time.
    pub disabled: Option<bool>,
}

/// What is kept of a client key. The hash is left out of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientKeyRecord {
    /// The public id.
    pub id: KeyId,
    /// Doorward's id of the client.
    pub client_id: String,
    /// HMAC-SHA-256 of the whole key under the pepper.
    #[serde(skip)]
    pub hash: KeyHash,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, give or take the server's reporting interval.
    pub last_used_at: Option<Timestamp>,
}

/// A client's key that others made way for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedKeys {
    /// The new key.
    pub new: ClientKeyRecord,
    /// Those that end for it, by time of issue and id.
    pub old: Vec<ClientKeyRecord>,
}

/// A client key to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewClientKey {
    /// The public id.
    pub id: KeyId,
    /// The keyed hash.
    pub hash: KeyHash,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

impl NewClientKey {
    /// What is recorded of a key just made; no end.
    pub fn of(key: &ClientKey, pepper: &Pepper) -> Self {
        Self {
            id: key.id(),
            hash: key.hash(pepper),
            expires_at: None,
        }
    }

    /// The same with an end.
    #[must_use]
    pub fn expiring(self, at: Option<Timestamp>) -> Self {
        Self {
            expires_at: at,
            ..self
        }
    }
}
