//! Doorward: a self-hosted security gateway for teams that integrate with Instantly.ai.

mod admin;
mod alerts;
mod approvals;
mod backup;
mod boot;
mod ca;
mod caller;
mod cli;
mod commands;
mod config;
mod consumers;
mod context;
mod credential;
mod demo;
mod duration;
mod exit;
mod health;
mod inventory;
mod leak;
mod log;
mod output;
mod paths;
mod posture;
mod prometheus;
mod record;
mod relay;
mod rotation;
mod schedule;
mod scrubbed;
mod secret;
mod secret_setup;
mod server;
mod signals;
mod supervisor;
mod through;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::{Failure, Outcome};
use crate::output::{Output, tell_failure};

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let json = cli.global.json;
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell_failure(&failure, json);
            ExitCode::from(failure.code())
        }
    }
}

/// Tells what is wrong with what was typed, or shows the help that was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let told = error.render().to_string();
        let told = told.strip_prefix("error: ").unwrap_or(&told).trim_end();
        tell_failure(&Failure::usage(told), true);
    } else {
        // Nobody may be there to read it.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn run(cli: cli::Cli) -> Outcome {
    let output = Output::new(cli.global.json);
    commands::run(cli, output)
}
