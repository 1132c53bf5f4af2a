//! `doorward ready`: whether the running server can take calls.

use crate::admin::{AskReady, Session};
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::health::Ready;
use crate::output::Tone;

/// Runs `doorward ready`.
pub(crate) async fn run(context: &Context) -> Outcome {
    let output = context.output;
    let ready = match Session::running(context).await? {
        Some(session) => session.call(AskReady {}).await?,
        None => Ready {
            reasons: vec![format!(
                "no server runs on {}",
                context.data_dir.path().display()
            )],
            ..Ready::default()
        },
    };
    let exit = if ready.ready {
        Exit::Done
    } else {
        Exit::Findings
    };
    if output.is_json() {
        output.value(&ready)?;
        return Ok(exit);
    }
    let (tone, told) = match ready.ready {
        true => (Tone::Good, "ready"),
        false => (Tone::Bad, "not ready"),
    };
    output.line(output.paint(tone, format_args!("{told}")))?;
    for line in ready.reasons.iter().chain(&ready.warnings) {
        output.line(format_args!("  {line}"))?;
    }
    Ok(exit)
}
