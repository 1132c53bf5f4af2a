//! Secrets of other machines and programs, kept for a while: one reading at a time of each, a
//! limit on how long it is waited for, read ahead of their end, and the last good value while the
//! provider is in trouble.

mod entry;
mod held;
mod reading;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::provider::Found;
use crate::reference::SecretRef;
use crate::secrets::Setup;
use entry::{Begin, Entry};
pub use held::{Held, Lent};
use worker::Bell;
pub(crate) use worker::Worker;

/// Most secrets that are kept.
const MAX_ENTRIES: usize = 4096;

/// What happens to a secret that is kept, for those who watch over it.
#[derive(Debug)]
pub enum Trouble {
    /// It can't be read, and the last good value is used.
    Begun(Error),
    /// It is not used any more: it was taken away, or could not be read for too long.
    Lost(Error),
    /// It can be read again.
    Over(SecretRef),
}

/// All that is kept.
pub(crate) struct Cache {
    pub(crate) setup: Setup,
    entries: Mutex<HashMap<SecretRef, Arc<Entry>>>,
    bell: Bell,
    air: reading::Air,
}

impl Cache {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            entries: Mutex::default(),
            bell: Bell::default(),
            air: reading::Air::default(),
        }
    }

    /// The secret, if it is kept and fresh or by reading it.
    pub(crate) fn get(self: &Arc<Self>, reference: &SecretRef) -> Result<Lent> {
        let entry = self.entry(reference)?;
        self.get_entry(&entry).map(Lent)
    }

    /// The same, kept for as long as it is held.
    pub(crate) fn hold(self: &Arc<Self>, reference: &SecretRef) -> Result<Held> {
        let entry = self.entry(reference)?;
        let held = Held {
            _holder: Arc::clone(&entry.holders),
            entry,
        };
        match self.setup.settings.ttl(reference.scheme()) {
            Some(_) => drop(self.get_entry(&held.entry)?),
            None => self.reread(&held.entry)?,
        }
        self.bell.ring();
        Ok(held)
    }

    /// Reads again what is held or kept. Gives what could not be read.
    pub(crate) fn refresh(self: &Arc<Self>) -> Vec<Error> {
        let entries: Vec<_> = self.kept().collect();
        let failed = |entry: &Arc<Entry>| self.reread(entry).err();
        entries.iter().filter_map(failed).collect()
    }

    /// Notes what was just read or written by another way. What is being read meanwhile may be
    /// older, and is not taken.
    pub(crate) fn note(&self, reference: &SecretRef, outcome: Result<Found>) {
        let Some(entry) = self.entries().get(reference).cloned() else {
            return;
        };
        let now = self.now();
        let trouble = entry.take(&mut entry.lock(), outcome, now);
        self.tell(trouble);
    }

    /// Reads the secret now, by a way of its own that is bounded in time.
    pub(crate) fn read_now(self: &Arc<Self>, reference: &SecretRef) -> Result<Found> {
        self.air.read_within(self, reference)
    }

    fn reread(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<()> {
        let read = self.read_now(&entry.reference);
        let failed = read.as_ref().err().map(Error::again);
        let now = self.now();
        let trouble = entry.take(&mut entry.lock(), read, now);
        self.tell(trouble);
        failed.map_or(Ok(()), Err)
    }

    fn get_entry(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Arc<Found>> {
        let settings = &self.setup.settings;
        let mut state = entry.lock();
        if let Some(answer) = entry.answer(&mut state, self.now(), settings) {
            return answer;
        }
        let seen = state.outcomes;
        if let Some(begin) = entry.begin(&mut state, self.now()) {
            drop(state);
            self.launch(entry, begin);
            state = entry.lock();
        }
        let began = Instant::now();
        let mut trouble = None;
        while state.outcomes == seen {
            let left = settings.limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                trouble = entry.time_out(&mut state, self.now(), settings);
                break;
            }
            state = entry.wait(state, left);
        }
        let settled = entry.settled(&state, self.now(), settings);
        drop(state);
        self.tell(trouble);
        settled
    }

    /// Begins a reading; its outcome lands by itself.
    fn launch(self: &Arc<Self>, entry: &Arc<Entry>, Begin(id): Begin) {
        let (cache, landing) = (Arc::clone(self), Arc::clone(entry));
        let land = move |outcome| {
            let trouble = landing.land(id, outcome, cache.now());
            cache.tell(trouble);
            cache.bell.ring();
        };
        self.air.read(self, &entry.reference, land);
    }

    /// Does what is due: reads ahead, gives up what takes too long, forgets what nobody wants.
    /// Gives when the next thing is due. Waits for nothing.
    fn tick(self: &Arc<Self>) -> Option<Duration> {
        let settings = &self.setup.settings;
        let now = self.now();
        let mut next: Option<Duration> = None;
        for entry in self.kept().collect::<Vec<_>>() {
            if settings.ttl(entry.reference.scheme()).is_none() {
                continue;
            }
            let mut state = entry.lock();
            if entry.idle(&state, now, settings) {
                drop(state);
                self.entries().remove(&entry.reference);
                continue;
            }
            let gave_up = entry.give_up(&mut state, now, settings);
            let aged = entry.age(&mut state, now, settings);
            let wanted = entry.held() || entry.used(&state);
            let due = entry.due(&state, settings);
            let begin = (wanted && due.is_some_and(|due| due <= now))
                .then(|| entry.begin(&mut state, now))
                .flatten();
            let ends = entry.ends(&state, settings);
            let soonest = [entry.due(&state, settings).filter(|_| wanted), ends]
                .into_iter()
                .flatten()
                .min();
            drop(state);
            self.tell(gave_up);
            self.tell(aged);
            if let Some(begin) = begin {
                self.launch(&entry, begin);
            }
            // What nobody wants now is looked at for its own end.
            let soonest = soonest.unwrap_or(now + settings.ttl);
            next = Some(next.map_or(soonest, |next| next.min(soonest)));
        }
        next
    }

    fn entry(self: &Arc<Self>, reference: &SecretRef) -> Result<Arc<Entry>> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(reference) {
            return Ok(Arc::clone(entry));
        }
        if entries.len() >= MAX_ENTRIES {
            return Err(Error::trouble(reference, "4096 secrets are kept already"));
        }
        let entry = Arc::new(Entry::new(reference.clone(), &self.setup.settings));
        entries.insert(reference.clone(), Arc::clone(&entry));
        drop(entries);
        self.bell.ring();
        Ok(entry)
    }

    fn kept(&self) -> impl Iterator<Item = Arc<Entry>> + use<> {
        let kept: Vec<_> = self.entries().values().cloned().collect();
        kept.into_iter()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<SecretRef, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.setup.clock.now()
    }

    fn tell(&self, trouble: Option<Trouble>) {
        if let (Some(trouble), Some(told)) = (trouble, &self.setup.troubled) {
            told(trouble);
        }
    }
}
