//! The key that was presented last on a connection.
//!
//! A caller presents the same key with each request of a connection. What came of it by a snapshot
//! comes of it again as long as that very snapshot is in force; so the keyed hash, which takes longer
//! than all else that is decided, is made once for each. Only a key that was taken is remembered:
//! whoever tries others has each looked at in full.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use doorward_keys::KeyId;
use doorward_policy::Timestamp;
use doorward_store::Known;
use http::HeaderMap;
use secrecy::zeroize::Zeroizing;
use subtle::ConstantTimeEq;

use crate::clients::auth::{Stranger, authenticate, bearer};
use crate::snapshot::Snapshot;

/// What one connection remembers.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Option<Taken>>);

/// A key that was taken.
struct Taken {
    /// All of it: the next is the same or is not.
    text: Zeroizing<Box<[u8]>>,
    id: KeyId,
    /// By what. As long as this is held, no other snapshot lies where that one did.
    by: Weak<Snapshot>,
    /// When its use was told of last.
    told: Option<Timestamp>,
}

/// How often the use of a key is told of, in milliseconds.
const TOLD_MS: i64 = 1_000;

impl Remembered {
    /// Whose key is presented, as [`authenticate`] says.
    ///
    /// # Errors
    /// As [`authenticate`].
    pub(crate) fn authenticate<'s>(
        &self,
        snapshot: &'s Arc<Snapshot>,
        headers: &HeaderMap,
    ) -> Result<Known<'s>, Stranger> {
        let text = bearer(headers).unwrap_or_default().as_bytes();
        if let Some(known) = self.known(snapshot, text) {
            return Ok(known);
        }
        let known = authenticate(snapshot, headers)?;
        *self.lock() = Some(Taken {
            text: Zeroizing::new(text.into()),
            id: known.key_id,
            by: Arc::downgrade(snapshot),
            told: None,
        });
        Ok(known)
    }

    /// Whether the use of a key at that time is to be told of: once a second. What is told is
    /// when it was used last.
    pub(crate) fn is_news(&self, key: KeyId, at: Timestamp) -> bool {
        let mut taken = self.lock();
        let Some(taken) = taken.as_mut().filter(|taken| taken.id == key) else {
            return true;
        };
        let lately = |told| (0..TOLD_MS).contains(&at.millis_since(told));
        if taken.told.is_some_and(lately) {
            return false;
        }
        taken.told = Some(at);
        true
    }

    fn known<'s>(&self, snapshot: &'s Arc<Snapshot>, text: &[u8]) -> Option<Known<'s>> {
        let taken = self.lock();
        let taken = taken.as_ref()?;
        let same = std::ptr::eq(taken.by.as_ptr(), Arc::as_ptr(snapshot))
            && bool::from(taken.text.ct_eq(text));
        same.then(|| snapshot.known(taken.id)).flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered(…)")
    }
}
