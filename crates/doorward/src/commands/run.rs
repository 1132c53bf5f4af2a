//! `doorward run`: a command that calls Instantly as a client, without the real keys.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use doorward_catalog::UpstreamKeyFormat;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::process::Command;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

use super::env::variables;
use super::passage::Passage;
use crate::admin::{RunStart, Session, WorkspaceList};
use crate::cli::Run;
use crate::config::LogConfig;
use crate::context::Context;
use crate::credential::{Credential, find_gateway};
use crate::demo::Demo;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::note;
use crate::server::{Server, listen, open_store};

/// Runs `doorward run`.
pub(crate) async fn run(context: &Context, run: &Run) -> Outcome {
    let own = own_server(context, run).await?;
    let ran = through(context, run).await;
    if let Some(server) = own {
        server.end().await?;
    }
    ran
}

/// A server of this run's own, where none is named and none runs.
async fn own_server(context: &Context, run: &Run) -> Result<Option<Server>, Failure> {
    let data = &context.data_dir;
    if run.gateway.is_some() || !data.exists() || Session::running(context).await?.is_some() {
        return Ok(None);
    }
    // The demo's gateway is of no use without its sandbox, which `up` runs.
    if Demo::read(data)?.is_some() || !data.store().exists() {
        return Ok(None);
    }
    crate::log::begin(&LogConfig::quiet());
    let store = open_store(context)?;
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).await?;
    Server::start(context, store, listener).map(Some)
}

async fn through(context: &Context, run: &Run) -> Outcome {
    let session = Session::open(context).await?;
    let url = find_gateway(context, run.gateway.as_deref()).await?;
    let gateway = url.to_string();
    let passage = match run.no_proxy {
        true => None,
        false => Some(Passage::open(context, &session, run, &url).await?),
    };
    let referred = referred_variables(context, &session).await?;
    let workspace = run.within.workspace.as_deref();
    let Some((program, arguments)) = run.command.split_first() else {
        return Err(Failure::usage("say which command to run, after --"));
    };
    let credential =
        Credential::of_client(context, &session, workspace, &run.client, run.expires_in).await?;
    // On record before the command has the key.
    let started = RunStart {
        client: run.client.clone(),
        key_id: credential.issued().map(str::to_owned),
        program: name_of(program),
    };
    if let Err(failure) = session.call(started).await {
        credential.release(&session).await?;
        return Err(failure);
    }
    let mut command = Command::new(program);
    command.args(arguments);
    let removed = hidden(std::env::vars_os(), &referred);
    for name in &removed {
        command.env_remove(name);
    }
    for name in run
        .key_variable
        .iter()
        .map(String::as_str)
        .chain(["INSTANTLY_API_KEY"])
    {
        command.env(name, credential.key.expose_secret());
    }
    command.envs(variables(&gateway));

    let ended = match passage {
        Some(mut passage) => {
            passage.surround(&mut command);
            let supervised = supervise(command, program);
            passage.tell_while(&session, &run.client, supervised).await
        }
        None => supervise(command, program).await,
    };
    // The key is revoked whatever became of the command.
    let released = credential.release(&session).await;
    let status = ended?;
    released?;
    if context.output.is_json() {
        let removed: Vec<_> = removed.iter().map(|name| name.to_string_lossy()).collect();
        note(json!({
            "client": run.client,
            "gateway_url": gateway,
            "removed_variables": removed,
            "exit_code": code(status),
        }));
    }
    Ok(Exit::Code(code(status)))
}

/// A program's name, without its folder and cut short.
fn name_of(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    name.to_string_lossy().chars().take(64).collect()
}

/// Variables that the configuration and the workspaces take secrets from.
async fn referred_variables(
    context: &Context,
    session: &Session,
) -> Result<BTreeSet<OsString>, Failure> {
    let configured = context.config.references().into_iter();
    let mut references: Vec<String> = configured.map(|one| one.place).collect();
    for workspace in session.call(WorkspaceList {}).await? {
        references.extend(workspace.upstream_keys.into_iter().map(|key| key.reference));
    }
    let mut names = variables_of(&references);
    // What opens the place that programs take secrets from.
    let given = context.config.secrets.exec_environment.iter();
    names.extend(given.map(OsString::from));
    Ok(names)
}

/// The variables that references name: those of the environment, and names in `.env` files, which
/// whoever reads such a file into the environment has there too.
fn variables_of(references: &[String]) -> BTreeSet<OsString> {
    let names = references.iter().filter_map(|reference| {
        let of_file = || reference.strip_prefix("dotenv://")?.rsplit_once('#');
        reference
            .strip_prefix("env://")
            .or_else(|| of_file().map(|(_, name)| name))
    });
    names.map(OsString::from).collect()
}

/// The variables that are kept from the command: those that hold a real key or a secret of
/// Doorward's own form, bare or within a longer text, and those that Doorward itself takes secrets or
/// settings from. It is told what it needs anew.
fn hidden(
    variables: impl Iterator<Item = (OsString, OsString)>,
    referred: &BTreeSet<OsString>,
) -> Vec<OsString> {
    let of_doorward = |name: &OsStr| name.as_encoded_bytes().starts_with(b"DOORWARD_");
    variables
        .filter(|(name, value)| {
            referred.contains(name)
                || of_doorward(name)
                || holds_upstream_key(value)
                || holds_own_secret(value)
        })
        .map(|(name, _)| name)
        .collect()
}

/// What Doorward's own secrets begin with: client keys, admin tokens, signing secrets.
const OWN: [&str; 3] = ["dwk_", "dwa_", "whsec_"];
/// So many signs of a key behind that beginning make it one, and no mere mention.
const OWN_LEAST: usize = 8;

/// Whether it holds another client's key, an admin token or a signing secret.
fn holds_own_secret(value: &OsStr) -> bool {
    let text = value.to_string_lossy();
    let of_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'/');
    OWN.iter().any(|begin| {
        text.match_indices(begin).any(|(at, _)| {
            let rest = text.get(at + begin.len()..).unwrap_or_default();
            rest.bytes().take_while(|byte| of_key(byte)).count() >= OWN_LEAST
        })
    })
}

fn holds_upstream_key(value: &OsStr) -> bool {
    let text = value.to_string_lossy();
    let not_base64 = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='));
    // In NAME=KEY the first sign is no padding.
    text.split(not_base64).any(|part| {
        UpstreamKeyFormat::matches(part)
            || part
                .split_once('=')
                .is_some_and(|(_, rest)| UpstreamKeyFormat::matches(rest))
    })
}

/// Starts the command, passes signals on to it, and waits for its end.
async fn supervise(mut command: Command, program: &OsStr) -> Result<ExitStatus, Failure> {
    // Before the command starts, so that no signal ends this process and leaves the key in force.
    let mut signals = Caught::all()
        .map_err(|error| Failure::failed(format_args!("can't wait for signals: {error}")))?;
    let mut child = command.spawn().map_err(|error| {
        Failure::usage(format_args!(
            "can't run {}: {error}",
            program.to_string_lossy()
        ))
    })?;
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    loop {
        tokio::select! {
            ended = child.wait() => {
                return ended.map_err(|error| {
                    Failure::failed(format_args!("can't wait for the command: {error}"))
                });
            }
            caught = signals.next() => if let Some(pid) = pid {
                // It may be gone already; then its end is what is waited for.
                let _ = kill_process(pid, caught);
            }
        }
    }
}

/// The signals that are passed on.
struct Caught {
    interrupt: Signals,
    quit: Signals,
    terminate: Signals,
    hang_up: Signals,
    user_1: Signals,
    user_2: Signals,
    /// Ctrl-C reaches the command by itself, as one of the terminal's foreground group.
    from_terminal: bool,
}

impl Caught {
    fn all() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
            from_terminal: std::io::IsTerminal::is_terminal(&std::io::stdin()),
        })
    }

    /// The next signal to pass on.
    async fn next(&mut self) -> Signal {
        loop {
            let (caught, of_terminal) = tokio::select! {
                Some(()) = self.interrupt.recv() => (Signal::INT, true),
                Some(()) = self.quit.recv() => (Signal::QUIT, true),
                Some(()) = self.terminate.recv() => (Signal::TERM, false),
                Some(()) = self.hang_up.recv() => (Signal::HUP, false),
                Some(()) = self.user_1.recv() => (Signal::USR1, false),
                Some(()) = self.user_2.recv() => (Signal::USR2, false),
            };
            if !(of_terminal && self.from_terminal) {
                return caught;
            }
        }
    }
}

/// The exit code, or 128 and the signal that ended it, as shells have it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_real_keys_are_hidden_and_others_are_not() {
        let key =
            UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "aB3dE5gH7jK9");
        let variables = [
            ("BARE", key.clone()),
            ("HEADER", format!("Bearer {key}")),
            ("UNPADDED", key.trim_end_matches('=').to_owned()),
            ("JSON", format!("{{\"a\": \"b\", \"key\": \"{key}\"}}")),
            ("PAIR", format!("INSTANTLY={key}")),
            ("URL", format!("https://example.com/?key={key}&x=1")),
            ("PEPPER", "anything".to_owned()),
            ("DOORWARD_CLIENT_KEY", "dwk_p_x".to_owned()),
            ("OTHERS", "dwk_p_abcdefghijkl_x".to_owned()),
            ("TOKEN", "token=dwa_abcdefghijkl".to_owned()),
            ("SIGNING", "{\"s\": \"whsec_MfKQ9r8GKYqr\"}".to_owned()),
            ("IN_FILE", "anything".to_owned()),
            ("PREFIX", "dwk_, dwa_ and whsec_".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("LONG", "A".repeat(68)),
        ];
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        let references = [
            "env://PEPPER",
            "dotenv:///a/#b/.env#IN_FILE",
            "file:///PATH",
        ];
        let referred = variables_of(&references.map(str::to_owned));
        let hidden = hidden(variables, &referred);
        let wanted = [
            "BARE",
            "HEADER",
            "UNPADDED",
            "JSON",
            "PAIR",
            "URL",
            "PEPPER",
            "DOORWARD_CLIENT_KEY",
            "OTHERS",
            "TOKEN",
            "SIGNING",
            "IN_FILE",
        ];
        assert_eq!(hidden, wanted);
    }
}
