//! Adding values, typed or from a file: only those that are not there, in bulks.

use doorward_posture::block::{BlockLines, BlockValue};

use super::read::{look_up, parse, read_file};
use crate::admin::{BULK_MAX, BlockAdd, BlockAdded, BlockRemove, Session};
use crate::cli::{ImportBlocklist, InWorkspace};
use crate::commands::audit::Bar;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, note};

/// Most faulty lines that people are shown.
const FAULTS_SHOWN: usize = 20;

/// Runs `doorward blocklist add`.
pub(super) async fn add(
    session: &Session,
    typed: &[String],
    within: InWorkspace,
    dry_run: bool,
    output: Output,
) -> Outcome {
    let values = parse(typed)?;
    let lines = BlockLines {
        values: values.into_iter().collect(),
        ..BlockLines::default()
    };
    bring_in(session, lines, within.workspace, dry_run, output).await
}

/// Runs `doorward blocklist import`.
pub(super) async fn import(session: &Session, typed: ImportBlocklist, output: Output) -> Outcome {
    let lines = read_file(&typed.file)?;
    if lines.faulty > 0 {
        let file = typed.file.display();
        let shown = lines.faults.iter().take(FAULTS_SHOWN);
        let shown: Vec<String> = shown
            .map(|fault| format!("  {file}:{}: {}", fault.line, fault.why))
            .collect();
        let more = lines.faulty.saturating_sub(shown.len());
        let more = match more {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let told = format!(
            "{} lines are no address or domain:\n{}{more}",
            lines.faulty,
            shown.join("\n")
        );
        if !typed.skip_faulty {
            return Err(Failure::usage(format_args!(
                "{told}\nnothing was added; mend them, or leave them out with --skip-faulty"
            )));
        }
        if !output.is_json() {
            note(format_args!("{told}\nthey are left out"));
        }
    }
    bring_in(
        session,
        lines,
        typed.within.workspace,
        typed.dry_run,
        output,
    )
    .await
}

async fn bring_in(
    session: &Session,
    lines: BlockLines,
    workspace: Option<String>,
    dry_run: bool,
    output: Output,
) -> Outcome {
    let values: Vec<BlockValue> = lines.values.into_iter().collect();
    let there = look_up(session, workspace.clone(), &values).await?;
    let new: Vec<String> = there
        .iter()
        .filter(|(_, entries)| entries.is_empty())
        .map(|(value, _)| value.to_string())
        .collect();
    let shared = there.iter().map(|(value, _)| value);
    for value in shared.filter(|value| value.is_shared()) {
        note(format_args!(
            "warning: many people who have nothing to do with each other have addresses at {value}; \
             blocking it blocks them all"
        ));
    }
    let known = values.len() - new.len();
    let added = match dry_run {
        true => BlockAdded::default(),
        false => add_all(session, workspace.as_deref(), &new).await?,
    };
    if output.is_json() {
        let mut told = serde_json::json!({
            "dry_run": dry_run, "added": added.added, "refused": added.refused,
            "there_already": known, "repeated": lines.repeated, "faulty": lines.faulty,
        });
        if dry_run && let Some(told) = told.as_object_mut() {
            told.insert("would_add".to_owned(), new.into());
        }
        output.value(&told)?;
    } else if dry_run {
        for value in &new {
            output.line(format_args!("+ {value}"))?;
        }
        output.line(format_args!(
            "{} would be added; {known} are there already",
            new.len()
        ))?;
    } else {
        output.line(format_args!(
            "{} added; {known} were there already",
            added.added
        ))?;
    }
    if added.refused > 0 {
        note(format_args!(
            "Instantly did not take {} of the values",
            added.refused
        ));
        return Ok(Exit::Findings);
    }
    Ok(Exit::Done)
}

/// Adds values that are not there, in bulks.
///
/// # Errors
/// At the first bulk that is not taken: those before it were.
pub(in crate::commands) async fn add_all(
    session: &Session,
    workspace: Option<&str>,
    values: &[String],
) -> Result<BlockAdded, Failure> {
    let mut bar = Bar::new("adding");
    let mut all = BlockAdded::default();
    for bulk in values.chunks(BULK_MAX) {
        let call = BlockAdd {
            workspace: workspace.map(str::to_owned),
            values: bulk.to_vec(),
        };
        let done = session.call(call).await.inspect_err(|_| {
            if all.added > 0 {
                note(format_args!(
                    "{} were added before; what is there is not added again",
                    all.added
                ));
            }
        })?;
        all.added += done.added;
        all.refused += done.refused;
        bar.at(all.added + all.refused, values.len() as u64);
    }
    Ok(all)
}

/// Removes entries by their ids, in bulks. How many were removed.
///
/// # Errors
/// At the first bulk that fails: those before it were removed.
pub(in crate::commands) async fn remove_all(
    session: &Session,
    workspace: Option<&str>,
    ids: &[String],
) -> Result<u64, Failure> {
    let mut bar = Bar::new("removing");
    let mut removed = 0;
    for (done, bulk) in ids.chunks(BULK_MAX).enumerate() {
        let call = BlockRemove {
            workspace: workspace.map(str::to_owned),
            ids: bulk.to_vec(),
        };
        removed += session.call(call).await?.removed;
        bar.at((done * BULK_MAX + bulk.len()) as u64, ids.len() as u64);
    }
    Ok(removed)
}
