//! What the commits of a range add.

use std::collections::{HashMap, HashSet};

use gix::{ObjectId, objs::Kind};

use super::{
    GitError, HistoryOptions, HistorySink, Progress, Refs, Repository, Summary, added::Adder,
    message::message, report::made_by, tips::Tips, trace::CommitRow,
};
use crate::Engine;

/// The most changed files of one commit that are looked at.
const FILES: usize = 200_000;
/// At how many paths a blob with a secret is looked at.
const PATHS: u32 = 100;
/// The largest commit that is read, in bytes.
const COMMIT: u64 = 16 << 20;

/// Looks for secrets in what the commits of a range add: in each file as each commit makes it, as far
/// as none of its parents has it, and in their messages.
///
/// `range` is `A..B`, with anything that names a commit; `A` alone is all that leads to A. As git
/// gives them to a pre-push hook, an id of zeros as `A`, or the id of a commit that is not here, is
/// for all that any remote has; as `B`, it is for nothing.
///
/// # Errors
/// When the range names no commits.
pub fn scan_range(
    engine: &Engine,
    repository: &Repository,
    range: &str,
    sink: &dyn HistorySink,
) -> Result<Summary, GitError> {
    let refs = Refs::Range(range.to_owned());
    scan_commits(engine, repository, &refs, &HistoryOptions::default(), sink)
}

pub(crate) fn scan_commits(
    engine: &Engine,
    repository: &Repository,
    refs: &Refs,
    options: &HistoryOptions,
    sink: &dyn HistorySink,
) -> Result<Summary, GitError> {
    let objects = repository.objects();
    for (what, why) in repository.elsewhere(&objects) {
        sink.not_looked_at(&what, &why);
    }
    let mut adder = Adder::new(engine, &objects, sink);
    let ids = commits(repository, refs, options, sink, &mut adder)?;
    let (total, mut summary) = (ids.len() as u64, Summary::default());
    let mut clean: HashSet<ObjectId> = HashSet::new();
    let mut paths: HashMap<ObjectId, u32> = HashMap::new();
    let mut bytes = Vec::new();
    for (done, id) in (0..).zip(ids) {
        sink.progress(Progress { done, total });
        let row = match adder.trees.object(&id, COMMIT, &mut bytes) {
            Ok(Kind::Commit) => CommitRow::parse(&bytes),
            Ok(_) => None,
            Err(fault) => {
                sink.not_looked_at(&format!("commit {id}"), &fault.to_string());
                continue;
            }
        };
        let Some(row) = row else {
            sink.not_looked_at(&format!("commit {id}"), "broken: it names no tree");
            continue;
        };
        summary.commits += 1;
        let made = made_by(engine, &mut engine.scratch(), id, &bytes);
        adder.message("commit", &id, message(&bytes), Some(&made));
        let mut before = Vec::new();
        for parent in &row.parents {
            let read = adder.trees.object(parent, COMMIT, &mut bytes);
            match read.ok().and_then(|_| CommitRow::parse(&bytes)) {
                Some(parent) => before.push(parent.tree),
                None => sink.not_looked_at(
                    &format!("commit {parent}"),
                    "it is not here; what its child has counts as added",
                ),
            }
        }
        let mut room = FILES;
        for changed in adder.trees.changed(row.tree, &before, &mut room) {
            if clean.contains(&changed.new) {
                continue;
            }
            let paths = paths.entry(changed.new).or_default();
            *paths += 1;
            if *paths > PATHS {
                if *paths == PATHS + 1 {
                    let why = format!("it stands at more than {PATHS} paths");
                    sink.not_looked_at(&format!("object {}", changed.new), &why);
                }
                continue;
            }
            let mut added = false;
            let size = adder.look(&changed, || {
                added = true;
                Some(made.clone())
            });
            summary.blobs += 1;
            summary.bytes += size;
            if !added && changed.old.is_empty() {
                clean.insert(changed.new);
            }
        }
        if room == 0 {
            let why = format!("the commit changes more than {FILES} files");
            sink.not_looked_at(&format!("commit {id}"), &why);
        }
        adder.tell_skipped();
    }
    summary.new_bytes = summary.bytes;
    Ok(summary)
}

/// The commits that are meant, older before newer.
fn commits(
    repository: &Repository,
    refs: &Refs,
    options: &HistoryOptions,
    sink: &dyn HistorySink,
    adder: &mut Adder<'_>,
) -> Result<Vec<ObjectId>, GitError> {
    use gix::revision::walk::Sorting;
    use gix::traverse::commit::simple::CommitTimeOrder::NewestFirst;
    let local = repository.inner.to_thread_local();
    let (ends, hidden, sorting) = match refs {
        Refs::Range(spec) => match ends(repository, &local, spec, options, sink, adder)? {
            Some((end, hidden)) => (vec![end], hidden, Sorting::ByCommitTime(NewestFirst)),
            None => return Ok(Vec::new()),
        },
        Refs::All | Refs::Since(_) => {
            let tips = Tips::of(repository, options);
            for (what, why) in &tips.skipped {
                sink.not_looked_at(what, why);
            }
            let mut ends = Vec::new();
            for tip in &tips.all {
                match peel(adder, tip.id, true) {
                    Some(id) => ends.push(id),
                    None => sink.not_looked_at(&tip.name, "it leads to no commit that is here"),
                }
            }
            ends.sort_unstable();
            ends.dedup();
            let sorting = match refs {
                Refs::Since(seconds) => Sorting::ByCommitTimeCutoff {
                    order: NewestFirst,
                    seconds: *seconds,
                },
                _ => Sorting::ByCommitTime(NewestFirst),
            };
            (ends, Vec::new(), sorting)
        }
    };
    let mut found = Vec::new();
    let walk = local.rev_walk(ends).with_hidden(hidden).sorting(sorting);
    match walk.all() {
        Ok(walk) => {
            for commit in walk {
                match commit {
                    Ok(commit) => found.push(commit.id),
                    Err(error) => {
                        sink.not_looked_at("parts of the history", &error.to_string());
                        // What follows a commit that cannot be read cannot be told apart from it.
                        break;
                    }
                }
            }
        }
        Err(error) => sink.not_looked_at("the history", &error.to_string()),
    }
    found.reverse();
    Ok(found)
}

/// The commit that a range ends at, and those that it begins behind; `None` for a branch that is
/// removed.
fn ends(
    repository: &Repository,
    local: &gix::Repository,
    spec: &str,
    options: &HistoryOptions,
    sink: &dyn HistorySink,
    adder: &mut Adder<'_>,
) -> Result<Option<(ObjectId, Vec<ObjectId>)>, GitError> {
    let wrong = |why: String| GitError::Revision {
        spec: spec.to_owned(),
        why,
    };
    if spec.contains("...") {
        return Err(wrong("three dots name two sides, not one".to_owned()));
    }
    let (from, to) = match spec.split_once("..") {
        Some((from, to)) => (Some(from), to),
        None => (None, spec),
    };
    let is_zero = |name: &str| name.len() >= 40 && name.bytes().all(|byte| byte == b'0');
    if is_zero(to) {
        return Ok(None);
    }
    let resolve = |name: &str, look: bool, adder: &mut Adder<'_>| -> Result<ObjectId, GitError> {
        let name = if name.is_empty() { "HEAD" } else { name };
        let id = local
            .rev_parse_single(name)
            .map_err(|error| wrong(format!("{name:?} is not known ({})", first_line(&error))))?;
        peel(adder, id.detach(), look)
            .ok_or_else(|| wrong(format!("{name:?} is no commit that is here")))
    };
    let end = resolve(to, true, adder)?;
    let Some(from) = from else {
        return Ok(Some((end, Vec::new())));
    };
    // An id in full is a hook's; a name that is not known is a slip of the writer's.
    let is_id =
        from.len() == repository.hash.len_in_hex() && ObjectId::from_hex(from.as_bytes()).is_ok();
    match resolve(from, false, adder) {
        Ok(from) if !is_zero(from.to_string().as_str()) => return Ok(Some((end, vec![from]))),
        Err(error) if !is_id => return Err(error),
        _ => {}
    }
    if !is_zero(from) {
        let why = "it is not here; what no remote has counts as added";
        sink.not_looked_at(&format!("commit {from}"), why);
    }
    let tips = Tips::of(repository, options);
    let remotes = tips
        .all
        .iter()
        .filter(|tip| tip.name.starts_with("refs/remotes/"));
    let hidden = remotes
        .filter_map(|tip| peel(adder, tip.id, false))
        .collect();
    Ok(Some((end, hidden)))
}

/// The commit that an id leads to, through tags, whose messages are looked at if `look`.
fn peel(adder: &mut Adder<'_>, id: ObjectId, look: bool) -> Option<ObjectId> {
    /// The most tags of tags that are followed.
    const TAGS: usize = 64;
    let (mut id, mut bytes) = (id, Vec::new());
    for _ in 0..TAGS {
        match adder.trees.object(&id, COMMIT, &mut bytes).ok()? {
            Kind::Commit => return Some(id),
            Kind::Tag => {
                if look {
                    adder.message("tag", &id, message(&bytes), None);
                }
                id = super::trace::TagRow::target(&bytes)?;
            }
            _ => return None,
        }
    }
    None
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
