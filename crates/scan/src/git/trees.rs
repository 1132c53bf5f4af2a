//! Trees read one by one, and what a commit changes in them.

use std::{collections::HashMap, rc::Rc};

use gix::{ObjectId, objs::Kind};

use super::store::{Fault, Objects, Reader};

/// The largest tree that is read, in bytes.
const LARGEST: u64 = 64 << 20;
/// The most trees that are held.
const HELD: usize = 2048;
/// The deepest folder that is followed.
const DEPTH: usize = 512;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Tree,
    Blob,
    /// A commit of a submodule.
    Commit,
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    pub(crate) name: Box<[u8]>,
    pub(crate) kind: EntryKind,
    pub(crate) id: ObjectId,
}

/// A blob that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) path: Vec<u8>,
    pub(crate) new: ObjectId,
    /// What stood there before: one for each parent that had something.
    pub(crate) old: Vec<ObjectId>,
}

/// Reads trees.
pub(crate) struct TreeStore<'a> {
    objects: &'a Objects,
    reader: Reader,
    bytes: Vec<u8>,
    held: HashMap<ObjectId, Rc<[TreeEntry]>>,
    /// What could not be read, and why.
    pub(crate) skipped: Vec<(String, String)>,
}

impl<'a> TreeStore<'a> {
    pub(crate) fn new(objects: &'a Objects) -> Self {
        Self {
            objects,
            reader: Reader::default(),
            bytes: Vec::new(),
            held: HashMap::new(),
            skipped: Vec::new(),
        }
    }

    /// Reads any object, of at most `most` bytes.
    pub(crate) fn object(
        &mut self,
        id: &gix::oid,
        most: u64,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Fault> {
        self.objects.read(&mut self.reader, id, most, out)
    }

    /// The entries of a tree in the order of their names' bytes. One that cannot be read is told of
    /// and has none.
    pub(crate) fn entries(&mut self, id: &gix::oid) -> Rc<[TreeEntry]> {
        if let Some(held) = self.held.get(id) {
            return held.clone();
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        let read = self.object(id, LARGEST, &mut bytes);
        let parsed = match read {
            Ok(Kind::Tree) => parse(&bytes, self.objects.hash().len_in_bytes()),
            Ok(_) => Err(Fault::Broken("it is no tree")),
            Err(fault) => Err(fault),
        };
        self.bytes = bytes;
        let entries: Rc<[TreeEntry]> = parsed
            .unwrap_or_else(|fault| {
                self.skipped.push((format!("tree {id}"), fault.to_string()));
                Vec::new()
            })
            .into();
        if self.held.len() >= HELD {
            self.held.clear();
        }
        self.held.insert(id.to_owned(), entries.clone());
        entries
    }

    /// The blobs of `new` that stand at their path in none of `old`. At most `room`; when there are
    /// more, `room` is 0 in the end.
    pub(crate) fn changed(
        &mut self,
        new: ObjectId,
        old: &[ObjectId],
        room: &mut usize,
    ) -> Vec<Changed> {
        let mut out = Vec::new();
        // Folders to compare: the path, the tree, and the trees that were there.
        let mut left = vec![(Vec::new(), 0usize, new, old.to_vec())];
        while let Some((path, depth, new, old)) = left.pop() {
            if old.contains(&new) {
                continue;
            }
            let entries = self.entries(&new);
            let before: Vec<Rc<[TreeEntry]>> = old.iter().map(|id| self.entries(id)).collect();
            for entry in entries.iter() {
                let stood = before.iter().filter_map(|tree| {
                    let at = tree
                        .binary_search_by(|other| other.name.cmp(&entry.name))
                        .ok()?;
                    tree.get(at)
                });
                let stood: Vec<&TreeEntry> = stood.collect();
                if entry.kind == EntryKind::Commit || stood.iter().any(|old| old.id == entry.id) {
                    continue;
                }
                if *room == 0 {
                    return out;
                }
                *room -= 1;
                let mut path = path.clone();
                path.extend_from_slice(&entry.name);
                let old = stood.iter().filter(|old| old.kind == entry.kind);
                let old: Vec<ObjectId> = old.map(|old| old.id).collect();
                if entry.kind == EntryKind::Blob {
                    let new = entry.id;
                    out.push(Changed { path, new, old });
                } else if depth < DEPTH {
                    path.push(b'/');
                    left.push((path, depth + 1, entry.id, old));
                } else {
                    let why = "folders in folders deeper than are followed".to_owned();
                    self.skipped.push((format!("tree {}", entry.id), why));
                }
            }
        }
        out
    }
}

fn parse(bytes: &[u8], length: usize) -> Result<Vec<TreeEntry>, Fault> {
    let cut = Fault::Broken("a tree is cut off");
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = memchr::memchr(0, rest).ok_or(cut.clone())?;
        let head = rest.get(..end).ok_or(cut.clone())?;
        let id = rest.get(end + 1..end + 1 + length).ok_or(cut.clone())?;
        rest = rest.get(end + 1 + length..).unwrap_or_default();
        let space = memchr::memchr(b' ', head).ok_or(cut.clone())?;
        let (mode, name) = head.split_at_checked(space).ok_or(cut.clone())?;
        let kind = match mode {
            b"40000" | b"040000" => EntryKind::Tree,
            b"160000" => EntryKind::Commit,
            _ => EntryKind::Blob,
        };
        entries.push(TreeEntry {
            name: name.get(1..).unwrap_or_default().into(),
            kind,
            id: ObjectId::try_from(id).map_err(|_| cut.clone())?,
        });
    }
    // Git sorts folders as if their names ended in a slash.
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}
