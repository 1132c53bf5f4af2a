//! The Merkle tree of RFC 6962.

mod frontier;
mod prove;
mod verify;

pub use frontier::{Frontier, MAX_TREE_SIZE, TreeHead};
pub use prove::{NodeSource, consistency_path, inclusion_path, root_at};
pub use verify::{verify_consistency, verify_inclusion};

/// The most hashes a path through a tree of [`MAX_TREE_SIZE`] can have.
pub(crate) const MAX_PATH: usize = 64;

/// The root of a tree's right edge: `roots` are complete subtrees, largest first; `right` is what
/// stands to the right of them, if anything.
pub(crate) fn fold_edge(roots: &[crate::Hash], right: Option<crate::Hash>) -> Option<crate::Hash> {
    roots.iter().rev().fold(right, |right, left| {
        Some(right.map_or(*left, |right| crate::node_hash(left, &right)))
    })
}
