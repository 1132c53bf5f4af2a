//! `doorward reload`: the running server reads its configuration again.

use crate::admin::{Reload, Session};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Tone;

/// Runs `doorward reload`.
pub(crate) async fn run(context: &Context) -> Outcome {
    let output = context.output;
    let Some(session) = Session::running(context).await? else {
        return Err(Failure::failed(format_args!(
            "no server runs on {}, so that there is nothing to reload; one that is started reads \
             the configuration then",
            context.data_dir.path().display()
        )));
    };
    let reloaded = session.call(Reload {}).await?;
    if output.is_json() {
        output.value(&reloaded)?;
        return Ok(Exit::Done);
    }
    match reloaded.changed.as_slice() {
        [] => output.line(format_args!(
            "read again: the state and the upstream keys; no setting was changed"
        ))?,
        changed => output.line(format_args!(
            "read again: the state and the upstream keys, and in force now: {}",
            changed.join(", ")
        ))?,
    }
    if !reloaded.restart_needed.is_empty() {
        let told = format_args!("needs a restart: {}", reloaded.restart_needed.join(", "));
        output.line(output.paint(Tone::Careful, told))?;
    }
    for why in &reloaded.unread {
        let told = format_args!(
            "could not be read again: {why}; a value that was read before is used on, unless it is \
             gone"
        );
        output.line(output.paint(Tone::Careful, told))?;
    }
    Ok(Exit::Done)
}
