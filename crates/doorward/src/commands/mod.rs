//! What the commands do, one file a group.

mod complete;
mod scopes;

use crate::cli::{Cli, Command};
use crate::exit::Outcome;
use crate::output::Output;

/// Runs the command that was typed.
pub(crate) fn run(cli: Cli, output: Output) -> Outcome {
    match cli.command {
        Command::Scopes(command) => scopes::run(command, output),
        Command::Completions { shell } => complete::completions(shell, output),
        Command::Man { dir } => complete::man_pages(&dir, output),
        _ => Err(crate::exit::Failure::failed("later")),
    }
}
