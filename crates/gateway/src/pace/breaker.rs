//! Leaving an API alone that does not answer: when calls to a workspace stop, and how they begin
//! again. No clock is looked at here.

use std::time::Duration;

/// Connections in a row that failed, or that nothing came over in time.
pub(crate) const STREAK: u32 = 5;
/// Seconds that failures are counted over, how many calls must be among them, and which part.
const SECONDS: usize = 10;
pub(crate) const CALLS: u32 = 20;
const HALF: u32 = 2;
/// The first pause, doubled up to the longest as long as it does not help.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);
/// When to ask again while a probe is out.
const SOON: Duration = Duration::from_secs(1);

/// How a call went, as far as the API's health goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    /// It was answered.
    Well,
    /// It was answered 5xx.
    Badly,
    /// No connection, or no answer.
    Nowhere,
    /// Nothing is known: the caller went away.
    Unknown,
}

/// Leave to send one call; `probe` if it shows whether the API is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leave {
    probe: bool,
}

/// Whether calls go to a workspace's API, everybody's or one client's. Closed, they do.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    streak: u32,
    /// Calls and failures of each of the last seconds, by the second modulo their count.
    seconds: [Second; SECONDS],
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    at: u64,
    calls: u32,
    failed: u32,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Duration,
    pause: Duration,
    probing: bool,
}

impl Breaker {
    /// Whether a call would get leave, or how long until it may.
    pub(crate) fn check(&self, now: Duration, reads: bool) -> Result<Leave, Duration> {
        let Some(open) = self.open else {
            return Ok(Leave { probe: false });
        };
        if now < open.until {
            return Err(open.until.saturating_sub(now));
        }
        // A read does no harm if it gets lost. When none comes for as long again, a write must do.
        let due = reads || now >= open.until.saturating_add(open.pause);
        if open.probing || !due {
            return Err(SOON);
        }
        Ok(Leave { probe: true })
    }

    /// Leave to send one call, whose end is to be told by [`Breaker::done`].
    pub(crate) fn begin(&mut self, now: Duration, reads: bool) -> Result<Leave, Duration> {
        let leave = self.check(now, reads)?;
        if let Some(open) = self.open.as_mut().filter(|_| leave.probe) {
            open.probing = true;
        }
        Ok(leave)
    }

    /// Told how a call went. True if that opened the breaker.
    pub(crate) fn done(&mut self, now: Duration, leave: Leave, went: Went) -> bool {
        if leave.probe {
            self.probed(now, leave, went);
            return false;
        }
        // What was sent before it opened says nothing new.
        if self.open.is_some() || went == Went::Unknown {
            return false;
        }
        self.streak = match went {
            Went::Nowhere => self.streak.saturating_add(1),
            _ => 0,
        };
        let (calls, failed) = self.count(now.as_secs(), went != Went::Well);
        let mostly = calls >= CALLS && failed.saturating_mul(HALF) >= calls;
        if self.streak < STREAK && !mostly {
            return false;
        }
        self.open(now);
        true
    }

    /// Stops calls.
    pub(crate) fn open(&mut self, now: Duration) {
        self.open = Some(Open {
            until: now.saturating_add(FIRST),
            pause: FIRST,
            probing: false,
        });
    }

    /// Told how a call went, which matters only if it was to show whether the API is back.
    pub(crate) fn probed(&mut self, now: Duration, leave: Leave, went: Went) {
        let Some(open) = self.open.as_mut().filter(|_| leave.probe) else {
            return;
        };
        open.probing = false;
        match went {
            Went::Well => *self = Self::default(),
            Went::Unknown => {}
            Went::Badly | Went::Nowhere => {
                open.pause = open.pause.saturating_mul(2).min(LONGEST);
                open.until = now.saturating_add(open.pause);
            }
        }
    }

    /// Counts one call; calls and failures of the last seconds.
    fn count(&mut self, at: u64, failed: bool) -> (u32, u32) {
        let place = usize::try_from(at % SECONDS as u64).unwrap_or(0);
        if let Some(second) = self.seconds.get_mut(place) {
            if second.at != at {
                *second = Second {
                    at,
                    ..Second::default()
                };
            }
            second.calls = second.calls.saturating_add(1);
            second.failed = second.failed.saturating_add(u32::from(failed));
        }
        self.recent(at)
    }

    /// Calls that were heard of lately, and how many of them failed.
    pub(crate) fn heard(&self, now: Duration) -> (u32, u32) {
        self.recent(now.as_secs())
    }

    fn recent(&self, at: u64) -> (u32, u32) {
        let recent = self
            .seconds
            .iter()
            .filter(|second| at.saturating_sub(second.at) < SECONDS as u64);
        recent.fold((0, 0), |(calls, failed), second| {
            (
                calls.saturating_add(second.calls),
                failed.saturating_add(second.failed),
            )
        })
    }

    /// Whether calls do not go, and would have had to wait a moment ago: nobody asks any more where
    /// it has long been time to.
    pub(crate) fn is_open_lately(&self, now: Duration) -> bool {
        let lately = Duration::from_secs(SECONDS as u64);
        self.open
            .is_some_and(|open| now < open.until.saturating_add(lately))
    }

    /// Whether calls do not go.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn send(breaker: &mut Breaker, now: Duration, went: Went) -> bool {
        let leave = breaker.begin(now, true).unwrap();
        breaker.done(now, leave, went)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for n in 1..=5 {
            assert_eq!(send(&mut breaker, at(0), Went::Nowhere), n == 5);
        }
        breaker
    }

    #[test]
    fn it_opens_on_a_streak_and_closes_on_a_read_that_is_answered() {
        let mut breaker = opened();
        assert_eq!(breaker.check(at(1), true), Err(at(4)));
        assert_eq!(
            breaker.check(at(5), false),
            Err(SOON),
            "writes do not probe"
        );
        let probe = breaker.begin(at(5), true).unwrap();
        assert_eq!(breaker.begin(at(5), true), Err(SOON), "one at a time");
        breaker.done(at(6), probe, Went::Nowhere);
        assert_eq!(breaker.check(at(6), true), Err(at(10)), "twice as long");
        let probe = breaker.begin(at(16), true).unwrap();
        breaker.done(at(16), probe, Went::Unknown);
        let probe = breaker.begin(at(16), true).unwrap();
        breaker.done(at(16), probe, Went::Well);
        assert!(!breaker.is_open());
        assert!(breaker.check(at(16), false).is_ok());
    }

    #[test]
    fn where_nobody_reads_a_write_probes_in_the_end() {
        let mut breaker = opened();
        assert!(breaker.begin(at(9), false).is_err());
        let probe = breaker.begin(at(10), false).unwrap();
        breaker.done(at(10), probe, Went::Well);
        assert!(!breaker.is_open());
    }

    #[test]
    fn it_opens_when_most_answers_are_5xx_but_not_for_a_few() {
        let mut breaker = Breaker::default();
        for n in 0..19 {
            assert!(!send(&mut breaker, at(n / 2), Went::Badly));
        }
        assert!(
            !send(&mut breaker, at(30), Went::Badly),
            "those are long ago"
        );
        for _ in 0..20 {
            send(&mut breaker, at(30), Went::Well);
        }
        let needed = (0..40).position(|_| send(&mut breaker, at(31), Went::Badly));
        assert_eq!(needed, Some(18), "19 more make it half of 40");
    }

    #[test]
    fn answers_to_what_was_sent_before_it_opened_change_nothing() {
        let mut breaker = Breaker::default();
        let before: Vec<Leave> = (0..9)
            .map(|_| breaker.begin(at(0), true).unwrap())
            .collect();
        for leave in &before[..5] {
            breaker.done(at(1), *leave, Went::Nowhere);
        }
        for leave in &before[5..] {
            assert!(!breaker.done(at(2), *leave, Went::Well));
        }
        assert!(breaker.is_open());
    }

    proptest! {
        /// However it goes: while it is open there is at most one call out that got leave since, the
        /// pause is never over a minute, and an API that is well again is called again.
        #[test]
        fn one_probe_at_a_time_and_never_shut_for_good(
            steps in proptest::collection::vec((0_u64..9_000, any::<bool>(), 0_u8..4), 1..200),
        ) {
            let mut breaker = Breaker::default();
            let mut now = Duration::ZERO;
            let mut out: Vec<Leave> = Vec::new();
            for (pause, reads, went) in steps {
                now += Duration::from_millis(pause);
                match breaker.begin(now, reads) {
                    Ok(leave) => out.push(leave),
                    Err(wait) => prop_assert!(wait <= LONGEST),
                }
                prop_assert!(out.iter().filter(|leave| leave.probe).count() <= 1);
                let went = [Went::Well, Went::Badly, Went::Nowhere, Went::Unknown][usize::from(went)];
                if reads && let Some(leave) = out.pop() {
                    breaker.done(now, leave, went);
                }
            }
            for leave in out {
                breaker.done(now, leave, Went::Unknown);
            }
            now += LONGEST;
            let leave = breaker.begin(now, true);
            prop_assert!(leave.is_ok());
            breaker.done(now, leave.unwrap(), Went::Well);
            prop_assert!(!breaker.is_open());
        }
    }
}
