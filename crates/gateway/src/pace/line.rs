//! The line to a workspace's API: whether it bears calls, and how many reads may be sent again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_pace::ClientId;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::pace::breaker::Went;
use crate::pace::breakers::{Breakers, Leaves, Shut};

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
    breakers: Breakers,
    repeats: f64,
}

/// A call on the line. Dropped without a word, nothing is known of it.
#[derive(Debug)]
pub(crate) struct OnLine<'a> {
    line: &'a Line,
    leave: Option<Leaves>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            state: Mutex::new(State {
                breakers: Breakers::default(),
                repeats: MOST,
            }),
            search: Semaphore::new(1),
        }
    }

    /// Whether a call would be let on, or how long until it may.
    pub(crate) fn check(&self, reads: bool, client: ClientId) -> Result<(), Duration> {
        let now = self.began.elapsed();
        self.lock().breakers.check(now, reads, client)
    }

    /// Lets one call on.
    pub(crate) fn begin(&self, reads: bool, client: ClientId) -> Result<OnLine<'_>, Duration> {
        let now = self.began.elapsed();
        let mut state = self.lock();
        let leave = state.breakers.begin(now, reads, client)?;
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

    /// Whether everybody's calls are kept from the API.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().breakers.is_open()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnLine<'_> {
    /// Tells how the call went, and for whom calls stop for that.
    pub(crate) fn done(mut self, went: Went) -> Option<Shut> {
        self.end(went)
    }

    fn end(&mut self, went: Went) -> Option<Shut> {
        let leave = self.leave.take()?;
        let now = self.line.began.elapsed();
        self.line.lock().breakers.done(now, leave, went)
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

    const CLIENT: ClientId = ClientId(7);

    #[test]
    fn a_tenth_of_the_calls_is_repeated_at_most() {
        let line = Line::new();
        let repeated = (0..1_000)
            .filter(|_| {
                line.begin(true, CLIENT).unwrap().done(Went::Well);
                line.may_repeat()
            })
            .count();
        assert!((100..=110).contains(&repeated), "{repeated}");
    }

    #[test]
    fn a_call_whose_caller_goes_away_tells_nothing() {
        let line = Line::new();
        for _ in 0..4 {
            line.begin(true, CLIENT).unwrap().done(Went::Nowhere);
        }
        drop(line.begin(true, CLIENT).unwrap());
        let last = line.begin(true, CLIENT).unwrap();
        assert_eq!(last.done(Went::Nowhere), Some(Shut::Client));
        assert!(!line.is_open() && line.check(true, ClientId(8)).is_ok());
        assert!(line.check(true, CLIENT).is_err() && line.begin(false, CLIENT).is_err());
    }
}
