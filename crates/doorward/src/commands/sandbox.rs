//! `doorward sandbox`: the emulated Instantly API alone.

use doorward_sandbox::{Sandbox, SandboxError, Summary};

use crate::cli;
use crate::config::LogConfig;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};
use crate::signals::Endings;

/// Runs `doorward sandbox`.
pub(crate) async fn run(asked: cli::Sandbox, output: Output) -> Outcome {
    crate::log::begin(&LogConfig::quiet());
    let mut builder = Sandbox::builder().seed(asked.seed);
    if let Some(file) = &asked.state {
        builder = builder.state(file);
    }
    let mut endings = Endings::listen()?;
    let sandbox = builder.build().map_err(sandbox_failure)?;
    let address = asked
        .listen
        .map_or_else(|| "127.0.0.1:0".to_owned(), |at| at.to_string());
    let running = sandbox.spawn(&address).await.map_err(sandbox_failure)?;
    let summary = running.sandbox.summary(&running.url);
    if output.is_json() {
        output.value_line(&summary)?;
    } else {
        show(&summary, output)?;
    }
    endings.next().await;
    running
        .shutdown()
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Exit::Done)
}

/// Why the sandbox can't be had, with what to do about it.
pub(crate) fn sandbox_failure(error: SandboxError) -> Failure {
    match &error {
        SandboxError::Listen { address, source } => cannot_listen("the sandbox", address, source),
        SandboxError::State { .. } => {
            Failure::usage(format_args!("{error}; delete it to begin anew"))
        }
    }
}

/// That an address is not to be had.
pub(crate) fn cannot_listen(who: &str, address: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let what = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there already; choose another port",
        ErrorKind::PermissionDenied => "this user may not; choose a port above 1023",
        ErrorKind::AddrNotAvailable => "this machine has no such address; choose another",
        _ => return Failure::usage(format_args!("{who} can't listen on {address}: {error}")),
    };
    Failure::usage(format_args!("{who} can't listen on {address}: {what}"))
}

fn show(summary: &Summary, output: Output) -> Result<(), Failure> {
    output.line(format_args!(
        "sandbox  {}",
        output.paint(Tone::Strong, &summary.url)
    ))?;
    output.line(format_args!("control  {}\n", summary.control_url))?;
    // A key on a line of its own can be copied, however narrow the terminal.
    for workspace in &summary.workspaces {
        output.line(format_args!("{} ({})", workspace.name, workspace.role))?;
        for key in &workspace.keys {
            let scopes = key.scopes.join(", ");
            output.line(format_args!("  {}  {scopes}", key.name))?;
            output.line(format_args!("    {}", output.paint(Tone::Strong, &key.key)))?;
        }
    }
    Ok(())
}
