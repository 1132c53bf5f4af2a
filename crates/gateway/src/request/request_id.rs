//! A name for each call, in the answer and in the record.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Serialize, Serializer};

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
    /// The id as one number.
    pub fn as_u128(self) -> u128 {
        u128::from(self.process) << 64 | u128::from(self.number)
    }

    /// The process's part, and the number within it.
    pub(crate) fn parts(self) -> (u64, u64) {
        (self.process, self.number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{:016x}{:016x}", self.process, self.number)
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
