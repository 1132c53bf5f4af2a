//! The Merkle tree of RFC 6962.

mod frontier;

pub use frontier::{Frontier, MAX_TREE_SIZE, TreeHead};
