//! Asking before what can't be undone.

use std::io::{self, IsTerminal, Write};

use crate::exit::Failure;
use crate::output::clean;

/// Asks, unless `yes` was said already. Whether to go on.
///
/// # Errors
/// When nobody is there to be asked.
pub(in crate::commands) fn confirm(question: &str, yes: bool) -> Result<bool, Failure> {
    asked(
        question,
        yes,
        " It can't be undone.",
        ", since it can't be undone",
    )
}

/// Asks whether to do what can be taken back, unless `yes` was said already.
///
/// # Errors
/// When nobody is there to be asked.
pub(in crate::commands) fn agree(question: &str, yes: bool) -> Result<bool, Failure> {
    asked(question, yes, "", "")
}

fn asked(question: &str, yes: bool, warning: &str, why: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format_args!(
            "{question} Nobody is here to be asked: say --yes to do it{why}"
        )));
    }
    let mut err = anstream::stderr().lock();
    // It may have names of others in it.
    let question = clean(question);
    write!(err, "{question}{warning} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
