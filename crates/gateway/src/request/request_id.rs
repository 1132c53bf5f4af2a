//! A name for each call, in the answer and in the record.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Serialize, Serializer};

const PREFIX: usize = 4;

/// Names one call. Unique across processes; says nothing else. Prints as `req_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    process: u64,
    number: u64,
}

/// Gives out request ids without asking the system for randomness each time.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Result<Self, ring::error::Unspecified> {
        let mut bytes = [0; 8];
        SystemRandom::new().fill(&mut bytes)?;
        Ok(Self {
            process: u64::from_be_bytes(bytes),
            next: AtomicU64::new(1),
        })
    }

    pub(crate) fn next(&self) -> RequestId {
        RequestId {
            process: self.process,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl RequestId {
    /// Bytes of its text.
    pub(crate) const LENGTH: usize = PREFIX + 32;

    /// The id as one number.
    pub fn as_u128(self) -> u128 {
        u128::from(self.process) << 64 | u128::from(self.number)
    }

    /// As it prints.
    pub(crate) fn text(self) -> [u8; Self::LENGTH] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = *b"req_00000000000000000000000000000000";
        let mut left = self.as_u128();
        for byte in text.iter_mut().skip(PREFIX).rev() {
            *byte = DIGITS.get((left & 15) as usize).copied().unwrap_or(b'0');
            left >>= 4;
        }
        text
    }

    /// The process's part, and the number within it.
    pub(crate) fn parts(self) -> (u64, u64) {
        (self.process, self.number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_in_hex() {
        let id = RequestId {
            process: 0x0123_4567_89ab_cdef,
            number: 42,
        };
        assert_eq!(id.to_string(), "req_0123456789abcdef000000000000002a");
    }
}
