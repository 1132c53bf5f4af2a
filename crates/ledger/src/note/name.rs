//! What a key is called.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, Hash, Result};

/// The most bytes a key's name may have.
const MAX_NAME_BYTES: usize = 255;

/// The name of a key: not empty, no spaces, no `+`, no control characters, at most 255 bytes. The
/// name of a log's key is its origin, such as `ledger.example/main`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// When it can't be a key's name.
    pub fn new(name: &str) -> Result<Self> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(Error::malformed(
                "a key's name",
                "it must have 1 to 255 bytes",
            ));
        }
        if name
            .chars()
            .any(|c| c.is_whitespace() || c == '+' || c.is_control())
        {
            return Err(Error::malformed(
                "a key's name",
                "it must not hold a space, `+` or a control character",
            ));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The first four bytes of a hash over a key's name, kind and bytes. It tells keys of one name
/// apart; it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Length, in bytes.
    pub(super) const LEN: usize = 4;

    /// SHA-256 of name, newline, kind and key: its first four bytes.
    pub(super) fn of(name: &KeyName, kind: u8, public_key: &[u8]) -> Self {
        let mut bytes = name.as_str().as_bytes().to_vec();
        bytes.extend([b'\n', kind]);
        bytes.extend(public_key);
        let [a, b, c, d, ..] = *Hash::plain(&bytes).as_bytes();
        Self([a, b, c, d])
    }

    pub(super) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its four bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = Error;

    /// From eight lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let fault = Error::malformed("a key id", "it is not 8 lower-case hexadecimal digits");
        let fits = text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !fits {
            return Err(fault);
        }
        u32::from_str_radix(text, 16)
            .map(|id| Self(id.to_be_bytes()))
            .map_err(|_| fault)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
