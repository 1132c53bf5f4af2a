//! The scan of a whole history.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use gix::{ObjectId, objs::Kind};

use super::{
    GitError, HistoryOptions, HistorySink, Progress, Refs, Repository, Summary,
    range::scan_commits,
    report::{Job, Reporter},
    store::{LARGEST, Number, Objects, Reader},
    sweep::{Forest, Known, Looked, Looker, Root, Secrets, Seen, each_root},
    tips::Tips,
    trace::{Commits, Events, Order, Reduced, TagRow, Trees, Wanted},
};
use crate::Engine;

/// Looks for secrets in a whole history: in every blob once, and in the messages of commits and tags.
///
/// A secret is told of once for each path it stood at, as it stood when it came there; what no ref
/// leads to is left out unless it is asked for.
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
    for (what, why) in repository.elsewhere(&objects) {
        sink.not_looked_at(&what, &why);
    }
    let secrets = Secrets::default();
    let threads = threads(options.threads);
    let (mut looked, forests) = sweep(engine, &objects, &secrets, threads, sink);
    for (what, why) in &looked.skipped {
        sink.not_looked_at(what, why);
    }
    looked.commits.settle();
    let summary = Summary {
        blobs: looked.count,
        bytes: looked.bytes,
        new_bytes: looked.regions,
        commits: looked.commits.count() as u64,
        remembered: 0,
    };
    let tips = Tips::of(repository, options);
    for (what, why) in &tips.skipped {
        sink.not_looked_at(what, why);
    }
    let found = Found::of(&mut looked);
    if !found.blobs.is_empty() || !found.messages.is_empty() {
        let reporter = Reporter::new(engine, &objects, &secrets, sink);
        trace(
            &found, &looked, &objects, &tips, options, threads, &forests, reporter,
        );
    }
    Ok(summary)
}

/// Blobs and messages with secrets, each once.
pub(crate) struct Found {
    pub(crate) blobs: Vec<(ObjectId, Box<[Seen]>)>,
    pub(crate) messages: Vec<(ObjectId, Box<[Seen]>)>,
}

impl Found {
    fn of(looked: &mut Looked) -> Self {
        let mut blobs = std::mem::take(&mut looked.blobs);
        blobs.sort_unstable();
        blobs.dedup_by_key(|(id, _)| *id);
        let mut messages = std::mem::take(&mut looked.messages);
        messages.sort_unstable();
        messages.dedup_by_key(|(id, _)| *id);
        Self { blobs, messages }
    }
}

type Forests = Vec<Option<Arc<Forest>>>;

/// Looks at all objects.
fn sweep(
    engine: &Engine,
    objects: &Objects,
    secrets: &Secrets,
    threads: usize,
    sink: &dyn HistorySink,
) -> (Looked, Forests) {
    let mut all = Looked::default();
    let mut forests: Forests = Vec::new();
    let mut seen: HashMap<ObjectId, ()> = HashMap::new();
    let done = AtomicU64::new(0);
    let mut total = objects.loose().len() as u64;
    for pack in objects.packs() {
        let number = pack.file.number();
        let forest = Arc::new(Forest::of(pack, &mut Reader::default()));
        for (at, fault) in &forest.broken {
            let id = forest
                .id(objects, number, *at)
                .map_or_else(String::new, |id| id.to_string());
            all.skipped
                .push((format!("object {id}"), fault.to_string()));
        }
        let circles = forest.in_circles();
        if circles > 0 {
            let why = format!(
                "broken: {circles} deltas are built on each other in a circle, or on what is broken"
            );
            all.skipped.push((pack.name.clone(), why));
        }
        let roots = roots(&forest, pack.file.len(), threads);
        total += roots.len() as u64;
        let known = |id: &gix::oid| -> Known {
            let earlier = objects.packs().iter().take(number as usize);
            match earlier.into_iter().any(|pack| pack.place(id).is_some()) {
                true if seen.contains_key(&id.to_owned()) => Known::Hit,
                true => Known::Clean,
                false => Known::No,
            }
        };
        let known = (number > 0).then_some(&known as &(dyn Fn(&gix::oid) -> Known + Sync));
        let make = || Looker::new(engine, objects, secrets).of_pack(number, &forest, known);
        let step = |count: usize| {
            let done = done.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
            sink.progress(Progress { done, total });
            true
        };
        let lookers = each_root(objects, number, &forest, &roots, threads, make, step);
        let looked: Vec<Looked> = lookers.into_iter().map(|looker| looker.looked).collect();
        for looked in looked {
            seen.extend(looked.blobs.iter().map(|(id, _)| (*id, ())));
            all.append(looked);
        }
        forests.push(Some(forest));
    }
    loose(engine, objects, secrets, &mut all);
    sink.progress(Progress { done: total, total });
    (all, forests)
}

/// The families that hold what is looked at, the heaviest first: one that is taken last would be
/// waited for.
fn roots(forest: &Forest, end: u64, threads: usize) -> Vec<Root> {
    let looked_at = forest
        .roots
        .iter()
        .filter(|root| root.kind != Some(Kind::Tree));
    let mut roots: Vec<(u64, Root)> = looked_at
        .map(|root| (forest.weight(root.at, end), *root))
        .collect();
    let heavy = roots.iter().map(|(weight, _)| weight).sum::<u64>() / (threads as u64 * 64).max(1);
    roots.sort_by_key(|(weight, root)| (std::cmp::Reverse((*weight).max(heavy)), root.at));
    roots.into_iter().map(|(_, root)| root).collect()
}

fn loose(engine: &Engine, objects: &Objects, secrets: &Secrets, all: &mut Looked) {
    let mut reader = Reader::default();
    let mut bytes = Vec::new();
    let mut looker = Looker::new(engine, objects, secrets);
    for id in objects.loose() {
        if objects.home(id, 0).is_some() {
            continue;
        }
        match objects.read(&mut reader, id, LARGEST, &mut bytes) {
            Ok(kind) => looker.object(*id, kind, &bytes),
            Err(fault) => {
                let what = format!("object {id}");
                looker.looked.skipped.push((what, fault.to_string()));
            }
        }
    }
    all.append(looker.looked);
}

/// Finds where what was found stood, and tells of it.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one scan, each of another's making"
)]
fn trace(
    found: &Found,
    looked: &Looked,
    objects: &Objects,
    tips: &Tips,
    options: &HistoryOptions,
    threads: usize,
    forests: &Forests,
    mut reporter: Reporter<'_>,
) {
    let wanted = Wanted::new(found.blobs.iter().map(|(id, _)| id));
    let forest = |pack: u32| forests.get(pack as usize).cloned().flatten();
    let trees = if found.blobs.is_empty() {
        Trees::default()
    } else {
        Trees::read(objects, &wanted, threads, forest)
    };
    let reduced = Reduced::of(trees);
    for (what, why) in &reduced.skipped {
        reporter.not_looked_at(what, why);
    }
    let ends = Ends::of(tips, objects, &looked.commits, &looked.tags);
    let order = Order::from(&looked.commits, ends.commits.iter().copied());
    let seen =
        |blob: u32| -> &[Seen] { found.blobs.get(blob as usize).map_or(&[], |(_, seen)| seen) };
    let head = tips
        .head
        .and_then(|id| looked.commits.find(objects.number(&id)?));
    let events = Events::of(&looked.commits, &order, &reduced, &ends.commits, head, seen);
    if events.cut {
        let why = "blobs with secrets stand at more paths than are followed";
        reporter.not_looked_at("some paths", why);
    }
    if reduced.is_deep() {
        reporter.not_looked_at("some paths", "folders in folders deeper than are followed");
    }
    if order.cut > 0 {
        let why = format!("{} commits have parents that are not here", order.cut);
        reporter.not_looked_at("parts of the history", &why);
    }
    let mut jobs = Jobs::default();
    jobs.standing(&events, &looked.commits, objects, found);
    jobs.of_refs(&ends, &reduced, objects, found);
    if options.dangling {
        let all: Vec<u32> = (0..looked.commits.count() as u32).collect();
        let order = Order::from(&looked.commits, all.iter().copied());
        let events = Events::of(&looked.commits, &order, &reduced, &all, None, seen);
        jobs.standing(&events, &looked.commits, objects, found);
        jobs.by_themselves(found);
    }
    reporter.blobs(jobs.all);
    for (id, secrets) in &found.messages {
        let number = objects.number(id);
        let commit = number.and_then(|number| looked.commits.find(number));
        let reached = commit.is_some_and(|place| order.rank(place).is_some())
            || number.is_some_and(|number| ends.tags.binary_search(&number).is_ok());
        if reached || options.dangling {
            reporter.message(*id, secrets);
        }
    }
}

/// What is to be told.
#[derive(Default)]
struct Jobs {
    all: Vec<Job>,
    /// Secrets that are told of already: what leads to them next is not told.
    told: HashSet<Seen>,
}

impl Jobs {
    /// Secrets at paths of commits.
    fn standing(&mut self, events: &Events, commits: &Commits, objects: &Objects, found: &Found) {
        let before = self.told.clone();
        for standing in &events.all {
            let blob = found.blobs.get(standing.blob as usize);
            let (Some((blob, _)), false) = (blob, before.contains(&standing.secret)) else {
                continue;
            };
            let last = (!standing.present).then(|| objects.id(commits.number(standing.last)));
            self.told.insert(standing.secret);
            self.all.push(Job {
                blob: *blob,
                secret: standing.secret,
                path: Some(standing.path.clone()),
                name: None,
                introduced: objects.id(commits.number(standing.introduced)),
                last: last.flatten(),
            });
        }
    }

    /// Secrets that a ref leads to without a commit.
    fn of_refs(&mut self, ends: &Ends, reduced: &Reduced, objects: &Objects, found: &Found) {
        /// How many blobs of one such tree are told.
        const ROOM: usize = 10_000;
        for (number, name) in &ends.others {
            if let Some(id) = objects.id(*number)
                && let Ok(at) = found.blobs.binary_search_by_key(&id, |(id, _)| *id)
            {
                self.blob(found, at, None, Some(name.clone()));
            }
            for change in reduced.whole(reduced.shape(*number), ROOM) {
                let path = reduced.path(&change.path);
                self.blob(
                    found,
                    change.new.unwrap_or_default() as usize,
                    Some(path),
                    None,
                );
            }
        }
    }

    /// Secrets in blobs that nothing leads to.
    fn by_themselves(&mut self, found: &Found) {
        for at in 0..found.blobs.len() {
            self.blob(found, at, None, None);
        }
    }

    fn blob(&mut self, found: &Found, at: usize, path: Option<String>, name: Option<String>) {
        let Some((blob, secrets)) = found.blobs.get(at) else {
            return;
        };
        for secret in secrets {
            if self.told.insert(*secret) {
                self.all.push(Job {
                    blob: *blob,
                    secret: *secret,
                    path: path.clone(),
                    name: name.clone(),
                    introduced: None,
                    last: None,
                });
            }
        }
    }
}

/// What the tips lead to.
pub(crate) struct Ends {
    /// Places among the commits.
    pub(crate) commits: Vec<u32>,
    /// Tags that are objects.
    pub(crate) tags: Vec<Number>,
    /// Other objects, with the ref that leads to them.
    pub(crate) others: Vec<(Number, String)>,
}

impl Ends {
    fn of(tips: &Tips, objects: &Objects, commits: &Commits, tags: &[TagRow]) -> Self {
        /// The most tags of tags that are followed.
        const TAGS: usize = 64;
        let targets: HashMap<Number, Number> =
            tags.iter().map(|row| (row.tag, row.target)).collect();
        let mut ends = Self {
            commits: Vec::new(),
            tags: Vec::new(),
            others: Vec::new(),
        };
        for tip in &tips.all {
            let Some(mut number) = objects.number(&tip.id) else {
                continue;
            };
            for _ in 0..TAGS {
                match targets.get(&number) {
                    Some(target) => {
                        ends.tags.push(number);
                        number = *target;
                    }
                    None => break,
                }
            }
            match commits.find(number) {
                Some(place) => ends.commits.push(place),
                None => ends.others.push((number, tip.name.clone())),
            }
        }
        ends.commits.sort_unstable();
        ends.commits.dedup();
        ends.tags.sort_unstable();
        ends
    }
}

/// How many threads are meant.
pub(crate) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked.min(256),
    }
}
