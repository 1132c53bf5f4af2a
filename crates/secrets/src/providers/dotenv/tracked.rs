//! Whether a file is tracked by git. Git is asked, and only where there is a repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::providers::process::{Failed, run, scrubbed};

/// How long git may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Most that is read of its answer, which is the name of one file.
const MAX_ANSWER: usize = 8192;

/// Whether a file is tracked.
pub(super) enum Tracked {
    No,
    Yes,
    /// It is in a repository, and git gives no answer: why.
    Unknown(String),
}

/// Looks at the file by the name that it was given and by the one that links lead to.
pub(super) fn tracked(path: &Path) -> Tracked {
    let mut places: Vec<PathBuf> = Vec::new();
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let given = folder.zip(path.file_name());
    places.extend(given.map(|(folder, name)| folder.join(name)));
    places.extend(path.canonicalize());
    places.dedup();
    for place in places {
        match asked(&place) {
            Tracked::No => {}
            other => return other,
        }
    }
    Tracked::No
}

/// `path` has no links on the way to its last part.
fn asked(path: &Path) -> Tracked {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Tracked::No;
    };
    if !folder.ancestors().any(|above| above.join(".git").exists()) {
        return Tracked::No;
    }
    let mut git = Command::new("git");
    // The repository's own settings must not have anything run.
    git.args(["--literal-pathspecs", "-c", "core.fsmonitor=false", "-C"])
        .arg(folder)
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(name);
    match run(&mut git, &[], LIMIT, MAX_ANSWER) {
        Ok(ran) => match ran.status.code() {
            Some(0) => Tracked::Yes,
            Some(1) => Tracked::No,
            _ => Tracked::Unknown(scrubbed(&ran.err, &[])),
        },
        Err(Failed::Start(error)) => Tracked::Unknown(format!("git can't be run: {error}")),
        Err(Failed::Time) => Tracked::Unknown("git gives no answer".into()),
        Err(Failed::Size) => Tracked::Unknown("git says too much".into()),
    }
}
