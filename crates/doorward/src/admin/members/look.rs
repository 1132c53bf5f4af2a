//! The people of a workspace as Instantly has them.

use doorward_catalog::Op;
use doorward_catalog::people::Role;
use doorward_catalog::wire::WorkspaceMember;
use doorward_policy::Timestamp;
use doorward_store::Workspace;
use doorward_upstream::Client;
use doorward_upstream::resources::MemberFilter;
use serde_json::Value;
use tokio::runtime::Handle as Runtime;

use super::types::{MemberList, MemberReviewed, MemberView, MembersOf};
use crate::admin::error::AdminError;
use crate::admin::reaching::told;
use crate::admin::service::{Admin, Handle};

/// Most people that are listed.
const MEMBERS_MAX: usize = 100_000;

impl Handle<MemberList> for Admin {
    fn handle(&self, call: MemberList) -> Result<Vec<MembersOf>, AdminError> {
        let workspaces = self.workspaces(&call.of)?;
        let each = workspaces.iter().map(|workspace| {
            Ok(MembersOf {
                workspace: workspace.name.clone(),
                members: self.members_of(workspace)?,
            })
        });
        each.collect()
    }
}

impl Handle<MemberReviewed> for Admin {
    fn handle(&self, _: MemberReviewed) -> Result<(), AdminError> {
        Ok(())
    }
}

impl Admin {
    /// Everybody, by address.
    pub(in crate::admin) fn members_of(
        &self,
        workspace: &Workspace,
    ) -> Result<Vec<MemberView>, AdminError> {
        let client = self.client_for(workspace, &[Op::ListWorkspaceMember], "list members")?;
        let mut found: Vec<_> = everybody(&client)?.iter().map(MemberView::of).collect();
        found.sort_by(|one, other| (&one.email, &one.id).cmp(&(&other.email, &other.id)));
        Ok(found)
    }
}

/// Everybody, as Instantly lists them.
pub(super) fn everybody(client: &Client) -> Result<Vec<WorkspaceMember>, AdminError> {
    let listed = client.members().list(&MemberFilter::default());
    let all = Runtime::current()
        .block_on(listed.all(MEMBERS_MAX + 1))
        .map_err(|error| {
            AdminError::failed(format_args!("the members can't be listed: {error}"))
        })?;
    if all.len() > MEMBERS_MAX {
        return Err(AdminError::failed(format_args!(
            "the workspace has more than {MEMBERS_MAX} members, which is more than is looked at"
        )));
    }
    Ok(all)
}

/// The one that is meant, by address or id.
pub(super) fn find<'a>(
    all: &'a [WorkspaceMember],
    member: &str,
    workspace: &str,
) -> Result<&'a WorkspaceMember, AdminError> {
    let address = member.trim().to_lowercase();
    let mut meant = all
        .iter()
        .filter(|one| one.id == member || one.email.trim().to_lowercase() == address);
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(AdminError::usage(
            "several members have this address; say which by its id, as `doorward member list --json` \
             has it",
        )),
        (None, _) => Err(AdminError::usage(format_args!(
            "workspace '{workspace}' has no such member; `doorward member list` shows who there is"
        ))),
    }
}

/// Refuses to touch the last owner.
pub(super) fn spare_last_owner(
    all: &[WorkspaceMember],
    meant: &WorkspaceMember,
) -> Result<(), AdminError> {
    let owns = |one: &WorkspaceMember| one.role == Role::Owner && one.accepted;
    let others = all.iter().filter(|one| one.id != meant.id && owns(one));
    if meant.role == Role::Owner && others.count() == 0 {
        return Err(AdminError::usage(
            "this is the workspace's last owner, who is never touched; ownership is handed on in \
             Instantly's settings",
        ));
    }
    Ok(())
}

impl MemberView {
    pub(super) fn of(member: &WorkspaceMember) -> Self {
        let invited: Option<jiff::Timestamp> = member.timestamp_created.parse().ok();
        let permissions = member.permissions.iter().flatten();
        Self {
            id: told(&member.id),
            email: told(member.email.trim()).to_lowercase(),
            name: name_of(member),
            nickname: member
                .nickname
                .as_deref()
                .map(told)
                .filter(|name| !name.is_empty()),
            role: told(member.role.as_str()),
            permissions: permissions.map(|one| told(one)).collect(),
            accepted: member.accepted,
            invited_at: invited.map(|at| Timestamp::from_millis(at.as_millisecond())),
        }
    }
}

fn name_of(member: &WorkspaceMember) -> Option<String> {
    let name = member.extra.get("name")?;
    let part = |part: &str| name.get(part).and_then(Value::as_str).map(told);
    let parts: Vec<String> = ["first", "last"].into_iter().filter_map(part).collect();
    let whole = parts.join(" ").trim().to_owned();
    (!whole.is_empty()).then_some(whole)
}
