//! Who holds how much of what all clients have together: places, or bytes of memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::sending::under_way::{Counter, UnderWay};

/// Of how many parts of the memory one client may hold one.
const PARTS: usize = 4;
/// This part of the places is for clients that hold little.
const FOR_FEW: usize = 4;
/// Little is less than this part of the places.
const FEW: usize = 16;

/// What each client holds now. Cloning gives the same.
#[derive(Debug, Clone, Default)]
struct Shares(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// What one call holds, given back when it is dropped.
#[derive(Debug)]
struct Part {
    of: Shares,
    client: Arc<str>,
    amount: usize,
}

impl Shares {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing yet, of a client's.
    fn part(&self, client: &Arc<str>) -> Part {
        Part {
            of: self.clone(),
            client: Arc::clone(client),
            amount: 0,
        }
    }
}

impl Part {
    /// So much more, unless the client would then hold over `most`. What it holds now.
    fn grow(&mut self, amount: usize, most: usize) -> Option<usize> {
        let mut held = self.of.lock();
        let mine = held.get(&self.client).copied().unwrap_or_default();
        let mine = mine.saturating_add(amount);
        if mine > most {
            return None;
        }
        if amount > 0 {
            held.insert(Arc::clone(&self.client), mine);
            self.amount = self.amount.saturating_add(amount);
        }
        Some(mine)
    }

    fn give_back(&mut self, amount: usize) {
        let mut held = self.of.lock();
        if let Some(mine) = held.get_mut(&self.client) {
            *mine = mine.saturating_sub(amount);
            if *mine == 0 {
                held.remove(&self.client);
            }
        }
        self.amount = self.amount.saturating_sub(amount);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.amount > 0 {
            self.give_back(self.amount);
        }
    }
}

/// Memory that all clients have together, and each a part of at the most.
#[derive(Debug)]
pub(crate) struct Memory {
    free: Arc<Semaphore>,
    shares: Shares,
    bytes: usize,
}

/// What one call takes of the memory.
#[derive(Debug)]
pub(crate) struct MemoryShare {
    free: OwnedSemaphorePermit,
    part: Part,
}

/// There is not so much memory now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMemory;

impl Memory {
    /// So many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(bytes)),
            shares: Shares::default(),
            bytes,
        }
    }

    /// Bytes that are taken now.
    pub(crate) fn held(&self) -> usize {
        self.bytes.saturating_sub(self.free.available_permits())
    }

    /// Most bytes of one client, so that none takes all: a quarter, or what the largest thing needs.
    pub(crate) fn each(&self, largest: usize) -> usize {
        (self.bytes / PARTS).max(largest)
    }

    /// Nothing yet, for a call of a client's.
    pub(crate) fn share(&self, client: &Arc<str>) -> Result<MemoryShare, NoMemory> {
        let none = Arc::clone(&self.free).try_acquire_many_owned(0);
        Ok(MemoryShare {
            free: none.map_err(|_| NoMemory)?,
            part: self.shares.part(client),
        })
    }
}

impl MemoryShare {
    /// Bytes that it has.
    pub(crate) fn bytes(&self) -> usize {
        self.part.amount
    }

    /// So many bytes more, as long as the client then has no more than `most`.
    pub(crate) fn grow(&mut self, bytes: usize, most: usize) -> Result<(), NoMemory> {
        let permits = u32::try_from(bytes).map_err(|_| NoMemory)?;
        self.part.grow(bytes, most).ok_or(NoMemory)?;
        let free = Arc::clone(self.free.semaphore());
        match free.try_acquire_many_owned(permits) {
            Ok(more) => {
                self.free.merge(more);
                Ok(())
            }
            Err(_) => {
                self.part.give_back(bytes);
                Err(NoMemory)
            }
        }
    }
}

/// Places that all clients have together. Whoever comes takes as many as are free, but for the last
/// quarter: that is for clients which hold less than a sixteenth, so that a few greedy ones do not
/// shut everybody else out.
#[derive(Debug)]
pub(crate) struct Places {
    taken: Counter,
    shares: Shares,
    most: usize,
}

/// A place, taken until this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place {
    _taken: UnderWay,
    part: Option<Part>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            taken: Counter::default(),
            shares: Shares::default(),
            most,
        }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Takes a place, whether there is one or not: it is not known yet for whom.
    pub(crate) fn enter(&self) -> Place {
        Place {
            _taken: self.taken.enter(),
            part: None,
        }
    }

    /// Says whose a place is, and whether it is within `room` of all places.
    pub(crate) fn fits(&self, place: &mut Place, client: &Arc<str>, room: usize) -> bool {
        let mut part = self.shares.part(client);
        let mine = part.grow(1, usize::MAX).unwrap_or(usize::MAX);
        place.part = Some(part);
        let room = room.max(1);
        let few = mine <= (room / FEW).max(1);
        let room = if few { room } else { room - room / FOR_FEW };
        self.taken.count() <= room
    }

    /// Takes a place for a client, if there is one.
    pub(crate) fn take(&self, client: &Arc<str>) -> Option<Place> {
        let mut place = self.enter();
        self.fits(&mut place, client, self.most).then_some(place)
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> Arc<str> {
        format!("cl_{n}").into()
    }

    #[test]
    fn one_client_takes_what_is_free_but_for_what_is_kept_for_others() {
        let places = Places::new(64);
        let greedy: Vec<_> = std::iter::from_fn(|| places.take(&name(0))).collect();
        assert_eq!(greedy.len(), 48, "three quarters");
        assert!(places.take(&name(0)).is_none());
        let others: Vec<_> = (1..=4)
            .flat_map(|n| std::iter::from_fn(|| places.take(&name(n))).collect::<Vec<_>>())
            .collect();
        assert_eq!(others.len(), 16, "a sixteenth each, and then it is full");
        assert!(places.take(&name(5)).is_none());
        drop(greedy);
        assert!(places.take(&name(0)).is_some(), "places come back");
        drop(others);
        assert_eq!(places.taken(), 0);
        assert!(places.shares.lock().is_empty());
    }

    #[test]
    fn several_greedy_ones_do_not_take_all_either() {
        let places = Places::new(64);
        let mut held = Vec::new();
        for _ in 0..200 {
            held.extend((0..3).filter_map(|n| places.take(&name(n))));
        }
        assert_eq!(held.len(), 48);
        assert!(places.take(&name(9)).is_some());
    }

    #[test]
    fn where_there_are_few_places_none_is_kept_back() {
        let places = Places::new(2);
        let _held = [
            places.take(&name(0)).unwrap(),
            places.take(&name(0)).unwrap(),
        ];
        assert!(places.take(&name(1)).is_none());
    }

    #[test]
    fn memory_is_bounded_for_each_and_for_all_and_given_back() {
        let memory = Memory::new(40);
        let mut one = memory.share(&name(1)).unwrap();
        assert_eq!(one.grow(10, memory.each(1)), Ok(()));
        assert_eq!(one.grow(1, memory.each(1)), Err(NoMemory), "a quarter");
        let mut same = memory.share(&name(1)).unwrap();
        assert_eq!(
            same.grow(1, memory.each(1)),
            Err(NoMemory),
            "of the client's"
        );
        let mut two = memory.share(&name(2)).unwrap();
        assert_eq!(two.grow(31, 40), Err(NoMemory), "of all");
        assert_eq!(two.grow(30, 40), Ok(()), "nothing stayed of what failed");
        assert_eq!((memory.held(), one.bytes(), two.bytes()), (40, 10, 30));
        drop((one, two, same));
        assert_eq!(memory.held(), 0);
        assert!(memory.shares.lock().is_empty());
    }
}
