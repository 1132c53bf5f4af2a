//! The sub-workspaces of an admin workspace.

use doorward_catalog::Op;
use doorward_catalog::wire::WorkspaceGroupMember;
use serde::Deserialize;
use serde_json::json;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::pages::Items;

/// The admin workspace above this one, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AdminWorkspace {
    /// Its name; `Undefined` when there is none.
    pub workspace_name: String,
    /// Whether there is one.
    pub has_admin_workspace: bool,
    /// The membership's id, to leave by.
    #[serde(default)]
    pub workspace_group_member_id: Option<String>,
}

/// Calls on the workspace's group.
#[derive(Debug, Clone, Copy)]
pub struct GroupMembers<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's group.
    pub fn group_members(&self) -> GroupMembers<'_> {
        GroupMembers { client: self }
    }
}

impl GroupMembers<'_> {
    /// The sub-workspaces.
    pub fn list(&self) -> Items<WorkspaceGroupMember> {
        self.client.items(Call::new(Op::ListWorkspaceGroupMember))
    }

    /// One membership.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get(&self, id: &str) -> Result<WorkspaceGroupMember, Error> {
        let call = Call::new(Op::GetWorkspaceGroupMember).param(id);
        self.client.fetch(call).await
    }

    /// The admin workspace above this one.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn admin(&self) -> Result<AdminWorkspace, Error> {
        let call = Call::new(Op::GetAdminWorkspaceGroupMember);
        self.client.fetch(call).await
    }

    /// Invites a workspace into the group.
    ///
    /// # Errors
    /// See [`Client::send`]; [`Error::Conflict`] when it is in one.
    pub async fn create(&self, sub_workspace_id: &str) -> Result<WorkspaceGroupMember, Error> {
        let body = json!({ "sub_workspace_id": sub_workspace_id });
        let call = Call::new(Op::CreateWorkspaceGroupMember).json(&body)?;
        self.client.fetch(call).await
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn delete(&self, id: &str) -> Result<WorkspaceGroupMember, Error> {
        let call = Call::new(Op::DeleteWorkspaceGroupMember).param(id);
        self.client.fetch(call).await
    }
}
