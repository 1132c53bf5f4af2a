//! A consumer's program: no shell, nothing inherited but what is named, bounded in time.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
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
    let mut group = Group::of(child.id());
    let ended = timeout(LIMIT, async {
        if let (Some(mut stdin), Some(value)) = (child.stdin.take(), given) {
            // A program that reads no further has what it wants.
            let _ = stdin.write_all(value.expose_secret().as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
        child.wait().await
    });
    let ended = ended.await;
    if ended.is_ok() {
        // What it left running on purpose is its own.
        group.release();
    }
    match ended {
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

/// The processes of a program that was begun. Unless it ended by itself, they are all ended when this is
/// dropped: its children too, which would go on with the key.
struct Group(Option<Pid>);

impl Group {
    fn of(id: Option<u32>) -> Self {
        let id = id.and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // It is not reaped yet, so the number is still its own.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    /// Whether a process runs: what is dead and not reaped does not.
    fn runs(id: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn a_program_that_is_ended_takes_its_children_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("child");
        let script = format!(
            "sleep 300 & echo $! > {0}.new; mv {0}.new {0}; wait",
            file.display()
        );
        let notice = Notice {
            rotation: "0123456789".to_owned(),
            workspace: "acme".to_owned(),
            key: "reader".to_owned(),
            rolled_back: false,
        };
        let arguments = ["-c".to_owned(), script];
        let began = async {
            while !file.exists() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = run("/bin/sh", &arguments, ("crm", &notice), None) => panic!("{ended:?}"),
            () = began => {}
        }
        let child = fs::read_to_string(&file).unwrap();
        let child = child.trim();
        for _ in 0..1_000 {
            if !runs(child) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("{child} lives on");
    }
}
