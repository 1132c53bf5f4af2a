//! A set of operations.

use super::Op;

/// A set of operations: 173 bits, copied freely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OpSet([u64; 3]);

impl OpSet {
    /// No operation.
    pub const EMPTY: OpSet = OpSet([0; 3]);

    /// Every operation.
    pub fn all() -> OpSet {
        Op::ALL.into_iter().collect()
    }

    /// Whether the operation is in the set.
    pub fn contains(self, op: Op) -> bool {
        let bit = op as usize;
        self.0
            .get(bit / 64)
            .is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    /// Adds an operation; whether it is new.
    pub fn insert(&mut self, op: Op) -> bool {
        let bit = op as usize;
        let Some(word) = self.0.get_mut(bit / 64) else {
            return false;
        };
        let fresh = *word & (1 << (bit % 64)) == 0;
        *word |= 1 << (bit % 64);
        fresh
    }

    /// Removes an operation.
    pub fn remove(&mut self, op: Op) {
        let bit = op as usize;
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word &= !(1 << (bit % 64));
        }
    }

    /// What is in either set.
    pub fn union(self, other: OpSet) -> OpSet {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        OpSet([a | x, b | y, c | z])
    }

    /// What is in both sets.
    pub fn intersection(self, other: OpSet) -> OpSet {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        OpSet([a & x, b & y, c & z])
    }

    /// What is in this set and not in the other.
    pub fn difference(self, other: OpSet) -> OpSet {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        OpSet([a & !x, b & !y, c & !z])
    }

    /// How many operations are in the set.
    pub fn len(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == [0; 3]
    }

    /// Whether every operation of this set is in the other.
    pub fn is_subset(self, other: OpSet) -> bool {
        self.difference(other).is_empty()
    }

    /// The operations in the vendor's order.
    pub fn iter(self) -> impl Iterator<Item = Op> {
        Op::ALL.into_iter().filter(move |op| self.contains(*op))
    }
}

impl FromIterator<Op> for OpSet {
    fn from_iter<I: IntoIterator<Item = Op>>(ops: I) -> OpSet {
        let mut set = OpSet::EMPTY;
        for op in ops {
            set.insert(op);
        }
        set
    }
}

impl std::fmt::Debug for OpSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
