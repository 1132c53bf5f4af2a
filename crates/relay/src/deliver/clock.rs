//! The time, where deliveries ask for it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use doorward_policy::Timestamp;

/// Tells the time that deliveries are due by. The system's, but in tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// A clock that `tell` tells, in milliseconds of Unix time.
    pub fn new(tell: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Milliseconds of Unix time.
    pub(super) fn ms(&self) -> i64 {
        (self.0)()
    }

    /// The same, as breakers and rates count it.
    pub(super) fn since(&self) -> Duration {
        Duration::from_millis(self.ms().max(0).unsigned_abs())
    }

    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.ms())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
