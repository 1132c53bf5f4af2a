//! What the next commit would add.

use std::collections::{HashMap, HashSet};

use gix::{
    ObjectId,
    index::{
        Entry, PathStorageRef,
        entry::{Flags, Mode},
        extension::Tree,
    },
    objs::Kind,
};

use super::{
    GitError, HistorySink, Repository, Summary,
    added::Adder,
    store::Objects,
    trace::CommitRow,
    trees::{Changed, EntryKind, TreeStore},
};
use crate::Engine;

/// The deepest folder that is followed.
const DEPTH: usize = 512;
/// The largest commit that is read, in bytes.
const COMMIT: u64 = 16 << 20;

/// Looks for secrets in what is staged and was not in the commit of `HEAD`: what the next commit
/// would add. A secret that stands in the file already is not told again, nor is a file that was only
/// moved.
///
/// Folders that are staged as they are in `HEAD` are told from the index alone and not read.
///
/// # Errors
/// When the index cannot be read.
pub fn scan_staged(
    engine: &Engine,
    repository: &Repository,
    sink: &dyn HistorySink,
) -> Result<Summary, GitError> {
    let unreadable = |why: String| GitError::Unreadable {
        path: repository.git_dir.clone(),
        why,
    };
    let local = repository.inner.to_thread_local();
    let path = repository
        .index
        .clone()
        .unwrap_or_else(|| local.index_path());
    if !path.exists() {
        return Ok(Summary::default());
    }
    let options = gix::index::decode::Options {
        thread_limit: Some(1),
        ..Default::default()
    };
    let index = gix::index::File::at(path, repository.hash, true, options)
        .map_err(|error| unreadable(format!("its index: {error}")))?;
    let objects = repository.objects();
    for (what, why) in &objects.troubles {
        sink.not_looked_at(what, why);
    }
    let mut adder = Adder::new(engine, &objects, sink);
    let head = local.head().ok().and_then(|head| Some(head.id()?.detach()));
    let tree = head.and_then(|head| tree_of(&objects, &mut adder.trees, head, sink));
    let mut staging = Staging {
        trees: &mut adder.trees,
        paths: index.path_backing(),
        changed: Vec::new(),
        gone: HashSet::new(),
        deep: false,
    };
    staging.folder(index.entries(), 0, index.tree(), tree, 0);
    let Staging {
        changed,
        gone,
        deep,
        ..
    } = staging;
    if deep {
        sink.not_looked_at("some paths", "folders in folders deeper than are followed");
    }
    adder.tell_skipped();
    let mut summary = Summary::default();
    for changed in &changed {
        // Moved, and nothing else.
        if gone.contains(&changed.new) {
            continue;
        }
        summary.blobs += 1;
        summary.bytes += adder.look(changed, || None);
    }
    summary.new_bytes = summary.bytes;
    Ok(summary)
}

/// The tree of a commit.
fn tree_of(
    objects: &Objects,
    trees: &mut TreeStore<'_>,
    commit: ObjectId,
    sink: &dyn HistorySink,
) -> Option<ObjectId> {
    let _ = objects;
    let mut bytes = Vec::new();
    match trees.object(&commit, COMMIT, &mut bytes) {
        Ok(Kind::Commit) => CommitRow::parse(&bytes).map(|row| row.tree),
        Ok(_) => None,
        Err(fault) => {
            sink.not_looked_at(&format!("commit {commit}"), &fault.to_string());
            None
        }
    }
}

struct Staging<'a, 'o> {
    trees: &'a mut TreeStore<'o>,
    paths: &'a PathStorageRef,
    changed: Vec<Changed>,
    /// Blobs that stand no more where they stood.
    gone: HashSet<ObjectId>,
    deep: bool,
}

impl Staging<'_, '_> {
    /// Compares a folder: `entries` are all of the index in it, with paths that begin with the same
    /// `prefix` bytes.
    fn folder(
        &mut self,
        entries: &[Entry],
        prefix: usize,
        cached: Option<&Tree>,
        head: Option<ObjectId>,
        depth: usize,
    ) {
        let same = cached.filter(|cached| cached.num_entries.is_some());
        if let (Some(cached), Some(head)) = (same, head)
            && cached.id == head
        {
            return;
        }
        if depth >= DEPTH {
            self.deep = true;
            return;
        }
        let stood = head.map(|head| self.trees.entries(&head));
        let mut stood: HashMap<&[u8], (EntryKind, ObjectId)> = stood
            .iter()
            .flat_map(|entries| entries.iter())
            .map(|entry| (&*entry.name, (entry.kind, entry.id)))
            .collect();
        let mut rest = entries;
        while let Some((first, after)) = rest.split_first() {
            let path = first.path_in(self.paths);
            let tail = path.get(prefix..).unwrap_or_default();
            let Some(slash) = memchr::memchr(b'/', tail) else {
                rest = after;
                self.file(
                    first,
                    stood
                        .remove(tail)
                        .filter(|(kind, _)| *kind == EntryKind::Blob),
                );
                continue;
            };
            let name = tail.get(..slash).unwrap_or_default();
            let under = prefix + slash + 1;
            let start = path.get(..under).unwrap_or_default();
            let paths = self.paths;
            let count = rest.partition_point(|entry| entry.path_in(paths).starts_with(start));
            // At least one: sorted or not, it ends.
            let (of_folder, others) = rest.split_at_checked(count.max(1)).unwrap_or((rest, &[]));
            rest = others;
            let cached = cached.and_then(|cached| {
                let mut of = cached.children.iter();
                of.find(|child| child.name.as_slice() == name)
            });
            let head = stood
                .remove(name)
                .filter(|(kind, _)| *kind == EntryKind::Tree);
            let head = head.map(|(_, id)| id);
            self.folder(of_folder, under, cached, head, depth + 1);
        }
        for (kind, id) in stood.into_values() {
            if kind == EntryKind::Blob {
                self.gone.insert(id);
            } else if kind == EntryKind::Tree {
                self.gone(id);
            }
        }
    }

    /// All blobs of a folder that is there no more.
    fn gone(&mut self, tree: ObjectId) {
        /// The most that are looked up: moving more than that, a moved secret is told of again.
        const MOST: usize = 50_000;
        let mut room = MOST;
        let changed = self.trees.changed(tree, &[], &mut room);
        self.gone.extend(changed.into_iter().map(|blob| blob.new));
    }

    fn file(&mut self, entry: &Entry, stood: Option<(EntryKind, ObjectId)>) {
        let old = stood.map(|(_, id)| id);
        let is_blob = entry.mode == Mode::FILE
            || entry.mode == Mode::FILE_EXECUTABLE
            || entry.mode == Mode::SYMLINK;
        let unmerged = entry.stage_raw() != 0;
        let empty = entry.flags.contains(Flags::INTENT_TO_ADD);
        if !is_blob || unmerged || empty || old == Some(entry.id) {
            return;
        }
        self.gone.extend(old);
        self.changed.push(Changed {
            path: entry.path_in(self.paths).to_vec(),
            new: entry.id,
            old: old.into_iter().collect(),
        });
    }
}
