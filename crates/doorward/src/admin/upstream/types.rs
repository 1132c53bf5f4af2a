//! What can be asked of upstream keys and what is answered.

use doorward_keys::inventory::Row;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::types::Scopeful;

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
    /// What could not be known, and what to do about it.
    pub(crate) told: Vec<String>,
}
