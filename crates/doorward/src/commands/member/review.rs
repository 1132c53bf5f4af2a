//! `doorward member review`: what to look at among the people of a workspace.

use std::collections::BTreeSet;

use doorward_policy::Timestamp;
use serde::Serialize;

use super::role_cell;
use crate::admin::{MemberList, MemberReviewed, MemberView, Scopeful, Session, now};
use crate::exit::{Exit, Outcome};
use crate::output::{Cell, Output, Tone};

/// From how many owners and admins on it is told.
const MANY_ADMINS: usize = 3;
/// After how long an open invitation is told, ms.
const PENDING_LONG: i64 = 14 * 86_400_000;
/// Permissions that let somebody reach further than their role says.
const REACHING: [&str; 5] = [
    "organization.manage",
    "organization.integrations",
    "organization.billing",
    "organization.users.manage",
    "agency.manage",
];

/// A person with what there is to look at.
#[derive(Debug, Serialize)]
struct Looked<'a> {
    workspace: &'a str,
    member: &'a MemberView,
    told: Vec<String>,
}

/// Runs it.
pub(super) async fn run(
    session: &Session,
    of: Scopeful,
    domains: &[String],
    output: Output,
) -> Outcome {
    let found = session.call(MemberList { of }).await?;
    let at = now();
    let mut all = Vec::new();
    for one in &found {
        let looked = look(&one.members, domains, at);
        let told = looked.iter().filter(|(_, told)| !told.is_empty()).count();
        let reviewed = MemberReviewed {
            workspace: one.workspace.clone(),
            members: one.members.len(),
            told,
        };
        session.call(reviewed).await?;
        all.extend(looked.into_iter().map(|(member, told)| Looked {
            workspace: &one.workspace,
            member,
            told,
        }));
    }
    let open = all.iter().any(|one| !one.told.is_empty());
    match output.is_json() {
        true => output.value(&all)?,
        false => {
            let several = found.len() > 1;
            let rows = all.iter().map(|one| {
                let told = one.told.join("; ");
                vec![
                    Cell::from(if several { one.workspace } else { "" }),
                    Cell::toned(&one.member.email, Tone::Strong),
                    role_cell(&one.member.role),
                    match told.is_empty() {
                        true => Cell::toned("nothing", Tone::Good),
                        false => Cell::toned(told, Tone::Careful),
                    },
                ]
            });
            let headings = ["workspace", "address", "role", "to look at"];
            output.table(&headings, rows.collect(), "the workspace has no members")?;
        }
    }
    Ok(if open { Exit::Findings } else { Exit::Done })
}

/// Each person with what there is to look at, those with something first.
fn look<'a>(
    members: &'a [MemberView],
    domains: &[String],
    at: Timestamp,
) -> Vec<(&'a MemberView, Vec<String>)> {
    let manages = |one: &&MemberView| matches!(one.role.as_str(), "owner" | "admin");
    let managing = members.iter().filter(manages).count();
    let own = own_domains(members, domains);
    let mut all: Vec<_> = members
        .iter()
        .map(|one| {
            let mut told = Vec::new();
            if managing > MANY_ADMINS && manages(&one) {
                told.push(format!("one of {managing} who manage everything"));
            }
            let host = one.email.rsplit_once('@').map_or("", |(_, host)| host);
            if !own.is_empty() && !own.contains(host) {
                told.push(format!("an address outside {}", join(&own)));
            }
            let age = one.invited_at.map_or(0, |then| at.millis_since(then));
            if !one.accepted && age > PENDING_LONG {
                let days = age / 86_400_000;
                told.push(format!("invited {days} days ago and never accepted"));
            }
            let reaching = one.permissions.iter().map(String::as_str);
            let reaching: Vec<&str> = reaching.filter(|name| REACHING.contains(name)).collect();
            if !manages(&one) && !reaching.is_empty() {
                told.push(format!(
                    "may do more than {}: {}",
                    one.role,
                    reaching.join(", ")
                ));
            }
            if one.accepted && one.name.is_none() && one.nickname.is_none() {
                told.push("has no name".to_owned());
            }
            (one, told)
        })
        .collect();
    all.sort_by_key(|(_, told)| told.is_empty());
    all
}

/// Where addresses are expected: as said, else where the owners' are.
fn own_domains(members: &[MemberView], said: &[String]) -> BTreeSet<String> {
    if !said.is_empty() {
        let plain = said.iter().map(|one| one.trim().trim_start_matches('@'));
        return plain.map(str::to_lowercase).collect();
    }
    let owners = members.iter().filter(|one| one.role == "owner");
    let hosts = owners.filter_map(|one| one.email.rsplit_once('@'));
    hosts.map(|(_, host)| host.to_owned()).collect()
}

fn join(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(email: &str, role: &str) -> MemberView {
        MemberView {
            id: email.to_owned(),
            email: email.to_owned(),
            name: Some("A Name".to_owned()),
            nickname: None,
            role: role.to_owned(),
            permissions: Vec::new(),
            accepted: true,
            invited_at: Some(Timestamp::from_seconds(0)),
        }
    }

    #[test]
    fn each_oddity_is_told_and_the_others_are_not() {
        let at = Timestamp::from_seconds(20 * 86_400);
        let mut members = vec![
            member("mara@a.example", "owner"),
            member("x@a.example", "view"),
        ];
        assert!(
            look(&members, &[], at)
                .iter()
                .all(|(_, told)| told.is_empty())
        );

        let told = |member: MemberView, domains: &[String]| {
            let all = [members.clone(), vec![member.clone()]].concat();
            let looked = look(&all, domains, at);
            let one = looked.iter().find(|(one, _)| **one == member).unwrap();
            one.1.join("; ")
        };
        assert!(told(member("y@b.example", "view"), &[]).contains("outside a.example"));
        assert_eq!(
            told(
                member("y@b.example", "view"),
                &["@B.example".into(), "a.example".into()]
            ),
            ""
        );
        let pending = MemberView {
            accepted: false,
            ..member("z@a.example", "view")
        };
        assert!(told(pending, &[]).contains("20 days ago"));
        let reaching = MemberView {
            permissions: vec!["analytics.view".into(), "organization.users.manage".into()],
            ..member("r@a.example", "editor")
        };
        assert!(told(reaching, &[]).ends_with("editor: organization.users.manage"));
        let nameless = MemberView {
            name: None,
            ..member("n@a.example", "view")
        };
        assert_eq!(told(nameless, &[]), "has no name");

        members.extend((0..3).map(|n| member(&format!("admin{n}@a.example"), "admin")));
        let many = look(&members, &[], at);
        assert_eq!(many.iter().filter(|(_, told)| !told.is_empty()).count(), 4);
        assert!(many.last().unwrap().1.is_empty());
    }
}
