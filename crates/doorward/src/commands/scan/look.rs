//! Looking: what is scanned goes through the engine, and what is found to the collector.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use doorward_scan::report::{Collector, Gathered};
use doorward_scan::tree::{self, Counters, Sink, TreeOptions};
use doorward_scan::{Engine, Limits, Scanned};

use super::bar::{Bar, Counted};
use super::history;
use super::source::Source;
use crate::cli::ScanRun;
use crate::exit::Failure;

/// How often a bar is drawn.
const DRAWN: Duration = Duration::from_millis(100);
/// Largest file that is looked at, unless said otherwise.
const FILE_MAX: u64 = 256_000_000;

/// What came of looking.
pub(super) struct Looked {
    /// What was found.
    pub(super) gathered: Gathered,
    /// What was looked at, in words.
    pub(super) told: String,
}

/// The engine's limits, as they are asked for.
pub(super) fn limits(run: &ScanRun) -> Limits {
    let mut limits = Limits::default();
    if let Some(depth) = run.archive_depth {
        limits.depth = depth;
    }
    if let Some(depth) = run.decode_depth {
        limits.decode_depth = depth;
    }
    limits
}

/// Looks at all of it.
///
/// # Errors
/// When there is nothing to look at, or it can't be read at all.
pub(super) fn look(engine: &Engine, source: &Source, run: &ScanRun) -> Result<Looked, Failure> {
    let collector = Collector::new(engine.detectors().rules().map(|one| one.rule().clone()));
    let seen = Watched::default();
    let watch = !run.quiet && std::io::stderr().is_terminal();
    let done = match (source, watch) {
        (Source::Stdin, _) => stdin(engine, &collector),
        (_, false) => with_source(engine, source, run, &collector, &seen),
        (_, true) => {
            let counted = match source {
                Source::Files(_) => Counted::Bytes,
                _ => Counted::Objects,
            };
            let ended = AtomicBool::new(false);
            thread::scope(|scope| {
                let watcher = scope.spawn(|| draw(&seen, &collector, counted, &ended));
                // Beside the work: how much there is, once it is worth knowing.
                let counter = match source {
                    Source::Files(paths) => Some(scope.spawn(|| count(paths, run, &seen, &ended))),
                    _ => None,
                };
                let done = with_source(engine, source, run, &collector, &seen);
                ended.store(true, Ordering::Relaxed);
                watcher.thread().unpark();
                if let Some(counter) = &counter {
                    counter.thread().unpark();
                }
                // It draws, and nothing else: the work is done without it.
                let _ = watcher.join();
                done
            })
        }
    };
    let told = done?;
    Ok(Looked {
        gathered: collector.into_gathered(),
        told,
    })
}

/// How far it is, for who watches.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) files: Counters,
    pub(super) done: AtomicU64,
    /// 0 until it is known.
    pub(super) total: AtomicU64,
}

fn draw(seen: &Watched, collector: &Collector, counted: Counted, ended: &AtomicBool) {
    let mut bar = Bar::new(counted);
    while !ended.load(Ordering::Relaxed) {
        thread::park_timeout(DRAWN);
        let done = match counted {
            Counted::Bytes => seen.files.bytes(),
            Counted::Objects => seen.done.load(Ordering::Relaxed),
        };
        let total = Some(seen.total.load(Ordering::Relaxed)).filter(|total| *total > 0);
        bar.at(done, total, collector.len());
    }
}

/// Finds out how much there is to look at, where a scan takes a while.
fn count(paths: &[PathBuf], run: &ScanRun, seen: &Watched, ended: &AtomicBool) {
    for _ in 0..5 {
        thread::park_timeout(DRAWN);
        if ended.load(Ordering::Relaxed) {
            return;
        }
    }
    if let Some(total) = tree::total(paths, &options(run), ended) {
        seen.total.store(total, Ordering::Relaxed);
    }
}

fn with_source(
    engine: &Engine,
    source: &Source,
    run: &ScanRun,
    collector: &Collector,
    seen: &Watched,
) -> Result<String, Failure> {
    match source {
        Source::Files(paths) => files(engine, paths, run, collector, seen),
        Source::Stdin => stdin(engine, collector),
        Source::History(repo) => history::whole(engine, repo, run, collector, seen),
        Source::Range(repo, range) => history::range(engine, repo, range, collector, seen),
        Source::Staged(repo) => history::staged(engine, repo, collector, seen),
        Source::Push(repo) => history::push(engine, repo, collector, seen),
    }
}

/// Takes what a scan of files finds.
struct Files<'a> {
    /// What paths are told relative to.
    root: Option<&'a Path>,
    collector: &'a Collector,
}

impl Files<'_> {
    fn told(&self, path: &Path) -> String {
        let path = match self.root.and_then(|root| path.strip_prefix(root).ok()) {
            Some(below) => below,
            None => path.strip_prefix("./").unwrap_or(path),
        };
        path.to_string_lossy().into_owned()
    }
}

impl Sink for Files<'_> {
    fn file(&self, path: &Path, scanned: Scanned) {
        if scanned.hits.is_empty() && scanned.skipped.is_empty() {
            return;
        }
        take(self.collector, &self.told(path), scanned);
    }

    fn fault(&self, path: Option<&Path>, why: String) {
        self.collector.not_looked_at(match path {
            Some(path) => format!("{}: {why}", self.told(path)),
            None => why,
        });
    }
}

/// Hands on what was found under a path.
pub(super) fn take(collector: &Collector, path: &str, scanned: Scanned) {
    for hit in scanned.hits {
        collector.hit(hit, path, None, None);
    }
    for skipped in scanned.skipped {
        collector.not_looked_at(match &skipped.inner {
            Some(inner) => format!("{path}!/{inner} {}", skipped.cut),
            None => format!("{path} {}", skipped.cut),
        });
    }
}

/// Which files are looked at.
fn options(run: &ScanRun) -> TreeOptions {
    TreeOptions {
        respect_ignores: !run.no_ignore,
        max_file: run.max_file_size.unwrap_or(FILE_MAX),
        threads: run.threads.map_or(0, usize::from),
        excludes: run.exclude.clone(),
        ..TreeOptions::default()
    }
}

fn files(
    engine: &Engine,
    paths: &[PathBuf],
    run: &ScanRun,
    collector: &Collector,
    seen: &Watched,
) -> Result<String, Failure> {
    for path in paths {
        // What is named and is not there is a mistake, and no empty folder.
        std::fs::symlink_metadata(path)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))?;
    }
    let root = match paths {
        [one] if one.is_dir() => Some(one.as_path()),
        _ => None,
    };
    let sink = Files { root, collector };
    tree::scan(engine, paths, &options(run), &seen.files, &sink).map_err(Failure::usage)?;
    Ok(format!(
        "{} files, {}",
        seen.files.files(),
        indicatif::HumanBytes(seen.files.bytes())
    ))
}

/// Counts what goes through.
struct Counting<R> {
    reader: R,
    bytes: u64,
    failed: Option<std::io::Error>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer);
        match read {
            Ok(count) => {
                self.bytes += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

fn stdin(engine: &Engine, collector: &Collector) -> Result<String, Failure> {
    let mut input = Counting {
        reader: std::io::stdin().lock(),
        bytes: 0,
        failed: None,
    };
    let scanned = engine.scan_reader(&mut engine.scratch(), None, &mut input);
    take(collector, "-", scanned);
    match input.failed {
        Some(error) => Err(Failure::usage(format_args!(
            "standard input can't be read: {error}"
        ))),
        None => Ok(indicatif::HumanBytes(input.bytes).to_string()),
    }
}
