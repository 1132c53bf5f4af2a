//! Workspaces, their people and group, the block list.

use serde::{Deserialize, Serialize};

use super::Extra;
use crate::people::Role;

/// A workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Uuid.
    pub id: String,
    /// RFC 3339.
    pub timestamp_created: String,
    /// RFC 3339.
    pub timestamp_updated: String,
    /// The owner's user uuid.
    pub owner: String,
    /// Name.
    pub name: String,
    /// When it will be removed, RFC 3339.
    #[serde(default)]
    pub scheduled_for_removal_at: Option<String>,
    /// Whether unsubscribes go to the block list.
    #[serde(default)]
    pub add_unsub_to_block: Option<bool>,
    /// Fields not known here, plans among them.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A person in a workspace, or invited to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceMember {
    /// Uuid of the membership.
    pub id: String,
    /// The address invited.
    pub email: String,
    /// The user's uuid.
    pub user_id: String,
    /// Role.
    pub role: Role,
    /// RFC 3339.
    pub timestamp_created: String,
    /// The workspace's uuid.
    pub workspace_id: String,
    /// Whether the invitation was accepted.
    pub accepted: bool,
    /// Who invited, user uuid.
    #[serde(default)]
    pub issuer_id: Option<String>,
    /// Nickname, at most 80 characters.
    #[serde(default)]
    pub nickname: Option<String>,
    /// Permissions beside the role; they can't be changed, only invited anew.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
    /// Fields not known here.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How far a group membership is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupStatus {
    /// Invited.
    Pending,
    /// In force.
    Accepted,
    /// Refused.
    Rejected,
    /// A status not known here.
    #[serde(untagged)]
    Other(String),
}

/// A sub-workspace in an admin workspace's group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceGroupMember {
    /// Uuid.
    pub id: String,
    /// The admin workspace's uuid.
    pub admin_workspace_id: String,
    /// The sub-workspace's uuid.
    pub sub_workspace_id: String,
    /// How far it is.
    pub status: GroupStatus,
    /// RFC 3339.
    pub timestamp_created: String,
    /// RFC 3339.
    pub timestamp_updated: String,
    /// The sub-workspace's name.
    #[serde(default)]
    pub sub_workspace_name: Option<String>,
    /// The admin workspace's name.
    #[serde(default)]
    pub admin_workspace_name: Option<String>,
    /// Fields not known here.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An address or domain that is never written to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockListEntry {
    /// Uuid.
    pub id: String,
    /// RFC 3339.
    pub timestamp_created: String,
    /// The workspace's uuid.
    pub organization_id: String,
    /// The address or domain.
    pub bl_value: String,
    /// Whether it is a domain.
    pub is_domain: bool,
    /// Fields not known here.
    #[serde(flatten)]
    pub extra: Extra,
}
