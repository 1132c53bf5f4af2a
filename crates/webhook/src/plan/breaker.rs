//! Leaving a destination alone that fails, and finding out whether it is back.

use std::time::Duration;

/// When a destination is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row open it.
    pub failures: u32,
    /// The first pause; each one after it is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// After so long a probe that nothing was heard of counts as lost.
    pub patience: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            first: Duration::from_secs(5),
            longest: Duration::from_secs(5 * 60),
            patience: Duration::from_secs(60),
        }
    }
}

/// Leave to make one attempt. What came of it is told to [`Breaker::done`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Leave {
    /// In which state of the breaker it was given.
    turn: u64,
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerChange {
    /// The destination is left alone from now on.
    Opened,
    /// It is back.
    Closed,
}

/// Whether attempts go to a destination. Closed, they do; open, none; half open, one at a time. Time
/// is counted from any fixed point.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    /// Counts the states, so that an outcome of an earlier one says nothing.
    turn: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { streak: u32 },
    Open { until: Duration, pause: Duration },
    Probing { since: Duration, pause: Duration },
}

impl Breaker {
    /// Closed.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed { streak: 0 },
            turn: 0,
        }
    }

    /// Whether attempts go as usual.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Asks for leave to make an attempt.
    ///
    /// # Errors
    /// How long until it is worth asking again.
    pub fn ask(&mut self, now: Duration) -> Result<Leave, Duration> {
        let pause = match self.state {
            State::Closed { .. } => return Ok(Leave { turn: self.turn }),
            State::Open { until, .. } if now < until => return Err(until - now),
            State::Open { pause, .. } => pause,
            State::Probing { since, pause } => {
                let lost = since.saturating_add(self.settings.patience);
                if now < lost {
                    return Err(lost - now);
                }
                pause
            }
        };
        self.go(State::Probing { since: now, pause });
        Ok(Leave { turn: self.turn })
    }

    /// Told what came of an attempt: whether the destination is well, whatever it thinks of the
    /// event.
    pub fn done(&mut self, now: Duration, leave: Leave, well: bool) -> Option<BreakerChange> {
        if leave.turn != self.turn {
            return None;
        }
        match (self.state, well) {
            (State::Closed { .. }, true) => {
                self.state = State::Closed { streak: 0 };
                None
            }
            (State::Closed { streak }, false) => {
                let streak = streak.saturating_add(1);
                if streak < self.settings.failures.max(1) {
                    self.state = State::Closed { streak };
                    return None;
                }
                self.open(now, self.settings.first);
                Some(BreakerChange::Opened)
            }
            (State::Probing { .. }, true) => {
                self.go(State::Closed { streak: 0 });
                Some(BreakerChange::Closed)
            }
            (State::Probing { pause, .. }, false) => {
                self.open(now, pause.saturating_mul(2).min(self.settings.longest));
                None
            }
            (State::Open { .. }, _) => None,
        }
    }

    /// The destination asked to be left alone for so long.
    pub fn rest(&mut self, now: Duration, asked: Duration) {
        let (until, pause) = match self.state {
            State::Closed { .. } => (now, self.settings.first),
            State::Open { until, pause } => (until, pause),
            State::Probing { pause, .. } => (now, pause),
        };
        self.go(State::Open {
            until: until.max(now.saturating_add(asked)),
            pause,
        });
    }

    fn open(&mut self, now: Duration, pause: Duration) {
        self.go(State::Open {
            until: now.saturating_add(pause),
            pause,
        });
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.turn += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn broken() -> Breaker {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for tried in 1..=5 {
            let leave = breaker.ask(at(0)).unwrap();
            let opened = (tried == 5).then_some(BreakerChange::Opened);
            assert_eq!(breaker.done(at(0), leave, false), opened);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_probe_closes_it() {
        let mut breaker = broken();
        assert_eq!(breaker.ask(at(1)), Err(at(4)));
        let probe = breaker.ask(at(5)).unwrap();
        assert_eq!(breaker.ask(at(6)), Err(at(59)), "one at a time");
        assert_eq!(
            breaker.done(at(6), probe, true),
            Some(BreakerChange::Closed)
        );
        assert!(breaker.is_closed() && breaker.ask(at(6)).is_ok());
    }

    #[test]
    fn a_success_between_starts_the_count_anew() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for tried in 0..100 {
            let leave = breaker.ask(at(0)).unwrap();
            assert_eq!(breaker.done(at(0), leave, tried % 5 == 0), None);
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut breaker = broken();
        let mut now = at(0);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let wait = breaker.ask(now).unwrap_err();
            pauses.push(wait.as_secs());
            now += wait;
            let probe = breaker.ask(now).unwrap();
            assert_eq!(breaker.done(now, probe, false), None);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn what_was_sent_before_says_nothing_and_a_lost_probe_is_made_again() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let early = breaker.ask(at(0)).unwrap();
        for _ in 0..5 {
            let leave = breaker.ask(at(0)).unwrap();
            let _ = breaker.done(at(0), leave, false);
        }
        assert_eq!(breaker.done(at(1), early, true), None);
        assert!(!breaker.is_closed());
        let lost = breaker.ask(at(5)).unwrap();
        let again = breaker.ask(at(65)).unwrap();
        assert_eq!(breaker.done(at(66), lost, true), None);
        assert_eq!(
            breaker.done(at(66), again, true),
            Some(BreakerChange::Closed)
        );
    }

    #[test]
    fn a_destination_that_asks_for_rest_gets_it() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        breaker.rest(at(0), at(90));
        breaker.rest(at(0), at(30));
        assert_eq!(breaker.ask(at(1)), Err(at(89)));
        let probe = breaker.ask(at(90)).unwrap();
        assert_eq!(
            breaker.done(at(90), probe, true),
            Some(BreakerChange::Closed)
        );
    }

    proptest! {
        /// Whatever happens, it is never shut for longer than the longest pause or patience.
        #[test]
        fn there_is_always_a_way_back(steps in proptest::collection::vec((0_u64..30, 0_u8..4), 0..80)) {
            let settings = BreakerSettings::default();
            let mut breaker = Breaker::new(settings);
            let (mut now, mut leaves) = (at(0), Vec::new());
            for (step, what) in steps {
                now += at(step);
                match what {
                    0 => leaves.extend(breaker.ask(now)),
                    1 | 2 => {
                        if let Some(leave) = leaves.pop() {
                            let _ = breaker.done(now, leave, what == 1);
                        }
                    }
                    _ => breaker.rest(now, at(step)),
                }
                if let Err(wait) = breaker.clone().ask(now) {
                    prop_assert!(wait <= settings.longest);
                    prop_assert!(breaker.clone().ask(now + wait).is_ok());
                }
            }
        }
    }
}
