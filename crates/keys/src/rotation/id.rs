//! What a rotation is called, and what the keys that it makes are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Digits and letters that can't be taken for each other.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an id.
const LEN: usize = 10;
/// Most characters of a key's name that stand in the names of its successors at Instantly.
const NAME_MAX: usize = 40;

/// Ten characters, 50 bits, that tell one rotation from every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RotationId(String);

/// The text is no rotation's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rotation's id is {LEN} lower-case letters and digits")]
pub struct RotationIdError;

impl RotationId {
    /// Bytes of randomness that an id takes.
    pub const RANDOM_LEN: usize = LEN;

    /// The id of these random bytes.
    pub fn generate(random: &[u8; LEN]) -> Self {
        let digit = |byte: &u8| {
            ALPHABET
                .get(usize::from(byte & 31))
                .copied()
                .unwrap_or(b'0')
        };
        Self(random.iter().map(|byte| char::from(digit(byte))).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the names of all keys begin with that this rotation of `key` makes at Instantly, so that
    /// they are found again: `dw-<key>-<rotation>-`.
    pub fn prefix(&self, key: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = key.chars().take(NAME_MAX).map(plain).collect();
        format!("dw-{name}-{self}-")
    }

    /// The name of the key that attempt `n` makes.
    pub fn name(&self, key: &str, n: u32) -> String {
        format!("{}{n}", self.prefix(key))
    }
}

impl fmt::Display for RotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RotationId {
    type Err = RotationIdError;

    fn from_str(text: &str) -> Result<Self, RotationIdError> {
        let known = text.bytes().all(|byte| ALPHABET.contains(&byte));
        if text.len() == LEN && known {
            Ok(Self(text.to_owned()))
        } else {
            Err(RotationIdError)
        }
    }
}

impl TryFrom<String> for RotationId {
    type Error = RotationIdError;

    fn try_from(text: String) -> Result<Self, RotationIdError> {
        text.parse()
    }
}

impl From<RotationId> for String {
    fn from(id: RotationId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_rotation_and_the_attempt() {
        let id = RotationId::generate(&[0, 1, 2, 31, 32, 33, 200, 9, 10, 255]);
        assert_eq!(id.as_str().len(), LEN);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(
            id.name("lead import/x", 2),
            format!("dw-lead-import-x-{id}-2")
        );
        assert!(id.name("reader", 12).starts_with(&id.prefix("reader")));
        let other = RotationId::generate(&[7; 10]);
        assert!(!other.name("reader", 1).starts_with(&id.prefix("reader")));
    }

    #[test]
    fn other_text_is_no_id() {
        for text in ["", "0123456789a", "012345678", "012345678I", "01234567é9"] {
            assert_eq!(text.parse::<RotationId>(), Err(RotationIdError), "{text}");
        }
    }
}
