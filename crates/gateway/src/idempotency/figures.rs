//! How writes under idempotency keys have gone, in figures.

use std::sync::atomic::{AtomicU64, Ordering};

use super::guard::Idempotency;

/// How they have gone since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdempotencyFigures {
    /// Writes that a call has in hand now.
    pub in_flight: u64,
    /// Answers that were kept.
    pub kept: u64,
    /// Answers that could not be kept, as they were too large or too many.
    pub not_kept: u64,
    /// Calls that were given an answer that was kept.
    pub replayed: u64,
    /// Writes whose answer was lost.
    pub outcome_unknown: u64,
    /// Of those, found to be done.
    pub settled_done: u64,
    /// Of those, found not to be done.
    pub settled_not_done: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) kept: AtomicU64,
    pub(super) not_kept: AtomicU64,
    pub(super) replayed: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) done: AtomicU64,
    pub(super) not_done: AtomicU64,
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Idempotency {
    /// How writes have gone since the start.
    pub fn figures(&self) -> IdempotencyFigures {
        let (in_flight, counts) = self.counted();
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        IdempotencyFigures {
            in_flight: in_flight as u64,
            kept: of(&counts.kept),
            not_kept: of(&counts.not_kept),
            replayed: of(&counts.replayed),
            outcome_unknown: of(&counts.unknown),
            settled_done: of(&counts.done),
            settled_not_done: of(&counts.not_done),
        }
    }
}
