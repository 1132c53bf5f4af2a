//! Histories, ranges, what is staged, what is pushed.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use doorward_scan::Engine;
use doorward_scan::git::{
    self, GitError, HistoryHit, HistoryOptions, HistoryPlace, HistorySink, Progress, Refs,
    Repository, Summary,
};
use doorward_scan::report::Collector;

use super::look::Watched;
use crate::cli::ScanRun;
use crate::exit::Failure;

/// Most bytes, and most lines, that git tells a hook.
const TOLD_MAX: u64 = 16 * 1024 * 1024;
const LINES_MAX: usize = 10_000;
/// Digits of an object id that name it for people.
const SHORT: usize = 12;

/// Takes what a scan of a repository finds.
struct Found<'a> {
    collector: &'a Collector,
    seen: &'a Watched,
}

impl HistorySink for Found<'_> {
    fn found(&self, found: HistoryHit) {
        let short = |id: &str| id.chars().take(SHORT).collect::<String>();
        let path = match found.place {
            HistoryPlace::File { path, .. } => path,
            HistoryPlace::Message { of, id } => format!("({of} {}'s message)", short(&id)),
            HistoryPlace::Blob { id, name: None } => format!("(blob {}, in no commit)", short(&id)),
            HistoryPlace::Blob {
                id,
                name: Some(name),
            } => format!("({name}: blob {})", short(&id)),
        };
        self.collector
            .hit(found.hit, &path, found.introduced, found.last_seen);
    }

    fn not_looked_at(&self, what: &str, why: &str) {
        self.collector.not_looked_at(format!("{what}: {why}"));
    }

    fn progress(&self, progress: Progress) {
        self.seen.done.store(progress.done, Ordering::Relaxed);
        self.seen.total.store(progress.total, Ordering::Relaxed);
    }
}

fn failed(error: GitError) -> Failure {
    Failure::usage(error)
}

fn open(repo: &Path) -> Result<Repository, Failure> {
    git::open(repo).map_err(failed)
}

/// All of it, or what was committed since a time.
pub(super) fn whole(
    engine: &Engine,
    repo: &Path,
    run: &ScanRun,
    collector: &Collector,
    seen: &Watched,
) -> Result<String, Failure> {
    let repository = open(repo)?;
    let options = HistoryOptions {
        refs: match run.since {
            Some(since) => Refs::Since(since.0.millis().div_euclid(1_000)),
            None => Refs::All,
        },
        dangling: run.all_objects,
        threads: run.threads.map_or(0, usize::from),
        cache: (!run.no_cache).then(cache).flatten(),
        ..HistoryOptions::default()
    };
    let found = Found { collector, seen };
    let looked = git::scan_history(engine, &repository, &options, &found).map_err(failed)?;
    let mut told = told(&looked);
    if looked.remembered > 0 {
        told.push_str(&format!(
            "; {} objects were looked at before",
            looked.remembered
        ));
    }
    Ok(told)
}

fn told(looked: &Summary) -> String {
    format!(
        "{} commits, {} blobs, {}",
        looked.commits,
        looked.blobs,
        indicatif::HumanBytes(looked.bytes)
    )
}

/// What the commits of a range add.
pub(super) fn range(
    engine: &Engine,
    repo: &Path,
    range: &str,
    collector: &Collector,
    seen: &Watched,
) -> Result<String, Failure> {
    let repository = open(repo)?;
    let found = Found { collector, seen };
    let looked = git::scan_range(engine, &repository, range, &found).map_err(failed)?;
    Ok(told(&looked))
}

/// What is staged.
pub(super) fn staged(
    engine: &Engine,
    repo: &Path,
    collector: &Collector,
    seen: &Watched,
) -> Result<String, Failure> {
    // Git tells its hook of the index that it commits: of `commit -a` it is another.
    let index = std::env::var_os("GIT_INDEX_FILE").map(PathBuf::from);
    let repository = open(repo)?.with_index(index);
    let found = Found { collector, seen };
    let looked = git::scan_staged(engine, &repository, &found).map_err(failed)?;
    Ok(format!("{} staged files", looked.blobs))
}

/// What git is about to push: as it tells the hook on standard input, or as the pre-commit framework
/// tells it in the environment.
pub(super) fn push(
    engine: &Engine,
    repo: &Path,
    collector: &Collector,
    seen: &Watched,
) -> Result<String, Failure> {
    let from = std::env::var("PRE_COMMIT_FROM_REF").ok();
    let to = std::env::var("PRE_COMMIT_TO_REF").ok();
    let ranges = match (from, to) {
        (Some(from), Some(to)) => vec![format!("{from}..{to}")],
        _ => ranges(&pushed()?)?,
    };
    let mut all = Vec::new();
    for one in ranges {
        all.push(range(engine, repo, &one, collector, seen)?);
    }
    Ok(match all.is_empty() {
        true => "nothing is pushed".to_owned(),
        false => all.join("; "),
    })
}

fn pushed() -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage(
            "--pre-push is for git's hook, which tells on standard input what is pushed; for a person \
             there is --range A..B",
        ));
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(TOLD_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format_args!("what is pushed can't be read: {error}")))?;
    Ok(text)
}

/// The ranges of lines of git's: `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`. Ids of zeros are what is
/// deleted, and what is new there.
fn ranges(text: &str) -> Result<Vec<String>, Failure> {
    let mut ranges = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(LINES_MAX)
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, remote] = words.as_slice() else {
            return Err(Failure::usage("what git tells of a push is not understood"));
        };
        let is_id = |id: &str| {
            matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if !is_id(local) || !is_id(remote) {
            return Err(Failure::usage("what git tells of a push is not understood"));
        }
        if !local.bytes().all(|byte| byte == b'0') {
            ranges.push(format!("{remote}..{local}"));
        }
    }
    ranges.dedup();
    Ok(ranges)
}

/// The user's folder of what may be lost.
fn cache() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("doorward").join("scan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_tells_is_read() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let text = format!(
            "refs/heads/x {a} refs/heads/x {b}\n(delete) {zero} refs/heads/y {b}\n\
             refs/heads/z {a} refs/heads/z {zero}\n"
        );
        assert_eq!(
            ranges(&text).unwrap(),
            [format!("{b}..{a}"), format!("{zero}..{a}")]
        );
        assert!(ranges("\n").unwrap().is_empty());
        for wrong in ["x", "a b c d", &format!("r {a} r --all")] {
            assert!(ranges(wrong).is_err(), "{wrong}");
        }
    }
}
