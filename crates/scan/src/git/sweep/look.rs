//! Looking at blobs and messages for secrets.

use std::ops::Range;

use gix::{ObjectId, objs::Kind};

use super::{
    forest::Forest,
    regions::{inherited, is_old, overlap, regions},
    secrets::{Secrets, Seen},
    walk::{Based, Node, Visit},
};
use crate::{
    Engine, Scanned, Scratch, Skipped,
    git::{
        message::message,
        store::{Copied, Fault, Objects},
        trace::{CommitRow, Commits, MISSING, TagRow},
    },
};

/// How much of a blob tells whether it is a container, in bytes.
const HEAD: usize = 512;
/// The most objects of which it is told one by one that they were not looked at.
const TOLD: usize = 10_000;

/// What was seen in one or more objects.
#[derive(Default)]
pub(crate) struct Looked {
    /// Blobs with secrets.
    pub(crate) blobs: Vec<(ObjectId, Box<[Seen]>)>,
    /// Commits and tags with secrets in their messages.
    pub(crate) messages: Vec<(ObjectId, Box<[Seen]>)>,
    /// All commits.
    pub(crate) commits: Commits,
    /// All tags.
    pub(crate) tags: Vec<TagRow>,
    /// Blobs that were looked at whole or in part, and their bytes.
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    /// Bytes that were given to the engine.
    pub(crate) regions: u64,
    /// Objects that could not be looked at, and why.
    pub(crate) skipped: Vec<(String, String)>,
    /// How many of those could not be read.
    pub(crate) faults: u64,
}

impl Looked {
    /// Takes in what another thread saw.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.blobs.append(&mut other.blobs);
        self.messages.append(&mut other.messages);
        self.commits.append(other.commits);
        self.tags.append(&mut other.tags);
        self.skipped.append(&mut other.skipped);
        self.count += other.count;
        self.bytes += other.bytes;
        self.regions += other.regions;
        self.faults += other.faults;
    }

    /// Tells of an object that could not be read.
    pub(crate) fn fault(&mut self, what: &str, fault: &Fault) {
        self.faults += 1;
        self.skipped.push((what.to_owned(), fault.to_string()));
    }
}

/// What those built on a blob are told of it.
#[derive(Default)]
pub(crate) struct Marked {
    /// Opened as a container: where its hits stand says nothing.
    container: bool,
    hits: Vec<(Range<usize>, Seen)>,
}

/// Looks at every object it visits.
pub(crate) struct Looker<'a> {
    engine: &'a Engine,
    objects: &'a Objects,
    secrets: &'a Secrets,
    scratch: Scratch,
    reach: usize,
    regions: Vec<Range<usize>>,
    /// The pack in hand, with what is known of its entries already.
    pack: Option<(u32, &'a Forest)>,
    known: Option<&'a (dyn Fn(&gix::oid) -> Known + Sync)>,
    /// What the engine did not look at of the last object.
    cut: Vec<Skipped>,
    pub(crate) looked: Looked,
}

/// What is known of an object before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    No,
    /// It has no secret.
    Clean,
    /// It has, and was counted.
    Hit,
}

impl<'a> Looker<'a> {
    pub(crate) fn new(engine: &'a Engine, objects: &'a Objects, secrets: &'a Secrets) -> Self {
        Self {
            engine,
            objects,
            secrets,
            scratch: engine.scratch(),
            reach: engine.reach(),
            regions: Vec::new(),
            pack: None,
            known: None,
            cut: Vec::new(),
            looked: Looked::default(),
        }
    }

    /// Looks at the entries of a pack; `known` says what need not be looked at.
    pub(crate) fn of_pack(
        mut self,
        pack: u32,
        forest: &'a Forest,
        known: Option<&'a (dyn Fn(&gix::oid) -> Known + Sync)>,
    ) -> Self {
        self.pack = Some((pack, forest));
        self.known = known;
        self
    }

    fn id(&self, at: u32) -> Option<ObjectId> {
        let (pack, forest) = self.pack?;
        forest.id(self.objects, pack, at)
    }

    fn known(&self, at: u32) -> Known {
        match (self.known, self.id(at)) {
            (Some(known), Some(id)) => known(&id),
            _ => Known::No,
        }
    }

    /// Looks at an object of the given id.
    pub(crate) fn object(&mut self, id: ObjectId, kind: Kind, bytes: &[u8]) {
        match kind {
            Kind::Blob => {
                let marked = self.blob(bytes);
                self.keep_blob(id, &marked);
            }
            Kind::Commit | Kind::Tag => self.message(id, kind, bytes),
            Kind::Tree => {}
        }
    }

    fn is_container(&self, bytes: &[u8]) -> bool {
        let head = bytes.get(..HEAD.min(bytes.len())).unwrap_or_default();
        self.engine.is_container(None, head)
    }

    fn blob(&mut self, bytes: &[u8]) -> Marked {
        let scanned = self.engine.scan(&mut self.scratch, None, bytes);
        self.looked.count += 1;
        self.looked.bytes += bytes.len() as u64;
        self.looked.regions += bytes.len() as u64;
        let mut marked = self.marks(&scanned);
        marked.container |= self.is_container(bytes);
        self.cut = scanned.skipped;
        marked
    }

    fn marks(&self, scanned: &Scanned) -> Marked {
        let hits = scanned.hits.iter();
        Marked {
            // An archive that an encoding hides: where its hits stand is told by the archive.
            container: scanned.hits.iter().any(|hit| hit.inner.is_some()),
            hits: hits
                .map(|hit| (hit.range.clone(), self.secrets.of(hit)))
                .collect(),
        }
    }

    /// Tells what of an object the engine did not look at.
    fn tell_cut(&mut self, id: ObjectId) {
        for skipped in self.cut.drain(..) {
            if self.looked.skipped.len() < TOLD {
                let inner = skipped
                    .inner
                    .map_or_else(String::new, |inner| format!("!/{inner}"));
                let why = skipped.cut.to_string();
                self.looked
                    .skipped
                    .push((format!("object {id}{inner}"), why));
            }
        }
    }

    fn keep_blob(&mut self, id: ObjectId, marked: &Marked) {
        self.tell_cut(id);
        if !marked.hits.is_empty() {
            self.looked.blobs.push((id, seen(&marked.hits)));
        }
    }

    fn keep(&mut self, at: u32, known: Known, marked: &Marked) {
        if known != Known::No || marked.hits.is_empty() && self.cut.is_empty() {
            self.cut.clear();
        } else if let Some(id) = self.id(at) {
            self.keep_blob(id, marked);
        }
    }

    fn message(&mut self, id: ObjectId, kind: Kind, bytes: &[u8]) {
        self.row(id, kind, bytes);
        let scanned = self.engine.scan(&mut self.scratch, None, message(bytes));
        if !scanned.hits.is_empty() {
            let marks = self.marks(&scanned);
            self.looked.messages.push((id, seen(&marks.hits)));
        }
    }

    /// Keeps what of a commit or a tag decides on the order of the history.
    pub(crate) fn row(&mut self, id: ObjectId, kind: Kind, bytes: &[u8]) {
        let objects = self.objects;
        let number = |id: &gix::oid| objects.number(id).unwrap_or(MISSING);
        if kind == Kind::Commit {
            match CommitRow::parse(bytes) {
                Some(row) => self.looked.commits.add(number(&id), &row, number),
                None => self.looked.skipped.push((
                    format!("commit {id}"),
                    "broken: it names no tree".to_owned(),
                )),
            }
        } else if let Some(target) = TagRow::target(bytes) {
            let (tag, target) = (number(&id), number(&target));
            self.looked.tags.push(TagRow { tag, target });
        }
    }
}

/// Each secret once.
fn seen(hits: &[(Range<usize>, Seen)]) -> Box<[Seen]> {
    let mut seen: Vec<Seen> = hits.iter().map(|(_, seen)| *seen).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.into_boxed_slice()
}

impl Visit for Looker<'_> {
    type Carry = Marked;

    fn whole(&mut self, node: Node, bytes: &[u8]) -> Marked {
        match (node.kind, self.known(node.at)) {
            (Kind::Tree, _) => Marked::default(),
            (Kind::Blob, Known::Clean) => Marked {
                container: self.is_container(bytes),
                hits: Vec::new(),
            },
            (Kind::Blob, known) => {
                let marked = self.blob(bytes);
                self.keep(node.at, known, &marked);
                marked
            }
            (kind, known) => {
                match self.id(node.at) {
                    Some(id) if known == Known::No => self.message(id, kind, bytes),
                    Some(id) => self.row(id, kind, bytes),
                    None => {}
                }
                Marked::default()
            }
        }
    }

    fn derived(
        &mut self,
        node: Node,
        bytes: &[u8],
        copied: &[Copied],
        base: &Based<'_, Marked>,
    ) -> Marked {
        let known = self.known(node.at);
        if node.kind != Kind::Blob || base.carry.container || self.is_container(bytes) {
            return self.whole(node, bytes);
        }
        if known == Known::Clean {
            return Marked::default();
        }
        // One that is longer than the engine reaches begins where nobody would look for it.
        let (reach, base_len, len) = (self.reach, base.len, bytes.len());
        let is_cut = base.carry.hits.iter().any(|(range, _)| {
            let mut kept = inherited(range, copied, reach, base_len, len);
            range.len() > reach && kept.next().is_none()
        });
        if is_cut {
            return self.whole(node, bytes);
        }
        let mut spans = std::mem::take(&mut self.regions);
        regions(copied, base.len, bytes.len(), &mut spans);
        let mut marked = Marked::default();
        if !spans.is_empty() {
            let scanned = self.engine.scan_regions(&mut self.scratch, bytes, &spans);
            marked = self.marks(&scanned);
            self.cut = scanned.skipped;
        }
        if marked.container {
            self.regions = spans;
            return self.whole(node, bytes);
        }
        self.looked.count += 1;
        self.looked.bytes += bytes.len() as u64;
        self.looked.regions += spans.iter().map(|span| span.len() as u64).sum::<u64>();
        self.regions = spans;
        let old = |range: &Range<usize>| is_old(range, copied, reach, base_len, len);
        marked.hits.retain(|(range, _)| !old(range));
        let taken_over = base.carry.hits.iter().flat_map(|(range, seen)| {
            let places = inherited(range, copied, reach, base_len, len);
            places.map(|range| (range, *seen))
        });
        let taken_over: Vec<_> = taken_over.collect();
        // Which of two that overlap stands, the engine decides.
        let mut new = marked.hits.iter();
        if new.any(|(a, _)| taken_over.iter().any(|(b, _)| overlap(a, b))) {
            return self.whole(node, bytes);
        }
        marked.hits.extend(taken_over);
        self.keep(node.at, known, &marked);
        marked
    }

    fn broken(&mut self, at: u32, fault: &Fault) {
        let id = self
            .id(at)
            .map_or_else(|| at.to_string(), |id| id.to_string());
        let more = self.pack.map_or(0, |(_, forest)| {
            let mut count = 0u32;
            forest.family(at, |_| count += 1);
            count.saturating_sub(1)
        });
        let why = match more {
            0 => fault.to_string(),
            more => format!("{fault}; {more} objects are built on it"),
        };
        self.looked.faults += 1;
        self.looked.skipped.push((format!("object {id}"), why));
    }
}
