//! The passes over all objects.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use gix::{ObjectId, objs::Kind};

use super::{
    HistorySink, Progress,
    memory::PackMark,
    store::{LARGEST, Objects, Reader},
    sweep::{Forest, Known, Looked, Looker, Root, Secrets, each_root},
};
use crate::Engine;

/// What was looked at in an earlier run.
#[derive(Default)]
pub(crate) struct Past {
    /// Packs of which every object was.
    pub(crate) packs: HashSet<PackMark>,
    /// Loose objects, and what they are.
    pub(crate) loose: HashMap<ObjectId, Kind>,
    /// Those of all of them that hold secrets.
    pub(crate) hits: HashSet<ObjectId>,
}

/// The passes over all objects of a store.
pub(crate) struct Passes<'a> {
    engine: &'a Engine,
    objects: &'a Objects,
    secrets: &'a Secrets,
    sink: &'a dyn HistorySink,
    threads: usize,
    past: Past,
    forests: Vec<OnceLock<Arc<Forest>>>,
    /// Packs of which something could not be read: what they have too is looked at in others.
    faulty: HashSet<u32>,
    done: AtomicU64,
    total: u64,
    pub(crate) looked: Looked,
    /// All loose objects that are in no pack, and what they are.
    pub(crate) loose: Vec<(ObjectId, Kind)>,
}

impl<'a> Passes<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        objects: &'a Objects,
        secrets: &'a Secrets,
        sink: &'a dyn HistorySink,
        threads: usize,
        past: Past,
    ) -> Self {
        let forests = objects.packs().iter().map(|_| OnceLock::new()).collect();
        Self {
            engine,
            objects,
            secrets,
            sink,
            threads,
            past,
            forests,
            faulty: HashSet::new(),
            done: AtomicU64::new(0),
            total: 0,
            looked: Looked::default(),
            loose: Vec::new(),
        }
    }

    /// The families of a pack.
    pub(crate) fn forest(&self, pack: u32) -> Option<Arc<Forest>> {
        let pack_of = self.objects.pack(pack).ok()?;
        let forest = self.forests.get(pack as usize)?;
        let make = || Arc::new(Forest::of(pack_of, &mut Reader::default()));
        Some(forest.get_or_init(make).clone())
    }

    fn is_past(&self, pack: u32) -> bool {
        let mark = self.objects.pack(pack).map(PackMark::of);
        mark.is_ok_and(|mark| self.past.packs.contains(&mark))
    }

    /// Looks at every object that was not looked at before. Gives back how many were.
    pub(crate) fn look(&mut self) -> u64 {
        let mut remembered = 0;
        for pack in self.objects.packs() {
            let number = pack.file.number();
            if self.is_past(number) {
                remembered += u64::from(pack.count());
            } else {
                self.pack(number);
            }
        }
        let objects = self.objects;
        let (mut reader, mut bytes) = (Reader::default(), Vec::new());
        let mut looker = Looker::new(self.engine, objects, self.secrets);
        for id in objects.loose() {
            if objects.home(id, 0).is_some() {
                continue;
            }
            if let Some(kind) = self.past.loose.get(id) {
                self.loose.push((*id, *kind));
                remembered += 1;
                continue;
            }
            match objects.read(&mut reader, id, LARGEST, &mut bytes) {
                Ok(kind) => {
                    self.loose.push((*id, kind));
                    looker.object(*id, kind, &bytes);
                }
                Err(fault) => looker.looked.fault(&format!("object {id}"), &fault),
            }
        }
        self.looked.append(looker.looked);
        remembered
    }

    /// Reads the commits and tags among what was looked at before, to go through the history.
    pub(crate) fn commits_of_the_past(&mut self) {
        let objects = self.objects;
        let known = |_: &gix::oid| Known::Clean;
        for pack in objects.packs() {
            let number = pack.file.number();
            let Some(forest) = self.forest(number).filter(|_| self.is_past(number)) else {
                continue;
            };
            let is_commit = |root: &&Root| matches!(root.kind, Some(Kind::Commit | Kind::Tag));
            let roots: Vec<Root> = forest.roots.iter().filter(is_commit).copied().collect();
            let make = || {
                let looker = Looker::new(self.engine, objects, self.secrets);
                looker.of_pack(number, &forest, Some(&known))
            };
            let done = each_root(objects, number, &forest, &roots, self.threads, make, |_| {});
            for looker in done {
                self.looked.append(looker.looked);
            }
        }
        let (mut reader, mut bytes) = (Reader::default(), Vec::new());
        let mut looker = Looker::new(self.engine, objects, self.secrets);
        for (id, kind) in &self.past.loose {
            let is_commit = matches!(kind, Kind::Commit | Kind::Tag);
            if is_commit && let Ok(kind) = objects.read(&mut reader, id, LARGEST, &mut bytes) {
                looker.row(*id, kind, &bytes);
            }
        }
        self.looked.append(looker.looked);
    }

    fn pack(&mut self, number: u32) {
        let (Ok(pack), Some(forest)) = (self.objects.pack(number), self.forest(number)) else {
            return;
        };
        let mut of_pack = Looked::default();
        for (at, fault) in &forest.broken {
            let id = forest.id(self.objects, number, *at);
            let id = id.map_or_else(|| at.to_string(), |id| id.to_string());
            of_pack.fault(&format!("object {id}"), fault);
        }
        let circles = forest.in_circles();
        if circles > 0 {
            let why = format!("broken: {circles} deltas are built on each other in a circle");
            of_pack.faults += 1;
            of_pack.skipped.push((pack.name.clone(), why));
        }
        let roots = roots(&forest, pack.file.len(), self.threads);
        self.total += roots.len() as u64;
        let earlier: Vec<u32> = (0..self.objects.packs().len() as u32)
            .filter(|other| self.is_past(*other) || *other < number && !self.faulty.contains(other))
            .collect();
        let seen: HashSet<ObjectId> = self
            .looked
            .blobs
            .iter()
            .chain(&self.looked.messages)
            .map(|(id, _)| *id)
            .collect();
        let known = |id: &gix::oid| -> Known {
            let mut packs = earlier
                .iter()
                .filter_map(|other| self.objects.pack(*other).ok());
            let owned = id.to_owned();
            if self.past.hits.contains(&owned) || seen.contains(&owned) {
                Known::Hit
            } else if packs.any(|pack| pack.place(id).is_some())
                || self.past.loose.contains_key(&owned)
            {
                Known::Clean
            } else {
                Known::No
            }
        };
        let nothing = earlier.is_empty() && self.past.loose.is_empty() && self.past.hits.is_empty();
        let known = (!nothing).then_some(&known as &(dyn Fn(&gix::oid) -> Known + Sync));
        let make = || {
            let looker = Looker::new(self.engine, self.objects, self.secrets);
            looker.of_pack(number, &forest, known)
        };
        let total = self.total;
        let step = |count: usize| {
            let done = self.done.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
            self.sink.progress(Progress { done, total });
        };
        let threads = self.threads;
        for looker in each_root(self.objects, number, &forest, &roots, threads, make, step) {
            of_pack.append(looker.looked);
        }
        if of_pack.faults > 0 {
            self.faulty.insert(number);
        }
        self.looked.append(of_pack);
    }
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
