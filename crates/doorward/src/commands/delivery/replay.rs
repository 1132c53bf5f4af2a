//! `doorward replay`: events delivered once more.

use std::time::Duration;

use crate::admin::{
    ReplayCancel, ReplayList, ReplayPlan, ReplayShow, ReplayStart, ReplayView, Session,
};
use crate::cli::{Replay, ReplayCommand, ReplayOf};
use crate::commands::event::{size, state};
use crate::commands::{time_cell, whole_seconds};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};
use crate::signals::Endings;

/// Between two looks at a replay that is waited for.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs `doorward replay …`.
pub(crate) async fn run(context: &Context, typed: Replay) -> Outcome {
    let (session, output) = (Session::open(context).await?, context.output);
    match typed.command {
        None => start(&session, typed.what, output).await,
        Some(ReplayCommand::List {
            destination,
            running,
        }) => {
            let call = ReplayList {
                destination,
                running,
            };
            list(&session.call(call).await?, output)?;
            Ok(Exit::Done)
        }
        Some(ReplayCommand::Show { replay, wait }) => {
            let found = session.call(ReplayShow { replay }).await?;
            if wait {
                return follow(&session, found, output).await;
            }
            told(&found, output)?;
            Ok(Exit::Done)
        }
        Some(ReplayCommand::Cancel { replay }) => {
            told(&session.call(ReplayCancel { replay }).await?, output)?;
            Ok(Exit::Done)
        }
    }
}

async fn start(session: &Session, what: ReplayOf, output: Output) -> Outcome {
    let since = what.times.since.map(|moment| moment.0);
    let until = what.times.until.map(|moment| moment.0);
    let call = ReplayStart {
        destination: what.to.unwrap_or_default(),
        event: what.event,
        types: what.types,
        campaigns: what.campaigns,
        workspaces: what.workspaces,
        since,
        until,
        rate: what.rate,
        dry_run: what.dry_run,
    };
    let found = session.call(call).await?;
    let begun = found.replay.clone().filter(|_| what.wait);
    if !output.is_json() {
        plan(&found, what.dry_run, output)?;
    } else if begun.is_none() {
        output.value(&found)?;
    }
    if found.replay.is_some() && !output.is_json() {
        if found.state != "active" {
            note(format_args!(
                "'{0}' is {1}: nothing is delivered before `doorward destination resume {0}`",
                found.destination, found.state
            ));
        } else if !session.is_server() {
            note("no server runs: it begins when one does (`doorward serve`)");
        }
    }
    match begun {
        Some(replay) => follow(session, replay, output).await,
        None => Ok(Exit::Done),
    }
}

fn plan(plan: &ReplayPlan, dry_run: bool, output: Output) -> Result<(), Failure> {
    let types = plan.types.iter();
    let types: Vec<String> = types
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let takes = plan.events.div_ceil(u64::from(plan.rate.max(1)));
    let doing = match (&plan.replay, dry_run) {
        (Some(replay), _) => format!("replay {}", replay.id),
        (None, true) => "none: this is a dry run".to_owned(),
        (None, false) => "none: no event fits".to_owned(),
    };
    output.fields(vec![
        ("begun", Cell::toned(doing, Tone::Strong)),
        ("destination", Cell::from(&plan.destination)),
        ("events", Cell::from(plan.events)),
        (
            "gone",
            match plan.gone {
                0 => Cell::from(""),
                gone => Cell::toned(
                    format_args!("{gone} more, whose payload is gone"),
                    Tone::Careful,
                ),
            },
        ),
        ("types", Cell::from(types.join(", "))),
        ("size", Cell::from(size(plan.bytes))),
        ("from", time_cell(plan.first_at, "")),
        ("to", time_cell(plan.last_at, "")),
        (
            "takes",
            Cell::from(format_args!(
                "{takes} s at the least, at {} a second",
                plan.rate
            )),
        ),
    ])
}

fn list(found: &[ReplayView], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(found);
    }
    let rows = found.iter().map(|one| {
        vec![
            Cell::toned(one.id, Tone::Strong),
            Cell::from(&one.destination),
            state(&one.state),
            Cell::from(format_args!("{}%", done(one))),
            Cell::from(one.matched),
            Cell::from(one.delivered),
            Cell::from(one.dead),
            Cell::from(one.discarded),
            time_cell(Some(one.begun_at), ""),
            time_cell(one.ended_at, ""),
        ]
    });
    let headings = [
        "replay",
        "destination",
        "state",
        "done",
        "events",
        "delivered",
        "dead",
        "given up",
        "begun",
        "ended",
    ];
    output.table(&headings, rows.collect(), "no replays")
}

fn told(one: &ReplayView, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(one);
    }
    let ended = one.ended_at.map(|at| whole_seconds(at).to_string());
    output.fields(vec![
        ("replay", Cell::toned(one.id, Tone::Strong)),
        ("destination", Cell::from(&one.destination)),
        ("state", state(&one.state)),
        ("done", Cell::from(format_args!("{}%", done(one)))),
        ("types", Cell::from(one.types.join(", "))),
        ("campaigns", Cell::from(one.campaigns.join(", "))),
        ("workspaces", Cell::from(one.workspaces.join(", "))),
        ("events so far", Cell::from(one.matched)),
        ("delivered", Cell::from(one.delivered)),
        ("dead", Cell::from(one.dead)),
        ("given up", Cell::from(one.discarded)),
        ("rate", Cell::from(format_args!("{} a second", one.rate))),
        ("begun", Cell::from(whole_seconds(one.begun_at))),
        ("ended", Cell::from(ended.unwrap_or_default())),
    ])
}

/// How much of its range a replay has looked at, of a hundred. What waits to be tried again is not
/// counted.
fn done(one: &ReplayView) -> i64 {
    let all = (one.last_seq - one.first_seq + 1).max(1);
    let done = (one.done_seq - one.first_seq + 1).clamp(0, all);
    match one.state.as_str() {
        "done" => 100,
        _ => done.saturating_mul(100) / all,
    }
}

/// Shows how far a replay is, until it ends or this is interrupted: then it goes on by itself.
async fn follow(session: &Session, mut replay: ReplayView, output: Output) -> Outcome {
    if !session.is_server() {
        return Err(Failure::failed(
            "no server runs that could deliver: start one (`doorward serve`), then `doorward replay \
             show N --wait`",
        ));
    }
    let mut endings = Endings::listen()?;
    let mut shown = None;
    while replay.state == "running" {
        let now = (done(&replay), replay.delivered, replay.dead);
        if shown.replace(now) != Some(now) && !output.is_json() {
            note(format_args!(
                "replay {}: {}%, {} delivered, {} dead",
                replay.id, now.0, now.1, now.2
            ));
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = endings.next() => {
                note(format_args!("it goes on: doorward replay show {} --wait", replay.id));
                return Ok(Exit::Done);
            }
        }
        replay = session.call(ReplayShow { replay: replay.id }).await?;
    }
    told(&replay, output)?;
    let whole = replay.state == "done" && replay.dead == 0 && replay.discarded == 0;
    Ok(if whole { Exit::Done } else { Exit::Findings })
}
