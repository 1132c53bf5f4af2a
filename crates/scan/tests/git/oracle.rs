//! Our walk against git's: every object by `git cat-file`, looked at whole.

use std::{collections::BTreeSet, process::Command};

use doorward_scan::{
    generate::Source,
    git::{HistoryOptions, HistoryPlace},
};
use secrecy::ExposeSecret as _;

use crate::repo::{Repo, engine, key, prose};

/// Each secret of each blob that any commit leads to, by a whole scan of what git gives.
fn by_git(repo: &Repo) -> BTreeSet<String> {
    let list = repo.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    let mut found = BTreeSet::new();
    let mut scratch = engine().scratch();
    for id in list.lines() {
        if repo.git(&["cat-file", "-t", id]) != "blob" {
            continue;
        }
        let bytes = Command::new("git")
            .arg("-C")
            .arg(repo.path())
            .args(["cat-file", "blob", id])
            .output()
            .unwrap()
            .stdout;
        for hit in engine().scan(&mut scratch, None, &bytes).hits {
            found.insert(hit.secret.expose_secret().to_owned());
        }
    }
    found
}

/// A repository of files that are edited by random: lines changed, moved, cut, copied; keys put in
/// and broken.
fn random_repo(seed: u64, commits: usize) -> (Repo, Vec<String>) {
    let repo = Repo::new();
    let mut source = Source::new(seed);
    let mut files: Vec<Vec<String>> = (0..4)
        .map(|_| (0..60).map(|_| prose(&mut source)).collect())
        .collect();
    let mut keys = Vec::new();
    for at in 0..commits {
        let file = source.below(files.len());
        let other = source.below(files.len());
        let from = source.below(files[other].len().saturating_sub(6));
        let moved: Vec<String> = files[other].iter().skip(from).take(6).cloned().collect();
        let lines = &mut files[file];
        for _ in 0..1 + source.below(3) {
            let line = source.below(lines.len());
            match source.below(8) {
                0 => {
                    keys.push(key(seed * 1000 + at as u64));
                    lines.insert(line, format!("token: {}", keys.last().unwrap()));
                }
                1 => drop(lines.drain(line..(line + 3).min(lines.len()))),
                2 => drop(lines.splice(line..line, moved.clone())),
                3 => {
                    // Somewhere in a line, most likely in a key: what was one is none now.
                    let at = source.below(lines[line].len());
                    lines[line].insert(at, '!');
                }
                4 => lines[line] = lines[line].replace('!', ""),
                5 => lines.swap(line, from.min(line)),
                _ => lines[line] = prose(&mut source),
            }
            if lines.len() < 20 {
                lines.extend((0..20).map(|_| prose(&mut source)));
            }
        }
        repo.write(
            &format!("dir{}/f{file}.txt", file % 2),
            files[file].join("\n"),
        );
        repo.commit(&format!("Edit {at}"));
    }
    (repo, keys)
}

#[test]
fn what_is_found_is_what_a_whole_scan_of_gits_objects_finds() {
    for (seed, depth) in [(1, 50), (2, 4), (3, 200)] {
        let (repo, keys) = random_repo(seed, 60);
        repo.repack(depth);
        let told = repo.scan();
        let ours: BTreeSet<String> = told
            .hits
            .iter()
            .map(|found| found.hit.secret.expose_secret().to_owned())
            .collect();
        let theirs = by_git(&repo);
        assert!(
            !keys.is_empty() && theirs.len() * 2 > keys.len(),
            "a test of nothing"
        );
        assert_eq!(ours, theirs, "seed {seed}");
        assert!(told.skipped.is_empty(), "{:?}", told.skipped);
        introduced_as_git_says(&repo, &told.hits);
        let one = HistoryOptions {
            threads: 1,
            ..HistoryOptions::default()
        };
        assert_eq!(repo.scan_with(&one).hits.len(), told.hits.len());
    }
}

/// `git log -S` tells commits after which a text stands in a file more or less often than before: the
/// first is the one that brought it.
fn introduced_as_git_says(repo: &Repo, hits: &[doorward_scan::git::HistoryHit]) {
    for found in hits {
        let HistoryPlace::File { path, .. } = &found.place else {
            panic!("{:?}", found.place);
        };
        let secret = found.hit.secret.expose_secret();
        let pickaxe = format!("-S{secret}");
        let log = repo.git(&[
            "log",
            "--all",
            "--reverse",
            "--format=%H",
            &pickaxe,
            "--",
            path,
        ]);
        let introduced = found.introduced.as_ref().unwrap();
        assert_eq!(
            log.lines().next(),
            Some(introduced.commit.as_str()),
            "{path}"
        );
        if let Some(last) = &found.last_seen {
            // The commit behind the last that changed how often it stands there.
            let gone = log.lines().last().unwrap();
            let before = repo.git(&["rev-parse", &format!("{gone}^")]);
            assert_eq!(before, last.commit, "{path}");
        }
    }
}

#[test]
fn several_packs_and_loose_objects_are_one_history() {
    let (repo, _) = random_repo(7, 20);
    repo.git(&["repack", "-dq"]);
    for at in 0..3 {
        repo.write("more.txt", format!("{at}\n{}\n", key(9000 + at)));
        repo.commit("More");
        if at < 2 {
            repo.git(&["repack", "-dq"]);
        }
    }
    // The same objects once more in a pack of their own.
    repo.git(&["repack", "-aq"]);
    let theirs = by_git(&repo);
    let told = repo.scan();
    let ours: BTreeSet<String> = told
        .hits
        .iter()
        .map(|found| found.hit.secret.expose_secret().to_owned())
        .collect();
    assert_eq!(ours, theirs);
}
