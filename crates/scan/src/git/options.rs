//! What is asked of a scan of a history, and what comes of it.

use std::path::PathBuf;

use doorward_finding::Introduced;

use crate::Hit;

/// What is asked of a scan of a history.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// Which commits.
    pub refs: Refs,
    /// Objects that no ref leads to as well: dropped branches, amended commits, dropped stashes.
    pub dangling: bool,
    /// Notes on commits.
    pub notes: bool,
    /// All stashes, not the last one alone.
    pub stashes: bool,
    /// How many threads look; 0 for as many as there are processors.
    pub threads: usize,
    /// The folder in which is remembered what was looked at; `None` to remember nothing.
    pub cache: Option<PathBuf>,
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self {
            refs: Refs::All,
            dangling: false,
            notes: true,
            stashes: true,
            threads: 0,
            cache: None,
        }
    }
}

/// Which commits are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Refs {
    /// All that any ref leads to.
    #[default]
    All,
    /// Those of a range, `A..B`: what B leads to and A does not.
    Range(String),
    /// Those since a time, in seconds since 1970, by their committers' clocks.
    Since(i64),
}

/// A secret found in a history.
#[derive(Debug, Clone)]
pub struct HistoryHit {
    /// The hit, as it stood when it was introduced.
    pub hit: Hit,
    /// What it stood in.
    pub place: HistoryPlace,
    /// The commit that brought it there; `None` where no commit did.
    pub introduced: Option<Introduced>,
    /// The last commit that still has it there, if the commit of `HEAD` does not.
    pub last_seen: Option<Introduced>,
}

/// What a secret in a history stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryPlace {
    /// A file of one or more commits.
    File {
        /// Its path, with `/`.
        path: String,
        /// The blob's object id, in hex.
        blob: String,
    },
    /// The message of a commit or a tag.
    Message {
        /// `commit` or `tag`.
        of: &'static str,
        /// Its object id, in hex.
        id: String,
    },
    /// A blob that is in no commit: what a ref points to by itself, or what nothing leads to.
    Blob {
        /// Its object id, in hex.
        id: String,
        /// The ref that leads to it, if one does.
        name: Option<String>,
    },
}

/// Who is told of what a scan finds, by any of its threads.
pub trait HistorySink: Sync {
    /// A secret was found. Told once for each path that it stood at.
    fn found(&self, hit: HistoryHit);
    /// Something was not looked at, and why.
    fn not_looked_at(&self, what: &str, why: &str);
    /// How far it is. Called often.
    fn progress(&self, _progress: Progress) {}
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Families of objects that were looked at; an object that no other is built on is one.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// What a scan looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Blobs that were looked at.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of them that were not seen before in what they are built on.
    pub new_bytes: u64,
    /// Commits that were looked at.
    pub commits: u64,
    /// Objects of which it was remembered what they hold.
    pub remembered: u64,
}
