//! The walk over a family: the base is made, then each delta on it, so that every entry is
//! inflated once.

use std::sync::atomic::{AtomicUsize, Ordering};

use gix::objs::Kind;

use super::forest::{Forest, NONE, Root};
use crate::git::store::{Copied, Fault, LARGEST, Objects, Reader};

/// What is held of bases that are still needed, in bytes; what is over it is made anew.
const HELD: usize = 48 << 20;

/// An entry that is visited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// The entry in its forest.
    pub(crate) at: u32,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What is done with each object.
pub(crate) trait Visit {
    /// What those built on an object are told of it.
    type Carry;

    /// An object that is built on none.
    fn whole(&mut self, node: Node, bytes: &[u8]) -> Self::Carry;

    /// An object built on another, of which `copied` was taken.
    fn derived(
        &mut self,
        node: Node,
        bytes: &[u8],
        copied: &[Copied],
        base: &Based<'_, Self::Carry>,
    ) -> Self::Carry;

    /// One that could not be made: nor could those built on it.
    fn broken(&mut self, at: u32, fault: &Fault);
}

/// What an object is built on.
pub(crate) struct Based<'a, C> {
    /// What was made of the base when it was visited.
    pub(crate) carry: &'a C,
    /// The base's size.
    pub(crate) len: usize,
}

struct Frame<C> {
    at: u32,
    bytes: Vec<u8>,
    /// Let go of to hold less: made anew when it is needed.
    dropped: bool,
    carry: C,
    /// The next one on it that others are built on.
    inner: u32,
}

/// Walks one family.
pub(crate) fn walk<V: Visit>(
    objects: &Objects,
    pack_number: u32,
    forest: &Forest,
    root: Root,
    reader: &mut Reader,
    visit: &mut V,
) {
    let Ok(pack) = objects.pack(pack_number) else {
        return;
    };
    let (mut spare, mut copied) = (Vec::new(), Vec::new());
    let mut bytes = Vec::new();
    let read = reader.packed(
        objects,
        pack_number,
        forest.offset(root.at),
        LARGEST,
        &mut bytes,
    );
    let kind = match read {
        Ok(kind) => kind,
        Err(fault) => return visit.broken(root.at, &fault),
    };
    let carry = visit.whole(Node { at: root.at, kind }, &bytes);
    let mut stack: Vec<Frame<V::Carry>> = Vec::new();
    let mut held = 0usize;
    let mut next = Some((root.at, bytes, carry));
    loop {
        // One that others are built on: first those on which nothing is built.
        if let Some((at, bytes, carry)) = next.take() {
            let mut child = forest.child(at);
            let mut inner = NONE;
            while child != NONE {
                if !forest.is_leaf(child) {
                    if inner == NONE {
                        inner = child;
                    }
                } else {
                    let made = reader.entry(pack, forest.offset(child)).and_then(|entry| {
                        reader.derive(pack, &entry, &bytes, LARGEST, &mut spare, &mut copied)
                    });
                    match made {
                        Ok(()) => {
                            let based = Based {
                                carry: &carry,
                                len: bytes.len(),
                            };
                            visit.derived(Node { at: child, kind }, &spare, &copied, &based);
                        }
                        Err(fault) => visit.broken(child, &fault),
                    }
                }
                child = forest.sibling(child);
            }
            held += bytes.len();
            stack.push(Frame {
                at,
                bytes,
                dropped: false,
                carry,
                inner,
            });
            for frame in stack.iter_mut().rev().skip(1) {
                if held > HELD && !frame.dropped {
                    held = held.saturating_sub(frame.bytes.len());
                    (frame.bytes, frame.dropped) = (Vec::new(), true);
                }
            }
        }
        let Some(frame) = stack.last_mut() else {
            return;
        };
        let child = frame.inner;
        if child == NONE {
            if let Some(frame) = stack.pop() {
                held = held.saturating_sub(frame.bytes.len());
            }
            continue;
        }
        frame.inner = forest.sibling(child);
        while frame.inner != NONE && forest.is_leaf(frame.inner) {
            frame.inner = forest.sibling(frame.inner);
        }
        if frame.dropped {
            let at = forest.offset(frame.at);
            if let Err(fault) = reader.packed(objects, pack_number, at, LARGEST, &mut frame.bytes) {
                visit.broken(child, &fault);
                continue;
            }
            frame.dropped = false;
            held += frame.bytes.len();
        }
        let mut bytes = Vec::new();
        let made = reader.entry(pack, forest.offset(child)).and_then(|entry| {
            reader.derive(pack, &entry, &frame.bytes, LARGEST, &mut bytes, &mut copied)
        });
        match made {
            Ok(()) => {
                let based = Based {
                    carry: &frame.carry,
                    len: frame.bytes.len(),
                };
                let carry = visit.derived(Node { at: child, kind }, &bytes, &copied, &based);
                next = Some((child, bytes, carry));
            }
            Err(fault) => visit.broken(child, &fault),
        }
        // The last one on it: it is needed no more.
        if frame.inner == NONE
            && let Some(frame) = stack.pop()
        {
            held = held.saturating_sub(frame.bytes.len());
        }
    }
}

/// Walks the families of `roots` by `threads` threads, each with what `make` gives it; gives back
/// what each made.
pub(crate) fn each_root<V: Visit + Send>(
    objects: &Objects,
    pack: u32,
    forest: &Forest,
    roots: &[Root],
    threads: usize,
    make: impl Fn() -> V + Sync,
    done: impl Fn(usize) + Sync,
) -> Vec<V> {
    /// How many families are taken at once.
    const SHARE: usize = 16;
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut reader, mut visit) = (Reader::default(), make());
        loop {
            let from = next.fetch_add(SHARE, Ordering::Relaxed);
            let share = roots.get(from..(from + SHARE).min(roots.len()));
            let Some(share) = share.filter(|share| !share.is_empty()) else {
                return visit;
            };
            for root in share {
                walk(objects, pack, forest, *root, &mut reader, &mut visit);
            }
            done(share.len());
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()];
        for other in others {
            match other.join() {
                Ok(visit) => all.push(visit),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}
