//! What each upstream key carries: the calls under way under it, and how the API took it.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sending::under_way::{Counter, UnderWay};
use crate::sending::upstream::UpstreamKey;

/// How calls under one upstream key went since this process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyFigures {
    /// Calls that are to go out under it and have no answer's head yet, those that wait for their
    /// turn too.
    pub under_way: u64,
    /// Calls that it carried and that succeeded.
    pub accepted: u64,
    /// Calls that the API refused because the key is none.
    pub refused: u64,
}

/// The counts of one key.
#[derive(Debug, Default)]
pub(crate) struct KeyUse {
    under_way: Counter,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl KeyUse {
    /// A call was answered with success.
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// A call was refused as made under no key.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn figures(&self) -> KeyFigures {
        KeyFigures {
            under_way: self.under_way.count() as u64,
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

/// The counts of all keys, by Doorward's id. Kept from snapshot to snapshot: a call that is under way
/// is counted where those after it are. Cloning gives another handle to the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyUses(Arc<Mutex<HashMap<Arc<str>, Arc<KeyUse>>>>);

impl KeyUses {
    /// The counts of a key.
    pub(crate) fn of(&self, id: &str) -> Arc<KeyUse> {
        let mut all = self.lock();
        if let Some(known) = all.get(id) {
            return Arc::clone(known);
        }
        let new = Arc::new(KeyUse::default());
        all.insert(id.into(), Arc::clone(&new));
        new
    }

    /// How calls under a key went; nothing for one that is not known.
    pub(crate) fn figures(&self, id: &str) -> KeyFigures {
        let all = self.lock();
        all.get(id).map(|known| known.figures()).unwrap_or_default()
    }

    /// Forgets the keys that nobody has any more, in no snapshot and in no call.
    pub(crate) fn tidy(&self) {
        self.lock().retain(|_, known| Arc::strong_count(known) > 1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<KeyUse>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that a call goes, or is to go, out under. The call counts as under way under it as long as
/// this lives.
#[derive(Debug)]
pub(crate) struct KeyInUse {
    key: Arc<UpstreamKey>,
    _under_way: UnderWay,
}

impl KeyInUse {
    /// Counts from here on.
    pub(crate) fn of(key: &Arc<UpstreamKey>) -> Self {
        Self {
            _under_way: key.used.under_way.enter(),
            key: Arc::clone(key),
        }
    }
}

impl Clone for KeyInUse {
    fn clone(&self) -> Self {
        Self::of(&self.key)
    }
}

impl Deref for KeyInUse {
    type Target = UpstreamKey;

    fn deref(&self) -> &UpstreamKey {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_store::UpstreamKeyState;

    fn key(uses: &KeyUses, state: UpstreamKeyState) -> Arc<UpstreamKey> {
        let key = UpstreamKey::new("uk_1", None, state, "value-of-sixteen-1".into());
        Arc::new(key.unwrap().counted_by(uses))
    }

    #[test]
    fn a_call_counts_under_its_key_from_snapshot_to_snapshot() {
        let uses = KeyUses::default();
        let first = key(&uses, UpstreamKeyState::Active);
        let one = KeyInUse::of(&first);
        let other = one.clone();
        assert_eq!(uses.figures("uk_1").under_way, 2);
        // The key of the next snapshot is another object, and the same key.
        let second = key(&uses, UpstreamKeyState::Retiring);
        let third = KeyInUse::of(&second);
        second.used.accepted();
        second.used.refused();
        drop((one, first));
        let figures = uses.figures("uk_1");
        assert_eq!(
            (figures.under_way, figures.accepted, figures.refused),
            (2, 1, 1)
        );
        drop((other, third));
        assert_eq!(uses.figures("uk_1").under_way, 0);
    }

    #[test]
    fn who_is_in_no_snapshot_and_no_call_is_forgotten() {
        let uses = KeyUses::default();
        let known = key(&uses, UpstreamKeyState::Active);
        let call = KeyInUse::of(&known);
        known.used.accepted();
        drop(known);
        uses.tidy();
        assert_eq!(uses.figures("uk_1").under_way, 1, "a call is under way");
        drop(call);
        uses.tidy();
        assert_eq!(uses.figures("uk_1"), KeyFigures::default());
    }
}
