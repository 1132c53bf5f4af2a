//! The people of a workspace.

use doorward_catalog::Op;
use doorward_catalog::people::Role;
use doorward_catalog::wire::WorkspaceMember;
use serde::Serialize;

use super::Change;
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::pages::Items;

/// Which members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberFilter {
    /// Only those who accepted their invitation, or only those who did not.
    pub accepted: Option<bool>,
    /// Only what has this text.
    pub search: Option<String>,
}

/// Whom to invite, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewMember {
    /// The address invited.
    pub email: String,
    /// Role; never [`Role::Owner`].
    pub role: Role,
    /// Nickname, at most 80 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Permissions beside the role, of [`doorward_catalog::people::PERMISSIONS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
}

/// What to change of a member; nothing else can be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MemberChange {
    /// Nickname, at most 80 characters.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub nickname: Change<String>,
    /// Role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Calls on the workspace's members.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's members.
    pub fn members(&self) -> Members<'_> {
        Members { client: self }
    }
}

impl Members<'_> {
    /// Members and those invited.
    pub fn list(&self, filter: &MemberFilter) -> Items<WorkspaceMember> {
        let call = Call::new(Op::ListWorkspaceMember)
            .maybe_query("accepted", filter.accepted)
            .maybe_query("search", filter.search.as_ref());
        self.client.items(call)
    }

    /// One member.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get(&self, id: &str) -> Result<WorkspaceMember, Error> {
        let call = Call::new(Op::GetWorkspaceMember).param(id);
        self.client.fetch(call).await
    }

    /// Invites somebody.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn create(&self, new: &NewMember) -> Result<WorkspaceMember, Error> {
        let call = Call::new(Op::CreateWorkspaceMember).json(new)?;
        self.client.fetch(call).await
    }

    /// Changes a member.
    ///
    /// # Errors
    /// See [`Client::send`]. A change of nothing is [`Error::Invalid`].
    pub async fn patch(&self, id: &str, change: &MemberChange) -> Result<WorkspaceMember, Error> {
        let call = Call::new(Op::PatchWorkspaceMember).param(id).json(change)?;
        self.client.fetch(call).await
    }

    /// Removes a member. Keys the member made live on.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn delete(&self, id: &str) -> Result<WorkspaceMember, Error> {
        let call = Call::new(Op::DeleteWorkspaceMember).param(id);
        self.client.fetch(call).await
    }
}
