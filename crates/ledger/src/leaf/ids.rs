//! Names of leaves and of people: random, so that they tell nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::Error;

/// The hexadecimal digits of an id, in lower case.
fn digits<'a>(bytes: &[u8; 16], room: &'a mut [u8; 32]) -> &'a str {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |of: u8| DIGITS.get(usize::from(of)).copied().unwrap_or(b'0');
    for (pair, byte) in room.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    std::str::from_utf8(room).unwrap_or_default()
}

macro_rules! random_id {
    ($(#[$docs:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// From 16 random bytes.
            pub const fn from_random(random: [u8; 16]) -> Self {
                Self(random)
            }

            /// What `use_it` makes of its text.
            pub(super) fn with_text<T>(&self, use_it: impl FnOnce(&str) -> T) -> T {
                const PREFIX: &[u8] = $prefix.as_bytes();
                let mut room = [0; PREFIX.len() + 32];
                let (before, after) = room.split_at_mut(PREFIX.len());
                before.copy_from_slice(PREFIX);
                if let Some(after) = after.first_chunk_mut() {
                    digits(&self.0, after);
                }
                use_it(str::from_utf8(&room).unwrap_or_default())
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(digits(&self.0, &mut [0; 32]))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let fault = Error::malformed($what, "its form is another");
                let digits = text.strip_prefix($prefix).unwrap_or("");
                let hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if digits.len() != 32 || !hex {
                    return Err(fault);
                }
                u128::from_str_radix(digits, 16)
                    .map(|number| Self(number.to_be_bytes()))
                    .map_err(|_| fault)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }
    };
}

random_id!(
    /// Names one leaf, before its index is known: `leaf_` and 32 hexadecimal digits.
    LeafId, "leaf_", "a leaf's id"
);
random_id!(
    /// Stands for one person: `sub_` and 32 hexadecimal digits. Which person, only an index outside
    /// of the ledger tells, and that can be erased.
    SubjectId, "sub_", "a subject's id"
);
