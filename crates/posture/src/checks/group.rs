//! Checks of groups of workspaces.

use doorward_catalog::wire::GroupStatus;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};

/// So few calls say nothing of what a key is for.
const CALLS_MIN: u64 = 10;

pub(super) fn undeclared(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(group) = verdict.see(&workspace.name, &workspace.live.group) else {
            continue;
        };
        for one in &group.members {
            let known = workspace.sub_workspaces.contains(&one.workspace_id)
                || look.thresholds.sub_workspaces.contains(&one.workspace_id);
            if known || one.status == GroupStatus::Rejected {
                continue;
            }
            let name = one.name.as_deref().unwrap_or(&one.workspace_id);
            let message = format!("nobody declared the sub-workspace '{name}'");
            let place = thing(
                "sub_workspace",
                &one.workspace_id,
                one.name.as_deref(),
                &workspace.name,
            );
            let status = match &one.status {
                GroupStatus::Pending => "pending",
                GroupStatus::Accepted => "accepted",
                GroupStatus::Rejected => "rejected",
                GroupStatus::Other(other) => other,
            };
            verdict.add(
                Fault::at(place, message)
                    .saw("status", status)
                    .mend("add", []),
            );
        }
    }
    verdict.unless_looked("there is no workspace")
}

pub(super) fn admin_key(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(group) = verdict.see(&workspace.name, &workspace.live.group) else {
            continue;
        };
        if group.members.is_empty() {
            continue;
        }
        for held in &workspace.keys {
            let Some(uses) = verdict.see(&workspace.name, &held.uses) else {
                continue;
            };
            let mut places = uses.places.iter();
            let (Some((Some(sub), calls)), None) = (places.next(), places.next()) else {
                continue;
            };
            let mut clients = uses.clients.iter();
            let (Some(client), None) = (clients.next(), clients.next()) else {
                continue;
            };
            if *calls < CALLS_MIN {
                continue;
            }
            let message = format!(
                "the admin workspace's key '{}' serves '{client}' alone, on one sub-workspace",
                held.name
            );
            let place = thing("api_key", &held.id, Some(&held.name), &workspace.name);
            let fault = Fault::at(place, message).saw("sub-workspace", sub);
            verdict.add(fault.saw("calls", calls).mend("add", []));
        }
    }
    verdict.unless_looked("there is no workspace")
}
