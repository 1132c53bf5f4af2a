//! A set of scopes and what it covers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::operation::{Op, OpSet};
use crate::scope::{ParseScopeError, Scope};

/// A set of scopes: 256 bits, copied freely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet([u64; 4]);

impl ScopeSet {
    /// No scope.
    pub const EMPTY: ScopeSet = ScopeSet([0; 4]);

    /// Whether the scope itself, not one that covers it, is in the set.
    pub fn contains(self, scope: Scope) -> bool {
        let bit = scope.index();
        self.0
            .get(bit / 64)
            .is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    /// Adds a scope.
    pub fn insert(&mut self, scope: Scope) {
        let bit = scope.index();
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Whether a key with these scopes may call the operation: the set holds the operation's scope,
    /// its resource's `all`, `all:` its action, or `all:all`. Assumed scopes count as documented
    /// ones.
    pub fn covers(self, op: Op) -> bool {
        self.covers_scope(op.facts().scope)
    }

    /// Whether the set covers an operation that asks for this scope.
    pub fn covers_scope(self, scope: Scope) -> bool {
        scope
            .accepted()
            .into_iter()
            .any(|accepted| self.contains(accepted))
    }

    /// The operations that a key with these scopes may call.
    pub fn allows(self) -> OpSet {
        Op::ALL.into_iter().filter(|op| self.covers(*op)).collect()
    }

    /// The scopes of this set that no operation of `used` needs once the rest is there. Judged one
    /// by one from the widest down, so that what is left is a least set again.
    pub fn excess(self, used: OpSet) -> ScopeSet {
        let mut kept = self;
        let mut scopes: Vec<Scope> = self.iter().collect();
        scopes.sort_by_key(|scope| std::cmp::Reverse(scope.breadth()));
        let needed: OpSet = used.iter().filter(|op| self.covers(*op)).collect();
        for scope in scopes {
            let without = kept.without(scope);
            if needed.iter().all(|op| without.covers(op)) {
                kept = without;
            }
        }
        self.difference(kept)
    }

    /// The set less one scope.
    pub fn without(self, scope: Scope) -> ScopeSet {
        self.difference([scope].into_iter().collect())
    }

    /// What is in either set.
    pub fn union(self, other: ScopeSet) -> ScopeSet {
        let ([a, b, c, d], [w, x, y, z]) = (self.0, other.0);
        ScopeSet([a | w, b | x, c | y, d | z])
    }

    /// What is in this set and not in the other.
    pub fn difference(self, other: ScopeSet) -> ScopeSet {
        let ([a, b, c, d], [w, x, y, z]) = (self.0, other.0);
        ScopeSet([a & !w, b & !x, c & !y, d & !z])
    }

    /// How many scopes are in the set.
    pub fn len(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    /// The scopes in the vendor's order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::known().filter(move |scope| self.contains(*scope))
    }

    /// Whether a wildcard resource is in the set.
    pub fn has_wildcard(self) -> bool {
        self.iter().any(Scope::is_wildcard)
    }
}

impl Scope {
    /// How many operations a key with this scope alone may call.
    pub fn breadth(self) -> usize {
        ScopeSet::from_iter([self]).allows().len()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> ScopeSet {
        let mut set = ScopeSet::EMPTY;
        for scope in scopes {
            set.insert(scope);
        }
        set
    }
}

impl FromStr for ScopeSet {
    type Err = ParseScopeError;

    /// Scopes parted by commas, white space or both.
    fn from_str(text: &str) -> Result<ScopeSet, ParseScopeError> {
        text.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .map(Scope::parse)
            .collect()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{scope}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ScopeSet, D::Error> {
        Ok(Vec::<Scope>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}
