//! `doorward scan`: secrets looked for in files, in a history and in what is about to be committed.
//!
//! Scanning itself needs no configuration, no state and no runtime: these come in only where a found key
//! is tried, answered or recorded.

mod allow;
mod bar;
mod detect;
mod history;
mod hook;
mod keys;
mod look;
mod outcome;
mod respond;
mod rules;
mod source;
mod text;
mod write;

use crate::cli::{Global, Scan, ScanCommand};
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// Runs `doorward scan …`. 1 says that something was found: whatever else went wrong ends with 2.
pub(crate) fn run(scan: Scan, global: &Global, output: Output) -> Outcome {
    let done = match scan.command {
        Some(ScanCommand::Rules(command)) => rules::run(&command, output),
        Some(ScanCommand::InstallHook(asked)) => hook::run(&asked, output),
        None => outcome::run(&scan.run, global, output),
    };
    done.map_err(Failure::into_usage)
}

/// What a person types for this text, as a word of a shell's command.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_safe_in_a_shell() {
        for (text, word) in [
            ("a/b-c.js", "a/b-c.js"),
            ("", "''"),
            ("a b", "'a b'"),
            ("a;rm -rf $HOME", "'a;rm -rf $HOME'"),
            ("it's", r"'it'\''s'"),
            ("~", "'~'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }
}
