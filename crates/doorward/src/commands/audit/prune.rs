//! `doorward audit prune`.

use doorward_audit::{Filter, find};
use doorward_ledger::log::Reader;
use serde_json::json;

use super::folder::{Folder, entry};
use super::line;
use crate::admin::{AuditPrune, Session};
use crate::cli::{Before, Prune};
use crate::commands::confirm::confirm;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Runs `doorward audit prune`.
pub(super) async fn run(context: &Context, prune: &Prune) -> Outcome {
    let output = context.output;
    let reader = Folder::of(context)?.reader()?;
    let minimum = reader.minimum();
    let before = first_kept(&reader, prune.before)?;
    if before > reader.size() {
        return Err(Failure::usage(format_args!(
            "there is no leaf {before} yet: the ledger has {}",
            reader.size()
        )));
    }
    let removed = before.saturating_sub(minimum);
    if prune.dry_run || removed == 0 {
        if output.is_json() {
            output.value(&json!({ "first": minimum, "before": before, "leaves": removed }))?;
        } else if removed == 0 {
            output.line("nothing is that old")?;
        } else {
            output.line(format_args!(
                "leaves {minimum} to {} would be removed:",
                before - 1
            ))?;
            for sequence in [minimum, before - 1] {
                let leaf = reader.leaf(sequence).map_err(Failure::failed)?;
                let entry = entry(&doorward_ledger::log::Record { sequence, leaf })?;
                output.line(line::line(&entry, output))?;
            }
        }
        return Ok(Exit::Done);
    }
    let question = format!("Remove {removed} leaves, {minimum} to {}?", before - 1);
    if !confirm(&question, prune.yes)? {
        return Err(Failure::failed("nothing was removed"));
    }
    let session = Session::open(context).await?;
    let pruned = session.call(AuditPrune { before }).await?;
    if output.is_json() {
        output.value(&json!({ "minimum": pruned.minimum, "leaves": removed }))?;
    } else {
        output.line(format_args!(
            "the ledger's leaves are kept from {} on; bytes of some before it go as whole bundles \
             and segments do",
            pruned.minimum
        ))?;
    }
    Ok(Exit::Done)
}

fn first_kept(reader: &Reader, before: Before) -> Result<u64, Failure> {
    let since = match before {
        Before::Seq(sequence) => return Ok(sequence),
        Before::Time(moment) => moment.0,
    };
    let filter = Filter {
        since: Some(since),
        ..Filter::default()
    };
    let found = find(reader, &filter, 0, 1, u64::MAX).map_err(Failure::failed)?;
    let first = found.records.first().map(|record| record.sequence);
    Ok(first.unwrap_or_else(|| reader.size()))
}
