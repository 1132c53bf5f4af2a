//! What the commands do, one file a group.

mod alert;
mod api;
mod approval;
mod audit;
mod backup;
mod blocklist;
mod ca;
mod check;
mod client;
mod complete;
mod confirm;
mod controls;
mod delivery;
mod destination;
mod entered;
mod env;
mod event;
mod idempotency;
mod ignored;
mod init;
mod key;
mod leak;
mod manifest;
mod member;
mod passage;
mod policy;
mod ready;
mod recommend;
mod reload;
mod run;
mod sandbox;
mod scan;
mod scopes;
mod secret;
mod serve;
mod status;
mod trial;
mod up;
mod upstream;
mod webhook;
mod workspace;

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

pub(crate) use audit::review_standing;
pub(crate) use sandbox::cannot_listen;
pub(crate) use secret::used as secrets_used;

use crate::cli::{Cli, Command, OfWorkspaces};
use crate::context::Context;
use crate::exit::{Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs the command that was typed.
pub(crate) fn run(cli: Cli, output: Output) -> Outcome {
    let global = cli.global;
    let context = || Context::new(&global, output);
    // These need a server alone, when one runs.
    let for_server = || Context::for_server(&global, output);
    match cli.command {
        Command::Up(up) => block_on_all(up::run(&context()?, &up)),
        Command::Sandbox(sandbox) => block_on_all(sandbox::run(sandbox, output)),
        Command::Init(_) => init::run(&global, output),
        Command::Serve(serve) => block_on_all(serve::run(&context()?, &serve)),
        Command::Status => block_on(status::run(&for_server()?)),
        Command::Backup(backup) => block_on(backup::run(&context()?, &backup)),
        Command::Restore(from) => backup::run_restore(&context()?, &from),
        Command::Ready => block_on(ready::run(&for_server()?)),
        Command::Reload => block_on(reload::run(&for_server()?)),
        Command::Workspace(command) => block_on(workspace::run(&for_server()?, command)),
        Command::Upstream(command) => block_on(upstream::run(&for_server()?, command)),
        Command::Leak(command) => block_on(leak::run(&for_server()?, command)),
        Command::Webhook(command) => block_on(webhook::run(&for_server()?, command)),
        Command::Destination(crate::cli::DestinationCommand::Schema) => destination::schema(output),
        Command::Destination(command) => block_on(destination::run(&for_server()?, command)),
        Command::Events(command) => block_on(event::run(&for_server()?, command)),
        Command::Deliveries(command) => block_on(delivery::run(&for_server()?, command)),
        Command::Replay(replay) => block_on(delivery::replay(&for_server()?, replay)),
        Command::DeadLetter(command) => block_on(delivery::dead_letter(&for_server()?, command)),
        Command::Plan(plan) => block_on(manifest::plan(&for_server()?, &plan)),
        Command::Apply(apply) => block_on(manifest::apply(&for_server()?, &apply)),
        Command::Export(export) => block_on(manifest::export(&for_server()?, export)),
        Command::Manifest(command) => manifest::run(command, output),
        Command::Member(command) => block_on(member::run(&for_server()?, command)),
        Command::Blocklist(command) => block_on(blocklist::run(&for_server()?, command)),
        Command::Check(check) => match check::run_apart(check, output) {
            Ok(outcome) => outcome,
            Err(check) => check::run(&for_server()?, check),
        },
        Command::Client(command) => block_on(client::run(&for_server()?, command)),
        Command::Key(command) => block_on(key::run(&for_server()?, command)),
        Command::Policy(command) => match policy::run_apart(command, output) {
            Ok(outcome) => outcome,
            Err(command) => block_on(policy::run(&for_server()?, command)),
        },
        Command::Scan(scan) => scan::run(scan, &global, output),
        Command::Scopes(command) => scopes::run(command, output),
        Command::Audit(command) => block_on(audit::run(&context()?, command)),
        Command::Approval(command) => block_on(approval::run(&for_server()?, command)),
        Command::Admin(command) => block_on(approval::admin(&for_server()?, command)),
        Command::Idempotency(command) => block_on(idempotency::run(&for_server()?, command)),
        Command::Alert(command) => block_on(alert::run(&for_server()?, command)),
        Command::Secret(command) => block_on(secret::run(&context()?, command)),
        Command::Api(api) => block_on(api::run(&context()?, &api)),
        Command::Env(env) => block_on(env::run(&context()?, &env)),
        Command::Run(run) => block_on_all(run::run(&context()?, &run)),
        Command::Ca(command) => ca::run(&context()?, &command),
        Command::Completions { shell } => complete::completions(shell, output),
        Command::Man { dir } => complete::man_pages(&dir, output),
    }
}

/// Runs a command that is over soon, on this thread.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    started(Builder::new_current_thread().enable_all().build())?.block_on(work)
}

/// The same, for a part of a command.
fn block_on_value<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    started(Builder::new_current_thread().enable_all().build())?.block_on(work)
}

/// Runs a server, on all cores.
fn block_on_all(work: impl Future<Output = Outcome>) -> Outcome {
    started(Builder::new_multi_thread().enable_all().build())?.block_on(work)
}

fn started(runtime: std::io::Result<Runtime>) -> Result<Runtime, Failure> {
    runtime.map_err(|error| Failure::failed(format_args!("can't start: {error}")))
}

impl OfWorkspaces {
    /// As the admin API has it.
    fn scopeful(self) -> crate::admin::Scopeful {
        crate::admin::Scopeful {
            workspace: self.one.workspace,
            all: self.all_workspaces,
        }
    }
}

/// The status of a client or a key, in the colour of what it means.
fn status_cell(status: &str) -> Cell {
    let tone = match status {
        "active" => Tone::Good,
        "disabled" | "expired" => Tone::Careful,
        _ => Tone::Bad,
    };
    Cell::toned(status, tone)
}

/// Longest list of names that people are shown whole without asking.
const NAMES_MAX: usize = 8;

/// Scopes, or how many and how risky when there are many.
fn scopes_cell(scopes: doorward_catalog::ScopeSet, wide: bool) -> Cell {
    let count = scopes.iter().count();
    match scopes.risk() {
        Some(worst) if count > NAMES_MAX && !wide => {
            Cell::from(format_args!("{count} scopes, {}", worst.risk))
        }
        _ => Cell::from(scopes),
    }
}

/// Operations, or how many when there are many.
fn operations_cell(names: &[String], wide: bool) -> Cell {
    if names.len() > 2 * NAMES_MAX && !wide {
        return Cell::from(format_args!("{}; --wide shows them", names.len()));
    }
    Cell::from(names.join(", "))
}

/// A point in time that need not be there.
fn time_cell(time: Option<doorward_policy::Timestamp>, never: &str) -> Cell {
    match time {
        Some(time) => Cell::from(whole_seconds(time)),
        None => Cell::toned(never, Tone::Quiet),
    }
}

/// A point in time for people: no fractions of a second.
fn whole_seconds(time: doorward_policy::Timestamp) -> doorward_policy::Timestamp {
    doorward_policy::Timestamp::from_seconds(time.millis().div_euclid(1_000))
}

/// A reference as it may be written: short, where it is in the data folder.
fn kept_at(reference: &str, context: &Context) -> String {
    let folder = format!("file://{}/", context.data_dir.path().display());
    match reference.strip_prefix(&folder) {
        Some(name) => format!("file:{name}"),
        None => reference.to_owned(),
    }
}
