//! What can be asked and what is answered. JSON on the wire.

use std::time::Duration;

use doorward_audit::Entry;
use doorward_catalog::wire::SecretText;
use doorward_catalog::{Environment, ScopeSet};
use doorward_policy::{Grant, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::audit_types::{
    Anchored, AuditAnchor, AuditErase, AuditEraseMonth, AuditFind, AuditPrune, AuditReconcile,
    AuditReview, AuditRotate, AuditShow, FoundPerson, Placed, Pruned, Reconciled, Rotated,
};
use super::controls::ControlsChange;
use super::runs::{RunStart, TunnelRefused};
use super::views::{ClientView, KeyView, UpstreamKeyView, WorkspaceView};
use crate::health::Ready;

/// A request with its answer.
pub(crate) trait Call: Serialize + DeserializeOwned + Send + 'static {
    /// Its name in the path of the admin API.
    const NAME: &'static str;
    /// How long the answer is waited for.
    const PATIENCE: Duration = Duration::from_secs(300);
    /// What is answered.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
}

calls! {
    Status, "status" => ServerStatus;
    Reload, "reload" => Reloaded;
    AskReady, "ready" => Ready;
    BackupTake, "backup/take" => ();
    WorkspaceList, "workspace/list" => Vec<WorkspaceView>;
    WorkspaceShow, "workspace/show" => WorkspaceView;
    WorkspaceAdd, "workspace/add" => WorkspaceAdded;
    WorkspaceRemove, "workspace/remove" => WorkspaceView;
    WorkspaceKeyRemove, "workspace/key/remove" => UpstreamKeyView;
    ClientCreate, "client/create" => ClientView;
    ClientList, "client/list" => Vec<ClientView>;
    ClientShow, "client/show" => ClientView;
    ClientSet, "client/set" => ClientView;
    ClientDelete, "client/delete" => ClientView;
    KeyIssue, "key/issue" => IssuedKey;
    KeyList, "key/list" => Vec<KeyView>;
    KeyRevoke, "key/revoke" => KeyView;
    AuditFind, "audit/find" => Vec<FoundPerson>;
    AuditShow, "audit/show" => Vec<Entry>;
    AuditAnchor, "audit/anchor" => Anchored;
    AuditErase, "audit/erase" => Placed;
    AuditEraseMonth, "audit/erase/month" => Placed;
    AuditPrune, "audit/prune" => Pruned;
    AuditReview, "audit/review" => Placed;
    AuditRotate, "audit/rotate" => Rotated;
    AuditReconcile, "audit/reconcile" => Reconciled;
    RunStart, "run/start" => ();
    TunnelRefused, "run/tunnel/refused" => ();
}

/// What runs?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {}

/// What runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerStatus {
    /// Doorward's version.
    pub(crate) version: String,
    /// Process id.
    pub(crate) pid: u32,
    /// Where the gateway is; none when no server runs.
    pub(crate) gateway_url: Option<String>,
    /// Clients that are granted more than usual for a limited time.
    #[serde(default)]
    pub(crate) beyond: Vec<super::beyond::Beyond>,
    /// How it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<crate::health::Health>,
}

/// A backup is about to be taken: for the record alone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BackupTake {}

/// Can calls be taken?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AskReady {}

/// Reads the configuration, the state and the upstream keys again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reload {}

/// What came of reading the configuration again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// The settings that were changed and are in force now.
    pub(crate) changed: Vec<String>,
    /// Those that are not what the server was started with, and need a restart.
    pub(crate) restart_needed: Vec<String>,
    /// Why secrets could not be read again, where some could not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unread: Vec<String>,
}

/// Every workspace.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkspaceList {}

/// One workspace.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkspaceShow {
    /// Name or id; the only one there is when none is said.
    pub(crate) name: Option<String>,
}

/// Adds a workspace, or upstream keys to one that is there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkspaceAdd {
    /// Name to call it by.
    pub(crate) name: String,
    /// References of its upstream keys; never the keys.
    pub(crate) references: Vec<String>,
    /// Where its API is, when not at Instantly.
    pub(crate) base_url: Option<String>,
    /// Scopes of the keys, where they can't be found out.
    pub(crate) scopes: Option<ScopeSet>,
    /// Whether it is emulated.
    pub(crate) sandbox: bool,
    /// Whether the keys manage the others, and carry no call of a client.
    #[serde(default)]
    pub(crate) manages: bool,
}

/// What adding a workspace found out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkspaceAdded {
    /// The workspace as it is now.
    pub(crate) workspace: WorkspaceView,
    /// Names of the keys that were added.
    pub(crate) added_keys: Vec<String>,
    /// What Doorward itself would need.
    pub(crate) needs: Vec<Needed>,
    /// The sub-workspaces that the keys reach; none when that can't be told.
    pub(crate) sub_workspaces: Option<Vec<SubWorkspace>>,
}

/// Scopes that Doorward itself would need for one purpose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Needed {
    /// What for.
    pub(crate) purpose: String,
    /// The scopes.
    pub(crate) scopes: Vec<String>,
    /// Whether the workspace's keys have them; none when their scopes are not known.
    pub(crate) held: Option<bool>,
}

/// A sub-workspace that an admin workspace reaches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SubWorkspace {
    /// Instantly's id of it.
    pub(crate) id: String,
    /// Its name, when told.
    pub(crate) name: Option<String>,
    /// How far the membership is: `accepted`, `pending`, `rejected`.
    pub(crate) status: String,
}

/// Removes a workspace; answers what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkspaceRemove {
    /// Name or id.
    pub(crate) name: String,
}

/// Removes an upstream key from a workspace; answers what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkspaceKeyRemove {
    /// Name or id of the workspace.
    pub(crate) workspace: String,
    /// Name or id of the key.
    pub(crate) key: String,
}

/// Creates a client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClientCreate {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Name of the client.
    pub(crate) name: String,
    /// Where it runs.
    pub(crate) environment: Environment,
    /// Who answers for it.
    pub(crate) owner: String,
    /// What it is for.
    pub(crate) purpose: String,
    /// What it is granted.
    pub(crate) grant: Grant,
    /// What is set for it beside its grant.
    pub(crate) controls: ControlsChange,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
    /// The names of who makes it; found out here, never taken from outside.
    #[serde(skip)]
    pub(crate) by: Vec<String>,
}

/// The clients of a workspace.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClientList {
    /// Which workspaces.
    pub(crate) of: Scopeful,
}

/// One workspace or all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Scopeful {
    /// Name or id of the workspace; the only one there is when none is said.
    pub(crate) workspace: Option<String>,
    /// Every workspace.
    pub(crate) all: bool,
}

/// One client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClientShow {
    /// Name or id of the workspace.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) name: String,
}

/// Changes a client, or switches it off or on. What is not said stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ClientSet {
    /// Name or id of the workspace.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) name: String,
    /// Whether it is to be off; none leaves it.
    pub(crate) disabled: Option<bool>,
    /// What it is granted in place of what it was; none leaves it.
    pub(crate) grant: Option<Grant>,
    /// What is set for it beside its grant.
    pub(crate) controls: ControlsChange,
    /// Who answers for it.
    pub(crate) owner: Option<String>,
    /// What it is for.
    pub(crate) purpose: Option<String>,
    /// When it ends.
    pub(crate) end: Option<End>,
}

impl ClientSet {
    /// Whether nothing is said to change.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.disabled.is_none()
            && self.grant.is_none()
            && self.controls.is_empty()
            && self.owner.is_none()
            && self.purpose.is_none()
            && self.end.is_none()
    }
}

/// When something is to end.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// Not by itself.
    Never,
    /// Then.
    At(Timestamp),
}

impl End {
    /// The time, if there is one.
    pub(crate) fn time(self) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::At(time) => Some(time),
        }
    }
}

/// Deletes a client and its keys; answers what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClientDelete {
    /// Name or id of the workspace.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) name: String,
}

/// Issues a key to a client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyIssue {
    /// Name or id of the workspace.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) client: String,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A key just issued: the only time that it is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IssuedKey {
    /// What is kept of it.
    #[serde(flatten)]
    pub(crate) record: KeyView,
    /// The key itself.
    pub(crate) key: SecretText,
}

/// Client keys.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyList {
    /// Which workspaces.
    pub(crate) of: Scopeful,
    /// Name or id of the client; every client when none is said.
    pub(crate) client: Option<String>,
}

/// Revokes a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyRevoke {
    /// The key's public id.
    pub(crate) key_id: String,
}
