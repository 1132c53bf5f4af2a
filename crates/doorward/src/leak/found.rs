//! Which key it is that leaked.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::KeyView;

/// What a leaked value or an id turned out to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Found {
    /// A client's key.
    ClientKey(KeyView),
    /// A key of Instantly's.
    UpstreamKey(Box<LeakedUpstream>),
}

/// A key of Instantly's that leaked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LeakedUpstream {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Doorward's id of it.
    pub(crate) workspace_id: String,
    /// Doorward's id of the key, if it holds it.
    pub(crate) key_id: Option<String>,
    /// Its name here.
    pub(crate) name: Option<String>,
    /// Instantly's id of it.
    pub(crate) api_key_id: Option<String>,
    /// Whether that id is beyond doubt.
    pub(crate) sure: bool,
    /// Its name at Instantly.
    pub(crate) name_there: Option<String>,
    /// Its scopes, as Instantly spells them.
    pub(crate) scopes: Option<Vec<String>>,
    /// When it was made.
    pub(crate) made_at: Option<Timestamp>,
    /// Whether Instantly takes it; `None` when that can't be told.
    pub(crate) alive: Option<bool>,
    /// Whether its workspace has no paid plan: it is alive then, and its scopes can't be told.
    #[serde(default)]
    pub(crate) unpaid: bool,
    /// By what it is known where it is presented: a keyed hash of its value.
    pub(crate) fingerprint: Option<String>,
    /// How it can be stopped.
    pub(crate) way: Way,
    /// Why not another way; what could not be found out.
    pub(crate) remarks: Vec<String>,
}

/// How a key can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// A successor takes its place, and it is revoked.
    Rotate,
    /// It is revoked: nothing here calls under it.
    Revoke,
    /// A person has to, in Instantly's interface.
    ByHand,
    /// It is dead already.
    Dead,
}

impl LeakedUpstream {
    /// What to call it.
    pub(crate) fn title(&self) -> String {
        match (&self.name, &self.name_there, &self.api_key_id) {
            (Some(name), _, _) => format!("upstream key '{name}' of workspace {}", self.workspace),
            (None, Some(name), _) => {
                format!("Instantly key '{name}' of workspace {}", self.workspace)
            }
            (None, None, Some(id)) => format!("Instantly key {id} of workspace {}", self.workspace),
            (None, None, None) => "an Instantly key that Doorward does not hold".to_owned(),
        }
    }
}

impl Found {
    /// What to call it.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::ClientKey(key) => format!("client key {} of client '{}'", key.id, key.client),
            Self::UpstreamKey(key) => key.title(),
        }
    }
}
