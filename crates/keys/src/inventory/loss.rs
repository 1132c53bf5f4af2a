//! What is lost with a key.

use doorward_catalog::{OpSet, ScopeSet};

/// A key of a workspace, as far as it counts for what is covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Doorward's id of it.
    pub key_id: String,
    /// Its scopes, where they are known.
    pub scopes: Option<ScopeSet>,
    /// Whether it is used and not known to be dead.
    pub works: bool,
}

/// The operations of `wanted` that `key_id` may cover and no other key is known to: those that would
/// fail without it. Of a key whose scopes are not known it is taken that it covers all when it is the
/// one that goes, and nothing when it stays.
pub fn lost_without(keys: &[Standing], key_id: &str, wanted: OpSet) -> OpSet {
    let covers = |key: &Standing| key.scopes.map(ScopeSet::allows);
    let mine = keys
        .iter()
        .filter(|key| key.works && key.key_id == key_id)
        .fold(OpSet::EMPTY, |all, key| {
            all.union(covers(key).unwrap_or_else(OpSet::all))
        });
    let others = keys
        .iter()
        .filter(|key| key.works && key.key_id != key_id)
        .fold(OpSet::EMPTY, |all, key| {
            all.union(covers(key).unwrap_or_default())
        });
    wanted.intersection(mine).difference(others)
}
