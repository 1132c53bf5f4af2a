//! How the store is kept, and what it tells of itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Limits of an [`EventStore`](super::EventStore).
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Most events that wait to be written; more are refused.
    pub waiting: usize,
    /// Most bytes of their payloads.
    pub waiting_bytes: usize,
    /// Bytes of the disk that events don't take: what is left is for deliveries of those that are
    /// there, and for others.
    pub reserve: u64,
    /// Most bytes of the file, but for its write-ahead log; 0 is as many as the disk has.
    pub most_bytes: u64,
    /// How long another process may hold the file before that is a failure, in milliseconds.
    pub patience_ms: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            waiting: 10_000,
            waiting_bytes: 64 << 20,
            reserve: 256 << 20,
            most_bytes: 0,
            patience_ms: 1_000,
        }
    }
}

/// What the store counted since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Events that were stored.
    pub stored: u64,
    /// Events that were there already.
    pub known: u64,
    /// Events refused because too many were waiting.
    pub refused_busy: u64,
    /// Events refused because there was no room.
    pub refused_full: u64,
    /// Events refused for another reason.
    pub refused_failed: u64,
    /// Commits.
    pub commits: u64,
    /// Events that wait to be written.
    pub waiting: u64,
    /// Whether there is no room.
    pub full: bool,
}

/// Where they are counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) stored: AtomicU64,
    pub(super) known: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) full: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) commits: AtomicU64,
    /// Whether the last write found no room.
    pub(super) is_full: AtomicBool,
}

impl Counted {
    pub(super) fn figures(&self, waiting: usize, no_room: bool) -> Figures {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            stored: get(&self.stored),
            known: get(&self.known),
            refused_busy: get(&self.busy),
            refused_full: get(&self.full),
            refused_failed: get(&self.failed),
            commits: get(&self.commits),
            waiting: waiting as u64,
            full: no_room || self.is_full.load(Ordering::Relaxed),
        }
    }
}
