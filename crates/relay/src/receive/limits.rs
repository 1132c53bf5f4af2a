//! What the door bounds.

use std::time::Duration;

/// Bounds of the door.
#[derive(Debug, Clone)]
pub struct DoorLimits {
    /// Most connections at once.
    pub connections: usize,
    /// Most bytes of a request's head.
    pub head_bytes: usize,
    /// Most headers of a request.
    pub headers: usize,
    /// How long a connection may be without a whole head.
    pub head_read: Duration,
    /// Most bytes of a body that is stored as it is.
    pub body_bytes: usize,
    /// Most bytes of a larger body that are read for its hash.
    pub hashed_bytes: u64,
    /// Bytes of a larger body that are kept.
    pub kept_bytes: usize,
    /// How long it is waited for a sender that sends nothing; bytes that come give some of it back.
    pub body_idle: Duration,
    /// How long a body may take as a whole.
    pub body_read: Duration,
    /// Bytes of all bodies that are held at once; four times `body_bytes` at the least.
    pub memory_bytes: usize,
    /// Bodies that are read at once without any proof yet, since their signature is over the body; a
    /// quarter of them of one address. They have a quarter of the memory.
    pub unproved: usize,
    /// How long one waits for its turn among those.
    pub unproved_wait: Duration,
    /// Failed proofs of one address that are answered one after the other.
    pub failures: u32,
    /// After those, so many a second.
    pub failures_per_second: u32,
    /// How long an answer may wait to be taken.
    pub response_idle: Duration,
    /// How long requests under way may take when the door closes.
    pub drain: Duration,
}

impl DoorLimits {
    /// The same, with room for a body of the largest size wherever one may come.
    pub(super) fn fitting(mut self) -> Self {
        // A quarter of the memory is for those without proof.
        let least = self.body_bytes.saturating_add(1_024).saturating_mul(4);
        self.memory_bytes = self.memory_bytes.max(least);
        self.hashed_bytes = self.hashed_bytes.max(self.body_bytes as u64);
        self
    }
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head_bytes: 16 * 1024,
            headers: 64,
            head_read: Duration::from_secs(10),
            body_bytes: 5 * 1024 * 1024,
            hashed_bytes: 64 * 1024 * 1024,
            kept_bytes: 64 * 1024,
            body_idle: Duration::from_secs(10),
            body_read: Duration::from_secs(60),
            memory_bytes: 64 * 1024 * 1024,
            unproved: 64,
            unproved_wait: Duration::from_secs(5),
            failures: 30,
            failures_per_second: 1,
            response_idle: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_body_finds_room_whatever_is_set() {
        let large = DoorLimits {
            body_bytes: 64 << 20,
            hashed_bytes: 0,
            ..DoorLimits::default()
        };
        let large = large.fitting();
        assert!(large.memory_bytes / 4 > 64 << 20 && large.hashed_bytes >= 64 << 20);
        let usual = DoorLimits::default().fitting();
        assert_eq!(usual.memory_bytes, DoorLimits::default().memory_bytes);
    }
}
