//! How long a delivery waits for its next attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::ASKED_MOST;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// The longest wait that may be configured: a week.
const LONGEST: u64 = 7 * 24 * HOUR;
const MOST: usize = 32;

/// The waits between the attempts of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPlan {
    /// Seconds before the second attempt, the third, and so on. After the last the delivery is
    /// dead. None at all: there is one attempt.
    pub waits: Vec<u64>,
    /// By how many percent a wait is longer or shorter at random, so that not all come at once.
    pub jitter_percent: u8,
}

/// What is wrong with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFault {
    /// More than 32 waits.
    #[error("there are more than 32 waits")]
    TooMany,
    /// A wait of no time, or of more than a week.
    #[error("a wait is 0, or longer than a week (604800 seconds)")]
    Wait,
    /// Jitter of more than half.
    #[error("jitter_percent is above 50")]
    Jitter,
}

/// The schedule that Standard Webhooks advise: some three days and three hours.
impl Default for RetryPlan {
    fn default() -> Self {
        Self {
            waits: vec![
                5,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                14 * HOUR,
                20 * HOUR,
                24 * HOUR,
            ],
            jitter_percent: 20,
        }
    }
}

impl RetryPlan {
    /// Checks it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), PlanFault> {
        if self.waits.len() > MOST {
            return Err(PlanFault::TooMany);
        }
        if !self.waits.iter().all(|wait| (1..=LONGEST).contains(wait)) {
            return Err(PlanFault::Wait);
        }
        if self.jitter_percent > 50 {
            return Err(PlanFault::Jitter);
        }
        Ok(())
    }

    /// How long to wait after so many attempts that failed, from one on; `None` when they were
    /// enough. `luck`, from 0 to 1, spreads; what the destination `asked` for is the least, up to a
    /// day.
    pub fn wait(&self, attempts: u32, luck: f64, asked: Option<Duration>) -> Option<Duration> {
        let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let wait = Duration::from_secs(self.waits.get(at).copied()?.min(LONGEST));
        let luck = if luck.is_nan() {
            0.5
        } else {
            luck.clamp(0.0, 1.0)
        };
        let part = f64::from(self.jitter_percent.min(50)) / 100.0;
        let wait = wait.mul_f64(1.0 + part * (2.0 * luck - 1.0));
        Some(asked.map_or(wait, |asked| wait.max(asked.min(ASKED_MOST))))
    }

    /// How many attempts there are at the most.
    pub fn attempts(&self) -> usize {
        self.waits.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn goes_by_the_schedule_and_ends() {
        let plan = RetryPlan::default();
        assert_eq!(plan.check(), Ok(()));
        let waits: Vec<_> = (1..12)
            .map(|attempts| plan.wait(attempts, 0.5, None).map(|wait| wait.as_secs()))
            .collect();
        let hours = |hours| Some(hours * HOUR);
        assert_eq!(
            waits,
            [
                Some(5),
                Some(300),
                Some(1_800),
                hours(2),
                hours(5),
                hours(10),
                hours(14),
                hours(20),
                hours(24),
                None,
                None
            ]
        );
        assert_eq!(plan.attempts(), 10);
        assert_eq!(plan.wait(0, 0.5, None), None, "nothing was tried yet");
    }

    #[test]
    fn jitter_goes_both_ways_and_what_was_asked_for_is_the_least() {
        let plan = RetryPlan::default();
        assert_eq!(plan.wait(2, 0.0, None), Some(Duration::from_secs(240)));
        assert_eq!(plan.wait(2, 1.0, None), Some(Duration::from_secs(360)));
        let asked = |seconds| plan.wait(1, 0.5, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(1), Some(Duration::from_secs(5)));
        assert_eq!(asked(90), Some(Duration::from_secs(90)));
        assert_eq!(asked(10_000_000), Some(ASKED_MOST));
    }

    #[test]
    fn plans_that_make_no_sense_are_refused() {
        let of = |waits: &[u64], jitter_percent| RetryPlan {
            waits: waits.to_vec(),
            jitter_percent,
        };
        assert_eq!(of(&[], 0).check(), Ok(()));
        assert_eq!(of(&[0], 0).check(), Err(PlanFault::Wait));
        assert_eq!(of(&[LONGEST + 1], 0).check(), Err(PlanFault::Wait));
        assert_eq!(of(&[1; 33], 0).check(), Err(PlanFault::TooMany));
        assert_eq!(of(&[1], 51).check(), Err(PlanFault::Jitter));
    }

    proptest! {
        #[test]
        fn is_within_bounds_whatever_happens(
            attempts: u32,
            luck: f64,
            asked: Option<u32>,
            waits in proptest::collection::vec(any::<u64>(), 0..4),
            jitter_percent: u8,
        ) {
            let plan = RetryPlan { waits, jitter_percent };
            let asked = asked.map(|seconds| Duration::from_secs(seconds.into()));
            if let Some(wait) = plan.wait(attempts, luck, asked) {
                prop_assert!(wait <= Duration::from_secs(LONGEST) * 3 / 2);
            }
        }
    }
}
