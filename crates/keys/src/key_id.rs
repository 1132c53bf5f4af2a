//! The public name of a client key.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::base62;

/// The 12 base62 characters by which a client key is looked up, listed, logged and revoked.
///
/// A key id is public: it says nothing about the secret part of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyId([u8; KeyId::LEN]);

/// The text is not a key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is {} letters and digits, like 3Nf0aQ9ZbX2k", KeyId::LEN)]
pub struct KeyIdError;

impl KeyId {
    /// Characters in a key id.
    pub const LEN: usize = 12;

    /// The id made of 16 random bytes. Reducing 128 bits to the 71 of an id leaves no bias worth
    /// the name.
    pub(crate) fn from_random(random: [u8; 16]) -> Self {
        let mut number = random;
        Self(base62::encode(&mut number))
    }

    pub(crate) fn from_ascii(text: &[u8]) -> Option<Self> {
        let id: [u8; Self::LEN] = text.try_into().ok()?;
        base62::is_base62(&id).then_some(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters and digits get in, so the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        Self::from_ascii(text.as_bytes()).ok_or(KeyIdError)
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyIdError;

    fn try_from(text: String) -> Result<Self, KeyIdError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twelve_letters_and_digits_are_an_id() {
        assert_eq!(
            "3Nf0aQ9ZbX2k".parse::<KeyId>().map(String::from),
            Ok("3Nf0aQ9ZbX2k".into())
        );
        for wrong in [
            "",
            "3Nf0aQ9ZbX2",
            "3Nf0aQ9ZbX2kk",
            "3Nf0aQ9ZbX2_",
            "3Nf0aQ9ZbX2é",
        ] {
            assert_eq!(wrong.parse::<KeyId>(), Err(KeyIdError), "{wrong}");
        }
    }

    #[test]
    fn json_holds_it_as_text_and_checks_it() {
        let id: KeyId = serde_json::from_str("\"3Nf0aQ9ZbX2k\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"3Nf0aQ9ZbX2k\"");
        assert!(serde_json::from_str::<KeyId>("\"3Nf0aQ9ZbX2!\"").is_err());
    }
}
