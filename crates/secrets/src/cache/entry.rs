//! What is kept of one secret. Every change of it is here, and none of it waits or asks anyone.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::Trouble;
use crate::error::{Error, Result};
use crate::provider::Found;
use crate::reference::SecretRef;
use crate::settings::Settings;

/// One secret of the cache.
pub(crate) struct Entry {
    pub(crate) reference: SecretRef,
    /// What those who hold the secret read; none when there is no value that may be used.
    pub(crate) value: ArcSwapOption<Found>,
    /// Its other owners are those who hold the secret.
    pub(super) holders: Arc<()>,
    pub(super) hours: u64,
    /// Whether it is of this machine: read again when that is asked for, or after a failure.
    local: bool,
    state: Mutex<State>,
    landed: Condvar,
}

/// A reading that is under way.
struct Flight {
    id: u64,
    began: Duration,
}

#[derive(Default)]
pub(super) struct State {
    flight: Option<Flight>,
    /// The readings that were begun, and the writes.
    begun: u64,
    /// The last of them whose answer was taken: what began before it is older.
    taken: u64,
    /// How often there was an outcome.
    pub(super) outcomes: u64,
    /// When the value was last had from the provider.
    good_at: Option<Duration>,
    /// When there was last a failure, and which; none after a success.
    failed: Option<(Duration, Error)>,
    failures: u32,
    /// Since when it can't be read; none after a success.
    since: Option<Duration>,
    /// Trouble was told, and its end was not.
    told: bool,
    used_at: Duration,
}

/// A reading that has to be begun.
pub(super) struct Begin(pub(super) u64);

impl Entry {
    pub(super) fn new(reference: SecretRef, settings: &Settings, now: Duration) -> Self {
        let state = State {
            used_at: now,
            ..State::default()
        };
        Self {
            local: settings.ttl(reference.scheme()).is_none(),
            reference,
            value: ArcSwapOption::empty(),
            holders: Arc::new(()),
            hours: settings.stale.as_secs().div_ceil(3600),
            state: Mutex::new(state),
            landed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an outcome, at most so long.
    pub(super) fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        most: Duration,
    ) -> MutexGuard<'s, State> {
        self.landed
            .wait_timeout(state, most)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// What is answered with no reading: a fresh value, or a failure just now.
    pub(super) fn answer(
        &self,
        state: &mut State,
        now: Duration,
        settings: &Settings,
    ) -> Option<Result<Arc<Found>>> {
        state.used_at = now;
        if let (Some(value), Some(good_at)) = (self.value.load_full(), state.good_at)
            && now < good_at + settings.ttl
        {
            return Some(Ok(value));
        }
        let (failed_at, _) = state.failed.as_ref()?;
        (now < *failed_at + settings.negative).then(|| self.settled(state, now, settings))
    }

    /// What is answered after a reading: the value, if it may be used still.
    pub(super) fn settled(
        &self,
        state: &State,
        now: Duration,
        settings: &Settings,
    ) -> Result<Arc<Found>> {
        let usable = self.last_use(state, settings).is_none_or(|end| now <= end);
        match (self.value.load_full(), &state.failed) {
            (Some(value), _) if usable => Ok(value),
            (_, Some((_, error))) => Err(error.again()),
            _ => Err(self.stale()),
        }
    }

    /// The error of those who hold a secret that may not be used any more.
    pub(super) fn gone(&self) -> Error {
        let state = self.lock();
        match (&state.failed, state.good_at) {
            (Some((_, error)), None) => error.again(),
            (Some((_, error)), _) if !error.is_trouble() => error.again(),
            (None, None) => Error::trouble(&self.reference, "it is being read for the first time"),
            _ => self.stale(),
        }
    }

    /// Until when the value may be used if it is not read again. One of this machine is not read
    /// on and on: its time begins when it can't be read.
    fn last_use(&self, state: &State, settings: &Settings) -> Option<Duration> {
        let from = match self.local {
            true => state.since,
            false => state.good_at,
        };
        from.map(|from| from + settings.stale)
    }

    fn stale(&self) -> Error {
        Error::Stale {
            reference: self.reference.clone(),
            hours: self.hours,
        }
    }

    /// Notes that a reading begins, unless one is under way.
    pub(super) fn begin(&self, state: &mut State, now: Duration) -> Option<Begin> {
        if state.flight.is_some() {
            return None;
        }
        let id = self.number(state);
        state.flight = Some(Flight { id, began: now });
        Some(Begin(id))
    }

    /// The number of a reading or write that is made by another way.
    pub(super) fn number(&self, state: &mut State) -> u64 {
        state.begun += 1;
        state.begun
    }

    /// Takes the outcome of the reading `id`, unless it is not waited for any more.
    pub(super) fn land(&self, id: u64, outcome: Result<Found>, now: Duration) -> Option<Trouble> {
        let mut state = self.lock();
        if state.flight.as_ref().map(|flight| flight.id) != Some(id) {
            return None;
        }
        self.take(&mut state, id, outcome, now)
    }

    /// Takes an outcome by its number, unless what began later was taken before it. What is under
    /// way is not taken any more.
    pub(super) fn take(
        &self,
        state: &mut State,
        id: u64,
        outcome: Result<Found>,
        now: Duration,
    ) -> Option<Trouble> {
        if id <= state.taken {
            return None;
        }
        if outcome
            .as_ref()
            .err()
            .is_none_or(|error| !error.is_trouble())
        {
            state.taken = id;
        }
        state.flight = None;
        state.outcomes += 1;
        let trouble = match outcome {
            Ok(found) => {
                self.value.store(Some(Arc::new(found)));
                state.good_at = Some(now);
                state.failed = None;
                state.failures = 0;
                state.since = None;
                std::mem::take(&mut state.told).then(|| Trouble::Over(self.reference.clone()))
            }
            Err(error) => self.fail(state, error, now),
        };
        self.landed.notify_all();
        trouble
    }

    fn fail(&self, state: &mut State, error: Error, now: Duration) -> Option<Trouble> {
        // That it is not there, or not to be taken, is an answer: what was there before it was
        // taken away, and is not used any more.
        let (had, lost) = match error.is_trouble() {
            true => (self.value.load().is_some(), false),
            false => (self.value.swap(None).is_some(), true),
        };
        let news = (had || self.held()) && !std::mem::replace(&mut state.told, true);
        let trouble = match (had, lost) {
            (true, true) => Some(Trouble::Lost(error.again())),
            (true, false) if news => Some(Trouble::Begun(error.again())),
            (false, _) if news => Some(Trouble::Unread(error.again())),
            _ => None,
        };
        state.since.get_or_insert(now);
        state.failures = state.failures.saturating_add(1);
        state.failed = Some((now, error));
        trouble
    }

    /// Gives up a reading that takes too long; nothing if there is none such.
    pub(super) fn give_up(
        &self,
        state: &mut State,
        now: Duration,
        settings: &Settings,
    ) -> Option<Trouble> {
        let flight = state.flight.as_ref()?;
        if now < flight.began + settings.limit {
            return None;
        }
        self.time_out(state, now, settings)
    }

    /// Gives up the reading that is under way.
    pub(super) fn time_out(
        &self,
        state: &mut State,
        now: Duration,
        settings: &Settings,
    ) -> Option<Trouble> {
        let error = Error::TimedOut {
            reference: self.reference.clone(),
            millis: settings.limit.as_millis(),
        };
        let id = state
            .flight
            .as_ref()
            .map_or(state.begun, |flight| flight.id);
        self.take(state, id, Err(error), now)
    }

    /// Stops using a value that could not be read again for too long.
    pub(super) fn age(
        &self,
        state: &mut State,
        now: Duration,
        settings: &Settings,
    ) -> Option<Trouble> {
        if now <= self.last_use(state, settings)? || self.value.swap(None).is_none() {
            return None;
        }
        state.told = true;
        Some(Trouble::Lost(self.stale()))
    }

    /// When the next thing about this entry is due; none while a first reader sees to it.
    pub(super) fn due(&self, state: &State, settings: &Settings) -> Option<Duration> {
        if let Some(flight) = &state.flight {
            return Some(flight.began + settings.limit);
        }
        match (&state.failed, state.good_at) {
            (Some((at, _)), _) => Some(*at + settings.backoff(state.failures)),
            (None, _) if self.local => None,
            (None, good_at) => Some(good_at? + settings.ahead()),
        }
    }

    /// When the value may not be used any more, if it is not read again.
    pub(super) fn ends(&self, state: &State, settings: &Settings) -> Option<Duration> {
        self.value.load().as_ref()?;
        self.last_use(state, settings)
    }

    /// Whether someone holds the secret.
    pub(super) fn held(&self) -> bool {
        Arc::strong_count(&self.holders) > 1
    }

    /// Whether someone has asked for it since it was last read.
    pub(super) fn used(&self, state: &State) -> bool {
        state.good_at.is_none_or(|at| state.used_at > at)
    }

    /// Whether nobody has wanted it for long.
    pub(super) fn idle(&self, state: &State, now: Duration, settings: &Settings) -> bool {
        !self.held() && state.flight.is_none() && now > state.used_at + settings.ttl * 2
    }
}
