//! Leaves, and the tree above them.

use doorward_ledger::{
    Hash, LeafBytes, ReadLeaf, Tile, TreeHead, append_to_bundle, bundle_leaves, canonical_json,
    verify_consistency, verify_inclusion,
};
use serde_json::Value;

use crate::text;

pub(crate) fn leaf(data: &[u8]) -> bool {
    // Any JSON has a canonical form or is refused; the canonical form is its own.
    if let Ok(value) = serde_json::from_slice::<Value>(data)
        && let Ok(canonical) = canonical_json(&value)
    {
        let again: Value = serde_json::from_slice(&canonical).expect("it is JSON");
        assert_eq!(canonical_json(&again).expect("as before"), canonical);
    }
    let read = LeafBytes::from_canonical(data.to_vec());
    let known = ReadLeaf::from_bytes(data);
    assert_eq!(read.is_ok(), known.is_ok(), "both read or neither");
    let (Ok(leaf), Ok(known)) = (read, known) else {
        return false;
    };
    assert_eq!(leaf.as_bytes(), data);
    if let ReadLeaf::Known(known) = known {
        // Members that are not known are dropped; what is known can be written.
        let bytes = known.to_bytes().expect("what was read can be written");
        assert_eq!(
            ReadLeaf::from_bytes(bytes.as_bytes()).expect("and read"),
            ReadLeaf::Known(known)
        );
    }
    true
}

pub(crate) fn entry_bundle(data: &[u8]) -> bool {
    let mut whole = true;
    let mut again = Vec::new();
    for leaf in bundle_leaves(data) {
        assert!(whole, "an error is the last item");
        match leaf {
            Ok([]) => again.extend([0, 0]),
            Ok(leaf) => append_to_bundle(&mut again, leaf).expect("as long as it was"),
            Err(_) => whole = false,
        }
    }
    assert!(data.starts_with(&again));
    assert_eq!(whole, again.len() == data.len());
    whole
}

pub(crate) fn tile_name(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let Ok(tile) = text.parse::<Tile>() else {
        return false;
    };
    assert_eq!(tile.to_string(), text, "one spelling only");
    assert!((1..=256).contains(&tile.width()));
    assert!(tile.full().to_string().parse::<Tile>().is_ok());
    let _ = tile.first_leaf();
    true
}

/// 8 bytes of index or old size, 8 of size, a root, a leaf's hash or older root, and the path.
pub(crate) fn tree_proof(data: &[u8]) -> bool {
    fn number(data: &mut &[u8]) -> Option<u64> {
        let (head, rest) = data.split_first_chunk::<8>()?;
        *data = rest;
        Some(u64::from_be_bytes(*head))
    }
    fn hash(data: &mut &[u8]) -> Option<Hash> {
        let (head, rest) = data.split_first_chunk::<32>()?;
        *data = rest;
        Some(Hash::from_bytes(*head))
    }
    let mut rest = data;
    let Some((at, size)) = number(&mut rest).zip(number(&mut rest)) else {
        return false;
    };
    let Some((root, below)) = hash(&mut rest).zip(hash(&mut rest)) else {
        return false;
    };
    let path: Vec<Hash> = std::iter::from_fn(|| hash(&mut rest)).collect();
    let head = TreeHead { size, root };
    let old = TreeHead {
        size: at,
        root: below,
    };
    let included = verify_inclusion(&below, at, &head, &path).is_ok();
    let consistent = verify_consistency(&old, &head, &path).is_ok();
    assert!(!included || at < size, "there is no such leaf");
    assert!(!consistent || at <= size, "the older tree is larger");
    included || consistent
}
