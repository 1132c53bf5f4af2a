//! How many deliveries a second.

use std::time::Duration;

/// A rate with some burst. Time is counted from any fixed point.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Between two, when they come evenly.
    step: Duration,
    /// How far ahead of an even pace one may be.
    ahead: Duration,
    /// When the next one is due at an even pace.
    due: Duration,
}

impl Rate {
    /// So many a second, and up to `burst` at once. Of either there is one at the least.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let step = Duration::from_secs(1) / per_second.max(1);
        Self {
            step,
            ahead: step.saturating_mul(burst.max(1) - 1),
            due: Duration::ZERO,
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let due = self.due.max(now);
        let early = due.saturating_sub(now);
        if early > self.ahead {
            return Err(early - self.ahead);
        }
        self.due = due.saturating_add(self.step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_and_then_evenly() {
        let mut rate = Rate::new(10, 3);
        let now = Duration::from_secs(5);
        for _ in 0..3 {
            assert_eq!(rate.take(now), Ok(()));
        }
        let tenth = Duration::from_millis(100);
        assert_eq!(rate.take(now), Err(tenth));
        assert_eq!(rate.take(now + tenth), Ok(()));
        assert_eq!(rate.take(now + tenth), Err(tenth));
    }

    proptest! {
        #[test]
        fn never_more_than_rate_and_burst(
            per_second in 1_u32..50,
            burst in 1_u32..10,
            steps in proptest::collection::vec(0_u64..400, 1..200),
        ) {
            let mut rate = Rate::new(per_second, burst);
            let (mut now, mut taken) = (Duration::from_secs(1), Vec::new());
            for step in steps {
                now += Duration::from_millis(step);
                match rate.take(now) {
                    Ok(()) => taken.push(now),
                    Err(wait) => prop_assert!(rate.clone().take(now + wait).is_ok()),
                }
            }
            for (at, first) in taken.iter().enumerate() {
                for (count, last) in taken[at..].iter().enumerate() {
                    let allowed = (*last - *first).as_secs_f64() * f64::from(per_second)
                        + f64::from(burst);
                    prop_assert!((count + 1) as f64 <= allowed + 1e-6);
                }
            }
        }
    }
}
