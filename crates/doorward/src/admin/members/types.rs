//! What is asked about people, and answered.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::types::Scopeful;

/// The people of workspaces, and those invited.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MemberList {
    /// Which workspaces.
    pub(crate) of: Scopeful,
}

/// The people of one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MembersOf {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Its people, by address.
    pub(crate) members: Vec<MemberView>,
}

/// A person, or somebody invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberView {
    /// Instantly's id of the membership.
    pub(crate) id: String,
    /// The address, in lower case.
    pub(crate) email: String,
    /// The name, where Instantly tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The nickname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nickname: Option<String>,
    /// `owner`, `admin`, `editor`, `view`, `client`, or what Instantly says.
    pub(crate) role: String,
    /// Permissions beside the role.
    pub(crate) permissions: Vec<String>,
    /// Whether the invitation was accepted.
    pub(crate) accepted: bool,
    /// When they were invited, where that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_at: Option<Timestamp>,
}

/// Invites somebody.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MemberInvite {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// The address.
    pub(crate) email: String,
    /// The role; never `owner`.
    pub(crate) role: String,
    /// Permissions beside the role.
    pub(crate) permissions: Vec<String>,
    /// The nickname.
    pub(crate) nickname: Option<String>,
}

/// Changes a member's role or nickname; Instantly lets nothing else be changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MemberSet {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// Address, or Instantly's id of the membership.
    pub(crate) member: String,
    /// The role.
    pub(crate) role: Option<String>,
    /// The nickname.
    pub(crate) nickname: Option<Nickname>,
}

/// A nickname, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Nickname {
    /// None any more.
    None,
    /// This.
    Is(String),
}

/// Removes a member, or takes an invitation back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MemberRemove {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// Address, or Instantly's id of the membership.
    pub(crate) member: String,
}

/// Somebody looked through the people of a workspace: for the record alone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MemberReviewed {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// How many people were shown.
    pub(crate) members: usize,
    /// How many of them something was told of.
    pub(crate) told: usize,
}
