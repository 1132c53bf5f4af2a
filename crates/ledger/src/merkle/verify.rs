//! Verifying proofs, by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use crate::{Error, Hash, Result, TreeHead, node_hash};

/// Verifies that the tree `head` has `leaf` at `index`.
///
/// # Errors
///
/// [`Error::ProofRefused`] when the path does not show that.
pub fn verify_inclusion(leaf: &Hash, index: u64, head: &TreeHead, path: &[Hash]) -> Result<()> {
    const REFUSED: Error = Error::ProofRefused("inclusion");
    if index >= head.size {
        return Err(REFUSED);
    }
    let (mut at, mut last) = (index, head.size - 1);
    let mut root = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(REFUSED);
        }
        if at & 1 == 1 || at == last {
            root = node_hash(sibling, &root);
            // At the right edge, levels without a sibling are skipped.
            let skip = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at = at.checked_shr(skip).unwrap_or(0);
            last = last.checked_shr(skip).unwrap_or(0);
        } else {
            root = node_hash(&root, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 && root == head.root {
        Ok(())
    } else {
        Err(REFUSED)
    }
}

/// Verifies that the tree `new` begins with all leaves of `old`, unchanged and in order.
///
/// # Errors
///
/// [`Error::ProofRefused`] when the path does not show that.
pub fn verify_consistency(old: &TreeHead, new: &TreeHead, path: &[Hash]) -> Result<()> {
    const REFUSED: Error = Error::ProofRefused("consistency");
    let accept = |yes: bool| if yes { Ok(()) } else { Err(REFUSED) };
    if old.size > new.size {
        return Err(REFUSED);
    }
    if old.size == new.size {
        return accept(path.is_empty() && old.root == new.root);
    }
    if old.size == 0 {
        return accept(path.is_empty() && *old == TreeHead::EMPTY);
    }
    // A complete older tree is itself the first node of the path, and is left out of it.
    let (first, rest) = if old.size.is_power_of_two() {
        (old.root, path)
    } else {
        let Some((first, rest)) = path.split_first() else {
            return Err(REFUSED);
        };
        (*first, rest)
    };
    let shift = (old.size - 1).trailing_ones();
    let (mut at, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut old_root, mut new_root) = (first, first);
    for node in rest {
        if last == 0 {
            return Err(REFUSED);
        }
        if at & 1 == 1 || at == last {
            old_root = node_hash(node, &old_root);
            new_root = node_hash(node, &new_root);
            let skip = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at = at.checked_shr(skip).unwrap_or(0);
            last = last.checked_shr(skip).unwrap_or(0);
        } else {
            new_root = node_hash(&new_root, node);
        }
        at >>= 1;
        last >>= 1;
    }
    accept(last == 0 && old_root == old.root && new_root == new.root)
}
