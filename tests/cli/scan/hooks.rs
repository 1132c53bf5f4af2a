//! The hooks: what is about to be committed or pushed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::git::{Repo, git_in, try_git};
use super::{key, put, scan, scan_with};

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_hook_stops_a_commit_and_goes_away_again() {
    let repo = Repo::new();
    repo.commit("a.js", "one\n", "Begin");
    let told = scan(repo.path(), &["install-hook"]).ended(0).stdout;
    assert!(
        told.contains("pre-commit") && told.contains("installed"),
        "{told}"
    );
    let key = key(50);
    put(repo.path(), "b.js", &format!("k('{key}')\n"));
    repo.git(&["add", "b.js"]);
    let (ok, said) = try_git(repo.path(), &["commit", "-q", "-m", "A mistake"]);
    assert!(!ok, "{said}");
    assert!(
        said.contains("b.js:1") && said.contains("doorward:allow"),
        "{said}"
    );
    assert!(!said.contains(&key), "{said}");
    // Whatever way it is committed.
    repo.git(&["reset", "-q"]);
    put(repo.path(), "a.js", &format!("k('{key}')\n"));
    assert!(!try_git(repo.path(), &["commit", "-q", "-a", "-m", "A mistake"]).0);
    assert!(!try_git(repo.path(), &["commit", "-q", "-m", "A mistake", "a.js"]).0);
    repo.git(&["checkout", "-q", "a.js"]);
    // Taken out, it goes on; said to be all right, too.
    put(repo.path(), "b.js", "k(process.env.KEY)\n");
    repo.commit("b.js", "k(process.env.KEY)\n", "Mended");
    repo.commit(
        "c.js",
        &format!("k('{key}') // doorward:allow made up until 2999-01-01\n"),
        "Fine",
    );
    // A second time it is renewed, and goes away whole.
    let told = scan(repo.path(), &["install-hook", "--json"])
        .ended(0)
        .json();
    assert!(told[0]["did"].as_str().unwrap().contains("renewed"));
    scan(repo.path(), &["install-hook", "--uninstall"]).ended(0);
    repo.commit("d.js", &format!("k('{key}')\n"), "Unseen");
    assert!(
        fs::read_dir(repo.path().join(".git/hooks"))
            .unwrap()
            .all(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.ends_with(".sample")
            })
    );
}

#[test]
fn a_hook_that_was_there_runs_after_and_comes_back() {
    let repo = Repo::new();
    repo.commit("a.js", "one\n", "Begin");
    let hook = repo.path().join(".git/hooks/pre-commit");
    let own = "#!/bin/sh\necho ran >> ran.txt\n[ ! -e no ]\n";
    executable(&hook, own);
    let told = scan(repo.path(), &["install-hook"]).ended(0).stdout;
    assert!(told.contains("runs after"), "{told}");
    repo.commit("b.js", "two\n", "Fine");
    let ran = || {
        fs::read_to_string(repo.path().join("ran.txt"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    assert_eq!(ran(), 1);
    // What it refuses is refused.
    put(repo.path(), "no", "");
    put(repo.path(), "c.js", "three\n");
    repo.git(&["add", "c.js"]);
    assert!(!try_git(repo.path(), &["commit", "-q", "-m", "No"]).0);
    assert_eq!(ran(), 2);
    scan(repo.path(), &["install-hook", "--uninstall"]).ended(0);
    assert_eq!(fs::read_to_string(&hook).unwrap(), own);
    // One that is not ours is left alone.
    let told = scan(repo.path(), &["install-hook", "--uninstall"])
        .ended(0)
        .stdout;
    assert!(told.contains("is not there"), "{told}");
    assert_eq!(fs::read_to_string(&hook).unwrap(), own);
}

#[test]
fn the_hook_is_where_git_looks_for_it() {
    // In a linked work tree, that is the repository's own folder.
    let repo = Repo::new();
    repo.commit("a.js", "one\n", "Begin");
    let tree = repo.path().join("linked");
    repo.git(&["worktree", "add", "-q", "linked"]);
    scan(&tree, &["install-hook"]).ended(0);
    put(&tree, "b.js", &format!("k('{}')\n", key(51)));
    git_in(&tree, &["add", "b.js"]);
    assert!(!try_git(&tree, &["commit", "-q", "-m", "A mistake"]).0);

    // And where core.hooksPath says, from a folder below as well.
    let repo = Repo::new();
    repo.commit("src/a.js", "one\n", "Begin");
    repo.git(&["config", "core.hooksPath", ".githooks"]);
    scan(&repo.path().join("src"), &["install-hook"]).ended(0);
    assert!(repo.path().join(".githooks/pre-commit").exists());
    put(repo.path(), "src/b.js", &format!("k('{}')\n", key(52)));
    repo.git(&["add", "src/b.js"]);
    assert!(!try_git(repo.path(), &["commit", "-q", "-m", "A mistake"]).0);

    // One that all repositories share is not taken unasked.
    let repo = Repo::new();
    let config = repo.path().join("gitconfig");
    fs::write(
        &config,
        format!("[core]\n\thooksPath = {}/all\n", repo.path().display()),
    )
    .unwrap();
    let variables = [("GIT_CONFIG_GLOBAL", config.to_str().unwrap())];
    let told = scan_with(repo.path(), &["install-hook"], &variables, None).ended(2);
    assert!(told.stderr.contains("--shared"), "{}", told.stderr);
    scan_with(repo.path(), &["install-hook", "--shared"], &variables, None).ended(0);
    assert!(repo.path().join("all/pre-commit").exists());
    let nowhere = tempfile::tempdir().unwrap();
    scan(nowhere.path(), &["install-hook"]).ended(2);
}

#[test]
fn the_push_of_a_key_is_stopped_though_a_later_commit_hides_it() {
    let repo = Repo::new();
    let remote = tempfile::tempdir().unwrap();
    git_in(remote.path(), &["init", "-q", "--bare"]);
    repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    let old = key(53);
    repo.commit("old.js", &format!("k('{old}')\n"), "Long ago");
    repo.git(&["push", "-q", "origin", "main"]);
    scan(repo.path(), &["install-hook", "--pre-push"]).ended(0);
    assert!(!repo.path().join(".git/hooks/pre-commit").exists());
    // What is there already is not told again.
    repo.commit("b.js", "two\n", "Fine");
    repo.git(&["push", "-q", "origin", "main"]);
    repo.commit("c.js", &format!("k('{}')\n", key(54)), "A mistake");
    repo.commit("c.js", "three\n", "Hidden");
    let (ok, said) = try_git(repo.path(), &["push", "-q", "origin", "main"]);
    assert!(!ok && said.contains("c.js"), "{said}");
    // A branch that is new there, and one that is deleted there.
    repo.git(&["checkout", "-q", "-b", "side"]);
    assert!(!try_git(repo.path(), &["push", "-q", "origin", "side"]).0);
    repo.git(&["checkout", "-q", "-b", "clean", "main~2"]);
    repo.git(&["push", "-q", "origin", "clean"]);
    repo.git(&["push", "-q", "origin", ":clean"]);

    // As the pre-commit framework tells it.
    let (from, to) = (
        repo.git(&["rev-parse", "main~2"]),
        repo.git(&["rev-parse", "main"]),
    );
    let told = |from: &str, to: &str| {
        let variables = [("PRE_COMMIT_FROM_REF", from), ("PRE_COMMIT_TO_REF", to)];
        scan_with(repo.path(), &["--pre-push"], &variables, None)
    };
    told(&from, &to).ended(1);
    told(&to, &to).ended(0);
    scan_with(repo.path(), &["--pre-push"], &[], Some("what is this\n")).ended(2);
}
