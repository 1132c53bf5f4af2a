//! `doorward check history`.

use doorward_finding::Severity;

use super::words::{score, some};
use crate::admin::{CheckHistory, Session};
use crate::commands::whole_seconds;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Cell, Tone};

/// Runs it.
pub(super) async fn run(context: &Context, last: usize) -> Outcome {
    let session = Session::open(context).await?;
    let runs = session.call(CheckHistory { last }).await?;
    let output = context.output;
    if output.is_json() {
        output.value(&runs)?;
        return Ok(Exit::Done);
    }
    let rows = runs.iter().map(|run| {
        let trend = &run.trend;
        let how = match (run.whole, run.scheduled) {
            (false, _) => "in part",
            (true, true) => "by schedule",
            (true, false) => "",
        };
        vec![
            Cell::from(whole_seconds(trend.at)),
            Cell::from(&trend.run),
            Cell::from(run.workspaces.join(", ")),
            score(trend.score),
            some(trend.count(Severity::Critical)),
            some(trend.count(Severity::High)),
            Cell::from(trend.count(Severity::Medium)),
            Cell::from(trend.count(Severity::Low)),
            Cell::from(trend.not_looked),
            Cell::toned(how, Tone::Quiet),
        ]
    });
    let headings = [
        "when",
        "run",
        "workspaces",
        "score",
        "critical",
        "high",
        "medium",
        "low",
        "not looked",
        "how",
    ];
    output.table(
        &headings,
        rows.collect(),
        "there was no run yet; `doorward check` makes one",
    )?;
    Ok(Exit::Done)
}
