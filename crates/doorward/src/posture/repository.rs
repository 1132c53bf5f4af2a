//! The repository that a folder is in: what it tracks that it must not, and what it does not ignore. No
//! program is run, and nothing of the repository's own configuration is done.

use std::path::Path;

use doorward_posture::here::Repository;
use doorward_posture::live::{Cause, Seen};
use ignore::gitignore::GitignoreBuilder;

use super::folder::is_env;
use crate::output::clean;

/// Names that must never be tracked, as .gitignore has them, each with a file of that kind.
const NEVER: [(&str, &str); 3] = [
    (".env", ".env"),
    (".env.*", ".env.production"),
    ("*.key", "instantly.key"),
];
/// Endings of files that show what an `.env` file looks like.
const EXAMPLES: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];
/// Most files that are named.
const NAMED_MAX: usize = 100;

/// Looks at the repository that a folder is in; `None` when it is in none.
pub(super) fn repository(folder: &Path) -> Seen<Option<Repository>> {
    let found = match open(folder) {
        Ok(Some(found)) => found,
        Ok(None) => return None.into(),
        Err(told) => return Seen::not(Cause::Failed, told),
    };
    let Some(work) = found.workdir().map(Path::to_owned) else {
        return None.into();
    };
    let index = match found.try_index() {
        Ok(index) => index,
        Err(error) => {
            let told = format!("the repository's index can't be read: {error}");
            return Seen::not(Cause::Failed, told);
        }
    };
    let mut tracked = Vec::new();
    if let Some(index) = index {
        for entry in index.entries() {
            let path = entry.path(&index).to_string();
            let name = path.rsplit('/').next().unwrap_or_default();
            let example = name
                .rsplit_once('.')
                .is_some_and(|(_, ending)| EXAMPLES.contains(&ending));
            if is_env(name) && !example && tracked.len() < NAMED_MAX {
                tracked.push(clean(&path));
            }
        }
    }
    Some(Repository {
        tracked,
        not_ignored: not_ignored(&work, found.git_dir()),
    })
    .into()
}

/// Opens the repository that a folder is in, and reads no configuration but its own.
fn open(folder: &Path) -> Result<Option<gix::Repository>, String> {
    let isolated = || gix::open::Options::isolated().bail_if_untrusted(false);
    let map = gix::sec::trust::Mapping {
        full: isolated(),
        reduced: isolated(),
    };
    let upwards = gix::discover::upwards::Options::default();
    let Ok((path, _)) = gix::discover::upwards(folder) else {
        return Ok(None);
    };
    let opened = gix::ThreadSafeRepository::discover_opts(folder, upwards, map);
    opened
        .map(|found| Some(found.to_thread_local()))
        .map_err(|error| {
            format!(
                "the repository at {} can't be read: {error}",
                path.as_ref().display()
            )
        })
}

/// Of the names that must never be tracked, those that the repository's own files do not ignore.
fn not_ignored(work: &Path, git: &Path) -> Vec<String> {
    let mut rules = GitignoreBuilder::new(work);
    for file in [git.join("info/exclude"), work.join(".gitignore")] {
        // A file that is not there ignores nothing; a faulty line neither.
        let _ = rules.add(file);
    }
    let Ok(rules) = rules.build() else {
        return NEVER.iter().map(|(name, _)| (*name).to_owned()).collect();
    };
    let open = |path: &str| !rules.matched(work.join(path), false).is_ignore();
    let names = NEVER.iter().filter(|(_, path)| open(path));
    names.map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    fn git(root: &Path, words: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "init.defaultBranch=main"])
            .args(words)
            .current_dir(root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}");
    }

    #[test]
    fn tracked_env_files_are_found_and_what_is_not_ignored() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(repository(root.path()), None.into());
        git(root.path(), &["init", "-q"]);
        for path in [".env", "app/.env.production", ".env.example", "env.txt"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "A=b\n").unwrap();
        }
        let of = |folder: &Path| repository(folder).looked().unwrap().clone().unwrap();
        assert!(of(root.path()).tracked.is_empty());
        git(root.path(), &["add", "-f", "."]);
        let found = of(&root.path().join("app"));
        assert_eq!(found.tracked, [".env", "app/.env.production"]);
        assert_eq!(found.not_ignored, [".env", ".env.*", "*.key"]);
        fs::write(root.path().join(".gitignore"), ".env*\n!.env.example\n").unwrap();
        assert_eq!(of(root.path()).not_ignored, ["*.key"]);
        fs::write(root.path().join(".git/info/exclude"), "*.key\n").unwrap();
        assert!(of(root.path()).not_ignored.is_empty());
    }
}
