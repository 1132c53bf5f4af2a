//! A repository for a test, made by the git program.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock},
};

use doorward_scan::{
    Detectors, Engine, Limits,
    generate::{Source, fill},
    git::{HistoryHit, HistoryOptions, HistoryPlace, HistorySink, open, scan_history},
};
use secrecy::ExposeSecret as _;

/// A repository in a folder of its own, which is removed with it.
pub(crate) struct Repo {
    folder: tempfile::TempDir,
    clock: std::cell::Cell<u64>,
}

impl Repo {
    pub(crate) fn new() -> Self {
        let repo = Self::empty();
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: std::cell::Cell::new(1_700_000_000),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn git_dir(&self) -> PathBuf {
        self.path().join(".git")
    }

    /// Runs git, a minute after the last time; gives back what it says.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(self.path(), arguments)
    }

    pub(crate) fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let (ok, out, err) = self.try_git_in(folder, arguments);
        assert!(ok, "git {arguments:?}: {err}");
        out
    }

    pub(crate) fn try_git_in(&self, folder: &Path, arguments: &[&str]) -> (bool, String, String) {
        let now = self.clock.get() + 60;
        self.clock.set(now);
        let date = format!("{now} +0200");
        let out = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(["-c", "gc.auto=0", "-c", "protocol.file.allow=always"])
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_DIR")
            .env_remove("GIT_INDEX_FILE")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Bob")
            .env("GIT_COMMITTER_EMAIL", "bob@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        (out.status.success(), text(out.stdout), text(out.stderr))
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Commits all that there is; gives back the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn repack(&self, depth: u32) {
        let depth = format!("--depth={depth}");
        self.git(&["repack", "-adfq", &depth, "--window=20"]);
    }

    pub(crate) fn scan(&self) -> Told {
        self.scan_with(&HistoryOptions::default())
    }

    pub(crate) fn scan_with(&self, options: &HistoryOptions) -> Told {
        scan(self.path(), options)
    }
}

/// A line of text that holds no secret.
pub(crate) fn prose(source: &mut Source) -> String {
    let words = 4 + source.below(9);
    let word = |source: &mut Source| {
        let length = 2 + source.below(8);
        source.text(b"abcdefghijklmnopqrstuvwxyz", length)
    };
    let words: Vec<String> = (0..words).map(|_| word(source)).collect();
    words.join(" ")
}

/// An upstream key.
pub(crate) fn key(seed: u64) -> String {
    fill("{upstream_key}", &mut Source::new(seed))
}

/// An engine of all detectors, one for all tests.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Detectors::builtin(), Limits::default()))
}

/// What a scan told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) hits: Vec<HistoryHit>,
    pub(crate) skipped: Vec<(String, String)>,
    pub(crate) summary: doorward_scan::git::Summary,
}

impl Told {
    /// The hits of a secret.
    pub(crate) fn of(&self, secret: &str) -> Vec<&HistoryHit> {
        let wanted = secret.trim_end_matches('=');
        let hits = self.hits.iter();
        hits.filter(|found| found.hit.secret.expose_secret().trim_end_matches('=') == wanted)
            .collect()
    }

    /// The only hit of a secret.
    pub(crate) fn one(&self, secret: &str) -> &HistoryHit {
        let hits = self.of(secret);
        assert_eq!(hits.len(), 1, "{:?}", self.hits);
        hits[0]
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        let mut lines = self.skipped.iter();
        lines.any(|(what, why)| format!("{what}: {why}").contains(text))
    }
}

pub(crate) fn path(found: &HistoryHit) -> &str {
    match &found.place {
        HistoryPlace::File { path, .. } => path,
        other => panic!("not in a file: {other:?}"),
    }
}

/// Gathers what is told.
#[derive(Default)]
pub(crate) struct Ears(Mutex<Told>);

impl Ears {
    pub(crate) fn told(self, summary: doorward_scan::git::Summary) -> Told {
        let mut told = self.0.into_inner().unwrap();
        told.summary = summary;
        told
    }
}

impl HistorySink for Ears {
    fn found(&self, hit: HistoryHit) {
        self.0.lock().unwrap().hits.push(hit);
    }

    fn not_looked_at(&self, what: &str, why: &str) {
        let line = (what.to_owned(), why.to_owned());
        self.0.lock().unwrap().skipped.push(line);
    }
}

pub(crate) fn scan(path: &Path, options: &HistoryOptions) -> Told {
    let ears = Ears::default();
    let summary = scan_history(engine(), &open(path).unwrap(), options, &ears).unwrap();
    ears.told(summary)
}
