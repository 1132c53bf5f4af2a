//! `doorward check …`.

mod fix;
mod forms;
mod history;
mod listed;
mod mutes;
mod run;
mod text;
mod words;

use crate::cli::{Check, CheckCommand};
use crate::commands::block_on;
use crate::context::Context;
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// Runs what needs neither a server nor a folder.
///
/// # Errors
/// The command, when it is another.
pub(super) fn run_apart(check: Box<Check>, output: Output) -> Result<Outcome, Box<Check>> {
    match check.command {
        Some(CheckCommand::List { ref area }) => Ok(listed::list(output, area.as_deref())),
        Some(CheckCommand::Show { ref id }) => Ok(listed::show(output, id)),
        _ => Err(check),
    }
}

/// Runs the others. Starts a runtime of its own: remedies are commands, and start theirs.
pub(super) fn run(context: &Context, check: Box<Check>) -> Outcome {
    match check.command {
        None => run::run(context, &check.run),
        Some(CheckCommand::History { last }) => block_on(history::run(context, last)),
        Some(CheckCommand::Mute {
            what,
            reason,
            owner,
            until,
        }) => block_on(mutes::mute(context, (what, reason, owner, until))),
        Some(CheckCommand::Unmute { what }) => block_on(mutes::unmute(context, what)),
        Some(CheckCommand::Mutes) => block_on(mutes::list(context)),
        Some(CheckCommand::List { .. } | CheckCommand::Show { .. }) => Err(Failure::failed(
            "this is a fault of Doorward; please report it",
        )),
    }
}
