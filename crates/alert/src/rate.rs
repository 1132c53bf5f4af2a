//! How many messages a channel gets: a flood helps nobody.

use std::collections::VecDeque;

use doorward_policy::Timestamp;

use crate::kind::Severity;

const HOUR: i64 = 60 * 60 * 1_000;

/// Messages of the last hour. Critical ones have as many places again of their own, so that noise
/// does not hide them.
#[derive(Debug)]
pub(crate) struct HourlyRate {
    most: usize,
    sent: VecDeque<Timestamp>,
    critical: VecDeque<Timestamp>,
    withheld: u64,
}

impl HourlyRate {
    /// At most `most` messages in any hour.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            sent: VecDeque::new(),
            critical: VecDeque::new(),
            withheld: 0,
        }
    }

    /// Whether a message may be sent now; if so, how many were withheld since the last. If not, it
    /// is withheld.
    pub(crate) fn take(&mut self, severity: Severity, now: Timestamp) -> Option<u64> {
        let most = self.most;
        let free = |times: &mut VecDeque<Timestamp>| {
            // A clock that went back must not close a channel for good.
            times.retain(|at| (0..HOUR).contains(&now.millis_since(*at)));
            let free = times.len() < most;
            if free {
                times.push_back(now);
            }
            free
        };
        if free(&mut self.sent) || (severity == Severity::Critical && free(&mut self.critical)) {
            return Some(std::mem::take(&mut self.withheld));
        }
        self.withheld = self.withheld.saturating_add(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn what_is_withheld_is_told_with_the_next() {
        let mut rate = HourlyRate::new(2);
        let at = |minutes: i64| AT.plus_millis(minutes * 60_000);
        assert_eq!(rate.take(Severity::Info, at(0)), Some(0));
        assert_eq!(rate.take(Severity::Info, at(10)), Some(0));
        assert_eq!(rate.take(Severity::High, at(20)), None);
        assert_eq!(rate.take(Severity::High, at(30)), None);
        assert_eq!(rate.take(Severity::Critical, at(40)), Some(2));
        assert_eq!(rate.take(Severity::Info, at(59)), None);
        assert_eq!(rate.take(Severity::Info, at(60)), Some(1));
        // A clock an hour back does not close it.
        assert!(rate.take(Severity::Info, at(-120)).is_some());
    }

    proptest! {
        #[test]
        fn no_hour_has_more(most in 1_usize..5, waits in prop::collection::vec(0_i64..30, 1..200)) {
            let mut rate = HourlyRate::new(most);
            let (mut now, mut sent) = (AT, Vec::new());
            for wait in waits {
                now = now.plus_millis(wait * 60_000);
                if rate.take(Severity::High, now).is_some() {
                    sent.push(now);
                }
            }
            for (n, at) in sent.iter().enumerate() {
                let within = sent[n..].iter().filter(|other| other.millis_since(*at) < HOUR).count();
                prop_assert!(within <= most);
            }
        }
    }
}
