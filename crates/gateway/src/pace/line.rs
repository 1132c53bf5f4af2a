//! The line to a workspace's API: whether it bears calls, and how many reads may be sent again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::pace::breaker::{Breaker, Leave, Went};

/// What a call gives to the budget of repeats, and the most there is in it: a tenth of the calls is
/// sent again at the most, so that repeats never are what keeps an API down.
const SHARE: f64 = 0.1;
const MOST: f64 = 10.0;

/// One workspace's, kept from snapshot to snapshot.
#[derive(Debug)]
pub(crate) struct Line {
    began: Instant,
    state: Mutex<State>,
    /// For reads of Doorward's own that look for a write: one such search at a time.
    pub(crate) search: Semaphore,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    repeats: f64,
}

/// A call on the line. Dropped without a word, nothing is known of it.
#[derive(Debug)]
pub(crate) struct OnLine<'a> {
    line: &'a Line,
    leave: Option<Leave>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            state: Mutex::new(State {
                breaker: Breaker::default(),
                repeats: MOST,
            }),
            search: Semaphore::new(1),
        }
    }

    /// Whether a call would be let on, or how long until it may.
    pub(crate) fn check(&self, reads: bool) -> Result<(), Duration> {
        self.lock()
            .breaker
            .check(self.began.elapsed(), reads)
            .map(drop)
    }

    /// Lets one call on.
    pub(crate) fn begin(&self, reads: bool) -> Result<OnLine<'_>, Duration> {
        let now = self.began.elapsed();
        let mut state = self.lock();
        let leave = state.breaker.begin(now, reads)?;
        state.repeats = (state.repeats + SHARE).min(MOST);
        Ok(OnLine {
            line: self,
            leave: Some(leave),
        })
    }

    /// Whether one more call may be sent again, which is spent with it.
    pub(crate) fn may_repeat(&self) -> bool {
        let mut state = self.lock();
        if state.repeats < 1.0 {
            return false;
        }
        state.repeats -= 1.0;
        true
    }

    /// Whether calls are kept from the API.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().breaker.is_open()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnLine<'_> {
    /// Tells how the call went. True if from now on none is sent.
    pub(crate) fn done(mut self, went: Went) -> bool {
        self.end(went)
    }

    fn end(&mut self, went: Went) -> bool {
        let Some(leave) = self.leave.take() else {
            return false;
        };
        let now = self.line.began.elapsed();
        self.line.lock().breaker.done(now, leave, went)
    }
}

impl Drop for OnLine<'_> {
    fn drop(&mut self) {
        self.end(Went::Unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_calls_is_repeated_at_most() {
        let line = Line::new();
        let repeated = (0..1_000)
            .filter(|_| {
                line.begin(true).unwrap().done(Went::Well);
                line.may_repeat()
            })
            .count();
        assert!((100..=110).contains(&repeated), "{repeated}");
    }

    #[test]
    fn a_probe_whose_caller_goes_away_makes_place_for_another() {
        let line = Line::new();
        for _ in 0..5 {
            line.begin(true).unwrap().done(Went::Nowhere);
        }
        assert!(line.is_open());
        assert!(line.check(true).is_err() && line.begin(false).is_err());
    }
}
