//! How long things about secrets may take, and for how long they hold.

use std::time::Duration;

use crate::reference::Scheme;

/// How long reads may take, and how long what was read is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest that a read is waited for. 10 s by default.
    pub limit: Duration,
    /// How long a secret of another machine or program is used before it is read again: it is
    /// read ahead of that, when four fifths have passed. 5 min by default. Secrets of this
    /// machine are read when they are asked for.
    pub ttl: Duration,
    /// The longest that the last good value is used while its provider is in trouble. 24 h by
    /// default.
    pub stale: Duration,
    /// How long a failure is remembered, so that a provider in trouble is not asked by everyone.
    /// 5 s by default.
    pub negative: Duration,
}

impl Settings {
    /// For how long a secret of this scheme is kept; none if it is read each time.
    pub(crate) fn ttl(&self, scheme: Scheme) -> Option<Duration> {
        scheme.is_remote().then_some(self.ttl)
    }

    /// When a value is read again, after it was.
    pub(crate) fn ahead(&self) -> Duration {
        self.ttl.mul_f64(0.8)
    }

    /// How long nobody tries again after so many failures in a row.
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        let doubled = self
            .negative
            .saturating_mul(1 << failures.saturating_sub(1).min(8));
        doubled.min(self.ttl.max(self.negative))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(10),
            ttl: Duration::from_secs(5 * 60),
            stale: Duration::from_secs(24 * 60 * 60),
            negative: Duration::from_secs(5),
        }
    }
}
