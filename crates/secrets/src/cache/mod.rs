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
/// Most secrets that are asked for at once, below the most readings under way.
const AT_ONCE: usize = 32;

/// What happens to a secret that is kept, for those who watch over it.
#[derive(Debug)]
pub enum Trouble {
    /// It can't be read, and the last good value is used.
    Begun(Error),
    /// It is not used any more: it was taken away, or could not be read for too long.
    Lost(Error),
    /// It is held, can't be read, and was not read before, so that there is nothing to use.
    Unread(Error),
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
        let (held, others) = self.held(reference)?;
        match self.setup.settings.ttl(reference.scheme()) {
            Some(_) => drop(self.get_entry(&held.entry)?),
            None if others => {}
            None => self.reread(&held.entry)?,
        }
        self.bell.ring();
        Ok(held)
    }

    /// The same of many, all asked at once, and held whether they can be read or not. Those of
    /// other machines that can't are tried again, less and less often.
    pub(crate) fn hold_on(self: &Arc<Self>, references: &[SecretRef]) -> Vec<Result<Held>> {
        let mut all = Vec::with_capacity(references.len());
        for some in references.chunks(AT_ONCE) {
            let deadline = Instant::now() + self.setup.settings.limit;
            let held: Vec<_> = some.iter().map(|one| self.held(one)).collect();
            let entries = || held.iter().flatten();
            for (held, _) in entries().filter(|(held, _)| self.is_remote(held)) {
                let mut state = held.entry.lock();
                let now = self.now();
                if held
                    .entry
                    .answer(&mut state, now, &self.setup.settings)
                    .is_none()
                    && let Some(begin) = held.entry.begin(&mut state, now)
                {
                    drop(state);
                    self.launch(&held.entry, begin);
                }
            }
            for (held, others) in entries() {
                // What comes of it is kept with the secret.
                let _ = match self.is_remote(held) {
                    true => self.get_until(&held.entry, deadline).map(drop),
                    false if *others => Ok(()),
                    false => self.reread(&held.entry),
                };
            }
            all.extend(held.into_iter().map(|held| held.map(|(held, _)| held)));
        }
        self.bell.ring();
        all
    }

    /// Holds a secret, not read yet; and whether others hold it too, and have a value.
    fn held(self: &Arc<Self>, reference: &SecretRef) -> Result<(Held, bool)> {
        let entry = self.entry(reference)?;
        let others = entry.held() && entry.value.load().is_some();
        let held = Held {
            _holder: Arc::clone(&entry.holders),
            entry,
        };
        Ok((held, others))
    }

    fn is_remote(&self, held: &Held) -> bool {
        self.setup.settings.ttl(held.reference().scheme()).is_some()
    }

    /// Reads again what is held or kept, many at once. Gives what is held and could not be read.
    pub(crate) fn refresh(self: &Arc<Self>) -> Vec<Error> {
        let entries: Vec<_> = self.kept().collect();
        let mut failed = Vec::new();
        for some in entries.chunks(AT_ONCE) {
            let deadline = Instant::now() + self.setup.settings.limit;
            let asked = some.iter().map(|entry| {
                let id = entry.number(&mut entry.lock());
                (entry, id, self.air.begin(self, &entry.reference))
            });
            for (entry, id, reading) in asked.collect::<Vec<_>>() {
                let read = self.air.end(self, &entry.reference, reading, deadline);
                let error = read.as_ref().err().map(Error::again);
                self.take(entry, id, read);
                failed.extend(error.filter(|_| entry.held()));
            }
        }
        failed
    }

    /// Reads the secret from its provider, now, and notes it unless it was written meanwhile.
    pub(crate) fn find(self: &Arc<Self>, reference: &SecretRef) -> Result<Found> {
        let entry = self.entries().get(reference).cloned();
        let begun = entry.map(|entry| {
            let id = entry.number(&mut entry.lock());
            (entry, id)
        });
        let found = self.read_now(reference)?;
        if let Some((entry, id)) = begun {
            self.take(&entry, id, Ok(found.copy()));
        }
        Ok(found)
    }

    /// Notes what was just written. What is being read meanwhile may be older, and is not taken.
    pub(crate) fn note(&self, reference: &SecretRef, written: Found) {
        let entry = self.entries().get(reference).cloned();
        if let Some(entry) = entry {
            let id = entry.number(&mut entry.lock());
            self.take(&entry, id, Ok(written));
        }
    }

    /// Notes that the secret was erased: nobody is told of it where nobody holds it.
    pub(crate) fn erased(&self, reference: &SecretRef) {
        let entry = {
            let mut entries = self.entries();
            match entries.get(reference).cloned() {
                // Besides this and the map, those who hold it or are about to.
                Some(entry) if Arc::strong_count(&entry) > 2 => Some(entry),
                _ => {
                    entries.remove(reference);
                    None
                }
            }
        };
        if let Some(entry) = entry {
            let id = entry.number(&mut entry.lock());
            self.take(&entry, id, Err(Error::missing(reference)));
        }
    }

    /// Reads the secret now, by a way of its own that is bounded in time.
    pub(crate) fn read_now(self: &Arc<Self>, reference: &SecretRef) -> Result<Found> {
        let deadline = Instant::now() + self.setup.settings.limit;
        let reading = self.air.begin(self, reference);
        self.air.end(self, reference, reading, deadline)
    }

    fn reread(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<()> {
        let id = entry.number(&mut entry.lock());
        let read = self.read_now(&entry.reference);
        let failed = read.as_ref().err().map(Error::again);
        self.take(entry, id, read);
        failed.map_or(Ok(()), Err)
    }

    fn take(&self, entry: &Entry, id: u64, outcome: Result<Found>) {
        let now = self.now();
        let trouble = entry.take(&mut entry.lock(), id, outcome, now);
        self.tell(trouble);
        // After a failure it is due sooner.
        self.bell.ring();
    }

    fn get_entry(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Arc<Found>> {
        self.get_until(entry, Instant::now() + self.setup.settings.limit)
    }

    /// The same, waiting no longer than that.
    fn get_until(self: &Arc<Self>, entry: &Arc<Entry>, deadline: Instant) -> Result<Arc<Found>> {
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
        let mut trouble = None;
        while state.outcomes == seen {
            let left = deadline.saturating_duration_since(Instant::now());
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
            let mut state = entry.lock();
            if entry.idle(&state, now, settings) {
                drop(state);
                let mut entries = self.entries();
                // It is this one's and the map's alone: nobody is about to hold it.
                if Arc::strong_count(&entry) == 2 {
                    entries.remove(&entry.reference);
                }
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
        let entry = Arc::new(Entry::new(
            reference.clone(),
            &self.setup.settings,
            self.now(),
        ));
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
