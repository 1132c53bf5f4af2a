//! Members of each role, and the group.

use serde_json::{Value, json};

use super::put;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::world::World;

/// Name, role, permissions, nickname, days since the invitation, whether it was accepted.
type Person = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
    i64,
    bool,
);

const PEOPLE: [Person; 6] = [
    ("Mara", "Quill", "owner", &[], None, 400, true),
    ("Teo", "Brandt", "admin", &[], Some("Ops lead"), 380, true),
    (
        "Ines",
        "Okafor",
        "editor",
        &["campaigns.view", "campaigns.edit", "leadManagement.view"],
        None,
        120,
        true,
    ),
    (
        "Pavel",
        "Lind",
        "view",
        &["analytics.view"],
        Some("Finance"),
        90,
        true,
    ),
    ("Suri", "Amato", "editor", &[], None, 2, false),
    (
        "Noor",
        "Vance",
        "client",
        &["analytics.view"],
        None,
        60,
        true,
    ),
];

/// Plants members. The admin workspace has no customer's user, the sub-workspace has.
pub(super) fn plant(cx: &mut Cx<'_>, is_admin: bool) {
    let owner = cx.owner();
    let now = cx.now;
    for (first, last, role, permissions, nickname, days, accepted) in PEOPLE {
        if is_admin && role == "client" {
            continue;
        }
        let host = if role == "client" {
            "tern-teasel"
        } else {
            "larkspur"
        };
        let address = format!("{}@{host}.example", first.to_lowercase());
        let is_owner = role == "owner";
        let user_id = if is_owner { owner.clone() } else { cx.uuid() };
        let member = json!({
            "email": address,
            "user_id": user_id,
            "user_email": if accepted { json!(address) } else { Value::Null },
            "nickname": nickname,
            "name": { "first": first, "last": last },
            "role": role,
            "timestamp_created": clock::text(now - days * DAY),
            "workspace_id": cx.workspace,
            "accepted": accepted,
            "issuer_id": if is_owner { Value::Null } else { json!(owner) },
            "permissions": permissions,
        });
        put(cx, |ws| &mut ws.members, member);
    }
}

/// Makes one workspace the other's sub-workspace.
pub(super) fn join(world: &mut World, now: Millis, admin: &str, sub: &str) {
    let name = |world: &World, id: &str| {
        let record = world.workspaces.get(id).map(|ws| &ws.record);
        record
            .and_then(|record| record.get("name"))
            .cloned()
            .unwrap_or_default()
    };
    let (admin_name, sub_name) = (name(world, admin), name(world, sub));
    let mut cx = Cx {
        world,
        workspace: admin.to_owned(),
        key_id: None,
        now,
    };
    let made = clock::text(now - 300 * DAY);
    let member = json!({
        "admin_workspace_id": admin,
        "sub_workspace_id": sub,
        "status": "accepted",
        "timestamp_created": made,
        "timestamp_updated": made,
        "sub_workspace_name": sub_name,
        "admin_workspace_name": admin_name,
    });
    put(&mut cx, |ws| &mut ws.group_members, member);
}
