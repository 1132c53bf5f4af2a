//! `doorward scan install-hook`.

mod place;
mod script;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use self::place::Hooks;
use self::script::{Hook, is_ours};
use crate::cli::InstallHook;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

/// Most bytes of a hook that is looked at.
const HOOK_MAX: u64 = 16 * 1024 * 1024;
/// Behind the name of a hook that was there before ours.
const KEPT: &str = "before-doorward";

/// What became of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Installed,
    /// What was there runs after ours.
    InstalledBefore,
    Renewed,
    Removed,
    /// What was there is back.
    PutBack,
    Absent,
}

impl Done {
    const fn words(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::InstalledBefore => "installed; the hook that was there runs after it",
            Self::Renewed => "was there, and is renewed",
            Self::Removed => "taken away",
            Self::PutBack => "taken away; the hook that was there before is back",
            Self::Absent => "is not there",
        }
    }
}

/// Runs it.
pub(super) fn run(asked: &InstallHook, output: Output) -> Outcome {
    let hooks = Hooks::of(&asked.repo)?;
    if hooks.shared && !asked.shared && !asked.uninstall {
        return Err(Failure::usage(format_args!(
            "git looks for hooks in {} for all repositories of this user (core.hooksPath); say --shared \
             to have them all looked at",
            hooks.folder.display()
        )));
    }
    let both = asked.uninstall && !asked.pre_commit && !asked.pre_push;
    let mut wanted = Vec::new();
    if asked.pre_commit || both || !asked.pre_push {
        wanted.push(Hook::PreCommit);
    }
    if asked.pre_push || both {
        wanted.push(Hook::PrePush);
    }
    let mut told = Vec::new();
    for hook in wanted {
        let path = hooks.folder.join(hook.name());
        let done = match asked.uninstall {
            true => uninstall(&path)?,
            false => install(&path, hook)?,
        };
        if !output.is_json() {
            output.line(format_args!("{} {}", path.display(), done.words()))?;
        }
        told.push(json!({ "hook": hook.name(), "path": path, "did": done.words() }));
    }
    if output.is_json() {
        output.value(&told)?;
    }
    Ok(Exit::Done)
}

fn install(path: &Path, hook: Hook) -> Result<Done, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::usage(format_args!("where this program is can't be told: {error}"))
    })?;
    let text = hook.script(&program.to_string_lossy());
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let there = read(path)?;
    let done = match &there {
        None => Done::Installed,
        Some(text) if is_ours(text) => Done::Renewed,
        Some(_) => {
            let kept = kept(path);
            if kept.exists() {
                return Err(Failure::usage(format_args!(
                    "{} is in the way: move it, so that the hook that is there now can be kept under \
                     that name",
                    kept.display()
                )));
            }
            fs::rename(path, &kept).map_err(|error| unwritable(&kept, &error))?;
            Done::InstalledBefore
        }
    };
    let written = write(path, &text);
    if written.is_err() && done == Done::InstalledBefore {
        // Without ours, what was there stays in force.
        let _ = fs::rename(kept(path), path);
    }
    written.map_err(|error| unwritable(path, &error))?;
    Ok(done)
}

fn uninstall(path: &Path) -> Result<Done, Failure> {
    match read(path)? {
        Some(text) if is_ours(&text) => {}
        _ => return Ok(Done::Absent),
    }
    let kept = kept(path);
    if kept.exists() {
        fs::rename(&kept, path).map_err(|error| unwritable(path, &error))?;
        return Ok(Done::PutBack);
    }
    fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
    Ok(Done::Removed)
}

/// Where a hook is kept that was there before ours.
fn kept(path: &Path) -> PathBuf {
    path.with_extension(KEPT)
}

/// What a hook has in it, if there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        // A link that leads nowhere is a hook of somebody's all the same.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(path.is_symlink().then(Vec::new));
        }
        Err(error) => return Err(unwritable(path, &error)),
    };
    if size > HOOK_MAX {
        return Ok(Some(Vec::new()));
    }
    fs::read(path)
        .map(Some)
        .map_err(|error| unwritable(path, &error))
}

/// Writes a hook in one step, for its owner and whoever may read the repository to run.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".doorward-hook-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format_args!("{}: {error}", path.display()))
}
