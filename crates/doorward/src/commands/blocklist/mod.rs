//! `doorward blocklist`: addresses and domains that are never written to.

mod add;
mod check;
mod read;

use super::confirm::confirm;
use crate::admin::{BlockView, Session};
use crate::cli::{BlocklistCommand, InWorkspace};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};
use read::{look_up, parse};

pub(in crate::commands) use add::add_all;
pub(in crate::commands) use read::{Reading, read_all};

/// Runs `doorward blocklist …`.
pub(crate) async fn run(context: &Context, command: BlocklistCommand) -> Outcome {
    let session = Session::open(context).await?;
    let output = context.output;
    match command {
        BlocklistCommand::List {
            domains,
            search,
            within,
        } => {
            let reading = Reading {
                workspace: within.workspace,
                domains_only: domains,
                search,
            };
            list(&session, reading, output).await
        }
        BlocklistCommand::Add {
            values,
            dry_run,
            within,
        } => add::add(&session, &values, within, dry_run, output).await,
        BlocklistCommand::Import(typed) => add::import(&session, typed, output).await,
        BlocklistCommand::Remove {
            values,
            yes,
            dry_run,
            within,
        } => remove(&session, &values, within, (yes, dry_run), output).await,
        BlocklistCommand::Check {
            values,
            file,
            within,
        } => check::run(&session, &values, file.as_deref(), within, output).await,
    }
}

async fn list(session: &Session, reading: Reading, output: Output) -> Outcome {
    let json = output.is_json();
    let mut rows = Vec::new();
    let mut faults = Ok(());
    read_all(session, &reading, |entry| {
        if !json {
            rows.push(row(&entry));
        } else if faults.is_ok() {
            faults = output.value_line(&entry);
        }
    })
    .await?;
    faults?;
    if !json {
        output.table(
            &["value", "kind", "added"],
            rows,
            "nothing is blocked; `doorward blocklist add VALUE` blocks an address or a domain",
        )?;
    }
    Ok(Exit::Done)
}

fn row(entry: &BlockView) -> Vec<Cell> {
    let kind = if entry.value.contains('@') {
        "address"
    } else {
        "domain"
    };
    vec![
        Cell::toned(&entry.value, Tone::Strong),
        Cell::from(kind),
        Cell::from(&entry.added_at),
    ]
}

async fn remove(
    session: &Session,
    values: &[String],
    within: InWorkspace,
    (yes, dry_run): (bool, bool),
    output: Output,
) -> Outcome {
    let values = parse(values)?;
    let there = look_up(session, within.workspace.clone(), &values).await?;
    let entries: Vec<&BlockView> = there.iter().flat_map(|(_, entries)| entries).collect();
    let missing: Vec<&str> = there
        .iter()
        .filter(|(_, entries)| entries.is_empty())
        .map(|(value, _)| value.as_str())
        .collect();
    let exit = match missing.is_empty() {
        true => Exit::Done,
        false => Exit::Findings,
    };
    let told = |removed: u64, output: Output| -> Result<(), Failure> {
        if output.is_json() {
            return output.value(&serde_json::json!({
                "dry_run": dry_run, "removed": removed, "not_there": missing,
                "entries": entries,
            }));
        }
        for value in &missing {
            note(format_args!("{value} is not in the block list"));
        }
        let done = if dry_run {
            "would be removed"
        } else {
            "removed"
        };
        output.line(format_args!("{removed} of {} {done}", entries.len()))
    };
    if dry_run || entries.is_empty() {
        told(if dry_run { entries.len() as u64 } else { 0 }, output)?;
        return Ok(exit);
    }
    let question = format!(
        "Let {} be written to again?",
        match values.as_slice() {
            [one] => one.to_string(),
            all => format!("{} addresses and domains", all.len()),
        }
    );
    if !confirm(&question, yes)? {
        note("nothing was done");
        return Ok(Exit::Findings);
    }
    let ids: Vec<String> = entries.iter().map(|entry| entry.id.clone()).collect();
    let removed = add::remove_all(session, within.workspace.as_deref(), &ids).await?;
    told(removed, output)?;
    Ok(exit)
}
