//! Where git looks for hooks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::exit::Failure;

/// Where git looks for the hooks of a repository.
pub(super) struct Hooks {
    /// The folder.
    pub(super) folder: PathBuf,
    /// Whether it is the folder of other repositories as well.
    pub(super) shared: bool,
}

impl Hooks {
    /// Asks git, which runs no hook and no program of the repository for that.
    ///
    /// # Errors
    /// When git is not there, or there is no repository.
    pub(super) fn of(repo: &Path) -> Result<Self, Failure> {
        // A bare repository has no top: its own folder is where hooks run.
        let top = match git(repo, &["rev-parse", "--show-toplevel"]) {
            Ok(top) if !top.is_empty() => PathBuf::from(top),
            _ => PathBuf::from(git(repo, &["rev-parse", "--absolute-git-dir"])?),
        };
        let folder = git(&top, &["rev-parse", "--git-path", "hooks"])?;
        let scope = git(&top, &["config", "--show-scope", "--get", "core.hooksPath"]);
        let scope = scope.unwrap_or_default();
        let shared = ["global", "system", "command"]
            .iter()
            .any(|word| scope.starts_with(word));
        Ok(Self {
            folder: top.join(folder),
            shared,
        })
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let asked = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::usage(format_args!(
                "git can't be run: {error}; hooks are run by git, so install it"
            ))
        })?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        return Err(Failure::usage(format_args!(
            "{}: {}",
            folder.display(),
            said.trim().strip_prefix("fatal: ").unwrap_or(said.trim())
        )));
    }
    let text = String::from_utf8(asked.stdout).map_err(|_| {
        Failure::usage("the path of the repository is not in UTF-8; put the hook there by hand")
    })?;
    Ok(text.trim_end_matches('\n').to_owned())
}
