//! A leaf as what it says.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Act, Event, LeafBytes, LeafId};
use crate::{Error, Result};

/// The version that is written.
pub const LEAF_VERSION: u64 = 1;

/// One record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Leaf {
    #[serde(rename = "v")]
    version: u64,
    /// Its name, which sealed values are bound to.
    pub id: LeafId,
    /// When it happened.
    pub at: Timestamp,
    /// The act.
    #[serde(flatten)]
    pub act: Act,
    /// The kind, and what leaves of this kind say.
    #[serde(flatten)]
    pub event: Event,
}

impl Leaf {
    /// A leaf of this version. `id` is random.
    pub const fn new(id: LeafId, at: Timestamp, act: Act, event: Event) -> Self {
        Self {
            version: LEAF_VERSION,
            id,
            at,
            act,
            event,
        }
    }

    /// The bytes to append to the log.
    ///
    /// # Errors
    ///
    /// When it is too large, or holds a whole number of more than 53 bits.
    pub fn to_bytes(&self) -> Result<LeafBytes> {
        LeafBytes::of(self)
    }
}

/// What a leaf says, as far as this version knows.
#[derive(Clone, PartialEq, Debug)]
pub enum ReadLeaf {
    /// A leaf of a known kind. Members that this version does not know are left out.
    Known(Box<Leaf>),
    /// A leaf of another version or an unknown kind.
    Other(Value),
}

impl ReadLeaf {
    /// Reads a leaf. What is not understood is no error: the leaf is proved all the same.
    ///
    /// # Errors
    ///
    /// When the bytes are not the canonical form of a leaf.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let leaf = LeafBytes::from_canonical(bytes.to_vec())?;
        let value: Value = serde_json::from_slice(leaf.as_bytes())
            .map_err(|_| Error::NotALeaf("it is not JSON"))?;
        if value.get("v").and_then(Value::as_u64) != Some(LEAF_VERSION) {
            return Ok(Self::Other(value));
        }
        Ok(match Leaf::deserialize(&value) {
            Ok(leaf) => Self::Known(Box::new(leaf)),
            Err(_) => Self::Other(value),
        })
    }
}
