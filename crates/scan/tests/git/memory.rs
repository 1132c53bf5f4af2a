//! What is remembered from one scan to the next.

use std::{fs, path::PathBuf};

use doorward_scan::git::HistoryOptions;

use crate::repo::{Repo, Told, key, prose};

/// All that is told, in an order that is always the same.
fn lines(told: &Told) -> Vec<String> {
    let hits = told.hits.iter().map(|found| {
        let commit = |made: &Option<doorward_finding::Introduced>| {
            made.as_ref().map(|made| made.commit.clone())
        };
        format!(
            "{:?} {} {:?} {:?}",
            found.place,
            found.hit.line,
            commit(&found.introduced),
            commit(&found.last_seen)
        )
    });
    let mut lines: Vec<String> = hits.collect();
    lines.extend(told.skipped.iter().map(|line| format!("{line:?}")));
    lines.sort();
    lines
}

struct Cached {
    repo: Repo,
    folder: tempfile::TempDir,
}

impl Cached {
    fn new() -> Self {
        let repo = Repo::new();
        let mut source = doorward_scan::generate::Source::new(3);
        for at in 0..8u64 {
            let secret = if at == 3 { key(1) } else { prose(&mut source) };
            repo.write("a.txt", format!("{}\n{secret}\n", prose(&mut source)));
            repo.write(&format!("dir/f{at}.txt"), prose(&mut source));
            repo.commit(&format!("Edit {at}"));
        }
        repo.write("still.txt", key(2));
        repo.commit(&format!("Still there, as is {}", key(3)));
        let folder = tempfile::tempdir().unwrap();
        Self { repo, folder }
    }

    /// Scans with the cache, and holds what is told against a scan without.
    fn scan(&self, dangling: bool) -> Told {
        let options = HistoryOptions {
            dangling,
            cache: Some(self.folder.path().join("cache")),
            ..HistoryOptions::default()
        };
        let told = self.repo.scan_with(&options);
        let without = HistoryOptions {
            cache: None,
            ..options
        };
        assert_eq!(lines(&told), lines(&self.repo.scan_with(&without)));
        told
    }

    fn file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.folder.path().join("cache")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }
}

#[test]
fn a_second_scan_looks_at_nothing_again() {
    let cached = Cached::new();
    for packed in [false, true] {
        if packed {
            cached.repo.repack(50);
        }
        let first = cached.scan(false);
        assert_eq!(first.hits.len(), 3);
        let second = cached.scan(false);
        assert_eq!(second.summary.blobs, 0);
        assert!(second.summary.remembered > 20, "{:?}", second.summary);
    }
}

#[test]
fn what_is_new_is_looked_at_and_nothing_else() {
    let cached = Cached::new();
    let repo = &cached.repo;
    repo.repack(50);
    cached.scan(false);
    // Loose, then packed by themselves, then all together.
    repo.write("b.txt", format!("{} again, and {}", key(1), key(4)));
    repo.commit("New");
    let told = cached.scan(false);
    assert_eq!(told.summary.blobs, 1);
    assert_eq!(told.of(&key(1)).len(), 2);
    repo.git(&["repack", "-dq"]);
    repo.write("c.txt", "clean\n");
    repo.commit("More");
    let told = cached.scan(false);
    told.one(&key(4));
    // The new one, and the one that holds secrets.
    assert!(told.summary.blobs <= 2, "{:?}", told.summary);
    repo.repack(10);
    cached.scan(false);
    assert_eq!(cached.scan(false).summary.blobs, 0);
}

#[test]
fn what_became_of_known_secrets_is_followed() {
    let cached = Cached::new();
    let repo = &cached.repo;
    assert_eq!(cached.scan(false).one(&key(2)).last_seen, None);
    let last = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["rm", "-q", "still.txt"]);
    repo.commit("Gone");
    let told = cached.scan(false);
    assert_eq!(told.one(&key(2)).last_seen.as_ref().unwrap().commit, last);
    // A branch that is dropped takes its secrets along; asked for, they are told.
    repo.git(&["checkout", "-q", "--orphan", "fresh"]);
    repo.git(&["rm", "-rfq", "."]);
    repo.commit("Afresh");
    repo.git(&["branch", "-q", "-D", "main"]);
    assert!(cached.scan(false).hits.is_empty());
    assert_eq!(cached.scan(true).hits.len(), 3);
    assert!(cached.scan(false).hits.is_empty());
}

#[test]
fn a_clean_repository_costs_what_is_new() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("Begin");
    repo.repack(10);
    let folder = tempfile::tempdir().unwrap();
    let cached = Cached { repo, folder };
    cached.scan(false);
    cached.repo.write("a.txt", "two\n");
    cached.repo.commit("More");
    let summary = cached.scan(false).summary;
    assert_eq!((summary.blobs, summary.commits), (1, 1), "{summary:?}");
}

#[test]
fn a_broken_file_is_as_good_as_none_and_is_mended() {
    let cached = Cached::new();
    cached.scan(false);
    let file = cached.file();
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let text = String::from_utf8(whole.clone()).unwrap();
    let (_, body) = text.split_once('\n').unwrap();
    let other_form = text.replacen("history 1 ", "history 2 ", 1);
    let no_sum = format!("doorward history 1 \n{body}");
    for broken in [
        &b""[..],
        b"\n",
        &whole[..whole.len() / 2],
        &flipped,
        other_form.as_bytes(),
        no_sum.as_bytes(),
    ] {
        fs::write(&file, broken).unwrap();
        let told = cached.scan(false);
        assert!(told.summary.blobs > 0);
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
    // One that cannot be written is said, and the scan is whole.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let options = HistoryOptions {
        cache: Some(cached.folder.path().join("cache")),
        ..HistoryOptions::default()
    };
    let told = cached.repo.scan_with(&options);
    assert!(told.says("cannot be written"), "{:?}", told.skipped);
    assert_eq!(told.hits.len(), 3);
}

#[test]
fn the_file_holds_no_secret_and_is_for_its_user_alone() {
    let cached = Cached::new();
    cached.scan(false);
    let file = cached.file();
    let text = fs::read_to_string(&file).unwrap();
    for seed in 1..4 {
        let secret = key(seed);
        for at in (0..secret.len() - 12).step_by(4) {
            assert!(!text.contains(&secret[at..at + 12]));
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
