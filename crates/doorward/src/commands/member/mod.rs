//! `doorward member`: the people of a workspace.

mod review;

use super::confirm::confirm;
use super::whole_seconds;
use crate::admin::{
    MemberInvite, MemberList, MemberRemove, MemberSet, MemberView, MembersOf, Scopeful, Session,
};
use crate::cli::{InWorkspace, InviteMember, MemberCommand};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs `doorward member …`.
pub(crate) async fn run(context: &Context, command: MemberCommand) -> Outcome {
    let session = Session::open(context).await?;
    let output = context.output;
    match command {
        MemberCommand::List { of } => {
            let found = session.call(MemberList { of: of.scopeful() }).await?;
            match output.is_json() {
                true => output.value(&found)?,
                false => list(&found, output)?,
            }
            Ok(Exit::Done)
        }
        MemberCommand::Invite(typed) => invite(&session, typed, output).await,
        MemberCommand::Remove {
            member,
            yes,
            dry_run,
            within,
        } => {
            let meant = find(&session, &within, &member).await?;
            spare_last_owner(&meant)?;
            if dry_run {
                return would(output, "removed", &meant.1, None);
            }
            let question = format!(
                "Remove {} ({}) from the workspace? API keys that they made live on.",
                meant.1.email, meant.1.role
            );
            if !confirm(&question, yes)? {
                note("nothing was done");
                return Ok(Exit::Findings);
            }
            let call = MemberRemove {
                workspace: within.workspace,
                member: meant.1.id,
            };
            let gone = session.call(call).await?;
            tell(output, &gone, "is removed")
        }
        MemberCommand::SetRole {
            member,
            role,
            dry_run,
            within,
        } => {
            let meant = find(&session, &within, &member).await?;
            if meant.1.role != role {
                spare_last_owner(&meant)?;
            }
            if dry_run {
                return would(output, "changed", &meant.1, Some(&role));
            }
            let call = MemberSet {
                workspace: within.workspace,
                member: meant.1.id,
                role: Some(role),
                nickname: None,
            };
            let done = session.call(call).await?;
            let now = format!("has the role {} now", done.role);
            tell(output, &done, &now)
        }
        MemberCommand::Review { domain, of } => {
            review::run(&session, of.scopeful(), &domain, output).await
        }
    }
}

/// Everybody of the workspace, and the one that is meant.
async fn find(
    session: &Session,
    within: &InWorkspace,
    member: &str,
) -> Result<(Vec<MemberView>, MemberView), Failure> {
    let of = Scopeful {
        workspace: within.workspace.clone(),
        all: false,
    };
    let found = session.call(MemberList { of }).await?;
    let all: Vec<MemberView> = found.into_iter().flat_map(|one| one.members).collect();
    let address = member.trim().to_lowercase();
    let mut meant = all
        .iter()
        .filter(|one| one.id == member || one.email == address);
    match (meant.next().cloned(), meant.next()) {
        (Some(one), None) => Ok((all, one)),
        (Some(_), Some(_)) => Err(Failure::usage(
            "several members have this address; say which by its id, as `doorward member list --json` \
             has it",
        )),
        (None, _) => Err(Failure::usage(
            "the workspace has no such member; `doorward member list` shows who there is",
        )),
    }
}

fn spare_last_owner((all, meant): &(Vec<MemberView>, MemberView)) -> Result<(), Failure> {
    let owns = |one: &&MemberView| one.role == "owner" && one.accepted;
    let others = all.iter().filter(owns).filter(|one| one.id != meant.id);
    if meant.role == "owner" && others.count() == 0 {
        return Err(Failure::usage(
            "this is the workspace's last owner, who is never touched; ownership is handed on in \
             Instantly's settings",
        ));
    }
    Ok(())
}

async fn invite(session: &Session, typed: InviteMember, output: Output) -> Outcome {
    let call = MemberInvite {
        workspace: typed.within.workspace,
        email: typed.email,
        role: typed.role,
        permissions: typed.permission,
        nickname: typed.nickname,
    };
    let made = session.call(call).await?;
    let done = format!("is invited as {}", made.role);
    tell(output, &made, &done)
}

fn tell(output: Output, member: &MemberView, done: &str) -> Outcome {
    match output.is_json() {
        true => output.value(member)?,
        false => output.line(format_args!("{} {done}", member.email))?,
    }
    Ok(Exit::Done)
}

fn would(output: Output, what: &str, member: &MemberView, role: Option<&str>) -> Outcome {
    if output.is_json() {
        output.value(&serde_json::json!({
            "dry_run": true, "would_be": what, "member": member, "role": role,
        }))?;
        return Ok(Exit::Done);
    }
    match role {
        Some(role) if role == member.role => output.line(format_args!(
            "{} has the role {role} already: nothing would be done",
            member.email
        ))?,
        Some(role) => output.line(format_args!(
            "{} would be {what}: {} → {role}",
            member.email, member.role
        ))?,
        None => output.line(format_args!(
            "{} ({}) would be {what}",
            member.email, member.role
        ))?,
    }
    Ok(Exit::Done)
}

/// Roles in the colour of their power.
pub(super) fn role_cell(role: &str) -> Cell {
    match role {
        "owner" | "admin" => Cell::toned(role, Tone::Careful),
        _ => Cell::from(role),
    }
}

fn list(found: &[MembersOf], output: Output) -> Result<(), Failure> {
    let several = found.len() > 1;
    let rows = found.iter().flat_map(|one| {
        one.members.iter().map(move |member| {
            let state = match member.accepted {
                true => Cell::toned("member", Tone::Good),
                false => Cell::toned("invited", Tone::Quiet),
            };
            let since = member.invited_at.map(whole_seconds);
            vec![
                Cell::from(if several { one.workspace.as_str() } else { "" }),
                Cell::toned(&member.email, Tone::Strong),
                role_cell(&member.role),
                state,
                Cell::from(member.name.as_deref().unwrap_or_default()),
                Cell::from(member.nickname.as_deref().unwrap_or_default()),
                Cell::from(member.permissions.join(", ")),
                Cell::from(since.map(|at| at.to_string()).unwrap_or_default()),
            ]
        })
    });
    let headings = [
        "workspace",
        "address",
        "role",
        "state",
        "name",
        "nickname",
        "permissions",
        "invited",
    ];
    output.table(&headings, rows.collect(), "the workspace has no members")
}
