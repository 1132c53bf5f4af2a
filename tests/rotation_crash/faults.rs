//! What goes wrong beside a kill: Instantly's answers, and what Doorward stands on.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::hook::{Behaviour, Hook};
use crate::world::{CALL_SECONDS, Control};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// 500, and the call was not handled.
    Refused,
    /// The answer comes when it is not waited for any more.
    Timeout,
    /// Handled, and no answer.
    Lost,
    /// Handled, and the connection reset within the answer.
    Reset,
    /// Handled, and the answer is cut short.
    Truncated,
    /// 429.
    Storm,
    /// A deleted key works on for a while.
    LateDeath,
    /// The folder that the key is kept in can't be written.
    SecretsUnwritable,
    /// The hook of who holds the key outside answers 500.
    HookRefuses,
    /// It takes what it is told, and does not answer.
    HookLost,
    /// The folder where the key is held outside can't be written.
    OutsideUnwritable,
    /// No room for the store and the ledger.
    DiskFull,
}

impl Fault {
    pub(crate) const ALL: [Fault; 13] = [
        Fault::Nothing,
        Fault::Refused,
        Fault::Timeout,
        Fault::Lost,
        Fault::Reset,
        Fault::Truncated,
        Fault::Storm,
        Fault::LateDeath,
        Fault::SecretsUnwritable,
        Fault::HookRefuses,
        Fault::HookLost,
        Fault::OutsideUnwritable,
        Fault::DiskFull,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Fault::Nothing => "no-fault",
            Fault::Refused => "500",
            Fault::Timeout => "timeout",
            Fault::Lost => "lost-response",
            Fault::Reset => "reset",
            Fault::Truncated => "truncated",
            Fault::Storm => "429-storm",
            Fault::LateDeath => "late-death",
            Fault::SecretsUnwritable => "secrets-unwritable",
            Fault::HookRefuses => "hook-500",
            Fault::HookLost => "hook-lost",
            Fault::OutsideUnwritable => "outside-unwritable",
            Fault::DiskFull => "disk-full",
        }
    }

    /// Whether it strikes one operation's calls.
    pub(crate) fn is_of_a_call(self) -> bool {
        self.effect().is_some()
    }

    /// Whether it befalls who holds the key outside, and so only steps that are about them.
    pub(crate) fn is_outside(self) -> bool {
        matches!(
            self,
            Fault::HookRefuses | Fault::HookLost | Fault::OutsideUnwritable
        )
    }

    /// What the sandbox is told.
    fn effect(self) -> Option<Value> {
        Some(match self {
            Fault::Refused => json!({ "kind": "status", "status": 500 }),
            Fault::Timeout => json!({ "kind": "latency", "ms": CALL_SECONDS * 1_000 + 1_000 }),
            Fault::Lost => json!({ "kind": "lost_response" }),
            Fault::Reset => json!({ "kind": "reset", "after_bytes": 5 }),
            Fault::Truncated => json!({ "kind": "truncated", "missing_bytes": 3 }),
            Fault::Storm => json!({ "kind": "storm", "retry_after": 1 }),
            Fault::Nothing
            | Fault::LateDeath
            | Fault::SecretsUnwritable
            | Fault::HookRefuses
            | Fault::HookLost
            | Fault::OutsideUnwritable
            | Fault::DiskFull => return None,
        })
    }

    /// How long it lasts.
    pub(crate) fn lasts(self) -> Duration {
        match self {
            Fault::Timeout => Duration::from_millis(CALL_SECONDS * 1_500),
            _ => Duration::from_millis(2_500),
        }
    }

    /// Whether it can't be had here, and why.
    pub(crate) fn cant(self) -> Option<&'static str> {
        let root = rustix::process::geteuid().is_root();
        match self {
            Fault::DiskFull if !(root && mounts()) => {
                Some("a full disk takes a small file system of its own, which root alone can mount")
            }
            Fault::SecretsUnwritable | Fault::OutsideUnwritable if root && !mounts() => Some(
                "root writes everywhere but in what is mounted read-only, which can't be done here",
            ),
            _ => None,
        }
    }
}

/// Whether this process may mount.
fn mounts() -> bool {
    let Ok(folder) = tempfile::tempdir() else {
        return false;
    };
    Mounted::tmpfs(folder.path(), "64k").is_some()
}

/// A mounted file system, until it is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    fn command(program: &str, arguments: &[&str], path: &Path) -> bool {
        let mut command = Command::new(program);
        command.args(arguments).arg(path);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// A file system in memory, of so many bytes.
    pub(crate) fn tmpfs(path: &Path, size: &str) -> Option<Mounted> {
        let size = format!("size={size},mode=700");
        let done = Mounted::command("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], path);
        done.then(|| Mounted(path.to_owned()))
    }

    /// The folder itself, read-only.
    fn read_only(path: &Path) -> Option<Mounted> {
        let from = path.to_str()?;
        let bound = Mounted::command("mount", &["--bind", from], path);
        let mounted = bound.then(|| Mounted(path.to_owned()))?;
        Mounted::command("mount", &["-o", "remount,ro,bind"], path).then_some(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Mounted::command("umount", &["-l"], &self.0);
    }
}

/// A fault that is there.
pub(crate) enum Struck {
    Calls,
    ReadOnly { _mounted: Mounted },
    Mode { folder: PathBuf },
    Full { file: PathBuf },
    Hook,
    None,
}

impl Struck {
    /// Lets it be there.
    pub(crate) fn strike(
        fault: Fault,
        call: Option<&str>,
        (control, hook): (&Control, &Hook),
        (keys, outside, data): (&Path, &Path, &Path),
    ) -> Struck {
        if let Some(mut effect) = fault.effect() {
            effect["operation"] = json!(call.unwrap());
            control.faults(effect);
            return Struck::Calls;
        }
        let folder = match fault {
            Fault::OutsideUnwritable => outside,
            _ => keys,
        };
        match fault {
            Fault::SecretsUnwritable | Fault::OutsideUnwritable
                if rustix::process::geteuid().is_root() =>
            {
                Struck::ReadOnly {
                    _mounted: Mounted::read_only(folder).unwrap(),
                }
            }
            Fault::SecretsUnwritable | Fault::OutsideUnwritable => {
                mode(folder, 0o500);
                Struck::Mode {
                    folder: folder.to_owned(),
                }
            }
            Fault::HookRefuses | Fault::HookLost => {
                hook.behave(match fault {
                    Fault::HookLost => Behaviour::Lose,
                    _ => Behaviour::Refuse,
                });
                Struck::Hook
            }
            Fault::DiskFull => {
                let file = data.join("fill");
                fill(&file);
                Struck::Full { file }
            }
            _ => Struck::None,
        }
    }

    /// Takes it away.
    pub(crate) fn lift(self, control: &Control, hook: &Hook) {
        match self {
            Struck::Calls => control.no_faults(),
            Struck::Hook => hook.behave(Behaviour::Take),
            Struck::Mode { folder } => mode(&folder, 0o700),
            Struck::Full { file } => fs::remove_file(file).unwrap(),
            Struck::ReadOnly { .. } | Struck::None => {}
        }
    }
}

fn mode(folder: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

/// Writes until there is no room.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
