//! getWorkspace, scheduleCurrentWorkspaceRemoval, changeWorkspaceOwner and the like.
//!
//! The owner and the removal are not in the audit log.

use doorward_catalog::Op;
use doorward_catalog::limits::REMOVAL_DELAY_HOURS;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::{self, Cx};
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};

/// From the setting of a domain to its being verified, ms. The sandbox asks no DNS.
const VERIFIED_AFTER: Millis = 60_000;
/// The note of when the domain was set.
const DOMAIN_SET_AT: &str = "domain_set_at";

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::GetWorkspace => Reply::ok(cx.ws().record.clone()),
        Op::PatchWorkspace => {
            cx::merge(&mut cx.ws().record, &call.body);
            touched(cx)
        }
        Op::ScheduleCurrentWorkspaceRemoval => {
            let delay = Millis::from(REMOVAL_DELAY_HOURS) * 3_600_000;
            let at = clock::text(cx.now.saturating_add(delay));
            set(cx, "scheduled_for_removal_at", json!(at))
        }
        Op::CancelCurrentWorkspaceRemoval => set(cx, "scheduled_for_removal_at", Value::Null),
        Op::AddWorkspaceAgencyDomain => {
            let now = json!(cx.now);
            cx.ws().notes.insert(DOMAIN_SET_AT.to_owned(), now);
            set(cx, "org_client_domain", json!(call.field("domain")))
        }
        Op::GetWorkspaceDomainInfo => domain(cx),
        Op::DeleteWorkspaceDomain => {
            cx.ws().notes.shift_remove(DOMAIN_SET_AT);
            set(cx, "org_client_domain", Value::Null)
        }
        Op::ChangeWorkspaceOwner => change_owner(cx, call),
        other => Err(astray(other)),
    }
}

fn set(cx: &mut Cx<'_>, name: &str, value: Value) -> Answer {
    if let Some(record) = cx.ws().record.as_object_mut() {
        record.insert(name.to_owned(), value);
    }
    touched(cx)
}

fn touched(cx: &mut Cx<'_>) -> Answer {
    let now = json!(cx.now_text());
    if let Some(record) = cx.ws().record.as_object_mut() {
        record.insert("timestamp_updated".to_owned(), now);
    }
    Reply::ok(cx.ws().record.clone())
}

fn domain(cx: &mut Cx<'_>) -> Answer {
    let now = cx.now;
    let workspace = cx.workspace.clone();
    let ws = cx.ws();
    let name = ws.record.get("org_client_domain").and_then(Value::as_str);
    let name = name.ok_or_else(|| Refusal::not_found("Domain"))?;
    let set_at = ws.notes.get(DOMAIN_SET_AT).and_then(Value::as_i64);
    let verified = set_at.is_none_or(|at| now.saturating_sub(at) >= VERIFIED_AFTER);
    let challenge = json!([{
        "type": "TXT",
        "domain": format!("_vercel.{name}"),
        "value": format!("vc-domain-verify={name},{workspace}"),
        "reason": "pending_domain_verification",
    }]);
    Reply::ok(json!({
        "verified": verified,
        "name": name,
        "verification": if verified { json!([]) } else { challenge },
    }))
}

/// Hands the workspace to another member who has accepted. The security token of the app is taken
/// as right.
fn change_owner(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let email = call.field_text("email").unwrap_or_default().to_lowercase();
    let ws = cx.ws();
    let heir = ws.members.iter().find(|member| {
        let address = member
            .get("email")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let accepted = member.get("accepted").and_then(Value::as_bool) == Some(true);
        accepted && address.to_lowercase() == email
    });
    let user = heir.and_then(|member| member.get("user_id")).cloned();
    let user = user.ok_or_else(|| Refusal::not_found("Workspace member"))?;
    for member in ws.members.iter_mut() {
        let heir = member.get("user_id") == Some(&user);
        let owner = member.get("role").and_then(Value::as_str) == Some("owner");
        let role = match (heir, owner) {
            (true, _) => "owner",
            (false, true) => "admin",
            _ => continue,
        };
        cx::merge(member, &json!({ "role": role }));
    }
    set(cx, "owner", user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call, call_as, key};

    const PATH: &str = "/api/v2/workspaces/current";

    #[test]
    fn a_removal_can_be_called_off_until_it_is_due() {
        let mut world = testing::world();
        let schedule = format!("{PATH}/schedule-for-removal");
        let hour = 3_600_000;
        let (_, scheduled) = call(&mut world, "POST", &schedule, None);
        assert_eq!(
            scheduled["scheduled_for_removal_at"],
            "2026-03-03T10:00:00.000Z"
        );
        world.clock.advance(23 * hour);
        assert_eq!(call(&mut world, "DELETE", &schedule, None).0, 200);
        world.clock.advance(2 * hour);
        assert_eq!(call(&mut world, "GET", PATH, None).0, 200);

        let sub = key(&world, 1, 0);
        assert_eq!(
            call_as(&mut world, &sub, "POST", &schedule, None).status,
            200
        );
        world.clock.advance(24 * hour);
        assert_eq!(call_as(&mut world, &sub, "GET", PATH, None).status, 401);
        let (_, group) = call(&mut world, "GET", "/api/v2/workspace-group-members", None);
        assert_eq!(group["items"], json!([]));
    }

    #[test]
    fn the_workspace_changes_hands() {
        let mut world = testing::world();
        let path = format!("{PATH}/change-owner");
        let to = |email: &str| Some(json!({ "email": email, "sec": "token" }));
        assert_eq!(
            call(&mut world, "POST", &path, to("nobody@larkspur.example")).0,
            404
        );
        // Invited, not in.
        assert_eq!(
            call(&mut world, "POST", &path, to("suri@larkspur.example")).0,
            404
        );
        let (status, record) = call(&mut world, "POST", &path, to("teo@larkspur.example"));
        assert_eq!(status, 200);
        let (_, page) = call(
            &mut world,
            "GET",
            "/api/v2/workspace-members?limit=100",
            None,
        );
        let role = |first: &str| {
            let mut people = page["items"].as_array().unwrap().iter();
            people
                .find(|person| person["name"]["first"] == first)
                .unwrap()
                .clone()
        };
        assert_eq!(role("Teo")["user_id"], record["owner"]);
        assert_eq!(
            (&role("Teo")["role"], &role("Mara")["role"]),
            (&json!("owner"), &json!("admin"))
        );
    }

    #[test]
    fn a_domain_is_verified_in_a_while() {
        let mut world = testing::world();
        let path = format!("{PATH}/whitelabel-domain");
        assert_eq!(call(&mut world, "GET", &path, None).0, 404);
        let body = json!({ "domain": "mail.larkspur.example" });
        let (_, record) = call(&mut world, "POST", &path, Some(body));
        assert_eq!(record["org_client_domain"], "mail.larkspur.example");
        assert_eq!(call(&mut world, "GET", &path, None).1["verified"], false);
        world.clock.advance(VERIFIED_AFTER);
        assert_eq!(call(&mut world, "GET", &path, None).1["verified"], true);
        assert_eq!(call(&mut world, "DELETE", &path, None).0, 200);
        assert_eq!(call(&mut world, "GET", &path, None).0, 404);
    }
}
