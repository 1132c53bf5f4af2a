//! `doorward audit search`.

use super::folder::{Folder, entry};
use super::line;
use super::which::{Asking, Which};
use crate::cli::Search;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Runs `doorward audit search`.
pub(super) async fn run(context: &Context, search: &Search) -> Outcome {
    let output = context.output;
    let reader = Folder::of(context)?.reader()?;
    let mut asking = Asking::new(context);
    let which = Which::of(&mut asking, &search.filters).await?;
    // A search for a person is in it by now.
    reader.refresh().map_err(Failure::failed)?;
    let records = which.newest(&reader, search.limit)?;
    let entries = if search.people {
        let sequences: Vec<u64> = records.iter().map(|record| record.sequence).collect();
        asking.in_clear(&sequences).await?
    } else {
        let entries = records.iter().map(entry);
        entries.collect::<Result<Vec<_>, Failure>>()?
    };
    if output.is_json() {
        for entry in &entries {
            output.value_line(entry)?;
        }
        return Ok(Exit::Done);
    }
    let nothing = if which.is_nobody() {
        "nobody of that name is in the ledger"
    } else {
        "no entry fits"
    };
    line::table(&entries, output, nothing)?;
    Ok(Exit::Done)
}
