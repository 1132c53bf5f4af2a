//! Histories, ranges and what is staged.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{evidence, findings, key, put, scan};

/// A repository that git itself makes, deaf to the machine's configuration.
pub(crate) struct Repo {
    pub(crate) folder: tempfile::TempDir,
}

impl Repo {
    pub(crate) fn new() -> Repo {
        let repo = Repo {
            folder: tempfile::tempdir().unwrap(),
        };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(self.path(), arguments)
    }

    /// Writes a file and commits it.
    pub(crate) fn commit(&self, path: &str, text: &str, says: &str) -> String {
        put(self.path(), path, text);
        self.git(&["add", path]);
        self.git(&["commit", "-q", "-m", says]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// Runs git as Ada; what it says.
pub(crate) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let (ok, said) = try_git(folder, arguments);
    assert!(ok, "git {arguments:?}: {said}");
    said
}

/// The same, where it may refuse.
pub(crate) fn try_git(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    let done = command
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ada Lovelace")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada Lovelace")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .env("XDG_CACHE_HOME", folder.join("cache-of-the-test"))
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8(said).unwrap().trim_end().to_owned();
    (done.status.success(), said)
}

#[test]
fn a_key_that_was_removed_long_ago_is_found_with_who_and_when() {
    let repo = Repo::new();
    let key = key(30);
    repo.commit("README.md", "A sync.\n", "Begin");
    let brought = repo.commit(
        "src/sync.js",
        &format!("// sync\nconst key = '{key}';\n"),
        "Add the sync",
    );
    let removed = repo.commit(
        "src/sync.js",
        "// sync\nconst key = process.env.KEY;\n",
        "Hide it",
    );
    let last = repo.git(&["rev-parse", &format!("{removed}^")]);
    repo.commit("README.md", "A sync, with docs.\n", "More");
    repo.git(&["gc", "-q"]);
    // What is there today has nothing.
    scan(repo.path(), &[]).ended(0);
    let found = findings(&scan(repo.path(), &["--git", "--json"]).ended(1));
    assert_eq!(found.len(), 1, "{found:#?}");
    let place = &found[0]["places"][0]["file"];
    assert_eq!(place["path"], "src/sync.js");
    assert_eq!(place["line"], 2);
    assert_eq!(place["introduced"]["commit"], brought.as_str());
    assert_eq!(place["introduced"]["author"], "Ada Lovelace");
    assert_eq!(place["introduced"]["summary"], "Add the sync");
    assert_eq!(place["last_seen"]["commit"], last.as_str());
    let told = scan(repo.path(), &["--git", "."]).ended(1).stdout;
    for part in [
        &brought[..12],
        "Ada Lovelace <ada@example.com>",
        "Add the sync",
        "last seen",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains(&key));
    // From elsewhere, by the folder's name; and by its fingerprint, in the tree as in the history.
    let elsewhere = tempfile::tempdir().unwrap();
    let named = repo.path().to_str().unwrap();
    scan(elsewhere.path(), &["--git", named]).ended(1);
    put(elsewhere.path(), "x/a.js", &format!("k('{key}')"));
    let there = findings(&scan(elsewhere.path(), &["x", "--json"]).ended(1));
    assert_eq!(there[0]["fingerprint"], found[0]["fingerprint"]);
}

#[test]
fn a_range_has_what_it_adds_and_a_time_what_was_committed_since() {
    let repo = Repo::new();
    let (before, after) = (key(31), key(32));
    let old = repo.commit("a.js", &format!("k('{before}')\n"), "Old");
    repo.git(&["tag", "v1"]);
    repo.commit("b.js", &format!("k('{after}')\n"), "New");
    let paths = |arguments: &[&str]| {
        let told = scan(repo.path(), arguments);
        let mut paths: Vec<String> = findings(&told)
            .iter()
            .map(|one| {
                one["places"][0]["file"]["path"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        paths.sort();
        paths
    };
    assert_eq!(paths(&["--range", "v1..HEAD", "--json"]), ["b.js"]);
    assert_eq!(
        paths(&["--git", ".", "--range", &format!("{old}..HEAD"), "--json"]),
        ["b.js"]
    );
    assert_eq!(paths(&["--git", "--json"]), ["a.js", "b.js"]);
    assert_eq!(
        paths(&["--git", "--since", "1d", "--json"]),
        ["a.js", "b.js"]
    );
    assert!(paths(&["--git", "--since", "2999-01-01", "--json"]).is_empty());
    let told = scan(repo.path(), &["--range", "no..such"]).ended(2);
    assert!(told.stderr.contains("A..B"), "{}", told.stderr);
}

#[test]
fn what_no_branch_has_any_more_is_found_when_asked_for() {
    let repo = Repo::new();
    repo.commit("a.js", "nothing\n", "Begin");
    repo.commit("a.js", &format!("k('{}')\n", key(33)), "A mistake");
    repo.git(&["reset", "-q", "--hard", "HEAD^"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    scan(repo.path(), &["--git"]).ended(0);
    scan(repo.path(), &["--git", "--all-objects"]).ended(1);
}

#[test]
fn messages_stashes_and_merges_are_looked_at() {
    let repo = Repo::new();
    repo.commit("a.js", "one\n", "Begin");
    repo.commit("b.js", "two\n", &format!("Use {}", key(34)));
    put(repo.path(), "a.js", &format!("k('{}')\n", key(35)));
    repo.git(&["stash", "-q"]);
    let found = findings(&scan(repo.path(), &["--git", "--json"]).ended(1));
    assert_eq!(found.len(), 2, "{found:#?}");
    let text = serde_json::to_string(&found).unwrap();
    assert!(
        text.contains("message") && !text.contains(&key(34)),
        "{text}"
    );
    assert!(found.iter().all(|one| evidence(one, "secret").is_some()));
}

#[test]
fn what_is_staged_is_what_the_next_commit_adds() {
    let repo = Repo::new();
    let (old, new) = (key(36), key(37));
    repo.commit("a.js", &format!("k('{old}')\n"), "Old");
    scan(repo.path(), &["--staged"]).ended(0);
    put(repo.path(), "a.js", &format!("k('{old}')\n// k('{new}')\n"));
    // Not staged yet.
    scan(repo.path(), &["--staged"]).ended(0);
    repo.git(&["add", "a.js"]);
    let found = findings(&scan(repo.path(), &["--staged", "--json"]).ended(1));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["places"][0]["file"]["line"], 2);
    // A repository without a commit.
    let fresh = Repo::new();
    put(fresh.path(), "a.js", &format!("k('{new}')\n"));
    fresh.git(&["add", "a.js"]);
    scan(fresh.path(), &["--staged"]).ended(1);
}

#[test]
fn a_second_scan_costs_only_what_is_new() {
    let repo = Repo::new();
    repo.commit("a.js", &format!("k('{}')\n", key(38)), "Begin");
    for n in 0..40 {
        let text: String = (0..2_000)
            .map(|line| format!("{n} {line} {}\n", line * n))
            .collect();
        repo.commit(&format!("data/{n}.txt"), &text, "More");
    }
    repo.git(&["gc", "-q"]);
    let timed = |arguments: &[&str]| {
        let began = Instant::now();
        let told = scan(repo.path(), arguments).ended(1);
        (findings(&told), told.stderr, began.elapsed())
    };
    let (first, _, _) = timed(&["--git", "--json"]);
    let (second, said, _) = timed(&["--git", "--json"]);
    assert_eq!(first, second);
    assert!(said.contains("looked at before"), "{said}");
    let (_, said, _) = timed(&["--git", "--json", "--no-cache"]);
    assert!(!said.contains("looked at before"), "{said}");
    // What is new is seen.
    repo.commit("new.js", &format!("k('{}')\n", key(39)), "New");
    assert_eq!(timed(&["--git", "--json"]).0.len(), 2);
}

#[test]
fn what_is_no_repository_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for typed in [
        &["--git"][..],
        &["--staged"],
        &["--range", "a..b"],
        &["--git", "missing"],
    ] {
        let told = scan(folder.path(), typed).ended(2);
        assert!(
            told.stderr.contains("repository"),
            "{typed:?}: {}",
            told.stderr
        );
    }
}
