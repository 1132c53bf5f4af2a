//! What the commits of a range add.

use doorward_scan::git::{GitError, open, scan_range};

use crate::repo::{Ears, Repo, Told, engine, key, path};

fn try_range(repo: &Repo, range: &str) -> Result<Told, GitError> {
    let ears = Ears::default();
    let summary = scan_range(engine(), &open(repo.path()).unwrap(), range, &ears)?;
    Ok(ears.told(summary))
}

fn range(repo: &Repo, range: &str) -> Told {
    try_range(repo, range).unwrap()
}

#[test]
fn only_what_the_range_adds_is_told() {
    let repo = Repo::new();
    repo.write("a.txt", key(1));
    repo.commit("Before");
    repo.git(&["branch", "base"]);
    repo.write("a.txt", format!("{}\nmore\n", key(1)));
    repo.write("b/c.txt", key(2));
    let commit = repo.commit(&format!("Within {}", key(3)));
    repo.write("b/c.txt", "gone\n");
    repo.commit("Removed again");
    for packed in [false, true] {
        if packed {
            repo.repack(50);
        }
        let told = range(&repo, "base..HEAD");
        assert!(told.of(&key(1)).is_empty());
        let found = told.one(&key(2));
        assert_eq!(path(found), "b/c.txt");
        assert_eq!(found.introduced.as_ref().unwrap().commit, commit);
        told.one(&key(3));
        assert_eq!(told.summary.commits, 2);
    }
    assert!(range(&repo, "HEAD..base").hits.is_empty());
    assert_eq!(range(&repo, "HEAD").hits.len(), 3);
}

#[test]
fn what_a_hook_is_given_is_understood() {
    let zeros = "0".repeat(40);
    let repo = Repo::new();
    repo.write("a.txt", key(4));
    let old = repo.commit("Pushed before");
    repo.git(&["update-ref", "refs/remotes/origin/main", &old]);
    repo.write("b.txt", key(5));
    let new = repo.commit("New");
    // A new branch, a known one, one whose old end was never fetched, one that is removed.
    for from in [&zeros, &old, &"ab".repeat(20)] {
        let told = range(&repo, &format!("{from}..{new}"));
        assert_eq!(told.hits.len(), 1, "{from}");
        told.one(&key(5));
    }
    assert!(range(&repo, &format!("{old}..{zeros}")).hits.is_empty());
}

#[test]
fn a_range_of_nothing_known_is_a_clear_error() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    for spec in [
        "nowhere..HEAD",
        "HEAD..nowhere",
        "HEAD...HEAD",
        "nowhere",
        "HEAD^{tree}",
    ] {
        let Err(error) = try_range(&repo, spec) else {
            panic!("{spec} was taken");
        };
        let text = error.to_string();
        assert!(text.contains("names no commits"), "{text}");
    }
}

#[test]
fn a_merge_in_the_range_adds_its_own_content_only() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("b.txt", key(6));
    repo.commit("Side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("c.txt", "two\n");
    repo.commit("Main");
    repo.git(&["branch", "base"]);
    repo.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    repo.write("a.txt", key(7));
    let merge = repo.commit("Merge");
    let told = range(&repo, "side..main");
    assert!(told.of(&key(6)).is_empty());
    assert_eq!(told.one(&key(7)).introduced.as_ref().unwrap().commit, merge);
    range(&repo, "base..main").one(&key(6));
}

#[test]
fn a_range_in_a_shallow_clone_tells_what_is_not_here() {
    let repo = Repo::new();
    for at in 0..4 {
        repo.write("a.txt", format!("{at} {}", key(20 + at)));
        repo.commit("One more");
    }
    let from = format!("file://{}", repo.path().display());
    let other = Repo::empty();
    other.git(&["clone", "-q", "--depth=2", &from, "."]);
    let told = range(&other, "HEAD");
    assert!(told.says("the clone is shallow"), "{:?}", told.skipped);
    told.one(&key(23));
}
