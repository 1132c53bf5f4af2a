//! How many messages a channel gets: a flood helps nobody, and hides nothing.

use std::collections::{BTreeMap, VecDeque};

use doorward_policy::Timestamp;

use crate::kind::{AlertKind, Severity};

const HOUR: i64 = 60 * 60 * 1_000;
/// Of this many messages, each kind has one place of its own.
const OWN: usize = 5;

/// Messages of the last hour. Each kind has a few places of its own, and critical alerts as many as
/// all others share: whoever can bring about alerts of one kind takes no place from the rest.
#[derive(Debug)]
pub(crate) struct HourlyRate {
    most: usize,
    own: BTreeMap<AlertKind, VecDeque<Timestamp>>,
    shared: VecDeque<Timestamp>,
    critical: VecDeque<Timestamp>,
}

impl HourlyRate {
    /// At most `most` messages in any hour, beside those of each kind's own.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            own: BTreeMap::new(),
            shared: VecDeque::new(),
            critical: VecDeque::new(),
        }
    }

    /// Another bound from now on. What was sent counts.
    pub(crate) fn set_most(&mut self, most: usize) {
        self.most = most.max(1);
    }

    /// Whether a message may be sent now. If so, it takes a place.
    pub(crate) fn take(&mut self, kind: AlertKind, severity: Severity, now: Timestamp) -> bool {
        let free = |times: &mut VecDeque<Timestamp>, most: usize| {
            // A clock that went back must not close a channel for good.
            times.retain(|at| (0..HOUR).contains(&now.millis_since(*at)));
            let free = times.len() < most;
            if free {
                times.push_back(now);
            }
            free
        };
        free(&mut self.shared, self.most)
            || (severity == Severity::Critical && free(&mut self.critical, self.most))
            || free(self.own.entry(kind).or_default(), (self.most / OWN).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn at(minutes: i64) -> Timestamp {
        AT.plus_millis(minutes * 60_000)
    }

    #[test]
    fn an_hour_has_its_places_and_critical_ones_more() {
        let mut rate = HourlyRate::new(2);
        let mut take = |severity, at| rate.take(AlertKind::SinkLagging, severity, at);
        assert!(take(Severity::Info, at(0)));
        assert!(take(Severity::Info, at(10)));
        // The kind's own.
        assert!(take(Severity::High, at(15)));
        assert!(!take(Severity::High, at(20)));
        assert!(take(Severity::Critical, at(40)));
        assert!(!take(Severity::Info, at(59)));
        assert!(take(Severity::Info, at(60)));
        // A clock an hour back does not close it.
        assert!(take(Severity::Info, at(-120)));
    }

    #[test]
    fn no_kind_takes_the_places_of_others() {
        let mut rate = HourlyRate::new(10);
        // Somebody outside can bring these about as they like, and makes them as bad as they can.
        for _ in 0..1_000 {
            rate.take(AlertKind::KeyPresented, Severity::Critical, AT);
            rate.take(AlertKind::ApprovalAsked, Severity::High, AT);
        }
        let others = AlertKind::ALL
            .iter()
            .filter(|kind| !matches!(kind, AlertKind::KeyPresented | AlertKind::ApprovalAsked));
        for kind in others {
            for n in 0..2 {
                assert!(rate.take(*kind, Severity::Warning, at(1)), "{kind} {n}");
            }
            assert!(!rate.take(*kind, Severity::Warning, at(1)), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn no_hour_has_more(most in 1_usize..5, waits in prop::collection::vec(0_i64..30, 1..200)) {
            let mut rate = HourlyRate::new(most);
            let (mut now, mut sent) = (AT, Vec::new());
            for wait in waits {
                now = now.plus_millis(wait * 60_000);
                if rate.take(AlertKind::BreakGlass, Severity::High, now) {
                    sent.push(now);
                }
            }
            for (n, at) in sent.iter().enumerate() {
                let within = sent[n..].iter().filter(|other| other.millis_since(*at) < HOUR).count();
                prop_assert!(within <= most + 1);
            }
        }
    }
}
