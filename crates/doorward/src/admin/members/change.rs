//! Inviting, changing and removing people. Each looks first, and does nothing that is done already.

use doorward_catalog::Op;
use doorward_catalog::limits::NICKNAME_MAX;
use doorward_catalog::people::{PERMISSIONS, Role};
use doorward_catalog::wire::WorkspaceMember;
use doorward_posture::block::BlockValue;
use doorward_upstream::Error;
use doorward_upstream::resources::{Change, MemberChange, NewMember};
use tokio::runtime::Handle as Runtime;

use super::look::{everybody, find, spare_last_owner};
use super::types::{MemberInvite, MemberRemove, MemberSet, MemberView, Nickname};
use crate::admin::error::AdminError;
use crate::admin::reaching::not_done;
use crate::admin::service::{Admin, Handle};

/// Instantly takes the roles between these.
const GIVABLE: [Role; 3] = [Role::Admin, Role::Editor, Role::View];

impl Handle<MemberInvite> for Admin {
    fn handle(&self, call: MemberInvite) -> Result<MemberView, AdminError> {
        let address = BlockValue::parse(&call.email)
            .ok()
            .filter(|value| !value.is_domain());
        let Some(address) = address else {
            return Err(AdminError::usage(
                "that is no mail address; write it like ann@example.com",
            ));
        };
        let role = givable(&call.role)?;
        check_permissions(&call.permissions)?;
        check_nickname(call.nickname.as_deref())?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let operations = [Op::ListWorkspaceMember, Op::CreateWorkspaceMember];
        let client = self.client_for(&workspace, &operations, "invite members")?;
        let there = everybody(&client)?;
        let same = |one: &&WorkspaceMember| one.email.trim().to_lowercase() == address.as_str();
        if let Some(known) = there.iter().find(same) {
            let state = if known.accepted {
                "a member"
            } else {
                "invited"
            };
            return Err(AdminError::usage(format_args!(
                "whoever has this address is {state} already, as {}",
                known.role
            )));
        }
        let new = NewMember {
            email: address.into_string(),
            role,
            nickname: call.nickname,
            permissions: Some(call.permissions).filter(|all| !all.is_empty()),
        };
        let made = Runtime::current().block_on(client.members().create(&new));
        let made = made.map_err(|error| not_done("invite", &error))?;
        Ok(MemberView::of(&made))
    }
}

impl Handle<MemberSet> for Admin {
    fn handle(&self, call: MemberSet) -> Result<MemberView, AdminError> {
        let role = call.role.as_deref().map(givable).transpose()?;
        if let Some(Nickname::Is(name)) = &call.nickname {
            check_nickname(Some(name))?;
        }
        let workspace = self.workspace(call.workspace.as_deref())?;
        let operations = [Op::ListWorkspaceMember, Op::PatchWorkspaceMember];
        let client = self.client_for(&workspace, &operations, "change members")?;
        let there = everybody(&client)?;
        let member = find(&there, &call.member, &workspace.name)?;
        let role = role.filter(|role| *role != member.role);
        if role.is_some() {
            spare_last_owner(&there, member)?;
        }
        let before = member.nickname.as_deref().unwrap_or_default();
        let nickname = match call.nickname {
            Some(Nickname::Is(name)) if name != before => Change::Set(name),
            Some(Nickname::None) if !before.is_empty() => Change::Clear,
            _ => Change::Keep,
        };
        if role.is_none() && nickname.is_keep() {
            return Ok(MemberView::of(member));
        }
        let change = MemberChange { nickname, role };
        let done = Runtime::current().block_on(client.members().patch(&member.id, &change));
        let done = done.map_err(|error| not_done("change the member", &error))?;
        Ok(MemberView::of(&done))
    }
}

impl Handle<MemberRemove> for Admin {
    fn handle(&self, call: MemberRemove) -> Result<MemberView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let operations = [Op::ListWorkspaceMember, Op::DeleteWorkspaceMember];
        let client = self.client_for(&workspace, &operations, "remove members")?;
        let there = everybody(&client)?;
        let member = find(&there, &call.member, &workspace.name)?;
        spare_last_owner(&there, member)?;
        match Runtime::current().block_on(client.members().delete(&member.id)) {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(not_done("remove the member", &error)),
        }
        // Of an owner, Instantly's "not found" means that it refuses.
        let left = everybody(&client)?;
        if left.iter().any(|one| one.id == member.id) {
            return Err(AdminError::failed(
                "Instantly did not remove the member: they are listed still",
            ));
        }
        Ok(MemberView::of(member))
    }
}

/// A role that can be given.
fn givable(text: &str) -> Result<Role, AdminError> {
    let role = Role::from(text.to_owned());
    if GIVABLE.contains(&role) {
        return Ok(role);
    }
    Err(AdminError::usage(match role {
        Role::Owner => {
            "nobody is made an owner through the API; ownership is handed on in Instantly's settings"
        }
        Role::Client => {
            "the role client is of customers' users and can't be given through the API; choose admin, \
             editor or view"
        }
        _ => "there is no such role; choose admin, editor or view",
    }))
}

fn check_permissions(named: &[String]) -> Result<(), AdminError> {
    match named
        .iter()
        .find(|name| !PERMISSIONS.contains(&name.as_str()))
    {
        None => Ok(()),
        Some(_) => Err(AdminError::usage(format_args!(
            "one of the permissions is none; there are {}",
            PERMISSIONS.join(", ")
        ))),
    }
}

fn check_nickname(name: Option<&str>) -> Result<(), AdminError> {
    let fits =
        |name: &str| name.chars().count() <= NICKNAME_MAX && !name.contains(char::is_control);
    if name.is_none_or(fits) {
        return Ok(());
    }
    Err(AdminError::usage(format_args!(
        "a nickname has {NICKNAME_MAX} characters at most"
    )))
}
