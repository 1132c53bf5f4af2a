//! The walk, and what each file of it is read with.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ignore::overrides::OverrideBuilder;
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::engine::{Cut, Engine, Scanned, Scratch, Skipped};

/// Which files of a tree are looked at.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// Leave out what `.gitignore`, `.ignore` and git's own excludes name.
    pub respect_ignores: bool,
    /// Look at files and folders whose names begin with a dot; `.git` is never looked into.
    pub hidden: bool,
    /// The largest file that is looked at, in bytes.
    pub max_file: u64,
    /// How many threads; 0 for as many as there are processors.
    pub threads: usize,
    /// Globs, as in `.gitignore`, of what is left out.
    pub excludes: Vec<String>,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            respect_ignores: true,
            hidden: true,
            max_file: 1 << 30,
            threads: 0,
            excludes: Vec::new(),
        }
    }
}

/// Takes what a scan of a tree finds, from many threads, in no order.
pub trait Sink: Sync {
    /// A file was looked at; also told of files in which nothing was found.
    fn file(&self, path: &Path, scanned: Scanned);

    /// Something that is not a file to look at could not be read, and why.
    fn fault(&self, path: Option<&Path>, why: String);

    /// Whether to go on.
    fn goes_on(&self) -> bool {
        true
    }
}

/// How far a scan is; read by others while it runs.
#[derive(Debug, Default)]
pub struct Counters {
    files: AtomicU64,
    bytes: AtomicU64,
    hits: AtomicU64,
}

impl Counters {
    /// Files looked at.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes looked at.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Hits.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Counts one more thing that was looked at.
    pub fn add(&self, bytes: u64, hits: usize) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.hits.fetch_add(hits as u64, Ordering::Relaxed);
    }
}

/// Looks through files and folders. Links are not followed; what is no regular file is passed by. A
/// root that is named is looked at whatever ignore files say.
///
/// The error is of the options: a glob that is none.
pub fn scan(
    engine: &Engine,
    roots: &[PathBuf],
    options: &TreeOptions,
    counters: &Counters,
    on: &dyn Sink,
) -> Result<(), String> {
    let Some(builder) = walker(roots, options)? else {
        return Ok(());
    };
    let stopped = AtomicBool::new(false);
    builder.build_parallel().run(|| {
        let mut scratch = engine.scratch();
        let mut buffer = Vec::new();
        let stopped = &stopped;
        Box::new(move |entry| {
            match entry {
                Ok(entry) => {
                    if entry.file_type().is_some_and(|kind| kind.is_file()) {
                        let path = entry.path();
                        let max = options.max_file;
                        let (scanned, bytes) = look(engine, &mut scratch, &mut buffer, path, max);
                        counters.add(bytes, scanned.hits.len());
                        on.file(path, scanned);
                    }
                }
                Err(error) => on.fault(None, error.to_string()),
            }
            if !on.goes_on() {
                stopped.store(true, Ordering::Relaxed);
            }
            if stopped.load(Ordering::Relaxed) {
                WalkState::Quit
            } else {
                WalkState::Continue
            }
        })
    });
    Ok(())
}

/// How many bytes there are to look at, by what the file system says: for who watches a scan. `None` when
/// it is told to stop, or the options are faulty.
pub fn total(roots: &[PathBuf], options: &TreeOptions, stop: &AtomicBool) -> Option<u64> {
    let mut all = 0_u64;
    for entry in walker(roots, options).ok()??.build() {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let Ok(entry) = entry else { continue };
        let file = entry.file_type().is_some_and(|kind| kind.is_file());
        if file
            && let Ok(meta) = entry.metadata()
            && meta.len() <= options.max_file
        {
            all = all.saturating_add(meta.len());
        }
    }
    Some(all)
}

/// The walk over the files that are looked at; none without a root.
fn walker(roots: &[PathBuf], options: &TreeOptions) -> Result<Option<WalkBuilder>, String> {
    let Some((first, others)) = roots.split_first() else {
        return Ok(None);
    };
    let mut builder = WalkBuilder::new(first);
    for root in others {
        builder.add(root);
    }
    let mut excludes = OverrideBuilder::new("");
    for glob in &options.excludes {
        excludes
            .add(&format!("!{glob}"))
            .map_err(|error| format!("the exclude {glob:?} is no glob: {error}"))?;
    }
    let excludes = excludes.build().map_err(|error| error.to_string())?;
    builder
        .standard_filters(options.respect_ignores)
        .require_git(false)
        .hidden(!options.hidden)
        .follow_links(false)
        .overrides(excludes)
        .threads(options.threads)
        .filter_entry(|entry| {
            entry.depth() == 0 || entry.file_name() != ".git" || !is_folder(entry)
        });
    Ok(Some(builder))
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
}

/// One file: what is in it, and how many bytes were read.
fn look(
    engine: &Engine,
    scratch: &mut Scratch,
    buffer: &mut Vec<u8>,
    path: &Path,
    max: u64,
) -> (Scanned, u64) {
    let name = path.to_string_lossy();
    let name = if std::path::MAIN_SEPARATOR == '/' {
        name
    } else {
        name.replace('\\', "/").into()
    };
    let skipped = |cut| Scanned {
        hits: Vec::new(),
        skipped: vec![Skipped { inner: None, cut }],
    };
    let Ok(mut file) = open(path) else {
        return (skipped(Cut::Unread), 0);
    };
    let Ok(meta) = file.metadata() else {
        return (skipped(Cut::Unread), 0);
    };
    if !meta.is_file() {
        return (Scanned::default(), 0);
    }
    if meta.len() > max {
        return (skipped(Cut::Size), 0);
    }
    let held = engine.limits().held as u64;
    if meta.len() >= held {
        let mut limited = file.take(max);
        let scanned = engine.scan_reader(scratch, Some(&name), &mut limited);
        return (scanned, max - limited.limit());
    }
    buffer.clear();
    // One byte more than it says it has: then its end is seen without another look.
    buffer.reserve(meta.len() as usize + 1);
    match (&mut file).take(held).read_to_end(buffer) {
        Ok(read) => (engine.scan(scratch, Some(&name), buffer), read as u64),
        Err(_) => (skipped(Cut::Unread), 0),
    }
}

/// Opens a file to read: no link, and without waiting for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}
