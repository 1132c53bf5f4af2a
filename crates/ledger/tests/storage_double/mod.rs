//! A file system in memory that can fail any one operation, with or without having done it, and
//! that can lose on a crash whatever was not synced.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use doorward_ledger::log::{Anchor, AnchorError};
use doorward_ledger::segment::{Storage, StoredFile, parent};

/// How an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// It was done, durably, and yet an error is told.
    Persisted,
    /// It was not done. After a failed sync the bytes count as written, as Linux has it.
    NotPersisted,
    /// Of a write, the first half was done.
    Half,
    /// There was no room.
    Full,
}

/// What is left after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Crash {
    /// The process alone died: all that was written is there.
    Process,
    /// Power failed: what was synced is there, nothing else.
    Power,
    /// Power failed midway: of what was not synced, some sectors and folders are there.
    Torn(u64),
}

#[derive(Clone, Default)]
struct Node {
    written: Vec<u8>,
    durable: Vec<u8>,
    /// Written since the last sync.
    dirty: Vec<Range<usize>>,
}

#[derive(Default)]
struct State {
    nodes: Vec<Node>,
    /// Folders have no node.
    names: BTreeMap<String, Option<usize>>,
    durable_names: BTreeMap<String, Option<usize>>,
    operations: u64,
    fail: Option<(u64, Fault)>,
    room: Option<u64>,
    locked: bool,
    anchor: Option<Vec<u8>>,
}

/// The file system. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Double(Arc<Mutex<State>>);

impl Double {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets the operation with this number fail, counted from now.
    pub(crate) fn fail(&self, after: u64, fault: Fault) {
        let mut state = self.state();
        state.fail = Some((state.operations + after, fault));
    }

    /// Lets nothing fail any more; whether something did.
    pub(crate) fn heal(&self) -> bool {
        let mut state = self.state();
        let failed = state.fail.is_some_and(|(at, _)| at < state.operations);
        state.fail = None;
        failed
    }

    /// Bounds the bytes of all files.
    pub(crate) fn bound(&self, room: Option<u64>) {
        self.state().room = room;
    }

    /// All names with the sizes of files.
    pub(crate) fn listing(&self) -> Vec<(String, usize)> {
        let state = self.state();
        let size = |node: &Option<usize>| node.map_or(0, |node| state.nodes[node].written.len());
        state
            .names
            .iter()
            .map(|(name, node)| (name.clone(), size(node)))
            .collect()
    }

    /// Changes a file's bytes in place, durably.
    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let node = state.names[path].unwrap();
        change(&mut state.nodes[node].written);
        state.nodes[node].durable = state.nodes[node].written.clone();
    }

    /// Removes a file, durably.
    pub(crate) fn lose(&self, path: &str) {
        let mut state = self.state();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// What is there, apart from whoever has this one open.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state();
        Self(Arc::new(Mutex::new(State {
            nodes: state.nodes.clone(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            anchor: state.anchor.clone(),
            ..State::default()
        })))
    }

    pub(crate) fn set_anchor(&self, anchor: Option<Vec<u8>>) {
        self.state().anchor = anchor;
    }

    pub(crate) fn anchor(&self) -> Option<Vec<u8>> {
        self.state().anchor.clone()
    }

    /// Ends all that has it open, and leaves what a crash leaves.
    pub(crate) fn crash(&self, crash: Crash) {
        let mut state = self.state();
        state.locked = false;
        let mut seed = match crash {
            Crash::Process => return,
            Crash::Power => 0,
            Crash::Torn(seed) => seed | 1,
        };
        let mut coin = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed & 8 != 0
        };
        // A folder's names change together: a rename is whole or not at all.
        let mut kept = BTreeMap::new();
        let folders: Vec<String> = state
            .names
            .keys()
            .chain(state.durable_names.keys())
            .map(|name| parent(name).to_owned())
            .collect();
        for folder in folders {
            kept.entry(folder).or_insert_with(&mut coin);
        }
        let choose = |names: &BTreeMap<String, Option<usize>>, want: bool| {
            let here = names.iter().filter(|(name, _)| kept[parent(name)] == want);
            here.map(|(name, node)| (name.clone(), *node))
                .collect::<Vec<_>>()
        };
        let mut names: BTreeMap<_, _> = choose(&state.names, true).into_iter().collect();
        names.extend(choose(&state.durable_names, false));
        // What lost its folder is lost.
        let folders: Vec<String> = names.keys().cloned().collect();
        names.retain(|name, _| {
            let above = parent(name);
            above.is_empty() || folders.iter().any(|folder| folder == above)
        });
        for node in &mut state.nodes {
            let mut left = node.durable.clone();
            if crash != Crash::Power && node.dirty.iter().any(|range| !range.is_empty()) {
                if coin() {
                    left.resize(node.written.len(), 0);
                }
                for range in &node.dirty {
                    let mut at = range.start;
                    while at < range.end {
                        let end = ((at / 512 + 1) * 512).min(range.end);
                        if coin() && end <= left.len() {
                            left[at..end].copy_from_slice(&node.written[at..end]);
                        }
                        at = end;
                    }
                }
            }
            node.written.clone_from(&left);
            node.durable = left;
            node.dirty.clear();
        }
        state.names = names.clone();
        state.durable_names = names;
    }

    /// One operation. `act` does it, and is told whether durably, and how much of it.
    fn operate<T: Default>(
        &self,
        act: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        let number = state.operations;
        state.operations += 1;
        let fault = state
            .fail
            .filter(|(at, _)| *at == number)
            .map(|(_, fault)| fault);
        if fault == Some(Fault::Full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let done = act(&mut state, fault);
        if fault.is_some() {
            Err(io::Error::other("the double fails"))
        } else {
            done
        }
    }
}

impl State {
    fn used(&self) -> u64 {
        let nodes: std::collections::BTreeSet<usize> =
            self.names.values().flatten().copied().collect();
        nodes
            .iter()
            .map(|node| self.nodes[*node].written.len() as u64)
            .sum()
    }

    fn grow(&mut self, node: usize, size: usize) -> io::Result<()> {
        let more = size.saturating_sub(self.nodes[node].written.len()) as u64;
        if more > 0 && self.room.is_some_and(|room| self.used() + more > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if size > self.nodes[node].written.len() {
            self.nodes[node].written.resize(size, 0);
        }
        Ok(())
    }

    fn sync(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        node.durable.resize(node.written.len(), 0);
        for range in std::mem::take(&mut node.dirty) {
            let end = range.end.min(node.written.len());
            let start = range.start.min(end);
            node.durable[start..end].copy_from_slice(&node.written[start..end]);
        }
    }

    fn sync_folder(&mut self, folder: &str) {
        self.durable_names.retain(|name, _| parent(name) != folder);
        let here: Vec<_> = self
            .names
            .iter()
            .filter(|(name, _)| parent(name) == folder)
            .map(|(name, node)| (name.clone(), *node))
            .collect();
        self.durable_names.extend(here);
    }
}

fn not_found<T>(found: Option<T>) -> io::Result<T> {
    found.ok_or_else(|| io::ErrorKind::NotFound.into())
}

struct OpenFile {
    double: Double,
    node: usize,
}

/// A file or folder that a caller names.
impl Storage for Double {
    fn create(&self, path: &str, room: u64) -> io::Result<Arc<dyn StoredFile>> {
        let node = self.operate(|state, fault| {
            if matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                return Ok(0);
            }
            if !parent(path).is_empty() && !state.names.contains_key(parent(path)) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let node = match state.names.get(path) {
                Some(Some(node)) => *node,
                _ => {
                    state.nodes.push(Node::default());
                    state.nodes.len() - 1
                }
            };
            state.nodes[node].written.clear();
            state.nodes[node].dirty.clear();
            state.names.insert(path.to_owned(), Some(node));
            state.grow(node, room as usize)?;
            if fault.is_some() {
                state.sync(node);
                state.sync_folder(parent(path));
            }
            Ok(node)
        })?;
        Ok(Arc::new(OpenFile {
            double: self.clone(),
            node,
        }))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn StoredFile>> {
        let node = not_found(self.state().names.get(path).copied().flatten())?;
        Ok(Arc::new(OpenFile {
            double: self.clone(),
            node,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.operate(|state, fault| {
            if matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                return Ok(());
            }
            let node = not_found(state.names.remove(from))?;
            state.names.insert(to.to_owned(), node);
            if fault.is_some() {
                state.sync_folder(parent(from));
                state.sync_folder(parent(to));
            }
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.operate(|state, fault| {
            if matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                return Ok(());
            }
            not_found(state.names.remove(path))?;
            if fault.is_some() {
                state.sync_folder(parent(path));
            }
            Ok(())
        })
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.operate(|state, fault| {
            if matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                return Ok(());
            }
            let within = format!("{path}/");
            state
                .names
                .retain(|name, _| name != path && !name.starts_with(&within));
            Ok(())
        })
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let here = state.names.keys().filter(|name| parent(name) == folder);
        Ok(here
            .map(|name| name.rsplit('/').next().unwrap().to_owned())
            .collect())
    }

    fn create_folder(&self, path: &str) -> io::Result<bool> {
        self.operate(|state, fault| {
            if matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                return Ok(false);
            }
            let new = state.names.insert(path.to_owned(), None).is_none();
            if fault.is_some() {
                state.sync_folder(parent(path));
            }
            Ok(new)
        })
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.operate(|state, fault| {
            if !matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                state.sync_folder(path);
            }
            Ok(())
        })
    }

    fn free(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state
            .room
            .map_or(u64::MAX, |room| room.saturating_sub(state.used())))
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        struct Guard(Double);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.state().locked = false;
            }
        }
        let mut state = self.state();
        if state.locked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.locked = true;
        Ok(Box::new(Guard(self.clone())))
    }
}

impl StoredFile for OpenFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.double.operate(|state, fault| {
            let bytes = match fault {
                Some(Fault::NotPersisted) => return Ok(()),
                Some(Fault::Half) => &bytes[..bytes.len() / 2],
                _ => bytes,
            };
            let start = offset as usize;
            let end = start + bytes.len();
            state.grow(self.node, end)?;
            state.nodes[self.node].written[start..end].copy_from_slice(bytes);
            state.nodes[self.node].dirty.push(start..end);
            if fault == Some(Fault::Persisted) {
                state.sync(self.node);
            }
            Ok(())
        })
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let state = self.double.state();
        let from = state.nodes[self.node]
            .written
            .get(offset as usize..)
            .unwrap_or_default();
        let len = from.len().min(into.len());
        into[..len].copy_from_slice(&from[..len]);
        Ok(len)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.double.state().nodes[self.node].written.len() as u64)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.double.operate(|state, fault| {
            if !matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                let node = &mut state.nodes[self.node];
                node.written.truncate(size as usize);
                for range in &mut node.dirty {
                    *range = range.start.min(size as usize)..range.end.min(size as usize);
                }
            }
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.double.operate(|state, fault| {
            match fault {
                None | Some(Fault::Persisted) => state.sync(self.node),
                // The pages are clean from now on, and were never written.
                _ => state.nodes[self.node].dirty.clear(),
            }
            Ok(())
        })
    }
}

impl Anchor for Double {
    fn load(&self) -> Result<Option<Vec<u8>>, AnchorError> {
        Ok(self.anchor())
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AnchorError> {
        let mut conflict = false;
        let done = self.operate(|state, fault| {
            conflict = state.anchor.as_deref() != old;
            if !conflict && !matches!(fault, Some(Fault::NotPersisted | Fault::Half)) {
                state.anchor = Some(new.to_vec());
            }
            Ok(())
        });
        match done {
            Err(error) => Err(AnchorError::Unavailable(error.to_string())),
            Ok(()) if conflict => Err(AnchorError::Conflict),
            Ok(()) => Ok(()),
        }
    }
}
