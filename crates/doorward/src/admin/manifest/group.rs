//! The group of an admin workspace.

use doorward_catalog::Op;
use doorward_catalog::wire::WorkspaceGroupMember;
use doorward_upstream::Error;
use tokio::runtime::Handle as Runtime;

use super::types::{
    GroupInvite, GroupList, GroupMember, GroupRemove, ManifestApplied, ManifestApply,
};
use crate::admin::error::AdminError;
use crate::admin::reaching::{not_done, told};
use crate::admin::service::{Admin, Handle};

/// Most sub-workspaces that are listed.
const GROUP_MAX: usize = 10_000;

impl Handle<GroupList> for Admin {
    fn handle(&self, call: GroupList) -> Result<Vec<GroupMember>, AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let operations = [Op::ListWorkspaceGroupMember];
        let client = self.client_for(&workspace, &operations, "list the group")?;
        let listed = client.group_members().list().all(GROUP_MAX);
        let all = Runtime::current().block_on(listed).map_err(|error| {
            AdminError::failed(format_args!("the group can't be listed: {error}"))
        })?;
        Ok(all.iter().map(GroupMember::of).collect())
    }
}

impl Handle<GroupInvite> for Admin {
    fn handle(&self, call: GroupInvite) -> Result<GroupMember, AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let operations = [Op::CreateWorkspaceGroupMember];
        let client = self.client_for(&workspace, &operations, "invite into the group")?;
        let group = client.group_members();
        let made = Runtime::current().block_on(group.create(&call.sub_workspace));
        let made = made.map_err(|error| not_done("invite the workspace", &error))?;
        Ok(GroupMember::of(&made))
    }
}

impl Handle<GroupRemove> for Admin {
    fn handle(&self, call: GroupRemove) -> Result<(), AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let operations = [Op::DeleteWorkspaceGroupMember];
        let client = self.client_for(&workspace, &operations, "remove from the group")?;
        let group = client.group_members();
        match Runtime::current().block_on(group.delete(&call.membership)) {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(not_done("end the membership", &error)),
        }
    }
}

impl Handle<ManifestApply> for Admin {
    fn handle(&self, _: ManifestApply) -> Result<(), AdminError> {
        Ok(())
    }
}

impl Handle<ManifestApplied> for Admin {
    fn handle(&self, _: ManifestApplied) -> Result<(), AdminError> {
        Ok(())
    }
}

impl GroupMember {
    fn of(member: &WorkspaceGroupMember) -> Self {
        let status = serde_json::to_value(&member.status).unwrap_or_default();
        Self {
            id: told(&member.id),
            sub_workspace: told(&member.sub_workspace_id).to_lowercase(),
            name: told(member.sub_workspace_name.as_deref().unwrap_or_default()),
            status: told(status.as_str().unwrap_or_default()),
        }
    }
}
