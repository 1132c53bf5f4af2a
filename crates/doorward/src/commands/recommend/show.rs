//! A recommendation as people see it.

use std::collections::BTreeMap;

use super::Recommendation;
use super::seen::Count;
use crate::commands::{time_cell, whole_seconds};
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, note};

/// Writes it.
pub(super) fn show(told: &Recommendation, output: Output) -> Result<(), Failure> {
    let span = told
        .seen
        .map(|(first, last)| format!("{} to {}", whole_seconds(first), whole_seconds(last)));
    let calls: u64 = told.used.values().map(|count| count.calls).sum();
    output.fields(vec![
        ("client", Cell::toned(&told.client, Tone::Strong)),
        ("workspace", Cell::from(&told.workspace)),
        ("seen", Cell::from(span.unwrap_or_default())),
        ("allowed calls", Cell::from(calls)),
        ("learning until", time_cell(told.learning_until, "")),
    ])?;
    output.line("")?;
    used(told, output)?;
    denied(told, output)?;
    if !told.never_used.is_empty() {
        output.line("")?;
        output.line(output.paint(Tone::Careful, "granted and never called:"))?;
        output.line(format_args!("  {}", told.never_used.join(", ")))?;
    }
    let Some(command) = &told.command else {
        return Ok(());
    };
    output.line("")?;
    if told.applied {
        return output.line(output.paint(Tone::Good, "this is granted now, and nothing else"));
    }
    output.line("the least grant for what it called:")?;
    output.line(format_args!("  {command}"))?;
    note("\nit takes the place of all that is granted now; --apply grants it");
    Ok(())
}

fn used(told: &Recommendation, output: Output) -> Result<(), Failure> {
    let nothing = format!(
        "no allowed call is in the ledger since {}; let the client work first, with `doorward \
         client learn {} --for 1h`",
        whole_seconds(told.since),
        told.client
    );
    output.table(&["called", "calls", "last"], rows(&told.used, ""), &nothing)?;
    if !told.sub_workspaces.is_empty() {
        output.line("")?;
        let rows = rows(&told.sub_workspaces, "");
        output.table(&["sub-workspace", "calls", "last"], rows, "")?;
    }
    if told.claims > 0 {
        output.line(format_args!("and {} entries in the ledger", told.claims))?;
    }
    Ok(())
}

fn denied(told: &Recommendation, output: Output) -> Result<(), Failure> {
    let denied = told.denied.iter();
    let rows: Vec<_> = denied
        .flat_map(|(reason, operations)| rows(operations, reason))
        .collect();
    if !rows.is_empty() {
        output.line("")?;
        output.line(output.paint(
            Tone::Careful,
            "asked for and denied; not in the grant below:",
        ))?;
        output.table(&["operation", "calls", "last", "reason"], rows, "")?;
    }
    if told.unknown_operations > 0 {
        output.line(format_args!(
            "{} requests were no operation of the API",
            told.unknown_operations
        ))?;
    }
    Ok(())
}

fn rows(counts: &BTreeMap<String, Count>, reason: &str) -> Vec<Vec<Cell>> {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(count.calls), *name));
    let row = |(name, count): (&String, &Count)| {
        let mut row = vec![
            Cell::from(name),
            Cell::from(count.calls),
            Cell::from(whole_seconds(count.last)),
        ];
        if !reason.is_empty() {
            row.push(Cell::toned(reason, Tone::Careful));
        }
        row
    };
    counts.into_iter().map(row).collect()
}
