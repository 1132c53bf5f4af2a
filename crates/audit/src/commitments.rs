//! Keys for commitments to bodies: one a month, which can be destroyed.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_ledger::{Commitment, CommitmentKey, LeafId};
use doorward_policy::Timestamp;
use doorward_store::Store;

use crate::error::{AuditError, Result};
use crate::keyring::Keyring;
use crate::random::random;

/// The key in force.
#[derive(Default)]
pub(crate) struct Commitments {
    current: Mutex<Option<(String, Arc<CommitmentKey>)>>,
}

impl Commitments {
    /// The key of the month, if it is in memory.
    pub(crate) fn at_hand(&self, at: Timestamp) -> Option<Arc<CommitmentKey>> {
        let month = month_of(at);
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current
            .as_ref()
            .filter(|(name, _)| *name == month)
            .map(|(_, key)| Arc::clone(key))
    }

    /// The key of the month, made if there is none. Blocks.
    pub(crate) fn key(
        &self,
        at: Timestamp,
        now: Timestamp,
        store: &dyn Store,
        keyring: &Keyring,
    ) -> Result<Arc<CommitmentKey>> {
        if let Some(key) = self.at_hand(at) {
            return Ok(key);
        }
        let name = month_of(at);
        let wrapped = match store.commitment_key(&name)? {
            Some(wrapped) => wrapped,
            None => {
                let new = keyring.wrap(name.as_bytes(), &random()?)?;
                store.add_commitment_key(&name, &new, now)?
            }
        };
        let key = keyring.unwrap(name.as_bytes(), &wrapped)?;
        let key = Arc::new(CommitmentKey::new(&name, &key));
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((name, Arc::clone(&key)));
        Ok(key)
    }

    /// Whether bytes are what a leaf committed to; `None` when the key was destroyed. Blocks.
    pub(crate) fn verify(
        store: &dyn Store,
        keyring: &Keyring,
        leaf: LeafId,
        field: &str,
        sha256: &[u8; 32],
        found: &Commitment,
    ) -> Result<Option<bool>> {
        let Some(wrapped) = store.commitment_key(&found.key)? else {
            return Ok(None);
        };
        let key = keyring.unwrap(found.key.as_bytes(), &wrapped)?;
        let key = CommitmentKey::new(&found.key, &key);
        Ok(Some(key.verify(leaf, field, sha256, found)))
    }

    /// Destroys the key of a month; whether there was one. Blocks.
    pub(crate) fn erase(&self, store: &dyn Store, name: &str) -> Result<bool> {
        let erased = store.erase_commitment_key(name);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|(at, _)| at == name) {
            *current = None;
        }
        drop(current);
        erased.map_err(AuditError::from)
    }
}

/// `2026-11`.
pub(crate) fn month_of(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}
