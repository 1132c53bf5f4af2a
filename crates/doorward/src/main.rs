//! Doorward: a self-hosted security gateway for teams that integrate with Instantly.ai.

mod admin;
mod caller;
mod cli;
mod commands;
mod config;
mod context;
mod credential;
mod demo;
mod duration;
mod exit;
mod log;
mod output;
mod paths;
mod secret;
mod server;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Outcome;
use crate::output::{Output, tell_failure};

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell_failure(&failure, json);
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: cli::Cli) -> Outcome {
    let output = Output::new(cli.global.json);
    commands::run(cli, output)
}
