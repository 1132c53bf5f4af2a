//! How much one client may ask of Doorward itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most clients that are kept in mind; those that have asked for nothing lately are forgotten.
const KEPT: usize = 4_096;
/// How often it is worth a record of its own that one client asks too much.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// A bucket of tokens a client: full, it lasts for a second.
#[derive(Debug)]
pub(crate) struct Rates {
    a_second: f64,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
    told: Option<Instant>,
}

/// Whether one more may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It may.
    Fits,
    /// It may not.
    TooMuch {
        /// Whether that is the first time in a while.
        news: bool,
    },
}

impl Rates {
    pub(crate) fn new(a_second: u32) -> Self {
        Self {
            a_second: f64::from(a_second),
            buckets: Mutex::default(),
        }
    }

    /// One more of this client's, at `now`.
    pub(crate) fn ask(&self, client: &Arc<str>, now: Instant) -> Asked {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT && !buckets.contains_key(client) {
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < TOLD_EVERY);
        }
        let bucket = buckets.entry(Arc::clone(client)).or_insert(Bucket {
            tokens: self.a_second,
            at: now,
            told: None,
        });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * self.a_second).min(self.a_second);
        bucket.at = now.max(bucket.at);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Asked::Fits;
        }
        let news = bucket
            .told
            .is_none_or(|told| now.saturating_duration_since(told) >= TOLD_EVERY);
        if news {
            bucket.told = Some(now);
        }
        Asked::TooMuch { news }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_client_has_its_own_bucket_and_is_told_of_once() {
        let rates = Rates::new(2);
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        for _ in 0..2 {
            assert_eq!(rates.ask(&one, start), Asked::Fits);
        }
        assert_eq!(rates.ask(&one, start), Asked::TooMuch { news: true });
        assert_eq!(rates.ask(&two, start), Asked::Fits);
        assert_eq!(rates.ask(&one, after(499)), Asked::TooMuch { news: false });
        assert_eq!(rates.ask(&one, after(500)), Asked::Fits);
        assert_eq!(rates.ask(&one, after(60_000)), Asked::Fits);
        assert_eq!(rates.ask(&one, after(60_000)), Asked::Fits);
        assert_eq!(
            rates.ask(&one, after(60_000)),
            Asked::TooMuch { news: true }
        );
    }

    proptest! {
        /// However the asking is spread: never more than a second's worth beyond the rate.
        #[test]
        fn no_more_than_the_rate(steps in proptest::collection::vec(0_u64..40, 1..400)) {
            let rates = Rates::new(100);
            let client: Arc<str> = "one".into();
            let start = Instant::now();
            let (mut millis, mut fits) = (0, 0_u64);
            for step in steps {
                millis += step;
                let at = start + Duration::from_millis(millis);
                fits += u64::from(rates.ask(&client, at) == Asked::Fits);
                prop_assert!(fits <= 100 + millis / 10 + 1);
            }
        }
    }
}
