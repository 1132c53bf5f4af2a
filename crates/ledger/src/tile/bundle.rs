//! Entry bundles: leaves, each after its length in two bytes, big-endian.

use super::TILE_WIDTH;
use crate::{Error, MAX_LEAF_BYTES, Result};

/// The most bytes an entry bundle can have.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + MAX_LEAF_BYTES);

/// Appends a leaf to a bundle.
///
/// # Errors
///
/// When it is larger than [`MAX_LEAF_BYTES`].
pub fn append_to_bundle(bundle: &mut Vec<u8>, leaf: &[u8]) -> Result<()> {
    let length = u16::try_from(leaf.len()).map_err(|_| Error::TooLarge {
        what: "the leaf",
        limit: MAX_LEAF_BYTES,
    })?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(leaf);
    Ok(())
}

/// The leaves of a bundle, in order. An item is an error, and the last, when the bundle ends in the
/// midst of a leaf.
pub fn bundle_leaves(bundle: &[u8]) -> impl Iterator<Item = Result<&[u8]>> {
    let mut rest = bundle;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let leaf = rest.split_first_chunk::<2>().and_then(|(length, after)| {
            after.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        let Some((leaf, after)) = leaf else {
            rest = &[];
            return Some(Err(Error::malformed(
                "the entry bundle",
                "it ends in the midst of a leaf",
            )));
        };
        rest = after;
        Some(Ok(leaf))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bundles_round_trip(leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10)) {
            let mut bundle = Vec::new();
            for leaf in &leaves {
                append_to_bundle(&mut bundle, leaf).unwrap();
            }
            let read: Vec<_> = bundle_leaves(&bundle).map(|leaf| leaf.unwrap().to_vec()).collect();
            prop_assert_eq!(read, leaves);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let read: Vec<_> = bundle_leaves(&bytes).collect();
            let length: usize = read.iter().flatten().map(|leaf| leaf.len() + 2).sum();
            let whole = read.iter().all(Result::is_ok);
            prop_assert_eq!(whole, length == bytes.len());
        }
    }

    #[test]
    fn a_leaf_too_large_is_refused() {
        assert!(append_to_bundle(&mut Vec::new(), &[0; MAX_LEAF_BYTES]).is_ok());
        assert!(append_to_bundle(&mut Vec::new(), &[0; MAX_LEAF_BYTES + 1]).is_err());
    }
}
