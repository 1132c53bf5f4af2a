//! A pack's entries as families: which is built on which.

use gix::objs::Kind;

use crate::git::store::{Base, Fault, Objects, Pack, Reader};

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// A pack's entries in the order they lie in it, as families: which is built on which.
pub(crate) struct Forest {
    /// Where each begins.
    offsets: Vec<u64>,
    /// Its place in the pack's index.
    places: Vec<u32>,
    /// The first of those built on it.
    child: Vec<u32>,
    /// The next of those built on the same.
    sibling: Vec<u32>,
    /// Entries that are whole, with their kind; those on a base of another pack have none.
    pub(crate) roots: Vec<Root>,
    /// Entries that cannot be read, with why.
    pub(crate) broken: Vec<(u32, Fault)>,
}

/// An entry that is not built on another of its pack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Root {
    /// The entry.
    pub(crate) at: u32,
    /// What it is; `None` where the base lies elsewhere.
    pub(crate) kind: Option<Kind>,
}

impl Forest {
    /// Reads all heads of a pack.
    pub(crate) fn of(pack: &Pack, reader: &mut Reader) -> Self {
        let mut order: Vec<(u64, u32)> = (0..pack.count())
            .filter_map(|place| Some((pack.offset(place)?, place)))
            .collect();
        order.sort_unstable();
        let offsets: Vec<u64> = order.iter().map(|(offset, _)| *offset).collect();
        let places: Vec<u32> = order.iter().map(|(_, place)| *place).collect();
        drop(order);
        let count = offsets.len();
        let mut forest = Self {
            offsets,
            places,
            child: vec![NONE; count],
            sibling: vec![NONE; count],
            roots: Vec::new(),
            broken: Vec::new(),
        };
        for at in 0..count as u32 {
            match forest.base(pack, reader, at) {
                Ok(Ok(base)) => forest.link(at, base),
                Ok(Err(kind)) => forest.roots.push(Root { at, kind }),
                Err(fault) => forest.broken.push((at, fault)),
            }
        }
        forest
    }

    /// The entry it is built on, or its kind.
    fn base(
        &self,
        pack: &Pack,
        reader: &mut Reader,
        at: u32,
    ) -> Result<Result<u32, Option<Kind>>, Fault> {
        let entry = reader.entry(pack, self.offset(at))?;
        match entry.base {
            Base::Whole(kind) => Ok(Err(Some(kind))),
            Base::At(offset) => self
                .offsets
                .binary_search(&offset)
                .map(|base| Ok(base as u32))
                .map_err(|_| Fault::Broken("a delta's base is no entry")),
            Base::Named(id) => {
                let offset = pack.place(&id).and_then(|place| pack.offset(place));
                let base = offset.and_then(|offset| self.offsets.binary_search(&offset).ok());
                Ok(base.map_or(Err(None), |base| Ok(base as u32)))
            }
        }
    }

    fn link(&mut self, at: u32, base: u32) {
        if let (Some(child), Some(sibling)) = (
            self.child.get_mut(base as usize),
            self.sibling.get_mut(at as usize),
        ) {
            *sibling = *child;
            *child = at;
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.offsets.len() as u32
    }

    /// Where an entry begins in the pack.
    pub(crate) fn offset(&self, at: u32) -> u64 {
        self.offsets.get(at as usize).copied().unwrap_or(0)
    }

    /// An entry's place in the pack's index.
    pub(crate) fn place(&self, at: u32) -> u32 {
        self.places.get(at as usize).copied().unwrap_or(NONE)
    }

    pub(crate) fn child(&self, at: u32) -> u32 {
        self.child.get(at as usize).copied().unwrap_or(NONE)
    }

    pub(crate) fn sibling(&self, at: u32) -> u32 {
        self.sibling.get(at as usize).copied().unwrap_or(NONE)
    }

    pub(crate) fn is_leaf(&self, at: u32) -> bool {
        self.child(at) == NONE
    }

    /// Calls `on` for an entry and all that is built on it, however deep.
    pub(crate) fn family(&self, root: u32, mut on: impl FnMut(u32)) {
        let mut left = vec![root];
        while let Some(at) = left.pop() {
            on(at);
            let mut child = self.child(at);
            while child != NONE {
                left.push(child);
                child = self.sibling(child);
            }
        }
    }

    /// How many entries hang on no root: bases in a circle.
    pub(crate) fn in_circles(&self) -> u32 {
        let mut reached = self.broken.len() as u32;
        for root in &self.roots {
            self.family(root.at, |_| reached += 1);
        }
        for (broken, _) in &self.broken {
            self.family(*broken, |at| reached += u32::from(at != *broken));
        }
        self.count().saturating_sub(reached)
    }

    /// What is to be read for a family, in bytes of the pack.
    pub(crate) fn weight(&self, root: u32, end: u64) -> u64 {
        let mut weight = 0;
        self.family(root, |at| {
            let next = self.offsets.get(at as usize + 1).copied().unwrap_or(end);
            weight += next.saturating_sub(self.offset(at));
        });
        weight
    }

    /// The objects of a pack in order, as the answer to "what is the object of this entry".
    pub(crate) fn id(&self, objects: &Objects, pack: u32, at: u32) -> Option<gix::ObjectId> {
        objects
            .pack(pack)
            .ok()?
            .id(self.place(at))
            .map(ToOwned::to_owned)
    }
}
