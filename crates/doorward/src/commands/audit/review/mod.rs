//! `doorward audit review`: what matters since the last review, looked through and signed off.

mod due;
mod groups;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use doorward_audit::{Entry, Filter, find};
use doorward_ledger::log::Reader;
use serde_json::json;

pub(crate) use due::{overdue, review_standing};

use self::groups::{Group, Groups};
use super::folder::Folder;
use super::line;
use crate::admin::{AuditReview, Session};
use crate::cli::Review;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Entries of a group that are shown unless all are asked for.
const SHOWN: usize = 20;
/// Entries of a group that are held.
const HELD: usize = 100_000;

/// Runs `doorward audit review`.
pub(super) async fn run(context: &Context, review: Review) -> Outcome {
    let output = context.output;
    if review.status {
        return due::run(context);
    }
    let reader = Folder::of(context)?.reader()?;
    let Some((first, last)) = span(&reader, &review)? else {
        if output.is_json() {
            output.value(&json!({ "leaves": 0 }))?;
        } else {
            output.line("nothing happened since the last review")?;
        }
        return Ok(Exit::Done);
    };
    let held = if review.all { HELD } else { SHOWN };
    let groups = Groups::collect(&reader, first, last, held)?;
    let counts = groups.counts();
    if output.is_json() {
        let mut groups: BTreeMap<&str, &[Entry]> = groups.named();
        groups.retain(|_, entries| !entries.is_empty());
        let signed = sign(context, &review, first, last, &counts).await?;
        output.value(&json!({
            "first": first,
            "last": last,
            "leaves": last - first + 1,
            "counts": counts,
            "groups": groups,
            "signed_off": signed,
        }))?;
        return Ok(Exit::Done);
    }
    walk(&groups, first, last, output)?;
    match sign(context, &review, first, last, &counts).await? {
        Some(seq) => output.line(format_args!("\nsigned off: leaf {seq}"))?,
        None => note("\nsign it off with: doorward audit review --sign-off --note '…'"),
    }
    Ok(Exit::Done)
}

/// The leaves to look at: those since the last review, or since when was said.
fn span(reader: &Reader, review: &Review) -> Result<Option<(u64, u64)>, Failure> {
    let Some(last) = reader.size().checked_sub(1) else {
        return Ok(None);
    };
    let first = match review.since {
        None => due::last_review(reader)?.map_or(reader.minimum(), |done| done.next()),
        Some(moment) => {
            let filter = Filter {
                since: Some(moment.0),
                ..Filter::default()
            };
            let found = find(reader, &filter, 0, 1, u64::MAX).map_err(Failure::failed)?;
            let first = found.records.first();
            first.map_or(last + 1, |record| record.sequence)
        }
    };
    let first = first.max(reader.minimum());
    Ok((first <= last).then_some((first, last)))
}

/// Signs it off if that was asked for; where it is recorded.
async fn sign(
    context: &Context,
    review: &Review,
    first: u64,
    last: u64,
    counts: &BTreeMap<String, u64>,
) -> Result<Option<u64>, Failure> {
    if !review.sign_off {
        return Ok(None);
    }
    let call = AuditReview {
        first,
        last,
        counts: counts.clone(),
        note: review.note.clone(),
        by: None,
    };
    let placed = Session::open(context).await?.call(call).await?;
    Ok(Some(placed.seq))
}

/// The counts, then each group; on a terminal, one at a time.
fn walk(groups: &Groups, first: u64, last: u64, output: Output) -> Result<(), Failure> {
    output.line(format_args!("leaves {first} to {last}\n"))?;
    let rows = Group::ALL.iter().map(|group| {
        let count = groups.count(*group);
        let tone = match count {
            0 => Tone::Quiet,
            _ => group.tone(),
        };
        vec![Cell::toned(count, tone), Cell::toned(group.title(), tone)]
    });
    output.table(&["count", "what"], rows.collect(), "")?;
    let paged = output.is_terminal() && io::stdin().is_terminal();
    for group in Group::ALL {
        let entries = groups.entries(group);
        if entries.is_empty() {
            continue;
        }
        if paged && !next()? {
            return Ok(());
        }
        let shown = entries.len() as u64;
        let count = groups.count(group);
        let title = if count > shown && group != Group::Strangers {
            format!(
                "{} (the newest {shown} of {count}; --all shows them)",
                group.title()
            )
        } else {
            group.title().to_owned()
        };
        output.line(format_args!("\n{}", output.paint(Tone::Strong, title)))?;
        line::table(entries, output, "")?;
    }
    Ok(())
}

/// Waits for who reads; whether to go on.
fn next() -> Result<bool, Failure> {
    note("\nEnter goes on, q ends");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    Ok(read.map_err(Failure::failed)? > 0 && !answer.trim().eq_ignore_ascii_case("q"))
}
