//! Time as an argument.

use std::time::{Duration, Instant, SystemTime};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time of day. May jump in both directions.
    fn now(&self) -> SystemTime;

    /// Time since some moment, never going back. The intervals between checkpoints are measured by
    /// it.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
