//! From what was found to where it stood.

use gix::ObjectId;

use super::{
    HistoryOptions,
    history::Found,
    jobs::{Ends, Jobs},
    passes::Passes,
    report::Job,
    store::Objects,
    sweep::Seen,
    tips::Tips,
    trace::{Events, Order, Reduced, Trees, Wanted},
};

/// Where what was found stood, to be told.
#[derive(Default)]
pub(crate) struct Trail {
    pub(crate) jobs: Vec<Job>,
    /// Messages of commits and tags.
    pub(crate) messages: Vec<(ObjectId, Box<[Seen]>)>,
    /// What could not be followed, and why.
    pub(crate) not_followed: Vec<(String, String)>,
}

impl Trail {
    fn not_followed(&mut self, what: &str, why: &str) {
        self.not_followed.push((what.to_owned(), why.to_owned()));
    }
}

/// Follows the history to where what was found stood.
pub(crate) fn follow(
    found: &Found,
    passes: &Passes<'_>,
    objects: &Objects,
    tips: &Tips,
    options: &HistoryOptions,
    threads: usize,
) -> Trail {
    let looked = &passes.looked;
    let wanted = Wanted::new(found.blobs.iter().map(|(id, _)| id));
    let trees = if found.blobs.is_empty() {
        Trees::default()
    } else {
        Trees::read(objects, &wanted, threads, |pack| passes.forest(pack))
    };
    let reduced = Reduced::of(trees);
    let mut trail = Trail {
        not_followed: reduced.skipped.clone(),
        ..Trail::default()
    };
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
        trail.not_followed("some paths", why);
    }
    if reduced.is_deep() {
        trail.not_followed("some paths", "folders in folders deeper than are followed");
    }
    if order.cut > 0 {
        let why = format!("{} commits have parents that are not here", order.cut);
        trail.not_followed("parts of the history", &why);
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
    trail.jobs = jobs.all;
    for (id, secrets) in &found.messages {
        let number = objects.number(id);
        let commit = number.and_then(|number| looked.commits.find(number));
        let reached = commit.is_some_and(|place| order.rank(place).is_some())
            || number.is_some_and(|number| ends.tags.binary_search(&number).is_ok());
        if reached || options.dangling {
            trail.messages.push((*id, secrets.clone()));
        }
    }
    trail
}
