//! `doorward check`: a run.

use std::time::Duration;

use doorward_posture::checks::Selection;
use indicatif::{ProgressBar, ProgressStyle};

use super::{fix, forms, text};
use crate::admin::{CheckAnswer, CheckAsk, CheckProgress, Counted, Scopeful, Session, ticket};
use crate::cli::{CheckFormat, RunCheck};
use crate::commands::block_on_value;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::note;

/// How often it is asked how far the run is.
const EVERY: Duration = Duration::from_millis(500);

/// Runs it.
pub(super) fn run(context: &Context, typed: &RunCheck) -> Outcome {
    let format = match (typed.format, context.output.is_json()) {
        (CheckFormat::Text, true) => CheckFormat::Json,
        (format, _) => format,
    };
    let answer = block_on_value(ask(context, typed))?;
    let checked = &answer.checked;
    if format == CheckFormat::Text && typed.output.is_none() {
        text::show(context.output, checked)?;
    } else {
        let form = forms::form(checked, format)?;
        forms::write(context.output, &form, typed.output.as_deref())?;
    }
    if let Some(path) = &typed.output {
        let open = checked.report.open().count();
        note(format_args!(
            "wrote {} ({open} findings that count)",
            path.display()
        ));
    }
    if typed.fix {
        return fix::run(context, typed, &answer);
    }
    Ok(exit(typed, &answer))
}

/// How a run ends.
pub(super) fn exit(typed: &RunCheck, answer: &CheckAnswer) -> Exit {
    let checked = &answer.checked;
    let bad = typed
        .fail_on
        .0
        .is_some_and(|severity| checked.fails(severity));
    let report = &checked.report;
    let missed = checked.score.whole.not_looked > 0 || !report.not_looked_at.is_empty();
    if bad || (typed.strict && missed) {
        Exit::Findings
    } else {
        Exit::Done
    }
}

/// Has the run made, and shows how far it is.
pub(super) async fn ask(context: &Context, typed: &RunCheck) -> Result<CheckAnswer, Failure> {
    let session = Session::open(context).await?;
    let folder = match &typed.repo {
        Some(folder) => Some(std::fs::canonicalize(folder).map_err(|error| {
            Failure::usage(format_args!(
                "can't read the folder {}: {error}",
                folder.display()
            ))
        })?),
        None => None,
    };
    let ticket = ticket()?;
    let call = CheckAsk {
        of: Scopeful {
            workspace: typed.workspace.clone().filter(|_| !typed.all),
            all: typed.all,
        },
        selection: Selection {
            only: typed.only.clone(),
            skip: typed.skip.clone(),
        },
        since: typed.since.map(|since| since.0),
        folder,
        ticket: ticket.clone(),
        by: None,
    };
    let bar = bar();
    let follow = async {
        loop {
            tokio::time::sleep(EVERY).await;
            let ticket = ticket.clone();
            if let Ok(Some(counted)) = session.call(CheckProgress { ticket }).await {
                bar.set_message(told(&counted));
            }
        }
    };
    let answer = tokio::select! {
        answer = session.call(call) => answer,
        () = follow => Err(Failure::failed("this is a fault of Doorward; please report it")),
    };
    bar.finish_and_clear();
    answer
}

/// Drawn on a terminal alone.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} looking {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn told(counted: &Counted) -> String {
    let parts = counted.parts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(part, count)| format!("{count} {part}"))
        .collect();
    parts.join(", ")
}
