//! Trees reduced to what leads to a blob with a secret.

use std::{cell::Cell, collections::HashMap, rc::Rc};

use super::trees::{BLOB, Names, Trees};
use crate::git::store::Number;

/// A reduced tree; the same for all trees that hold the same blobs at the same names.
pub(crate) type Shape = u32;

/// The shape of a tree that leads to no blob that is looked for.
pub(crate) const EMPTY: Shape = 0;

/// Trees reduced to what leads to a blob with a secret.
pub(crate) struct Reduced {
    shapes: Vec<Rc<[(u32, u32)]>>,
    /// The shape of each tree, by number, sorted; those that lead nowhere are left out.
    of: Vec<(Number, Shape)>,
    pub(crate) names: Names,
    pub(crate) skipped: Vec<(String, String)>,
    deep: Cell<bool>,
}

/// A change between two trees: of a blob that is looked for, at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The names on the way.
    pub(crate) path: Rc<[u32]>,
    /// The blob's place before.
    pub(crate) old: Option<u32>,
    /// And now.
    pub(crate) new: Option<u32>,
}

/// The deepest path that is followed.
const DEPTH: usize = 512;

impl Reduced {
    /// Reduces trees.
    pub(crate) fn of(trees: Trees) -> Self {
        let Trees {
            mut rows,
            entries,
            names,
            skipped,
        } = trees;
        let mut from = 0;
        let mut spans: Vec<(Number, u32, u32)> = Vec::with_capacity(rows.len());
        for (tree, end) in rows.drain(..) {
            spans.push((tree, from, end));
            from = end;
        }
        drop(rows);
        spans.sort_unstable();
        spans.dedup_by_key(|(tree, ..)| *tree);
        let (marked, deep) = mark(&spans, &entries);
        let is_marked = |tree: Number| marked.get(tree as usize) == Some(&true);
        let mut kept: Vec<(Number, Vec<(u32, u32)>)> = Vec::new();
        for (tree, from, end) in &spans {
            if is_marked(*tree) {
                let range = *from as usize..*end as usize;
                let all = entries.get(range).unwrap_or_default().iter();
                let of = all.filter(|(_, child)| child & BLOB != 0 || is_marked(*child));
                kept.push((*tree, of.copied().collect()));
            }
        }
        drop((spans, entries, marked));
        let (shapes, of) = shape(&kept);
        Self {
            shapes,
            of,
            names,
            skipped,
            deep: Cell::new(deep),
        }
    }

    /// Whether there are paths deeper than what is followed.
    pub(crate) fn is_deep(&self) -> bool {
        self.deep.get()
    }

    /// The shape of a tree.
    pub(crate) fn shape(&self, tree: Number) -> Shape {
        let at = self.of.binary_search_by_key(&tree, |(tree, _)| *tree);
        at.ok()
            .and_then(|at| self.of.get(at))
            .map_or(EMPTY, |(_, shape)| *shape)
    }

    fn entries(&self, shape: Shape) -> &[(u32, u32)] {
        self.shapes
            .get(shape as usize)
            .map_or(&[], |entries| entries)
    }

    /// The blob at a path, if it is one that is looked for.
    pub(crate) fn at(&self, shape: Shape, path: &[u32]) -> Option<u32> {
        let (last, folders) = path.split_last()?;
        let mut shape = shape;
        for name in folders {
            shape = self.child(shape, *name).filter(|child| child & BLOB == 0)?;
        }
        let blob = self.child(shape, *last)?;
        (blob & BLOB != 0).then_some(blob & !BLOB)
    }

    fn child(&self, shape: Shape, name: u32) -> Option<u32> {
        let entries = self.entries(shape);
        let at = entries
            .binary_search_by_key(&name, |(name, _)| *name)
            .ok()?;
        entries.get(at).map(|(_, child)| *child)
    }

    /// What differs between two shapes, at most `room` changes; what is over is left out, and `room`
    /// is then 0.
    pub(crate) fn changes(&self, old: Shape, new: Shape, room: &mut usize) -> Vec<Change> {
        let mut out = Vec::new();
        let mut path = Vec::new();
        self.compare(old, new, &mut path, &mut out, room);
        out
    }

    /// All that a shape leads to, at most `room`.
    pub(crate) fn whole(&self, shape: Shape, mut room: usize) -> Vec<Change> {
        self.changes(EMPTY, shape, &mut room)
    }

    fn compare(
        &self,
        old: Shape,
        new: Shape,
        path: &mut Vec<u32>,
        out: &mut Vec<Change>,
        room: &mut usize,
    ) {
        if old == new {
            return;
        }
        if path.len() >= DEPTH {
            return self.deep.set(true);
        }
        let (mut left, mut right) = (self.entries(old), self.entries(new));
        while *room > 0 {
            let (name, before, after) = match (left.split_first(), right.split_first()) {
                (None, None) => return,
                (Some(((a, x), l)), Some(((b, y), r))) if a == b => {
                    (left, right) = (l, r);
                    (*a, Some(*x), Some(*y))
                }
                (Some(((a, x), l)), other) if other.is_none_or(|((b, _), _)| a < b) => {
                    left = l;
                    (*a, Some(*x), None)
                }
                (_, Some(((b, y), r))) => {
                    right = r;
                    (*b, None, Some(*y))
                }
                (Some(_), None) => return,
            };
            if before == after {
                continue;
            }
            path.push(name);
            let blob = |child: Option<u32>| child.filter(|c| c & BLOB != 0).map(|c| c & !BLOB);
            let tree = |child: Option<u32>| child.filter(|c| c & BLOB == 0).unwrap_or(EMPTY);
            let (old_blob, new_blob) = (blob(before), blob(after));
            *room -= 1;
            if old_blob != new_blob {
                out.push(Change {
                    path: path.as_slice().into(),
                    old: old_blob,
                    new: new_blob,
                });
            }
            self.compare(tree(before), tree(after), path, out, room);
            path.pop();
        }
    }

    /// A path as text, with `/`.
    pub(crate) fn path(&self, names: &[u32]) -> String {
        let mut bytes = Vec::new();
        for name in names {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(self.names.get(*name));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Which trees, by number, lead to a blob that is looked for, directly or through others; and whether
/// there may be more.
fn mark(spans: &[(Number, u32, u32)], entries: &[(u32, u32)]) -> (Vec<bool>, bool) {
    // By number, not by row: a look-up a child and round would cost more than the table.
    let most = spans.last().map_or(0, |(tree, ..)| *tree as usize + 1);
    let mut marked = vec![false; most];
    let mut rows = vec![false; spans.len()];
    // A round goes up by one folder at least.
    for _ in 0..DEPTH {
        let mut more = false;
        for ((tree, from, end), row) in spans.iter().zip(rows.iter_mut()) {
            if *row {
                continue;
            }
            let mut of = entries
                .get(*from as usize..*end as usize)
                .unwrap_or_default()
                .iter();
            let leads = of
                .any(|(_, child)| child & BLOB != 0 || marked.get(*child as usize) == Some(&true));
            if leads {
                (*row, more) = (true, true);
                if let Some(marked) = marked.get_mut(*tree as usize) {
                    *marked = true;
                }
            }
        }
        if !more {
            return (marked, false);
        }
    }
    (marked, true)
}

type Shapes = (Vec<Rc<[(u32, u32)]>>, Vec<(Number, Shape)>);

/// Gives each kept tree its shape. A tree that, against all rule, holds itself is empty there.
fn shape(kept: &[(Number, Vec<(u32, u32)>)]) -> Shapes {
    const OPEN: Shape = u32::MAX;
    const BUSY: Shape = u32::MAX - 1;
    let mut shapes: Vec<Rc<[(u32, u32)]>> = vec![Rc::from([])];
    let mut known: HashMap<Rc<[(u32, u32)]>, Shape> = HashMap::new();
    let mut of = vec![OPEN; kept.len()];
    let place = |tree: Number| kept.binary_search_by_key(&tree, |(tree, _)| *tree).ok();
    for first in 0..kept.len() {
        let mut stack = vec![first];
        while let Some(&row) = stack.last() {
            let state = of.get(row).copied().unwrap_or(EMPTY);
            if state != OPEN && state != BUSY {
                stack.pop();
                continue;
            }
            let entries = kept.get(row).map_or(&[][..], |(_, entries)| entries);
            if state == OPEN {
                if let Some(state) = of.get_mut(row) {
                    *state = BUSY;
                }
                for (_, child) in entries {
                    let child = (child & BLOB == 0).then(|| place(*child)).flatten();
                    if let Some(child) = child
                        && of.get(child) == Some(&OPEN)
                    {
                        stack.push(child);
                    }
                }
                continue;
            }
            let mut made: Vec<(u32, u32)> = entries
                .iter()
                .filter_map(|(name, child)| {
                    if child & BLOB != 0 {
                        return Some((*name, *child));
                    }
                    let shape = place(*child).and_then(|row| of.get(row)).copied()?;
                    (shape < BUSY && shape != EMPTY).then_some((*name, shape))
                })
                .collect();
            made.sort_unstable();
            made.dedup_by_key(|(name, _)| *name);
            let made: Rc<[(u32, u32)]> = made.into();
            let next = shapes.len() as Shape;
            let shape = if made.is_empty() {
                EMPTY
            } else {
                *known.entry(made.clone()).or_insert_with(|| {
                    shapes.push(made);
                    next
                })
            };
            if let Some(state) = of.get_mut(row) {
                *state = shape;
            }
            stack.pop();
        }
    }
    let of = kept.iter().map(|(tree, _)| *tree).zip(of).collect();
    (shapes, of)
}
