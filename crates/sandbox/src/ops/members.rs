//! createWorkspaceMember, listWorkspaceMember, patchWorkspaceMember and the like.
//!
//! There is one owner; only changeWorkspaceOwner makes another. Permissions are given by the
//! invitation and can't be changed. None of it is in the audit log. What the API does not do is
//! refused with 404: no other status that would fit is documented for all of these operations.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::{self, Cx};
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateWorkspaceMember => create(cx, call),
        Op::ListWorkspaceMember => list(cx, call),
        Op::GetWorkspaceMember => {
            let member = cx.ws().members.find(&call.param, KIND)?;
            Reply::ok(member.clone())
        }
        Op::PatchWorkspaceMember => patch(cx, call),
        Op::DeleteWorkspaceMember => delete(cx, call),
        other => Err(astray(other)),
    }
}

const KIND: &str = "Workspace member";

/// Refuses the roles that the API gives nobody.
fn givable(role: Option<&str>) -> Result<(), Refusal> {
    match role {
        Some(role @ ("owner" | "client")) => {
            let message = format!("The role {role} can't be given through the API");
            Err(Refusal::new(404, message))
        }
        _ => Ok(()),
    }
}

fn is_owner(member: &Value) -> bool {
    member.get("role").and_then(Value::as_str) == Some("owner")
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    givable(call.field_text("role"))?;
    let id = cx.uuid();
    let member = json!({
        "id": id,
        "email": call.field("email"),
        "user_id": cx.uuid(),
        "user_email": call.field("user_email"),
        "nickname": call.field("nickname"),
        "role": call.field("role"),
        "timestamp_created": cx.now_text(),
        "workspace_id": cx.workspace,
        "accepted": false,
        "issuer_id": cx.owner(),
        "permissions": call.field("permissions"),
    });
    cx.ws().members.put(&id, member.clone());
    Reply::ok(member)
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let accepted = call.query_flag("accepted");
    let search = call.query_text("search").map(str::to_lowercase);
    cx.ws().members.page(call, |member| {
        let is = member.get("accepted").and_then(Value::as_bool);
        accepted.is_none_or(|wanted| is == Some(wanted))
            && search.as_ref().is_none_or(|search| {
                let name = |part: &str| member.get("name").and_then(|name| name.get(part));
                let texts = [member.get("email"), name("first"), name("last")];
                let mut texts = texts.into_iter().flatten().filter_map(Value::as_str);
                texts.any(|text| text.to_lowercase().contains(search))
            })
    })
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let member = cx.ws().members.find_mut(&call.param, KIND)?;
    let role = call.field_text("role");
    if is_owner(member) {
        if role.is_some_and(|role| role != "owner") {
            return Err(Refusal::new(404, "The owner's role can't be changed"));
        }
    } else {
        givable(role)?;
    }
    cx::merge(member, &call.body);
    Reply::ok(member.clone())
}

fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    if is_owner(cx.ws().members.find(&call.param, KIND)?) {
        return Err(Refusal::new(404, "The owner can't be removed"));
    }
    let removed = cx.ws().members.remove(&call.param);
    Reply::ok(removed.ok_or_else(|| Refusal::not_found(KIND))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call};

    const PATH: &str = "/api/v2/workspace-members";

    fn member(world: &mut crate::World, search: &str) -> (String, Value) {
        let (_, page) = call(world, "GET", &format!("{PATH}?search={search}"), None);
        let member = page["items"][0].clone();
        (format!("{PATH}/{}", member["id"].as_str().unwrap()), member)
    }

    #[test]
    fn the_owner_stays_and_nobody_else_becomes_one() {
        let mut world = testing::world();
        let (owner, _) = member(&mut world, "quill");
        let (editor, _) = member(&mut world, "okafor");
        let role = |role: &str| Some(json!({ "role": role }));
        assert_eq!(call(&mut world, "DELETE", &owner, None).0, 404);
        assert_eq!(call(&mut world, "PATCH", &owner, role("view")).0, 404);
        assert_eq!(call(&mut world, "PATCH", &editor, role("owner")).0, 404);
        let (status, changed) = call(&mut world, "PATCH", &editor, role("admin"));
        assert_eq!((status, &changed["role"]), (200, &json!("admin")));
        let invited = json!({"email": "x@larkspur.example", "role": "owner"});
        assert_eq!(call(&mut world, "POST", PATH, Some(invited)).0, 404);
        assert_eq!(call(&mut world, "GET", &owner, None).1["role"], "owner");
        assert_eq!(call(&mut world, "DELETE", &editor, None).0, 200);
        assert_eq!(call(&mut world, "GET", &editor, None).0, 404);
    }

    #[test]
    fn an_invitation_waits() {
        let mut world = testing::world();
        let body = json!({
            "email": "New.Hand@larkspur.example",
            "role": "view",
            "permissions": ["analytics.view"],
        });
        let (status, invited) = call(&mut world, "POST", PATH, Some(body));
        assert_eq!((status, &invited["accepted"]), (200, &json!(false)));
        let (_, page) = call(&mut world, "GET", &format!("{PATH}?accepted=false"), None);
        assert_eq!(page["items"][0]["id"], invited["id"]);
        assert_eq!(page["items"].as_array().unwrap().len(), 3);
        let (path, _) = member(&mut world, "new.hand");
        let long = json!({ "nickname": "x".repeat(81) });
        assert_eq!(call(&mut world, "PATCH", &path, Some(long)).0, 400);
    }
}
