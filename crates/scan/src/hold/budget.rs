//! What archives may still become.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::engine::Limits;

/// Streams smaller than this may be of any ratio: a page of zeros is no bomb.
const SMALL: u64 = 16 << 20;

/// What is left of a blob's limits, shared by the readers within each other.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    expanded: Cell<u64>,
    members: Cell<u32>,
    exceeded: Cell<bool>,
    ratio: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Rc::new(Shared {
            expanded: Cell::new(limits.expanded),
            members: Cell::new(limits.members),
            exceeded: Cell::new(false),
            ratio: limits.ratio,
        }))
    }

    /// Takes bytes; `false`, from then on, if there were not so many.
    pub(crate) fn spend(&self, bytes: u64) -> bool {
        match self.0.expanded.get().checked_sub(bytes) {
            Some(left) if !self.0.exceeded.get() => {
                self.0.expanded.set(left);
                true
            }
            _ => {
                self.0.exceeded.set(true);
                false
            }
        }
    }

    /// Whether more was asked for than there was.
    pub(crate) fn exceeded(&self) -> bool {
        self.0.exceeded.get()
    }

    /// Takes a member; `false` if there are none left.
    pub(crate) fn member(&self) -> bool {
        let left = self.0.members.get();
        self.0.members.set(left.saturating_sub(1));
        left > 0
    }
}

/// Counts what is read.
pub(crate) struct Counted<'r> {
    inner: &'r mut dyn Read,
    count: Rc<Cell<u64>>,
}

impl<'r> Counted<'r> {
    /// The reader, and its count.
    pub(crate) fn new(inner: &'r mut dyn Read) -> (Self, Rc<Cell<u64>>) {
        let count = Rc::new(Cell::new(0));
        let counted = Self {
            inner,
            count: Rc::clone(&count),
        };
        (counted, count)
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// A decompressed stream that fails when it becomes more than it may.
pub(crate) struct Metered<R> {
    inner: R,
    budget: Budget,
    /// Compressed bytes read so far.
    compressed: Rc<Cell<u64>>,
    out: u64,
}

impl<R: Read> Metered<R> {
    pub(crate) fn new(inner: R, budget: &Budget, compressed: Rc<Cell<u64>>) -> Self {
        Self {
            inner,
            budget: budget.clone(),
            compressed,
            out: 0,
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.out += read as u64;
        let most = self.compressed.get().saturating_mul(self.budget.0.ratio);
        if self.out > SMALL && self.out > most {
            self.budget.0.exceeded.set(true);
        }
        if !self.budget.spend(read as u64) {
            return Err(io::Error::other("more than is looked at"));
        }
        Ok(read)
    }
}
