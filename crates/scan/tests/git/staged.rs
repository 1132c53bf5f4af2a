//! What the next commit would add.

use doorward_scan::git::{open, scan_staged};

use crate::repo::{Ears, Repo, Told, engine, key, path};

fn staged(repo: &Repo) -> Told {
    let ears = Ears::default();
    let summary = scan_staged(engine(), &open(repo.path()).unwrap(), &ears).unwrap();
    ears.told(summary)
}

#[test]
fn a_staged_key_is_found_and_one_that_is_not_staged_is_not() {
    let repo = Repo::new();
    repo.write("a/b/c.txt", "one\n");
    repo.write("a/d.txt", "one\n");
    repo.commit("Begin");
    assert!(staged(&repo).hits.is_empty());
    repo.write("a/b/c.txt", format!("one\ntwo {}\n", key(1)));
    repo.write("e/f.txt", key(2));
    repo.write("a/d.txt", key(3));
    repo.git(&["add", "a/b/c.txt", "e"]);
    let told = staged(&repo);
    assert_eq!(path(told.one(&key(1))), "a/b/c.txt");
    assert_eq!(told.one(&key(1)).hit.line, 2);
    assert_eq!(path(told.one(&key(2))), "e/f.txt");
    assert_eq!(told.hits.len(), 2);
    assert_eq!(told.summary.blobs, 2);
}

#[test]
fn a_key_that_stood_there_before_is_not_told_again() {
    let repo = Repo::new();
    repo.write("a.txt", format!("one\n{}\ntwo\n", key(4)));
    repo.commit("Begin");
    repo.write("a.txt", format!("zero\n{}\ntwo\nthree\n", key(4)));
    repo.git(&["add", "."]);
    assert!(staged(&repo).hits.is_empty());
    repo.write("a.txt", format!("zero\n{}\nsee {}\n", key(4), key(4)));
    repo.git(&["add", "."]);
    let told = staged(&repo);
    assert_eq!(told.one(&key(4)).hit.line, 3);
}

#[test]
fn a_file_that_is_only_moved_adds_nothing() {
    let repo = Repo::new();
    repo.write("a/b.txt", key(5));
    repo.write("c.txt", key(6));
    repo.commit("Begin");
    repo.git(&["mv", "a", "moved"]);
    repo.git(&["mv", "c.txt", "moved/c.txt"]);
    assert!(staged(&repo).hits.is_empty());
    repo.write("moved/b.txt", format!("{}\n{}", key(5), key(7)));
    repo.git(&["add", "."]);
    staged(&repo).one(&key(7));
}

#[test]
fn the_first_commit_is_looked_at_too() {
    let repo = Repo::new();
    repo.write("a.txt", key(8));
    repo.git(&["add", "."]);
    staged(&repo).one(&key(8));
}

#[test]
fn what_is_removed_or_meant_to_be_added_is_nothing() {
    let repo = Repo::new();
    repo.write("a.txt", key(9));
    repo.commit("Begin");
    repo.git(&["rm", "-q", "a.txt"]);
    repo.write("b.txt", key(10));
    repo.git(&["add", "--intent-to-add", "b.txt"]);
    let told = staged(&repo);
    assert!(told.hits.is_empty() && told.skipped.is_empty());
}

#[test]
fn an_index_without_what_git_keeps_of_folders_is_compared_by_trees() {
    let repo = Repo::new();
    for at in 0..30 {
        repo.write(&format!("d{}/e/f{at}.txt", at % 5), format!("{at}\n"));
    }
    repo.commit("Begin");
    repo.repack(10);
    repo.write("d3/e/new.txt", key(11));
    repo.git(&["add", "."]);
    for version in ["2", "4"] {
        repo.git(&["update-index", "--index-version", version]);
        assert_eq!(path(staged(&repo).one(&key(11))), "d3/e/new.txt");
    }
    // Made anew from its entries alone.
    let entries = repo.git(&["ls-files", "-s"]);
    std::fs::remove_file(repo.git_dir().join("index")).unwrap();
    for line in entries.lines() {
        let (head, name) = line.split_once('\t').unwrap();
        let mut head = head.split(' ');
        let (mode, id) = (head.next().unwrap(), head.next().unwrap());
        let info = format!("{mode},{id},{name}");
        repo.git(&["update-index", "--add", "--cacheinfo", &info]);
    }
    let told = staged(&repo);
    assert_eq!(path(told.one(&key(11))), "d3/e/new.txt");
    assert_eq!(told.summary.blobs, 1);
}

#[test]
fn a_broken_index_is_said() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    for bytes in [
        &b"DIRC"[..],
        b"",
        b"DIRC\0\0\0\x02\xff\xff\xff\xff",
        b"nonsense",
    ] {
        std::fs::write(repo.git_dir().join("index"), bytes).unwrap();
        let ears = Ears::default();
        let error = scan_staged(engine(), &open(repo.path()).unwrap(), &ears);
        assert!(error.unwrap_err().to_string().contains("index"));
    }
}
