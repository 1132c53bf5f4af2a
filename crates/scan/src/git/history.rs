//! The scan of a whole history.

use gix::ObjectId;

use super::{
    GitError, HistoryOptions, HistorySink, Refs, Repository, Summary,
    memory::Memory,
    passes::Passes,
    range::scan_commits,
    recall::{Recalled, remember, state},
    report::Reporter,
    sweep::{Secrets, Seen},
    tips::Tips,
    trail::follow,
};
use crate::Engine;

/// Looks for secrets in a whole history: in every blob once, and in the messages of commits and tags.
///
/// A secret is told of once for each path it stood at, as it stood when it came there; what no ref
/// leads to is left out unless it is asked for.
///
/// With a cache folder, what was looked at before is not looked at again, but for what holds secrets:
/// those are not remembered.
///
/// # Errors
/// When a range names no commits.
pub fn scan_history(
    engine: &Engine,
    repository: &Repository,
    options: &HistoryOptions,
    sink: &dyn HistorySink,
) -> Result<Summary, GitError> {
    if options.refs != Refs::All {
        return scan_commits(engine, repository, &options.refs, options, sink);
    }
    let objects = repository.objects();
    let tips = Tips::of(repository, options);
    for (what, why) in repository.elsewhere(&objects).iter().chain(&tips.skipped) {
        sink.not_looked_at(what, why);
    }
    let secrets = Secrets::default();
    let threads = threads(options.threads);
    let mut reporter = Reporter::new(engine, &objects, &secrets, sink);
    let file = options.cache.as_deref();
    let file = file.map(|folder| Memory::file(folder, repository, &engine.version()));
    let memory = file.as_deref().and_then(Memory::read);
    let recalled = memory.and_then(|memory| Recalled::of(memory, &objects, &mut reporter));
    let mut recalled = recalled.unwrap_or_default();

    let past = recalled.past();
    let mut passes = Passes::new(engine, &objects, &secrets, sink, threads, past);
    let remembered = passes.look();
    let mut skipped = std::mem::take(&mut recalled.skipped);
    skipped.append(&mut passes.looked.skipped);
    for (what, why) in &skipped {
        sink.not_looked_at(what, why);
    }
    let found = Found::of(&mut passes, &mut recalled);
    let state = state(repository, &objects, &passes, &tips, options);
    let is_same = recalled.state == state;
    let trail = if is_same {
        std::mem::take(&mut recalled.trail)
    } else if found.blobs.is_empty() && found.messages.is_empty() {
        Default::default()
    } else {
        passes.commits_of_the_past();
        passes.looked.commits.settle();
        follow(&found, &passes, &objects, &tips, options, threads)
    };
    for (what, why) in &trail.not_followed {
        sink.not_looked_at(what, why);
    }
    let looked = &passes.looked;
    let summary = Summary {
        blobs: looked.count,
        bytes: looked.bytes,
        new_bytes: looked.regions,
        commits: looked.commits.count() as u64,
        remembered,
    };
    if let Some(file) = file.filter(|_| !is_same && looked.faults == 0) {
        let memory = remember(
            &passes,
            &objects,
            &found,
            &trail,
            skipped,
            state,
            &mut reporter,
        );
        if let Err(error) = memory.write(&file) {
            let what = format!("the cache {}", file.display());
            sink.not_looked_at(&what, &format!("it cannot be written: {error}"));
        }
    }
    reporter.blobs(trail.jobs);
    for (id, secrets) in &trail.messages {
        reporter.message(*id, secrets);
    }
    Ok(summary)
}

/// Blobs and messages with secrets, each once.
pub(crate) struct Found {
    pub(crate) blobs: Vec<(ObjectId, Box<[Seen]>)>,
    pub(crate) messages: Vec<(ObjectId, Box<[Seen]>)>,
}

impl Found {
    fn of(passes: &mut Passes<'_>, recalled: &mut Recalled) -> Self {
        let mut blobs = std::mem::take(&mut passes.looked.blobs);
        blobs.append(&mut recalled.blobs);
        blobs.sort_unstable();
        blobs.dedup_by_key(|(id, _)| *id);
        let mut messages = std::mem::take(&mut passes.looked.messages);
        messages.append(&mut recalled.messages);
        messages.sort_unstable();
        messages.dedup_by_key(|(id, _)| *id);
        Self { blobs, messages }
    }
}

/// How many threads are meant.
pub(crate) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked.min(256),
    }
}
