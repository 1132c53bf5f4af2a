//! When a call is made again, and after how long.
//!
//! A read is made again after 429, 5xx, a broken connection or none. A write, and a read that spends
//! or sends, is made again after 429 alone: the limit is checked before anything is done, so nothing
//! was. After anything else it could be done twice, and the API has no idempotency keys.

use std::time::Duration;

use doorward_catalog::Op;

use crate::error::Error;

/// How often and how patiently a call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; 1 is no retry.
    pub attempts: u32,
    /// The pause before the second attempt, doubled for each one after.
    pub base: Duration,
    /// The longest pause of the client's own choosing.
    pub cap: Duration,
    /// The longest `Retry-After` that is waited for. A longer one ends the call: to come back sooner
    /// than asked would be no courtesy.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// 4 attempts, 250 ms doubling up to 8 s, `Retry-After` up to 30 s.
    fn default() -> RetryPolicy {
        RetryPolicy {
            attempts: 4,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(8),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// No retry at all.
    pub const NONE: RetryPolicy = RetryPolicy {
        attempts: 1,
        base: Duration::ZERO,
        cap: Duration::ZERO,
        longest_wait: Duration::ZERO,
    };

    /// How long to wait before the next attempt, or none when the error is final. `made` attempts
    /// were made; `random` is in 0..1: half of a pause is fixed, half is chance, so that clients
    /// that failed together do not come back together.
    pub fn pause(&self, error: &Error, made: u32, random: f64) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let asked = match error {
            Error::Limit { retry_after, .. } => *retry_after,
            Error::Server {
                op, retry_after, ..
            } if repeatable(*op) => *retry_after,
            Error::NotSent { op, .. } | Error::Broken { op, .. } if repeatable(*op) => None,
            _ => return None,
        };
        let random = if random.is_finite() {
            random.clamp(0.0, 1.0)
        } else {
            1.0
        };
        match asked {
            Some(wait) if wait > self.longest_wait => None,
            Some(wait) => Some(wait + self.base.mul_f64(random)),
            None => {
                let doublings = made.saturating_sub(1).min(20);
                let pause = self.base.saturating_mul(1 << doublings).min(self.cap);
                Some(pause.mul_f64(0.5 + random / 2.0))
            }
        }
    }
}

/// Whether doing it twice does no harm: it changes nothing, and spends or sends nothing.
pub(crate) fn repeatable(op: Op) -> bool {
    let facts = op.facts();
    !facts.writes() && facts.hazards.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 100,
        base: Duration::from_millis(100),
        cap: Duration::from_secs(2),
        longest_wait: Duration::from_secs(30),
    };

    fn server(op: Op) -> Error {
        Error::Server {
            op,
            status: 503,
            retry_after: None,
            message: String::new(),
        }
    }

    fn limit(op: Op, seconds: Option<u64>) -> Error {
        Error::Limit {
            op,
            retry_after: seconds.map(Duration::from_secs),
            message: String::new(),
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_half_of_each_is_chance() {
        let pause = |made, random| POLICY.pause(&server(Op::ListLeads), made, random).unwrap();
        assert_eq!(pause(1, 0.0), Duration::from_millis(50));
        assert_eq!(pause(1, 1.0), Duration::from_millis(100));
        assert_eq!(pause(3, 1.0), Duration::from_millis(400));
        assert_eq!(pause(60, 1.0), POLICY.cap);
        assert_eq!(pause(60, f64::NAN), POLICY.cap);
        assert_eq!(POLICY.pause(&server(Op::ListLeads), 100, 0.5), None);
        assert_eq!(
            RetryPolicy::NONE.pause(&server(Op::ListLeads), 1, 0.5),
            None
        );
    }

    #[test]
    fn retry_after_is_kept_or_the_call_ends() {
        let pause = |seconds| POLICY.pause(&limit(Op::ListLeads, Some(seconds)), 1, 0.0);
        assert_eq!(pause(30), Some(Duration::from_secs(30)));
        assert_eq!(pause(31), None);
    }

    #[test]
    fn of_what_may_not_be_done_twice_only_a_429_is_made_again() {
        for op in Op::ALL {
            let facts = op.facts();
            let harmless = !facts.writes() && facts.hazards.is_empty();
            let again = |error| POLICY.pause(&error, 1, 0.5).is_some();
            let why = String::new;
            assert!(again(limit(op, None)), "{op}");
            assert_eq!(again(server(op)), harmless, "{op}");
            assert_eq!(again(Error::Broken { op, why: why() }), harmless, "{op}");
            assert_eq!(again(Error::NotSent { op, why: why() }), harmless, "{op}");
            let (status, why) = (None, why());
            assert!(!again(Error::OutcomeUnknown { op, status, why }), "{op}");
        }
        // Charged for, though its scope is a reading one.
        assert!(!repeatable(Op::TestAiReplyLabelLeadLabels));
    }
}
