//! What is known of keys, by who knows it.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::{Op, OpSet};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

/// Most addresses that a sighting names.
const ADDRESSES_MAX: usize = 16;

/// How often, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How often.
    pub calls: u64,
    /// When last.
    pub last: Timestamp,
}

impl Count {
    /// Once, then.
    pub const fn once(at: Timestamp) -> Self {
        Self { calls: 1, last: at }
    }

    /// Once more.
    pub fn again(&mut self, at: Timestamp) {
        self.calls = self.calls.saturating_add(1);
        self.last = self.last.max(at);
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            last: self.last.max(other.last),
        }
    }
}

/// Whether a key that is held is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldState {
    /// Calls go out under it.
    Active,
    /// It is being replaced.
    Retiring,
    /// It is not used any more.
    Retired,
}

/// A key that Doorward holds: where it is, never what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Doorward's id of it: `uk_…`.
    pub key_id: String,
    /// Name, unique in the workspace.
    pub name: String,
    /// Instantly's id of it, where that is known.
    pub api_key_id: Option<String>,
    /// Where its value is kept.
    pub reference: String,
    /// Its scopes as far as Doorward knows.
    pub scopes: Option<Vec<String>>,
    /// Whether it is used.
    pub state: HeldState,
    /// Whether the last probe found it alive; `None` when it could not tell.
    pub alive: Option<bool>,
    /// Whether it makes, lists and revokes the other keys.
    pub manages: bool,
    /// What Doorward itself does under it, in words; that is in no count.
    pub own_use: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Since when Doorward holds it.
    pub since: Timestamp,
}

/// A key as Instantly lists it; never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Instantly's id of it.
    pub api_key_id: String,
    /// Its name there. Names are not unique.
    pub name: String,
    /// Its scopes, as Instantly spells them.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// The keys that Instantly lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The keys.
    pub keys: Vec<Listed>,
    /// Whether these are all: only then is a key gone that is not among them.
    pub whole: bool,
}

/// Calls that went out under a key, by operation, as the ledger has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses(BTreeMap<Op, Count>);

impl Uses {
    /// One more call.
    pub fn add(&mut self, op: Op, at: Timestamp) {
        self.add_count(op, Count::once(at));
    }

    /// The calls of another key as well.
    pub fn join(&mut self, other: &Self) {
        for (op, count) in other.iter() {
            self.add_count(op, count);
        }
    }

    /// More calls of an operation.
    fn add_count(&mut self, op: Op, more: Count) {
        self.0
            .entry(op)
            .and_modify(|count| *count = count.and(more))
            .or_insert(more);
    }

    /// By operation.
    pub fn iter(&self) -> impl Iterator<Item = (Op, Count)> {
        self.0.iter().map(|(op, count)| (*op, *count))
    }

    /// The operations.
    pub fn operations(&self) -> OpSet {
        self.0.keys().copied().collect()
    }

    /// All calls; `None` when there were none.
    pub fn total(&self) -> Option<Count> {
        self.0.values().copied().reduce(Count::and)
    }
}

/// An act that Instantly's audit log has and no call through Doorward is named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// How often, and when last.
    pub count: Count,
    /// The operations that may have left such a record.
    pub could: OpSet,
}

/// What Instantly's own audit log has of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Records that name the key.
    pub records: Count,
    /// Those of them that no call through Doorward is named by, by what happened.
    pub outside: BTreeMap<String, Act>,
    /// The addresses that those came from; the first 16.
    pub addresses: BTreeSet<String>,
}

impl Sighting {
    /// Takes a record in. Of one that names no call of Doorward's: what happened, which operations
    /// may have left it, and the address that it came from.
    pub fn add(
        all: &mut BTreeMap<String, Self>,
        api_key_id: &str,
        at: Timestamp,
        around: Option<(&str, OpSet, &str)>,
    ) {
        let seen = all
            .entry(api_key_id.to_owned())
            .and_modify(|seen| seen.records.again(at))
            .or_insert_with(|| Self {
                records: Count::once(at),
                outside: BTreeMap::new(),
                addresses: BTreeSet::new(),
            });
        let Some((what, could, address)) = around else {
            return;
        };
        seen.outside
            .entry(what.to_owned())
            .and_modify(|act| act.count.again(at))
            .or_insert(Act {
                count: Count::once(at),
                could,
            });
        if seen.addresses.len() < ADDRESSES_MAX {
            seen.addresses.insert(address.to_owned());
        }
    }

    /// Records that no call through Doorward is named by.
    pub fn around(&self) -> u64 {
        self.outside.values().map(|act| act.count.calls).sum()
    }

    /// The operations that may have left those.
    pub fn could(&self) -> OpSet {
        let acts = self.outside.values();
        acts.fold(OpSet::EMPTY, |all, act| all.union(act.could))
    }
}
