//! A consumer's program: no shell, nothing inherited but what is named, bounded in time.

use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::{LIMIT, Missed, Notice};

/// The variables that a program is given, as this process has them.
const GIVEN: [&str; 2] = ["PATH", "HOME"];

/// Runs the program; its success (exit 0) is the consumer's acknowledgement. What it prints goes
/// nowhere: it may hold the key.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    (consumer, notice): (&str, &Notice),
    given: Option<&SecretString>,
) -> Result<(), Missed> {
    let told = |why: &dyn std::fmt::Display| format!("the program of {consumer}: {why}");
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    for name in GIVEN {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in [
        ("DOORWARD_CONSUMER", consumer),
        ("DOORWARD_ROTATION", &notice.rotation),
        ("DOORWARD_WORKSPACE", &notice.workspace),
        ("DOORWARD_KEY", &notice.key),
        (
            "DOORWARD_ROLLED_BACK",
            if notice.rolled_back { "1" } else { "0" },
        ),
    ] {
        command.env(name, value);
    }
    command
        .stdin(if given.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: what is typed at Doorward's terminal does not end it.
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .map_err(|error| Missed::later(told(&error)))?;
    let ended = timeout(LIMIT, async {
        if let (Some(mut stdin), Some(value)) = (child.stdin.take(), given) {
            // A program that reads no further has what it wants.
            let _ = stdin.write_all(value.expose_secret().as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
        child.wait().await
    });
    match ended.await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(Missed::later(told(&match status.code() {
            Some(code) => format!("it ended with {code}"),
            None => "it was ended by a signal".to_owned(),
        }))),
        Ok(Err(error)) => Err(Missed::later(told(&error))),
        Err(_) => Err(Missed::later(told(&format_args!(
            "it did not end within {} s, and was ended",
            LIMIT.as_secs()
        )))),
    }
}
