//! A leaf as it is stored and hashed.

use serde::Serialize;
use serde_json::Value;

use crate::{Error, Hash, MAX_LEAF_BYTES, Result, jcs, leaf_hash};

/// One leaf: canonical JSON of an object with `v`, `kind` and `at`, of at most
/// [`MAX_LEAF_BYTES`](crate::MAX_LEAF_BYTES).
///
/// Whatever else it holds is not looked at here, so leaves of newer versions are appended, hashed
/// and proved all the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafBytes(Box<[u8]>);

impl LeafBytes {
    /// The canonical form of a leaf, which has what every version has.
    ///
    /// # Errors
    ///
    /// When it is too large, or holds a whole number of more than 53 bits.
    pub(super) fn of<T: Serialize>(leaf: &T) -> Result<Self> {
        jcs::with_canonical(leaf, |bytes| Self(bytes.into()))
    }

    /// The members of a leaf, written in the canonical form.
    ///
    /// # Errors
    ///
    /// When they are too many.
    pub(super) fn of_members(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(Error::TooLarge {
                what: "the leaf",
                limit: MAX_LEAF_BYTES,
            });
        }
        Ok(Self(bytes.into()))
    }

    /// Takes bytes that must already be canonical.
    ///
    /// # Errors
    ///
    /// When they are not the canonical form of a leaf.
    pub fn from_canonical(bytes: Vec<u8>) -> Result<Self> {
        check_head(&jcs::parse_canonical(&bytes)?)?;
        Ok(Self(bytes.into_boxed_slice()))
    }

    /// The bytes that are stored and hashed: 1 to 65,535.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The leaf hash.
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.0)
    }
}

impl AsRef<[u8]> for LeafBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Every version has these three members.
fn check_head(value: &Value) -> Result<()> {
    let Value::Object(members) = value else {
        return Err(Error::NotALeaf("it is not an object"));
    };
    let version = members.get("v").and_then(Value::as_u64).unwrap_or(0);
    if version == 0 {
        return Err(Error::NotALeaf("its version `v` is not a positive number"));
    }
    let kind = members.get("kind").and_then(Value::as_str).unwrap_or("");
    if kind.is_empty() {
        return Err(Error::NotALeaf("it has no `kind`"));
    }
    if !members.get("at").is_some_and(Value::is_string) {
        return Err(Error::NotALeaf("it has no time `at`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_of_a_newer_version_is_taken() {
        let bytes = br#"{"at":"2030-01-01T00:00:00Z","kind":"not-yet-known","v":9,"z":{}}"#;
        let leaf = LeafBytes::from_canonical(bytes.to_vec()).unwrap();
        assert_eq!(leaf.as_bytes(), bytes);
        assert_eq!(leaf.hash(), leaf_hash(bytes));
    }

    #[test]
    fn what_has_no_version_kind_or_time_is_no_leaf() {
        for json in [
            r#"{"at":"x","kind":"a"}"#,
            r#"{"at":"x","kind":"a","v":0}"#,
            r#"{"at":"x","kind":"a","v":"1"}"#,
            r#"{"at":"x","kind":"","v":1}"#,
            r#"{"kind":"a","v":1}"#,
            "[]",
            "1",
        ] {
            assert!(
                LeafBytes::from_canonical(json.as_bytes().to_vec()).is_err(),
                "{json}"
            );
        }
    }
}
