//! One reading of all trees: which tree leads to which, and which hold a blob that is looked for.

use std::collections::HashMap;

use gix::{ObjectId, objs::Kind};

use crate::git::{
    store::{Copied, Fault, LARGEST, Number, Objects, Reader},
    sweep::{Based, Forest, Node, Visit, each_root},
};

/// An entry's child is one of the blobs that are looked for, not a tree.
pub(crate) const BLOB: u32 = 1 << 31;

/// The most entries that are kept: 8 bytes each.
const ENTRIES: usize = 64 << 20;

/// All trees, each as its subtrees and the looked-for blobs that it holds.
#[derive(Default)]
pub(crate) struct Trees {
    /// Each tree's number, and where its entries end.
    pub(crate) rows: Vec<(Number, u32)>,
    /// Name and child: a tree's number, or a looked-for blob's place with [`BLOB`].
    pub(crate) entries: Vec<(u32, u32)>,
    pub(crate) names: Names,
    /// What could not be read, and why.
    pub(crate) skipped: Vec<(String, String)>,
}

/// Names, each once.
#[derive(Default)]
pub(crate) struct Names {
    all: Vec<Box<[u8]>>,
    known: HashMap<Box<[u8]>, u32>,
}

impl Names {
    pub(crate) fn of(&mut self, name: &[u8]) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let next = self.all.len() as u32;
        self.all.push(name.into());
        self.known.insert(name.into(), next);
        next
    }

    pub(crate) fn get(&self, name: u32) -> &[u8] {
        self.all.get(name as usize).map_or(&[], |name| name)
    }
}

/// The blobs that are looked for.
pub(crate) struct Wanted {
    places: HashMap<ObjectId, u32>,
    /// By the first 16 bits of an id: whether any begins so.
    begins: Vec<bool>,
}

impl Wanted {
    pub(crate) fn new<'a>(ids: impl IntoIterator<Item = &'a ObjectId>) -> Self {
        let mut wanted = Self {
            places: HashMap::new(),
            begins: vec![false; 1 << 16],
        };
        for (place, id) in ids.into_iter().enumerate() {
            wanted.places.insert(*id, place as u32);
            if let Some(begins) = wanted.begins.get_mut(begin(id.as_bytes())) {
                *begins = true;
            }
        }
        wanted
    }

    #[inline]
    fn place(&self, id: &[u8]) -> Option<u32> {
        if self.begins.get(begin(id)) != Some(&true) {
            return None;
        }
        let id = ObjectId::try_from(id).ok()?;
        self.places.get(&id).copied()
    }
}

#[inline]
fn begin(id: &[u8]) -> usize {
    match id {
        [a, b, ..] => usize::from(*a) << 8 | usize::from(*b),
        _ => 0,
    }
}

impl Trees {
    /// Reads all trees of a store.
    pub(crate) fn read(
        objects: &Objects,
        wanted: &Wanted,
        threads: usize,
        forest: impl Fn(u32) -> Option<std::sync::Arc<Forest>>,
    ) -> Self {
        let mut trees = Self::default();
        for pack in 0..objects.packs().len() as u32 {
            let Some(forest) = forest(pack) else { continue };
            let roots: Vec<_> = forest
                .roots
                .iter()
                .filter(|root| matches!(root.kind, None | Some(Kind::Tree)))
                .copied()
                .collect();
            let make = || TreeReader::new(objects, wanted, Some((pack, &forest)));
            let done = each_root(objects, pack, &forest, &roots, threads, make, |_| {});
            for reader in done {
                trees.append(reader.trees);
            }
        }
        let (mut reader, mut bytes) = (Reader::default(), Vec::new());
        let mut loose = TreeReader::new(objects, wanted, None);
        for id in objects.loose() {
            let read = objects.read(&mut reader, id, LARGEST, &mut bytes);
            if let (Ok(Kind::Tree), Some(number)) = (read, objects.number(id)) {
                loose.take(number, &bytes);
            }
        }
        trees.append(loose.trees);
        trees
    }

    fn append(&mut self, other: Self) {
        let names: Vec<u32> = other
            .names
            .all
            .iter()
            .map(|name| self.names.of(name))
            .collect();
        let shift = self.entries.len() as u32;
        let renamed = other.entries.into_iter().map(|(name, child)| {
            let name = names.get(name as usize).copied().unwrap_or(0);
            (name, child)
        });
        self.entries.extend(renamed);
        let moved = other.rows.into_iter();
        self.rows
            .extend(moved.map(|(tree, end)| (tree, end + shift)));
        self.skipped.extend(other.skipped);
    }
}

struct TreeReader<'a> {
    objects: &'a Objects,
    wanted: &'a Wanted,
    pack: Option<(u32, &'a Forest)>,
    trees: Trees,
    /// The last subtrees that were seen, by their ids' first bits: most trees differ little.
    last: Vec<Option<(ObjectId, Number, u32)>>,
    full: bool,
}

impl<'a> TreeReader<'a> {
    fn new(objects: &'a Objects, wanted: &'a Wanted, pack: Option<(u32, &'a Forest)>) -> Self {
        Self {
            objects,
            wanted,
            pack,
            trees: Trees::default(),
            last: vec![None; 1 << 14],
            full: false,
        }
    }

    fn take(&mut self, tree: Number, bytes: &[u8]) {
        let length = self.objects.hash().len_in_bytes();
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(0, rest) {
            let (Some(head), Some(id), after) = (
                rest.get(..end),
                rest.get(end + 1..end + 1 + length),
                rest.get(end + 1 + length..),
            ) else {
                break;
            };
            rest = after.unwrap_or_default();
            // Modes are 40000 for trees, 100644 and the like for blobs, 160000 for commits elsewhere.
            if head.first() == Some(&b'4') || head.starts_with(b"04") {
                self.subtree(name(head), id);
            } else if !head.starts_with(b"16")
                && let Some(place) = self.wanted.place(id)
            {
                let name = self.trees.names.of(name(head));
                self.push(name, place | BLOB);
            }
        }
        self.trees
            .rows
            .push((tree, self.trees.entries.len() as u32));
    }

    fn subtree(&mut self, name: &[u8], id: &[u8]) {
        let slot = begin(id) >> 2;
        if let Some(Some((known, number, known_name))) = self.last.get(slot)
            && known.as_bytes() == id
            && self.trees.names.get(*known_name) == name
        {
            let (name, number) = (*known_name, *number);
            return self.push(name, number);
        }
        let Ok(id) = ObjectId::try_from(id) else {
            return;
        };
        let Some(number) = self.objects.number(&id) else {
            return;
        };
        let name = self.trees.names.of(name);
        if let Some(slot) = self.last.get_mut(slot) {
            *slot = Some((id, number, name));
        }
        self.push(name, number);
    }

    fn push(&mut self, name: u32, child: u32) {
        if self.trees.entries.len() < ENTRIES {
            self.trees.entries.push((name, child));
        } else if !self.full {
            self.full = true;
            let why = format!("more than {ENTRIES} entries: some paths are not told");
            self.trees.skipped.push(("trees".to_owned(), why));
        }
    }

    fn node(&mut self, node: Node, bytes: &[u8]) {
        let Some((pack, forest)) = self.pack.filter(|_| node.kind == Kind::Tree) else {
            return;
        };
        let mut number = self.objects.start(pack) + forest.place(node.at);
        if pack > 0 {
            let id = forest.id(self.objects, pack, node.at);
            let first = id.and_then(|id| self.objects.number(&id));
            // An earlier pack has it too: read there, or, if that one is broken, here.
            number = first.unwrap_or(number);
        }
        self.take(number, bytes);
    }
}

fn name(head: &[u8]) -> &[u8] {
    let space = memchr::memchr(b' ', head).map_or(head.len(), |at| at + 1);
    head.get(space..).unwrap_or_default()
}

impl Visit for TreeReader<'_> {
    type Carry = ();

    fn whole(&mut self, node: Node, bytes: &[u8]) {
        self.node(node, bytes);
    }

    fn derived(&mut self, node: Node, bytes: &[u8], _: &[Copied], _: &Based<'_, ()>) {
        self.node(node, bytes);
    }

    fn broken(&mut self, at: u32, fault: &Fault) {
        let id = self
            .pack
            .and_then(|(pack, forest)| forest.id(self.objects, pack, at));
        let id = id.map_or_else(String::new, |id| id.to_string());
        self.trees
            .skipped
            .push((format!("object {id}"), fault.to_string()));
    }
}
