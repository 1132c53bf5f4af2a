//! Counting what is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts calls as long as they are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

/// A call that counts until this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct UnderWay(Counter);

impl Counter {
    pub(crate) fn enter(&self) -> UnderWay {
        // Seen by whoever changes what is in force and then counts, or it sees that change itself.
        self.0.fetch_add(1, Ordering::SeqCst);
        UnderWay(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
