//! How many searches for lost writes go on: one for a client.
//!
//! They are reads that no limit of the client's counts, so that without this a client could have as
//! many as it has calls.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The clients that something is looked for.
#[derive(Debug, Default)]
pub(super) struct Looking(Mutex<HashSet<Arc<str>>>);

/// A search under way.
#[derive(Debug)]
#[must_use]
pub(super) struct Search<'a> {
    looking: &'a Looking,
    client_id: Arc<str>,
}

impl Looking {
    /// Begins a search for a client, unless there is one.
    pub(super) fn begin(&self, client_id: &Arc<str>) -> Option<Search<'_>> {
        self.lock().insert(Arc::clone(client_id)).then(|| Search {
            looking: self,
            client_id: Arc::clone(client_id),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        self.looking.lock().remove(&self.client_id);
    }
}
