//! How sinks are doing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_policy::Timestamp;

/// How one sink is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkMetrics {
    /// Its name.
    pub name: String,
    /// `stdout`, `stderr`, `file`, `https` or `syslog`.
    pub kind: &'static str,
    /// The sequence of the entry that comes next: all before it were delivered, skipped or missed.
    pub position: u64,
    /// Leaves that are in the ledger and were not delivered yet.
    pub lag: u64,
    /// Age of the oldest entry that waits, in milliseconds.
    pub oldest_unsent_ms: Option<u64>,
    /// Entries delivered since the start.
    pub sent: u64,
    /// Attempts that failed since the start.
    pub failures: u64,
    /// Entries that the receiver refused for good since the start.
    pub skipped: u64,
    /// Leaves that were pruned before this sink came to them, since the start.
    pub missed: u64,
    /// Why the last attempt failed; gone with the next that does not. It holds no secret.
    pub last_error: Option<String>,
    /// Whether its thread runs.
    pub running: bool,
}

/// What a sink's thread writes and others read.
pub(super) struct Meter {
    metrics: Mutex<(SinkMetrics, Option<Timestamp>)>,
}

impl Meter {
    pub(super) fn new(name: &str, kind: &'static str) -> Self {
        let metrics = SinkMetrics {
            name: name.to_owned(),
            kind,
            position: 0,
            lag: 0,
            oldest_unsent_ms: None,
            sent: 0,
            failures: 0,
            skipped: 0,
            missed: 0,
            last_error: None,
            running: true,
        };
        Self {
            metrics: Mutex::new((metrics, None)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, (SinkMetrics, Option<Timestamp>)> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut SinkMetrics)) {
        change(&mut self.lock().0);
    }

    /// When the oldest entry that waits happened.
    pub(super) fn set_oldest(&self, at: Option<Timestamp>) {
        self.lock().1 = at;
    }

    /// As of now, the ledger having `size` leaves.
    pub(super) fn read(&self, now: Timestamp, size: u64) -> SinkMetrics {
        let guard = self.lock();
        let mut metrics = guard.0.clone();
        metrics.lag = size.saturating_sub(metrics.position);
        metrics.oldest_unsent_ms = guard
            .1
            .filter(|_| metrics.lag > 0)
            .map(|at| u64::try_from(now.millis_since(at)).unwrap_or(0));
        metrics
    }
}
