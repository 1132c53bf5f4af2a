//! `doorward check --fix`: the remedies that do no harm, as the commands that they are. Each is run by
//! itself, recorded as what it is, and told; then it is looked again.

use std::process::{Command, Stdio};

use clap::CommandFactory;
use doorward_posture::checks::Fix;
use serde::Serialize;

use super::run::{ask, exit};
use crate::admin::CheckAnswer;
use crate::cli::{Cli, RunCheck};
use crate::commands::block_on_value;
use crate::commands::confirm::agree;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Tone, clean, note};
use crate::scrubbed::scrub;

/// Most characters of what a command wrote that are told.
const SAID_MAX: usize = 400;

/// A remedy that was run.
#[derive(Debug, Serialize)]
struct Done<'a> {
    check: &'a str,
    fingerprint: &'a str,
    command: &'a str,
    exit_code: Option<i32>,
    said: String,
}

/// Shows the remedies, asks, and runs them.
pub(super) fn run(context: &Context, typed: &RunCheck, answer: &CheckAnswer) -> Outcome {
    let plan: Vec<(&Fix, Vec<String>)> = answer
        .fixes
        .iter()
        .filter_map(|fix| Some((fix, words(fix)?)))
        .collect();
    if plan.is_empty() {
        note("none of what was found has a remedy that can be run without harm");
        return Ok(exit(typed, answer));
    }
    show(context, answer, &plan)?;
    let question = match plan.len() {
        1 => "Run this command?".to_owned(),
        count => format!("Run these {count} commands?"),
    };
    if !agree(&question, typed.yes)? {
        note("nothing was run");
        return Ok(exit(typed, answer));
    }
    let mut done = Vec::with_capacity(plan.len());
    for (fix, words) in &plan {
        done.push(carry_out(context, fix, words)?);
    }
    let failed = done.iter().filter(|one| one.exit_code != Some(0)).count();
    tell(&done);
    let again = block_on_value(ask(context, typed))?;
    let left = again.checked.report.open().count();
    note(format_args!(
        "{} of {} remedies were run; {left} findings are left that count",
        done.len() - failed,
        done.len()
    ));
    match failed {
        0 => Ok(exit(typed, &again)),
        _ => Ok(Exit::Findings),
    }
}

fn show(
    context: &Context,
    answer: &CheckAnswer,
    plan: &[(&Fix, Vec<String>)],
) -> Result<(), Failure> {
    for (fix, _) in plan {
        let mut open = answer.checked.report.open();
        let finding = open.find(|one| one.fingerprint == fix.fingerprint);
        let message = finding.map_or("", |finding| finding.message.as_str());
        let strong = context.output.paint(Tone::Strong, clean(&fix.command));
        note(format_args!(
            "  $ {strong}\n      {}: {}",
            fix.check,
            clean(message)
        ));
    }
    Ok(())
}

/// The words of a remedy after the program's name, if they are a command of Doorward's and nothing that
/// was found out there can be taken for an option.
fn words(fix: &Fix) -> Option<Vec<String>> {
    let mut found = fix.with.values().flat_map(|value| value.split(' '));
    if found.any(|word| word.starts_with('-')) {
        return None;
    }
    let mut words = split(&fix.command)?;
    if words.first().map(String::as_str) != Some("doorward") {
        return None;
    }
    let parsed = Cli::command().try_get_matches_from(&words).ok()?;
    if asks(&Cli::command(), &parsed) && !words.iter().any(|word| word == "--yes") {
        words.push("--yes".to_owned());
    }
    words.remove(0);
    Some(words)
}

/// Whether the command asks, unless `--yes` is said.
fn asks(command: &clap::Command, parsed: &clap::ArgMatches) -> bool {
    match parsed.subcommand() {
        Some((name, below)) => command
            .find_subcommand(name)
            .is_some_and(|command| asks(command, below)),
        None => command
            .get_arguments()
            .any(|argument| argument.get_id() == "yes"),
    }
}

/// Words as a POSIX shell tells them apart, with nothing expanded. `None` when a quote is open.
fn split(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next()?),
            '"' | '$' | '`' | ';' | '|' | '&' | '<' | '>' | '(' | ')' | '\n' => return None,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

fn carry_out<'a>(context: &Context, fix: &'a Fix, words: &[String]) -> Result<Done<'a>, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format_args!("can't tell where Doorward is: {error}")))?;
    let mut command = Command::new(program);
    command
        .arg("--data-dir")
        .arg(context.data_dir.path())
        .args(words)
        .stdin(Stdio::null());
    if let Some(file) = context.config_file() {
        command.arg("--config").arg(file);
    }
    let ended = command
        .output()
        .map_err(|error| Failure::failed(format_args!("can't run {}: {error}", fix.command)))?;
    let said = if ended.status.success() {
        &ended.stdout
    } else {
        &ended.stderr
    };
    let said: String = String::from_utf8_lossy(said)
        .chars()
        .take(SAID_MAX)
        .collect();
    Ok(Done {
        check: &fix.check,
        fingerprint: &fix.fingerprint,
        command: &fix.command,
        exit_code: ended.status.code(),
        said: scrub(clean(said.trim())),
    })
}

/// To stderr: what was found went to stdout.
fn tell(done: &[Done<'_>]) {
    for one in done {
        let mark = match one.exit_code {
            Some(0) => "done  ",
            _ => "failed",
        };
        note(format_args!("{mark} {}", clean(one.command)));
        if one.exit_code != Some(0) {
            note(format_args!("       {}", one.said));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fix(command: &str, with: &[(&str, &str)]) -> Fix {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Fix {
            fingerprint: "00".to_owned(),
            check: "keys.x".to_owned(),
            action: "x".to_owned(),
            with: with.iter().map(owned).collect(),
            command: command.to_owned(),
        }
    }

    #[test]
    fn only_a_command_of_its_own_is_run_and_no_name_becomes_an_option() {
        let resume = words(&fix("doorward upstream resume rv_1", &[("id", "rv_1")])).unwrap();
        assert_eq!(resume, ["upstream", "resume", "rv_1"]);
        for (command, with) in [
            ("rm -rf .", vec![]),
            ("doorward no such command", vec![]),
            ("doorward upstream resume --json", vec![("id", "--json")]),
            (
                "doorward blocklist add a.example --yes",
                vec![("values", "a.example --yes")],
            ),
            ("doorward upstream resume a; rm -rf .", vec![]),
            ("doorward upstream resume $(id)", vec![]),
            ("doorward upstream resume 'open", vec![]),
        ] {
            assert_eq!(words(&fix(command, &with)), None, "{command}");
        }
        // What asks is told not to: the whole plan was agreed to.
        let asking = words(&fix("doorward workspace remove 'a b'", &[("name", "a b")]));
        if let Some(asking) = asking {
            assert_eq!(asking.get(2).map(String::as_str), Some("a b"));
        }
    }

    proptest! {
        /// However a value is quoted, it is one word, and the same.
        #[test]
        fn quoted_words_come_back(values in prop::collection::vec("\\PC{0,12}", 0..4)) {
            let quoted: Vec<String> = values.iter()
                .map(|value| format!("'{}'", value.replace('\'', "'\\''"))).collect();
            let line = format!("doorward {}", quoted.join(" "));
            let mut expected = vec!["doorward".to_owned()];
            expected.extend(values);
            prop_assert_eq!(split(line.trim_end()), Some(expected));
        }

        #[test]
        fn nothing_breaks_it(text in "\\PC{0,40}") {
            let _ = split(&text);
        }
    }
}
