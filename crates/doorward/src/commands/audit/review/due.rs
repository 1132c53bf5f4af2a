//! When the last review was, and when the next must be.

use doorward_audit::{Filter, find_last};
use doorward_ledger::log::Reader;
use doorward_ledger::{Event, ReadLeaf};
use doorward_policy::Timestamp;
use serde_json::json;

use super::super::folder::{Folder, entry};
use crate::admin::now;
use crate::commands::whole_seconds;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Tone};

/// A day in milliseconds.
const DAY: i64 = 86_400_000;

/// A review that was signed off.
pub(super) struct Done {
    /// When.
    at: Timestamp,
    /// Its place in the ledger.
    seq: u64,
    /// The last leaf that was looked at.
    last: u64,
}

impl Done {
    /// Where the next review begins. The leaf of this one says nothing new.
    pub(super) const fn next(&self) -> u64 {
        let next = self.last + 1;
        if self.seq == next { next + 1 } else { next }
    }
}

/// The last review in the ledger.
pub(super) fn last_review(reader: &Reader) -> Result<Option<Done>, Failure> {
    let filter = Filter {
        kind: Some("review".to_owned()),
        ..Filter::default()
    };
    let found = find_last(reader, &filter, 1, u64::MAX).map_err(Failure::failed)?;
    let Some(record) = found.into_iter().next() else {
        return Ok(None);
    };
    match ReadLeaf::from_bytes(&record.leaf) {
        Ok(ReadLeaf::Known(leaf)) => match leaf.event {
            Event::Review { last, .. } => Ok(Some(Done {
                at: leaf.at,
                seq: record.sequence,
                last,
            })),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Where reviews stand.
struct Standing {
    done: Option<Done>,
    due: Timestamp,
    leaves: u64,
}

fn standing(context: &Context) -> Result<Option<Standing>, Failure> {
    let reader = Folder::of(context)?.reader()?;
    standing_of(&reader, context.config.audit.review_days)
}

/// Where reviews of a ledger stand: the last, until when the next is to be, and the leaves that wait for
/// it; none of an empty one.
///
/// # Errors
/// When the ledger can't be read.
pub(crate) fn review_standing(
    reader: &Reader,
    days: usize,
) -> Result<Option<(Option<Timestamp>, Timestamp, u64)>, Failure> {
    let standing = standing_of(reader, days)?;
    Ok(standing.map(|it| (it.done.map(|done| done.at), it.due, it.leaves)))
}

fn standing_of(reader: &Reader, days: usize) -> Result<Option<Standing>, Failure> {
    if reader.size() == reader.minimum() {
        return Ok(None);
    }
    let done = last_review(reader)?;
    let since = match &done {
        Some(done) => done.at,
        None => {
            let sequence = reader.minimum();
            let leaf = reader.leaf(sequence).map_err(Failure::failed)?;
            let first = entry(&doorward_ledger::log::Record { sequence, leaf })?;
            first.at().unwrap_or_else(now)
        }
    };
    let next = done.as_ref().map_or(reader.minimum(), Done::next);
    Ok(Some(Standing {
        done,
        due: due(since, days),
        leaves: reader.size().saturating_sub(next),
    }))
}

fn due(since: Timestamp, days: usize) -> Timestamp {
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    since.plus_millis(days.saturating_mul(DAY))
}

/// What there is to say when the review is overdue.
pub(crate) fn overdue(context: &Context) -> Option<String> {
    let standing = standing(context).ok().flatten()?;
    (standing.due < now()).then(|| {
        format!(
            "the review of the record is overdue since {}; {} entries wait: `doorward audit review`",
            whole_seconds(standing.due),
            standing.leaves
        )
    })
}

/// `doorward audit review --status`
pub(super) fn run(context: &Context) -> Outcome {
    let output = context.output;
    let Some(standing) = standing(context)? else {
        output.line("the ledger is empty")?;
        return Ok(Exit::Done);
    };
    let overdue = standing.due < now();
    let done = standing.done.as_ref();
    if output.is_json() {
        output.value(&json!({
            "last_review": done.map(|done| done.at),
            "seq": done.map(|done| done.seq),
            "due": standing.due,
            "overdue": overdue,
            "leaves": standing.leaves,
        }))?;
    } else {
        let last = done.map_or_else(
            || "never".to_owned(),
            |done| format!("{}, leaf {}", whole_seconds(done.at), done.seq),
        );
        let due = whole_seconds(standing.due);
        output.fields(vec![
            ("last review", Cell::from(last)),
            (
                "next",
                if overdue {
                    Cell::toned(format_args!("overdue since {due}"), Tone::Bad)
                } else {
                    Cell::toned(format_args!("until {due}"), Tone::Good)
                },
            ),
            ("leaves since", Cell::from(standing.leaves)),
        ])?;
    }
    Ok(if overdue { Exit::Findings } else { Exit::Done })
}
