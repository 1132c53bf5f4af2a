//! Checks of members.

use std::collections::BTreeSet;

use crate::thresholds::domain_is_within;
use doorward_catalog::people::Role;
use doorward_finding::Place;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::WorkspaceFacts;
use crate::live::Member;
use crate::thresholds::days;

const NONE: &str = "there is no member";
/// Permissions with which one comes to more: keys are made, others are invited.
const MANAGING: [&str; 3] = [
    "organization.manage",
    "organization.integrations",
    "organization.users.manage",
];

/// Judges each member of each workspace.
fn each(
    look: &Look<'_>,
    mut judge: impl FnMut(&WorkspaceFacts, &Member) -> Option<Fault>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(all) = verdict.see(&workspace.name, &workspace.live.members) else {
            continue;
        };
        for one in all {
            if let Some(fault) = judge(workspace, one) {
                verdict.add(fault);
            }
        }
    }
    verdict.unless_looked(NONE)
}

pub(super) fn place(workspace: &WorkspaceFacts, member: &Member) -> Place {
    thing("member", &member.id, Some(&member.email), &workspace.name)
}

impl Fault {
    /// The same, mended by removing a member. Nobody removes the owner.
    pub(super) fn remove(self, workspace: &WorkspaceFacts, member: &Member) -> Self {
        match member.role {
            Role::Owner => self,
            _ => self.mend(
                "remove",
                [("email", &member.email), ("workspace", &workspace.name)],
            ),
        }
    }
}

pub(super) fn many_managers(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let most = look.thresholds.max_managers;
    for workspace in &look.facts.workspaces {
        let Some(all) = verdict.see(&workspace.name, &workspace.live.members) else {
            continue;
        };
        let mut managers: Vec<&Member> = all
            .iter()
            .filter(|member| member.accepted && member.role.manages())
            .collect();
        if managers.len() <= most {
            continue;
        }
        managers.sort_by_key(|member| (member.role != Role::Owner, member.created_at));
        let message = format!("{} owners and admins; {most} are enough", managers.len());
        let place = thing("workspace", &workspace.id, Some(&workspace.name), "");
        let fault = managers
            .iter()
            .take(20)
            .fold(Fault::at(place, message), |fault, member| {
                fault.saw(member.role.as_str(), &member.email)
            });
        // The one who came last.
        let last = managers
            .iter()
            .rev()
            .find(|member| member.role != Role::Owner);
        verdict.add(match last {
            Some(last) => fault.mend(
                "set_role",
                [("email", &last.email), ("workspace", &workspace.name)],
            ),
            None => fault,
        });
    }
    verdict.unless_looked(NONE)
}

pub(super) fn outside_domain(look: &Look<'_>) -> Verdict {
    let domains = &look.thresholds.email_domains;
    if domains.is_empty() {
        return Verdict::not_applicable(
            "no domain is declared that members' addresses may be of: say them as `email_domains` \
             under [check]",
        );
    }
    each(look, |workspace, member| {
        let domain = member.domain();
        // A customer's user is of the customer's domain.
        if member.role == Role::Client || domains.iter().any(|own| domain_is_within(&domain, own)) {
            return None;
        }
        let message = format!("the address {} is of no domain of the team's", member.email);
        let fault = Fault::at(place(workspace, member), message).saw("role", &member.role);
        Some(fault.remove(workspace, member))
    })
}

pub(super) fn pending_invitation(look: &Look<'_>) -> Verdict {
    let most = look.thresholds.invitation_days;
    each(look, |workspace, member| {
        let since = look.now.millis_since(member.created_at?);
        if member.accepted || since < days(most) {
            return None;
        }
        let message = format!(
            "the invitation of {} is pending for {} days",
            member.email,
            since / days(1)
        );
        let fault = Fault::at(place(workspace, member), message).saw("role", &member.role);
        Some(fault.remove(workspace, member))
    })
}

/// How much a role may, the least first; one that is not known may anything.
fn rank(role: &Role) -> u8 {
    match role {
        Role::Client => 0,
        Role::View => 1,
        Role::Editor => 2,
        Role::Admin => 3,
        Role::Owner => 4,
        Role::Other(_) => 5,
    }
}

pub(super) fn wider_than_manifest(look: &Look<'_>) -> Verdict {
    let Some(declared) = &look.thresholds.members else {
        return Verdict::not_applicable(
            "no members are declared: say them in a manifest, or as [[check.member]]",
        );
    };
    each(look, |workspace, member| {
        let email = member.email.to_lowercase();
        let Some(wanted) = declared.iter().find(|one| one.email == email) else {
            let message = format!("{} is declared nowhere", member.email);
            let fault = Fault::at(place(workspace, member), message).saw("role", &member.role);
            return Some(fault.remove(workspace, member));
        };
        let has: BTreeSet<&String> = member.permissions.iter().collect();
        let more: Vec<&str> = has
            .iter()
            .filter(|permission| !wanted.permissions.contains(**permission))
            .map(|permission| permission.as_str())
            .collect();
        let wider = rank(&member.role) > rank(&wanted.role);
        if !wider && more.is_empty() {
            return None;
        }
        let what = match wider {
            true => format!("is {} and declared as {}", member.role, wanted.role),
            false => format!("has {}, which is not declared", more.join(", ")),
        };
        let message = format!("{} {what}", member.email);
        let fault = Fault::at(place(workspace, member), message)
            .saw("role", &member.role)
            .saw("declared", &wanted.role);
        let settable = wider && more.is_empty() && member.role != Role::Owner;
        Some(match settable {
            true => fault.mend(
                "set_role",
                [
                    ("email", &member.email),
                    ("role", wanted.role.as_str()),
                    ("workspace", &workspace.name),
                ],
            ),
            false => fault.remove(workspace, member),
        })
    })
}

pub(super) fn no_name(look: &Look<'_>) -> Verdict {
    each(look, |workspace, member| {
        let named = member.name.is_some() || member.nickname.is_some();
        if !member.accepted || named {
            return None;
        }
        let message = format!("{} has no name", member.email);
        let fault = Fault::at(place(workspace, member), message).saw("role", &member.role);
        Some(fault.remove(workspace, member))
    })
}

pub(super) fn manages_without_role(look: &Look<'_>) -> Verdict {
    each(look, |workspace, member| {
        let has = member.permissions.iter().map(String::as_str);
        let has: Vec<&str> = has.filter(|one| MANAGING.contains(one)).collect();
        if member.role.manages() || has.is_empty() {
            return None;
        }
        let message = format!(
            "{} is {} and has {}",
            member.email,
            member.role,
            has.join(", ")
        );
        let fault = Fault::at(place(workspace, member), message)
            .saw("role", &member.role)
            .saw("permissions", has.join(", "));
        Some(fault.remove(workspace, member))
    })
}
