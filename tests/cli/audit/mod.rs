//! `doorward audit`: the record as those who read, prove, verify and keep it meet it.

mod keeping;
mod proving;
mod reading;

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Ran, Server, run};

/// A data folder with a ledger, and no server: what administrators did is in it.
struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    /// One in which a client was made, granted and given keys.
    fn new() -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &["up"]);
        assert!(server.end(Signal::TERM).success());
        let kept = Kept { folder };
        kept.run(&[
            "client",
            "create",
            "crm",
            "--use-case",
            "crm-sync",
            "-e",
            "production",
        ])
        .ended(0);
        for _ in 0..3 {
            kept.run(&["key", "issue", "crm"]).ended(0);
        }
        kept.run(&["client", "delete", "nobody"]).ended(1);
        kept
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }

    fn ledger(&self) -> PathBuf {
        self.path().join(".doorward/ledger")
    }

    /// The entries that a search finds.
    fn search(&self, arguments: &[&str]) -> Vec<Value> {
        lines(
            &self
                .run(&[&["audit", "search", "--json"], arguments].concat())
                .ended(0),
        )
    }

    fn verify(&self, code: i32) -> Value {
        self.run(&["audit", "verify", "--json"]).ended(code).json()
    }
}

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn texts<'v>(entries: &'v [Value], member: &str) -> Vec<&'v str> {
    let texts = entries.iter();
    texts
        .map(|entry| entry[member].as_str().unwrap_or_default())
        .collect()
}

/// Every file of a folder, those in it included.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let to = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, &to).unwrap();
    }
}
