//! The workspace itself, and its group.

use doorward_catalog::wire::GroupStatus;
use doorward_policy::Timestamp;

/// The workspace itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRecord {
    /// Instantly's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The owner's user id.
    pub owner: String,
    /// Whether Instantly puts who unsubscribes on the block list by itself.
    pub blocks_unsubscribed: bool,
    /// When it will be removed, if it will.
    pub removal_at: Option<Timestamp>,
}

/// The group that a workspace is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The name of the admin workspace above it, if there is one.
    pub admin: Option<String>,
    /// Its sub-workspaces; it is an admin workspace when there are any.
    pub members: Vec<Membership>,
}

/// A sub-workspace of an admin workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Instantly's id of the membership.
    pub id: String,
    /// Instantly's id of the sub-workspace.
    pub workspace_id: String,
    /// Its name.
    pub name: Option<String>,
    /// How far it is.
    pub status: GroupStatus,
}
