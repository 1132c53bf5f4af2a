//! `doorward policy explain`.

use std::io::Read;

use crate::admin::{Explained, PolicyExplain, Session};
use crate::cli::Explain;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Largest body that is explained, in bytes.
const BODY_MAX: u64 = 512 * 1024;

/// Runs `doorward policy explain`.
pub(in crate::commands) async fn run(context: &Context, typed: Explain) -> Outcome {
    let body = typed.body.as_deref().map(read).transpose()?;
    let session = Session::open(context).await?;
    let call = PolicyExplain {
        workspace: typed.within.workspace,
        client: typed.client,
        method: typed.method,
        target: typed.target,
        body,
        as_workspace: typed.as_workspace,
        source: typed.source,
        at: typed.at.map(|moment| moment.0),
    };
    let explained = session.call(call).await?;
    if context.output.is_json() {
        context.output.value(&explained)?;
    } else {
        show(&explained, context.output)?;
    }
    Ok(match explained.decision.as_str() {
        "allow" => Exit::Done,
        _ => Exit::Findings,
    })
}

fn show(told: &Explained, output: Output) -> Result<(), Failure> {
    let row = |step: &crate::admin::Step| {
        let (passes, tone) = match step.passes {
            Some(true) => ("yes", Tone::Good),
            Some(false) => ("no", Tone::Bad),
            None => ("-", Tone::Quiet),
        };
        vec![
            Cell::from(&step.step),
            Cell::toned(passes, tone),
            Cell::from(&step.found),
        ]
    };
    let rows = told.steps.iter().map(row).collect();
    output.table(&["step", "passes", "because"], rows, "")?;
    output.line("")?;
    let what = told.operation.as_deref().unwrap_or("what is no operation");
    let (verdict, tone) = match told.decision.as_str() {
        "allow" => ("allowed", Tone::Good),
        "needs_approval" => ("held until a person approves it", Tone::Careful),
        _ => ("refused", Tone::Bad),
    };
    let line = format!("client '{}' asking for {what} is {verdict}", told.client);
    output.line(output.paint(tone, line))?;
    match (&told.reason, &told.message) {
        (Some(reason), Some(message)) => output.line(format_args!("  {reason}: {message}")),
        _ => Ok(()),
    }
}

fn read(file: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let done = if file == "-" {
        let mut input = std::io::stdin().lock().take(BODY_MAX + 1);
        input.read_to_string(&mut text)
    } else {
        std::fs::File::open(file)
            .and_then(|opened| opened.take(BODY_MAX + 1).read_to_string(&mut text))
    };
    done.map_err(|error| Failure::usage(format_args!("{file} can't be read: {error}")))?;
    if text.len() as u64 > BODY_MAX {
        return Err(Failure::usage("a body of at most 512 KiB is explained"));
    }
    Ok(text)
}
