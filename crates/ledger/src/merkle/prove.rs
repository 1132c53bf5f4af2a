//! Making proofs, from whatever can tell the hashes of complete subtrees.

use super::fold_edge;
use crate::{Error, Hash, MAX_TREE_SIZE, Result};

/// Tells the hashes of complete subtrees.
pub trait NodeSource {
    /// The root of the complete subtree of 2^`level` leaves that begins at leaf
    /// `index` · 2^`level`.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    fn node(&mut self, level: u32, index: u64) -> Result<Hash>;
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
///
/// When a node can't be read.
pub fn root_at(nodes: &mut dyn NodeSource, size: u64) -> Result<Hash> {
    if size == 0 {
        return Ok(Hash::EMPTY_TREE);
    }
    range_root(nodes, 0, size)
}

/// The path that shows leaf `index` in the tree of `size` leaves (RFC 6962, section 2.1.1): the
/// leaf's sibling first, then upwards.
///
/// # Errors
///
/// When there is no such leaf, or a node can't be read.
pub fn inclusion_path(nodes: &mut dyn NodeSource, index: u64, size: u64) -> Result<Vec<Hash>> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(Error::malformed("the proof", "there is no such leaf"));
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The path that shows that the tree of `new` leaves begins with that of `old` (RFC 6962, section
/// 2.1.2). Empty when the sizes are equal or `old` is 0.
///
/// # Errors
///
/// When `old` is larger than `new`, or a node can't be read.
pub fn consistency_path(nodes: &mut dyn NodeSource, old: u64, new: u64) -> Result<Vec<Hash>> {
    if old > new || new > MAX_TREE_SIZE {
        return Err(Error::malformed("the proof", "the older tree is larger"));
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    while end > old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    // What is left is the older tree's last subtree; whoever verifies knows it if it's the whole.
    if start > 0 {
        path.push(range_root(nodes, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below `size`, which is at least 2.
const fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The root of the leaves from `start` up to `end`, where `start` is a multiple of the smallest
/// power of two that is not below `end - start`.
fn range_root(nodes: &mut dyn NodeSource, start: u64, end: u64) -> Result<Hash> {
    let mut roots = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        roots.push(nodes.node(level, at >> level)?);
        at += 1 << level;
    }
    fold_edge(&roots, None).ok_or(Error::malformed("the proof", "a range is empty"))
}
