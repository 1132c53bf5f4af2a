//! createWorkspaceGroupMember, getAdminWorkspaceGroupMember and the like.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateWorkspaceGroupMember => create(cx, call),
        Op::ListWorkspaceGroupMember => cx.ws().group_members.page(call, |_| true),
        Op::GetWorkspaceGroupMember => {
            let admin = holder(cx, &call.param)?;
            let table = cx.world.workspaces.get(&admin).map(|ws| &ws.group_members);
            let member = table.and_then(|table| table.get(&call.param));
            Reply::ok(member.cloned().ok_or_else(|| Refusal::not_found(KIND))?)
        }
        Op::DeleteWorkspaceGroupMember => {
            let admin = holder(cx, &call.param)?;
            let table = cx
                .world
                .workspaces
                .get_mut(&admin)
                .map(|ws| &mut ws.group_members);
            let removed = table.and_then(|table| table.remove(&call.param));
            Reply::ok(removed.ok_or_else(|| Refusal::not_found(KIND))?)
        }
        Op::GetAdminWorkspaceGroupMember => admin(cx),
        other => Err(astray(other)),
    }
}

const KIND: &str = "Workspace group member";

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// The workspace whose table has the membership, if the caller's has part in it: the admin
/// workspace may remove a sub-workspace, and that one may leave.
fn holder(cx: &mut Cx<'_>, id: &str) -> Result<String, Refusal> {
    let own = cx.workspace.as_str();
    let mut tables = cx.world.workspaces.iter();
    let found = tables.find(|(admin, workspace)| {
        let member = workspace.group_members.get(id);
        member.is_some_and(|m| *admin == own || text(m, "sub_workspace_id") == Some(own))
    });
    found
        .map(|(admin, _)| admin.clone())
        .ok_or_else(|| Refusal::not_found(KIND))
}

/// Invites a workspace. One that has the same owner is in at once, since that is who would accept.
fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let sub = call
        .field_text("sub_workspace_id")
        .unwrap_or_default()
        .to_owned();
    if sub == cx.workspace {
        let message = "A workspace can't be its own sub workspace";
        return Err(Refusal::bad_request(message));
    }
    let record = cx.world.workspaces.get(&sub).map(|ws| ws.record.clone());
    let record = record.ok_or_else(|| Refusal::not_found("Workspace"))?;
    let taken = cx.world.workspaces.values().any(|workspace| {
        let mut members = workspace.group_members.iter();
        members.any(|member| text(member, "sub_workspace_id") == Some(sub.as_str()))
    });
    if taken {
        return Err(Refusal::conflict("The workspace is already in a group"));
    }
    let same_owner = text(&record, "owner") == Some(cx.owner().as_str());
    let id = cx.uuid();
    let now = cx.now_text();
    let member = json!({
        "id": id,
        "admin_workspace_id": cx.workspace,
        "sub_workspace_id": sub,
        "status": if same_owner { "accepted" } else { "pending" },
        "timestamp_created": now,
        "timestamp_updated": now,
        "sub_workspace_name": record.get("name"),
        "admin_workspace_name": cx.ws().record.get("name"),
    });
    cx.ws().group_members.put(&id, member.clone());
    Reply::ok(member)
}

/// The admin workspace of the caller's, if it has one.
fn admin(cx: &mut Cx<'_>) -> Answer {
    let own = cx.workspace.as_str();
    for workspace in cx.world.workspaces.values() {
        let mut members = workspace.group_members.iter();
        let mine = members.find(|member| {
            text(member, "sub_workspace_id") == Some(own)
                && text(member, "status") == Some("accepted")
        });
        if let Some(member) = mine {
            return Reply::ok(json!({
                "workspace_name": workspace.record.get("name"),
                "has_admin_workspace": true,
                "workspace_group_member_id": member.get("id"),
            }));
        }
    }
    Reply::ok(json!({ "workspace_name": "Undefined", "has_admin_workspace": false }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call, call_as, key};

    const PATH: &str = "/api/v2/workspace-group-members";

    #[test]
    fn a_sub_workspace_can_leave_and_be_taken_in_again() {
        let mut world = testing::world();
        let sub_key = key(&world, 1, 0);
        let (_, page) = call(&mut world, "GET", PATH, None);
        let member = page["items"][0].clone();
        let path = format!("{PATH}/{}", member["id"].as_str().unwrap());
        let body = Some(json!({ "sub_workspace_id": member["sub_workspace_id"] }));
        assert_eq!(call(&mut world, "POST", PATH, body.clone()).0, 409);

        let admin = format!("{PATH}/admin");
        let seen = call_as(&mut world, &sub_key, "GET", &admin, None).value();
        assert_eq!(seen["workspace_group_member_id"], member["id"]);
        assert_eq!(
            call_as(&mut world, &sub_key, "DELETE", &path, None).status,
            200
        );
        let seen = call_as(&mut world, &sub_key, "GET", &admin, None).value();
        assert_eq!(seen["has_admin_workspace"], false);

        let (status, again) = call(&mut world, "POST", PATH, body);
        assert_eq!((status, &again["status"]), (200, &json!("accepted")));
        let own = json!({ "sub_workspace_id": member["admin_workspace_id"] });
        assert_eq!(call(&mut world, "POST", PATH, Some(own)).0, 400);
        let none = json!({ "sub_workspace_id": "00000000-0000-4000-8000-000000000000" });
        assert_eq!(call(&mut world, "POST", PATH, Some(none)).0, 404);
    }
}
