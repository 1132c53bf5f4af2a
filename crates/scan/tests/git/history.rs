//! Where in a history a secret is found, and what is told of it.

use doorward_scan::git::{HistoryOptions, HistoryPlace, Refs, open};

use crate::repo::{Repo, key, path, prose, scan};

#[test]
fn a_key_committed_and_removed_long_ago_is_told_with_who_brought_it_and_when() {
    let repo = Repo::new();
    let secret = key(1);
    repo.write("README.md", "hello\n");
    repo.commit("Begin");
    repo.write("src/config.py", format!("import os\n\nKEY = '{secret}'\n"));
    let brought = repo.commit("Add the importer\n\nWith a longer text.");
    repo.write(
        "src/config.py",
        format!("import os\nimport sys\n\nKEY = '{secret}'\n"),
    );
    let last = repo.commit("Import sys");
    repo.write("src/config.py", "import os\nimport sys\n");
    repo.commit("Take the key out");
    for packed in [false, true] {
        if packed {
            repo.repack(50);
        }
        let told = repo.scan();
        let found = told.one(&secret);
        assert_eq!(path(found), "src/config.py");
        assert_eq!((found.hit.line, found.hit.column), (3, 8));
        let introduced = found.introduced.as_ref().unwrap();
        assert_eq!(introduced.commit, brought);
        assert_eq!(introduced.author, "Ada");
        assert_eq!(introduced.email, "ada@example.com");
        assert_eq!(introduced.summary, "Add the importer");
        let date = repo.git(&["log", "-1", "--format=%aI", &brought]);
        assert_eq!(introduced.date, date);
        assert_eq!(found.last_seen.as_ref().unwrap().commit, last);
        assert!(!found.hit.excerpt.contains(&secret));
        assert!(told.skipped.is_empty(), "{:?}", told.skipped);
    }
}

#[test]
fn a_key_that_is_still_there_was_not_last_seen() {
    let repo = Repo::new();
    repo.write("a.txt", key(2));
    repo.commit("Begin");
    repo.write("b.txt", "more\n");
    repo.commit("More");
    assert_eq!(repo.scan().one(&key(2)).last_seen, None);
}

#[test]
fn a_file_that_moves_with_a_key_is_told_at_each_path() {
    let repo = Repo::new();
    repo.write("old/a.txt", key(3));
    let first = repo.commit("Begin");
    repo.git(&["mv", "old/a.txt", "new.txt"]);
    let second = repo.commit("Move it");
    let told = repo.scan();
    let mut places: Vec<(&str, &str)> = told
        .of(&key(3))
        .iter()
        .map(|found| {
            (
                path(found),
                found.introduced.as_ref().unwrap().commit.as_str(),
            )
        })
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [("new.txt", second.as_str()), ("old/a.txt", first.as_str())]
    );
}

#[test]
fn what_only_a_merge_brings_is_the_merges() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("b.txt", format!("{}\n", key(5)));
    let side = repo.commit("Side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("c.txt", "three\n");
    repo.commit("Main");
    repo.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    repo.write("a.txt", format!("one\n{}\n", key(4)));
    let merge = repo.commit("Merge");
    let told = repo.scan();
    let by = |secret: &str| told.one(secret).introduced.as_ref().unwrap().commit.clone();
    assert_eq!(by(&key(4)), merge);
    assert_eq!(by(&key(5)), side);
}

#[test]
fn messages_of_commits_and_tags_are_looked_at() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    let commit = repo.commit(&format!("Use the key {}", key(6)));
    repo.git(&["tag", "-a", "v1", "-m", &format!("the key is {}", key(7))]);
    let tag = repo.git(&["rev-parse", "v1"]);
    repo.repack(10);
    let told = repo.scan();
    let found = told.one(&key(6));
    let place = HistoryPlace::Message {
        of: "commit",
        id: commit,
    };
    assert_eq!(found.place, place);
    let summary = &found.introduced.as_ref().unwrap().summary;
    assert!(!summary.contains(&key(6)), "{summary}");
    let place = HistoryPlace::Message { of: "tag", id: tag };
    assert_eq!(told.one(&key(7)).place, place);
}

#[test]
fn notes_stashes_and_branches_of_others_are_looked_at() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    repo.git(&["notes", "add", "-m", &format!("try {}", key(10))]);
    repo.write("a.txt", format!("one\n{}\n", key(11)));
    repo.git(&["stash", "-q"]);
    repo.write("a.txt", format!("staged {}\n", key(12)));
    repo.git(&["add", "a.txt"]);
    repo.write("a.txt", "not staged\n");
    repo.write("new.txt", format!("untracked {}\n", key(13)));
    repo.git(&["stash", "-q", "--include-untracked"]);
    repo.git(&["checkout", "-q", "-b", "other"]);
    repo.write("o.txt", key(14));
    let other = repo.commit("Other");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-q", "-D", "other"]);
    repo.git(&["update-ref", "refs/pull/1/head", &other]);
    repo.repack(50);
    let told = repo.scan();
    for seed in 10..15 {
        assert!(!told.of(&key(seed)).is_empty(), "{seed}: {:?}", told.hits);
    }
    let less = HistoryOptions {
        notes: false,
        stashes: false,
        ..HistoryOptions::default()
    };
    let told = repo.scan_with(&less);
    assert!(told.of(&key(10)).is_empty());
    // The older stash is in the log alone; the last one is a ref.
    assert!(told.of(&key(11)).is_empty());
    assert!(!told.of(&key(13)).is_empty());
}

#[test]
fn what_nothing_leads_to_is_told_when_asked_for() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    repo.git(&["checkout", "-q", "-b", "gone"]);
    repo.write("deep/b.txt", key(20));
    let dropped = repo.commit("Dropped");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-q", "-D", "gone"]);
    repo.write("c.txt", key(21));
    repo.git(&["add", "c.txt"]);
    repo.git(&["rm", "-q", "--cached", "c.txt"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    for packed in [false, true] {
        if packed {
            repo.git(&["repack", "-adq", "--keep-unreachable"]);
        }
        assert!(repo.scan().hits.is_empty());
        let dangling = HistoryOptions {
            dangling: true,
            ..HistoryOptions::default()
        };
        let told = repo.scan_with(&dangling);
        let found = told.one(&key(20));
        assert_eq!(path(found), "deep/b.txt");
        assert_eq!(found.introduced.as_ref().unwrap().commit, dropped);
        let place = &told.one(&key(21)).place;
        assert!(
            matches!(place, HistoryPlace::Blob { name: None, .. }),
            "{place:?}"
        );
    }
}

#[test]
fn a_ref_to_a_blob_or_a_tree_is_followed() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    repo.write("b/c.txt", key(25));
    repo.git(&["add", "-A"]);
    let tree = repo.git(&["write-tree"]);
    repo.git(&["tag", "a-tree", &tree]);
    repo.write("d.txt", key(26));
    let blob = repo.git(&["hash-object", "-w", "d.txt"]);
    repo.git(&["tag", "-a", "-m", "a blob", "a-blob", &blob]);
    let told = repo.scan();
    assert_eq!(path(told.one(&key(25))), "b/c.txt");
    let place = HistoryPlace::Blob {
        id: blob,
        name: Some("refs/tags/a-blob".to_owned()),
    };
    assert_eq!(told.one(&key(26)).place, place);
}

#[test]
fn a_linked_work_tree_a_folder_in_it_and_a_bare_clone_are_the_same_history() {
    let repo = Repo::new();
    repo.write("sub/a.txt", key(30));
    repo.commit("Begin");
    let linked = repo.path().join("linked");
    repo.git(&["worktree", "add", "-q", "--detach", "linked"]);
    std::fs::write(linked.join("n.txt"), key(31)).unwrap();
    repo.git_in(&linked, &["add", "-A"]);
    repo.git_in(&linked, &["commit", "-q", "-m", "On no branch"]);
    let bare = Repo::empty();
    bare.git(&[
        "clone",
        "-q",
        "--bare",
        repo.path().to_str().unwrap(),
        "b.git",
    ]);
    let options = HistoryOptions::default();
    for from in [repo.path().to_path_buf(), linked, repo.path().join("sub")] {
        let told = scan(&from, &options);
        told.one(&key(30));
        told.one(&key(31));
    }
    scan(&bare.path().join("b.git"), &options).one(&key(30));
}

#[test]
fn objects_of_alternates_are_looked_at() {
    let repo = Repo::new();
    repo.write("a.txt", key(35));
    repo.commit("Begin");
    let other = Repo::empty();
    let from = repo.path().to_str().unwrap();
    other.git(&["clone", "-q", "--shared", from, "c"]);
    scan(&other.path().join("c"), &HistoryOptions::default()).one(&key(35));
}

#[test]
fn what_a_clone_lacks_is_said() {
    let repo = Repo::new();
    for at in 0..5 {
        repo.write("a.txt", format!("{at} {}", key(40 + at)));
        repo.commit("One more");
    }
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", repo.path().display());
    let other = Repo::empty();
    other.git(&["clone", "-q", "--depth=2", &from, "shallow"]);
    let told = scan(&other.path().join("shallow"), &HistoryOptions::default());
    assert!(told.says("the clone is shallow"), "{:?}", told.skipped);
    assert_eq!(told.hits.len(), 2);
    other.git(&[
        "clone",
        "-q",
        "--bare",
        "--filter=blob:none",
        &from,
        "partial",
    ]);
    let told = scan(&other.path().join("partial"), &HistoryOptions::default());
    assert!(told.says("the clone is partial"), "{:?}", told.skipped);
}

#[test]
fn submodules_are_said_not_looked_at() {
    let inner = Repo::new();
    inner.write("a.txt", key(45));
    inner.commit("Begin");
    let repo = Repo::new();
    repo.git(&[
        "submodule",
        "add",
        "-q",
        inner.path().to_str().unwrap(),
        "lib",
    ]);
    repo.commit("Use the library");
    let told = repo.scan();
    assert!(told.says("submodule lib"), "{:?}", told.skipped);
    assert!(told.hits.is_empty());
}

#[test]
fn repositories_of_sha_256_are_read() {
    let repo = Repo::empty();
    repo.git(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    repo.write("a.txt", key(50));
    let commit = repo.commit("Begin");
    for _ in 0..2 {
        let told = repo.scan();
        assert_eq!(
            told.one(&key(50)).introduced.as_ref().unwrap().commit,
            commit
        );
        repo.repack(5);
    }
}

#[test]
fn since_leaves_out_what_is_older() {
    let repo = Repo::new();
    repo.write("a.txt", key(55));
    repo.commit("Old");
    let since = repo
        .git(&["log", "-1", "--format=%ct"])
        .parse::<i64>()
        .unwrap()
        + 1;
    repo.write("b.txt", key(56));
    repo.commit("New");
    let options = HistoryOptions {
        refs: Refs::Since(since),
        ..HistoryOptions::default()
    };
    let told = repo.scan_with(&options);
    told.one(&key(56));
    assert!(told.of(&key(55)).is_empty());
}

#[test]
fn a_folder_that_is_no_repository_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = open(folder.path()) else {
        panic!("opened");
    };
    assert!(error.to_string().contains("is not in a git repository"));
}

#[test]
fn a_repository_with_no_commit_has_nothing() {
    let repo = Repo::new();
    let told = repo.scan();
    assert!(told.hits.is_empty() && told.skipped.is_empty());
}

#[test]
fn many_versions_of_one_file_are_looked_at_by_what_is_new_in_them() {
    let repo = Repo::new();
    let mut source = doorward_scan::generate::Source::new(9);
    let mut lines: Vec<String> = (0..2000).map(|_| prose(&mut source)).collect();
    for at in 0..40 {
        let line = source.below(lines.len());
        lines[line] = prose(&mut source);
        if at == 20 {
            lines.insert(700, format!("token {}", key(60)));
        }
        repo.write("a.txt", lines.join("\n"));
        repo.commit("Edit");
    }
    repo.repack(50);
    let told = repo.scan();
    told.one(&key(60));
    assert!(
        told.summary.new_bytes * 10 < told.summary.bytes,
        "{:?}",
        told.summary
    );
}
