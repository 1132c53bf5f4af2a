//! `doorward upstream rotate`, `status`, `resume`, `rollback` and `history`.

use std::time::Duration;

use doorward_policy::Timestamp;

use super::owed;
use super::progress::{follow, show_end};
use crate::admin::{
    RevocationShow, RotationAsked, RotationBack, RotationBegin, RotationList, RotationPlan,
    RotationResume, RotationShow, Session,
};
use crate::cli::{RotateUpstream, RotationCommand, Waiting};
use crate::commands::whole_seconds;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};
use crate::rotation::{PlanView, Revocations, RotationView};

/// Runs them.
pub(super) async fn run(context: &Context, session: &Session, command: RotationCommand) -> Outcome {
    let output = context.output;
    match command {
        RotationCommand::Rotate(typed) => rotate(output, session, typed).await,
        RotationCommand::Status { id: Some(id) } if Revocations::is_id(&id) => {
            owed::one(output, session.call(RevocationShow { id }).await?)
        }
        RotationCommand::Status { id: Some(id) } => {
            let rotation = session.call(RotationShow { id }).await?;
            match output.is_json() {
                true => output.value(&rotation)?,
                false => show(output, &rotation)?,
            }
            Ok(Exit::Done)
        }
        RotationCommand::Status { id: None } => {
            let open = list(session, None, None, true).await?;
            let owed = owed::list(session, None, true).await?;
            match output.is_json() {
                true => output.value(&owed::together(&open, &owed))?,
                false => {
                    table(output, &open, "no upstream key is being rotated")?;
                    owed::table(output, &owed)?;
                }
            }
            Ok(Exit::Done)
        }
        RotationCommand::Resume {
            id,
            manager,
            skip,
            wait,
        } => {
            let id = only(session, id).await?;
            if Revocations::is_id(&id) {
                return owed::resume(output, session, id, &wait).await;
            }
            let call = RotationResume { id, manager, skip };
            let rotation = session.call(call).await?;
            wait_for(output, session, rotation, &wait, true).await
        }
        RotationCommand::Rollback { id, abandon, wait } => {
            let id = only(session, id).await?;
            if Revocations::is_id(&id) {
                return owed::abandon(output, session, id, abandon).await;
            }
            let rotation = session.call(RotationBack::new(id, abandon)).await?;
            wait_for(output, session, rotation, &wait, false).await
        }
        RotationCommand::History { key, within } => {
            let all = list(session, within.workspace.clone(), key.clone(), false).await?;
            let mut revoked = owed::list(session, within.workspace, false).await?;
            revoked.retain(|one| key.is_none() || one.key == key);
            match output.is_json() {
                true => output.value(&owed::together(&all, &revoked))?,
                false => {
                    table(output, &all, "no upstream key was rotated yet")?;
                    owed::table(output, &revoked)?;
                }
            }
            Ok(Exit::Done)
        }
    }
}

async fn rotate(output: Output, session: &Session, typed: RotateUpstream) -> Outcome {
    let asked = RotationAsked {
        workspace: typed.within.workspace,
        key: typed.key,
        api_key_id: typed.id,
        scopes: typed.scopes,
        to: typed.to,
        at_once: typed.now,
    };
    if typed.dry_run {
        let plan = session.call(RotationPlan(asked)).await?;
        match output.is_json() {
            true => output.value(&plan)?,
            false => show_plan(output, &plan)?,
        }
        return Ok(Exit::Done);
    }
    let rotation = session.call(RotationBegin(asked)).await?;
    if !output.is_json() {
        note(format_args!(
            "rotation {} of '{}' in {}; it goes on when this command ends, if a server runs",
            rotation.id, rotation.key, rotation.workspace
        ));
    }
    wait_for(output, session, rotation, &typed.wait, true).await
}

/// Waits for a rotation's end, unless it is not to. `forward`: whether it is meant to be done.
pub(super) async fn wait_for(
    output: Output,
    session: &Session,
    rotation: RotationView,
    wait: &Waiting,
    forward: bool,
) -> Outcome {
    if wait.no_wait && session.is_server() {
        match output.is_json() {
            true => output.value_line(&rotation)?,
            false => show(output, &rotation)?,
        }
        return Ok(Exit::Done);
    }
    let ended = follow(output, session, rotation).await?;
    show_end(output, &ended)?;
    let as_meant = ended.is_done() == forward && !ended.is_stuck() && !ended.unproved;
    Ok(match as_meant {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

async fn list(
    session: &Session,
    workspace: Option<String>,
    key: Option<String>,
    open_only: bool,
) -> Result<Vec<RotationView>, Failure> {
    let call = RotationList {
        workspace,
        key,
        open_only,
    };
    session.call(call).await
}

/// The rotation that is meant: the one that is named, or the only one under way.
async fn only(session: &Session, id: Option<String>) -> Result<String, Failure> {
    if let Some(id) = id {
        return Ok(id);
    }
    let rotations = list(session, None, None, true).await?;
    let owed = owed::list(session, None, true).await?;
    let mut open: Vec<String> = rotations.into_iter().map(|one| one.id).collect();
    open.extend(owed.into_iter().map(|one| one.id));
    match (open.pop(), open.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(Failure::usage(
            "no upstream key is being rotated or revoked",
        )),
        (Some(_), _) => Err(Failure::usage(
            "several upstream keys are being rotated or revoked; say which by its id, as `doorward \
             upstream status` shows",
        )),
    }
}

fn table(output: Output, rotations: &[RotationView], nothing: &str) -> Result<(), Failure> {
    let rows = rotations.iter().map(|one| {
        vec![
            Cell::toned(&one.id, Tone::Strong),
            Cell::from(&one.workspace),
            Cell::from(&one.key),
            step_cell(one),
            Cell::from(whole_seconds(one.begun_at)),
            time(one.ended_at),
            Cell::from(death(one)),
            Cell::from(one.trouble.as_deref().or(one.back.as_deref()).unwrap_or("")),
        ]
    });
    let headings = [
        "rotation",
        "workspace",
        "key",
        "step",
        "begun",
        "ended",
        "time to 401",
        "trouble",
    ];
    output.table(&headings, rows.collect(), nothing)
}

pub(super) fn time(at: Option<Timestamp>) -> Cell {
    at.map_or_else(|| Cell::from(""), |at| Cell::from(whole_seconds(at)))
}

fn step_cell(one: &RotationView) -> Cell {
    if one.unproved {
        return Cell::toned(format!("{}, not proved", one.step), Tone::Bad);
    }
    let tone = match (one.is_done(), one.is_stuck() || one.owed) {
        (true, _) => Tone::Good,
        (false, true) => Tone::Bad,
        (false, false) => Tone::Careful,
    };
    Cell::toned(&one.step, tone)
}

/// How long the old key lived on after its revocation.
pub(super) fn death(one: &RotationView) -> String {
    one.millis_to_death
        .map(|ms| format!("{:?}", Duration::from_millis(ms.unsigned_abs())))
        .unwrap_or_default()
}

pub(super) fn show(output: Output, one: &RotationView) -> Result<(), Failure> {
    output.fields(vec![
        ("rotation", Cell::toned(&one.id, Tone::Strong)),
        ("workspace", Cell::from(&one.workspace)),
        ("key", Cell::from(&one.key)),
        ("step", step_cell(one)),
        (
            "old key",
            Cell::from(one.old_api_key_id.as_deref().unwrap_or("")),
        ),
        (
            "new key",
            Cell::from(one.new_api_key_id.as_deref().unwrap_or("")),
        ),
        ("kept at", Cell::from(&one.reference)),
        ("scopes", Cell::from(one.scopes.join(", "))),
        ("begun", time(Some(one.begun_at))),
        ("in force", time(one.promoted_at)),
        ("revoked", time(one.revoked_at)),
        ("time to 401", Cell::from(death(one))),
        (
            "proof",
            Cell::from(
                one.refusals
                    .map(|n| format!("refused {n} times"))
                    .unwrap_or_default(),
            ),
        ),
        ("ended", time(one.ended_at)),
        ("goes back", Cell::from(one.back.as_deref().unwrap_or(""))),
        (
            "trouble",
            Cell::toned(one.trouble.as_deref().unwrap_or(""), Tone::Bad),
        ),
    ])
}

pub(super) fn show_plan(output: Output, plan: &PlanView) -> Result<(), Failure> {
    output.fields(vec![
        ("workspace", Cell::from(&plan.workspace)),
        ("key", Cell::toned(&plan.key, Tone::Strong)),
        (
            "old key",
            Cell::from(plan.old_api_key_id.as_deref().unwrap_or("")),
        ),
        ("scopes", Cell::from(plan.scopes.join(", "))),
        ("under", Cell::from(&plan.manager)),
        ("kept at", Cell::from(&plan.reference)),
        ("told", Cell::from(plan.consumers.join(", "))),
    ])?;
    output.line("")?;
    let rows = plan.steps.iter().map(|step| {
        vec![
            Cell::toned(&step.step, Tone::Strong),
            Cell::from(&step.what),
            Cell::from(step.calls.join("; ")),
        ]
    });
    output.table(&["step", "what", "calls"], rows.collect(), "nothing")?;
    note("nothing was done");
    Ok(())
}
