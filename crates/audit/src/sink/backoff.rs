//! How long to wait for a receiver that fails.

use std::time::Duration;

/// Longest time that a receiver may ask for by `Retry-After`.
const ASKED_MOST: Duration = Duration::from_secs(10 * 60);

/// Waits between attempts: each twice the last, none longer than the most. There is no end to them:
/// the ledger keeps what was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first wait.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(60),
        }
    }
}

impl Retry {
    /// The wait after so many failures in a row, from one on. `luck`, from 0 to 1, spreads those who
    /// wait for the same receiver: between half of it and all of it. What the receiver `asked` for
    /// is the least, up to ten minutes.
    pub fn wait(self, failures: u32, luck: f64, asked: Option<Duration>) -> Duration {
        let doubled = self
            .first
            .saturating_mul(
                1_u32
                    .checked_shl(failures.saturating_sub(1))
                    .unwrap_or(u32::MAX),
            )
            .min(self.most);
        let spread = doubled.mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0);
        asked.map_or(spread, |asked| spread.max(asked.min(ASKED_MOST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RETRY: Retry = Retry {
        first: Duration::from_secs(1),
        most: Duration::from_secs(60),
    };

    #[test]
    fn doubles_up_to_the_most_and_no_less_than_asked() {
        let waits: Vec<_> = (1..9)
            .map(|failures| RETRY.wait(failures, 1.0, None).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        let asked = Some(Duration::from_secs(90));
        assert_eq!(RETRY.wait(1, 0.0, asked), Duration::from_secs(90));
        let asked = Some(Duration::from_secs(1_000_000));
        assert_eq!(RETRY.wait(1, 0.0, asked), ASKED_MOST);
    }

    proptest! {
        #[test]
        fn is_within_bounds_whatever_happens(failures: u32, luck: f64, asked: Option<u32>) {
            let luck = if luck.is_nan() { 0.5 } else { luck };
            let asked = asked.map(|seconds| Duration::from_secs(seconds.into()));
            let wait = RETRY.wait(failures, luck, asked);
            prop_assert!(wait >= RETRY.first / 2 && wait <= ASKED_MOST);
        }
    }
}
