//! The tree's right edge: all that is needed to grow it and to know its root.

use crate::{Error, Hash, Result, node_hash};

/// The most leaves a tree may have. Sizes and indexes stay below 2^63, as in other implementations.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// A size and the root at that size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root hash at that size.
    pub root: Hash,
}

impl TreeHead {
    /// The tree without leaves.
    pub const EMPTY: Self = Self {
        size: 0,
        root: Hash::EMPTY_TREE,
    };
}

/// The roots of the complete subtrees that a tree of some size is made of, largest first: one for
/// each bit that is set in the size. Takes 32 bytes for each doubling of the log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Of the tree without leaves.
    pub const fn new() -> Self {
        Self {
            size: 0,
            roots: Vec::new(),
        }
    }

    /// From its parts: as many roots as the size has bits set, largest subtree first.
    ///
    /// # Errors
    ///
    /// When the number of roots does not fit the size, or the size is too large.
    pub fn from_parts(size: u64, roots: Vec<Hash>) -> Result<Self> {
        if size > MAX_TREE_SIZE || roots.len() != size.count_ones() as usize {
            return Err(Error::malformed(
                "a tree's edge",
                "roots don't fit the size",
            ));
        }
        Ok(Self { size, roots })
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Appends a leaf by its hash. Hashes once for each bit that carries: twice on average with the
    /// leaf's own.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            node = node_hash(&left, &node);
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// Root hash at this size.
    pub fn root(&self) -> Hash {
        self.roots
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or(Hash::EMPTY_TREE)
    }

    /// Size and root.
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size,
            root: self.root(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    /// The definition of RFC 6962, section 2.1, word by word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::EMPTY_TREE,
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    #[test]
    fn grows_as_the_definition_says() {
        let leaves: Vec<Hash> = (0..300_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut tree = Frontier::new();
        assert_eq!(tree.head(), TreeHead::EMPTY);
        for (n, leaf) in leaves.iter().enumerate() {
            tree.push(*leaf);
            assert_eq!(tree.root(), mth(&leaves[..=n]), "{n}");
            let again = Frontier::from_parts(tree.size(), tree.roots().to_vec()).unwrap();
            assert_eq!(again, tree);
        }
        assert!(Frontier::from_parts(7, leaves[..2].to_vec()).is_err());
        assert!(Frontier::from_parts(u64::MAX, vec![leaves[0]; 64]).is_err());
    }

    /// The roots that Certificate Transparency's reference implementations are tested with.
    #[test]
    fn published_roots() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"@ABC",
            b"PQRSTUVW",
            b"`abcdefghijklmno",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Frontier::new();
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.push(leaf_hash(leaf));
            let hex: String = tree
                .root()
                .as_bytes()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(hex, root);
        }
    }
}
