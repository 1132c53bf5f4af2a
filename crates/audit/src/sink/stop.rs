//! How sinks are told to end.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Shared by all sinks: run, or be done by a time.
pub(super) struct Stop {
    until: Mutex<Option<Instant>>,
    changed: Condvar,
    tell: watch::Sender<Option<Instant>>,
}

impl Stop {
    pub(super) fn new() -> Self {
        Self {
            until: Mutex::new(None),
            changed: Condvar::new(),
            tell: watch::Sender::new(None),
        }
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deliver what is there, and be done by `until`.
    pub(super) fn end(&self, until: Instant) {
        *self.until() = Some(until);
        self.changed.notify_all();
        self.tell.send_replace(Some(until));
    }

    /// Whether nothing new is waited for.
    pub(super) fn is_ending(&self) -> bool {
        self.until().is_some()
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() >= until)
    }

    /// Waits, but not into the end.
    pub(super) fn wait(&self, time: Duration) {
        // Told or not: whoever waits looks for itself.
        let _ = self
            .changed
            .wait_timeout_while(self.until(), time, |until| until.is_none())
            .unwrap_or_else(PoisonError::into_inner);
    }

    /// Resolves when the time is over.
    pub(super) async fn over(&self) {
        let mut told = self.tell.subscribe();
        loop {
            let until = *told.borrow_and_update();
            if let Some(until) = until {
                return tokio::time::sleep_until(until.into()).await;
            }
            if told.changed().await.is_err() {
                return;
            }
        }
    }
}
