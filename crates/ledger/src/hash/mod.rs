//! SHA-256 as RFC 6962, section 2.1, uses it.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256, digest};

use crate::{Error, base64};

#[cfg(target_arch = "x86_64")]
mod lanes;

/// Length of a [`struct@Hash`], in bytes.
pub const HASH_LEN: usize = 32;

/// A SHA-256 hash of the tree: of a leaf, of a node, or the root. Shown in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_LEN]);

impl Hash {
    /// The root of the tree without leaves: SHA-256 of nothing.
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; HASH_LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_LEN] {
        &self.0
    }

    /// The hash in the first 32 bytes; `None` when there are not exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// SHA-256 of `bytes`, with no prefix.
    pub(crate) fn plain(bytes: &[u8]) -> Self {
        Self::of_digest(digest(&SHA256, bytes).as_ref())
    }

    fn of_digest(digest: &[u8]) -> Self {
        let mut hash = [0; HASH_LEN];
        // Both are 32 bytes long: SHA-256.
        for (to, from) in hash.iter_mut().zip(digest) {
            *to = *from;
        }
        Self(hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = Error;

    /// From 44 characters of base64.
    fn from_str(text: &str) -> Result<Self, Error> {
        base64::decode_array(text)
            .map(Self)
            .ok_or(Error::malformed("a hash", "it is not 32 bytes in base64"))
    }
}

/// The hash of a leaf: SHA-256 of the byte `0x00` and the leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(leaf);
    Hash::of_digest(context.finish().as_ref())
}

/// The hash of each of some leaves.
pub(crate) fn leaf_hashes(leaves: &[&[u8]]) -> Vec<Hash> {
    #[cfg(target_arch = "x86_64")]
    if let Some(hashes) = lanes::hash_all(0, leaves) {
        return hashes;
    }
    leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
}

/// The hash of the node above each pair of hashes; one without a partner is left out.
pub(crate) fn node_hashes(hashes: &[Hash]) -> Vec<Hash> {
    let pairs = hashes.as_chunks::<2>().0;
    #[cfg(target_arch = "x86_64")]
    {
        let nodes: Vec<[u8; 2 * HASH_LEN]> = pairs
            .iter()
            .map(|[left, right]| {
                let mut node = [0; 2 * HASH_LEN];
                let (to_left, to_right) = node.split_at_mut(HASH_LEN);
                to_left.copy_from_slice(&left.0);
                to_right.copy_from_slice(&right.0);
                node
            })
            .collect();
        let nodes: Vec<&[u8]> = nodes.iter().map(<[u8; 2 * HASH_LEN]>::as_slice).collect();
        if let Some(hashes) = lanes::hash_all(1, &nodes) {
            return hashes;
        }
    }
    pairs
        .iter()
        .map(|[left, right]| node_hash(left, right))
        .collect()
}

/// The hash of an inner node: SHA-256 of the byte `0x01`, the left and the right child's hash.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [1; 1 + 2 * HASH_LEN];
    for (to, from) in node.iter_mut().skip(1).zip(left.0.iter().chain(&right.0)) {
        *to = *from;
    }
    Hash::plain(&node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_tree_is_the_hash_of_nothing() {
        assert_eq!(Hash::plain(b""), Hash::EMPTY_TREE);
        let text = Hash::EMPTY_TREE.to_string();
        assert_eq!(text, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(text.parse::<Hash>().unwrap(), Hash::EMPTY_TREE);
    }

    #[test]
    fn a_leaf_is_no_node() {
        let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
        let mut both = a.as_bytes().to_vec();
        both.extend(b.as_bytes());
        assert_ne!(node_hash(&a, &b), leaf_hash(&both));
        assert_ne!(node_hash(&a, &b), Hash::plain(&both));
    }

    #[test]
    fn other_spellings_of_a_hash_are_refused() {
        for text in [
            "",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            " 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        ] {
            assert!(text.parse::<Hash>().is_err(), "{text}");
        }
    }
}
