//! `doorward upstream list`.

use doorward_catalog::Risk;
use doorward_keys::inventory::{KeyState, Row};
use doorward_policy::Timestamp;

use crate::admin::{Inventory, Session, UpstreamList, known_scopes, now};
use crate::cli::ListUpstream;
use crate::commands::{NAMES_MAX, kept_at, scopes_cell, whole_seconds};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Runs it.
pub(super) async fn run(context: &Context, session: &Session, typed: ListUpstream) -> Outcome {
    let call = UpstreamList {
        of: typed.of.scopeful(),
        since: typed.since.0,
        fetch: !typed.no_fetch,
    };
    let found = session.call(call).await?;
    let output = context.output;
    if output.is_json() {
        output.value(&found)?;
        return Ok(Exit::Done);
    }
    let now = now();
    for (n, inventory) in found.iter().enumerate() {
        if n > 0 {
            output.line("")?;
        }
        show(inventory, typed.wide, now, context)?;
    }
    if found.is_empty() {
        output.line("there are no workspaces; add one with `doorward workspace add NAME`")?;
    }
    Ok(Exit::Done)
}

fn show(
    inventory: &Inventory,
    wide: bool,
    now: Timestamp,
    context: &Context,
) -> Result<(), Failure> {
    let output = context.output;
    let title = output.paint(Tone::Strong, &inventory.workspace);
    let since = whole_seconds(inventory.since);
    output.line(format_args!("{title}, used since {since}"))?;
    // What was replaced and is gone at Instantly too is history.
    let past = |key: &&Row| key.state == KeyState::Retired && key.remarks.is_empty();
    let hidden = match wide {
        true => 0,
        false => inventory.keys.iter().filter(past).count(),
    };
    let rows = inventory.keys.iter().filter(|key| wide || !past(key));
    let rows = rows.map(|key| row(key, wide, now, context)).collect();
    let headings = [
        "key",
        "state",
        "scopes",
        "risk",
        "age",
        "owner",
        "last use here",
        "last seen there",
        "not used",
        "kept at",
        "id at instantly",
    ];
    output.table(&headings, rows, "it has no upstream keys")?;
    if hidden > 0 {
        note(format_args!(
            "{hidden} keys that were retired are not shown; --wide shows them"
        ));
    }
    remarks(inventory, output)
}

fn row(key: &Row, wide: bool, now: Timestamp, context: &Context) -> Vec<Cell> {
    let scopes = match &key.scopes {
        None => Cell::toned("not known", Tone::Careful),
        Some(scopes) if scopes.len() > NAMES_MAX && !wide => {
            scopes_cell(known_scopes(scopes), false)
        }
        Some(_) if wide && key.used.is_some() => {
            let uses = key.scope_uses.iter();
            let uses = uses.map(|one| format!("{} ×{}", one.scope, one.calls));
            Cell::from(uses.collect::<Vec<_>>().join(", "))
        }
        Some(scopes) => Cell::from(scopes.join(", ")),
    };
    let seen = match &key.seen {
        None => Cell::from(""),
        Some(seen) if seen.around > 0 => Cell::toned(
            format_args!(
                "{}, {} around Doorward",
                ago(seen.last, now),
                many(seen.around, "act")
            ),
            Tone::Careful,
        ),
        Some(seen) => {
            let acts = many(seen.records, "act");
            Cell::from(format_args!("{}, {acts}", ago(seen.last, now)))
        }
    };
    vec![
        Cell::toned(&key.name, Tone::Strong),
        state_cell(key),
        scopes,
        risk_cell(key.risk),
        Cell::from(key.created_at.map_or_else(String::new, |at| span(at, now))),
        Cell::from(key.owner.as_deref().unwrap_or_default()),
        used_cell(key, now),
        seen,
        unused_cell(key, wide),
        Cell::from(
            key.reference
                .as_deref()
                .map_or_else(String::new, |at| kept_at(at, context)),
        ),
        Cell::from(key.api_key_id.as_deref().unwrap_or_default()),
    ]
}

fn state_cell(key: &Row) -> Cell {
    let tone = match key.state {
        KeyState::Active => Tone::Good,
        KeyState::Retiring | KeyState::Unknown => Tone::Careful,
        KeyState::Retired => Tone::Quiet,
        KeyState::Dead | KeyState::Gone => Tone::Bad,
    };
    let manages = if key.manages { ", manages" } else { "" };
    Cell::toned(format_args!("{}{manages}", key.state.as_str()), tone)
}

fn risk_cell(risk: Option<Risk>) -> Cell {
    match risk {
        None => Cell::from(""),
        Some(risk @ (Risk::Low | Risk::Medium)) => Cell::from(risk),
        Some(risk @ Risk::High) => Cell::toned(risk, Tone::Careful),
        Some(risk @ Risk::Critical) => Cell::toned(risk, Tone::Bad),
    }
}

fn used_cell(key: &Row, now: Timestamp) -> Cell {
    match (key.used, &key.own_use, key.state) {
        (Some(used), None, _) => {
            let calls = many(used.calls, "call");
            Cell::from(format_args!("{}, {calls}", ago(used.last, now)))
        }
        (Some(used), Some(own), _) => {
            let calls = many(used.calls, "call");
            Cell::from(format_args!(
                "{}, {calls}; Doorward {own}",
                ago(used.last, now)
            ))
        }
        (None, Some(own), _) => Cell::from(format_args!("Doorward {own}")),
        (None, None, KeyState::Unknown) => Cell::from(""),
        (None, None, _) => Cell::toned("not used", Tone::Quiet),
    }
}

/// So many of a thing.
fn many(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// Scopes that nothing used. Of a key that was not used at all, that says nothing new.
fn unused_cell(key: &Row, wide: bool) -> Cell {
    let unused: Vec<&str> = key.unused().collect();
    if key.used.is_none() {
        return Cell::from("");
    }
    if unused.len() > NAMES_MAX && !wide {
        let of = key.scope_uses.len();
        return Cell::toned(
            format_args!("{} of {of} scopes", unused.len()),
            Tone::Careful,
        );
    }
    Cell::toned(unused.join(", "), Tone::Careful)
}

fn remarks(inventory: &Inventory, output: Output) -> Result<(), Failure> {
    for key in &inventory.keys {
        for remark in &key.remarks {
            output.line(format_args!("{}: {}", key.name, remark))?;
        }
        if !key.may_be.is_empty() {
            output.line(format_args!(
                "{} ({}): may be {}, whose id is not known",
                key.name,
                key.api_key_id.as_deref().unwrap_or_default(),
                key.may_be.join(" or ")
            ))?;
        }
    }
    for owed in &inventory.owed {
        let why = owed.trouble.as_deref().unwrap_or("under way");
        let line = format!(
            "{} ({}): to be dead and not yet proved so, since {}: {why} ({})",
            owed.title(),
            owed.api_key_id,
            whole_seconds(owed.begun_at),
            owed.id
        );
        output.line(output.paint(Tone::Bad, line))?;
    }
    for told in &inventory.told {
        note(format_args!("note: {told}"));
    }
    Ok(())
}

/// How long ago, roughly.
fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(at, now))
}

/// How long, roughly: in days, else hours, else minutes.
fn span(from: Timestamp, now: Timestamp) -> String {
    let millis = now.millis_since(from).max(0);
    match (millis / DAY_MS, millis / HOUR_MS) {
        (days @ 2.., _) => format!("{days} days"),
        (_, hours @ 2..) => format!("{hours} h"),
        _ => format!("{} min", millis / 60_000),
    }
}
