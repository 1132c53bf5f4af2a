//! The values of upstream keys, held from snapshot to snapshot.
//!
//! A snapshot is made of what is held: a change of the state waits for no provider, and a provider
//! in trouble takes no key out of use that worked.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_secrets::{Error as SecretError, Held, Lent, SecretRef, Secrets};
use doorward_store::UpstreamKeyState;
use secrecy::SecretString;

/// What is held, by reference.
pub(crate) struct HeldKeys {
    secrets: Arc<Secrets>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    held: HashMap<SecretRef, Holding>,
    /// What is being read for the first time; who reads it sees to it that it is used.
    reading: HashSet<SecretRef>,
}

struct Holding {
    held: Held,
    /// The value that the last snapshot has.
    used: Option<Lent>,
}

impl HeldKeys {
    pub(crate) fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            secrets,
            kept: Mutex::default(),
        }
    }

    /// Reads again what is held. Gives what could not be read. Blocks.
    pub(crate) fn read_again(&self) -> Vec<SecretError> {
        self.secrets.refresh()
    }

    /// The references of a state that are not held yet, and that nobody is reading.
    pub(crate) fn lacking(&self, state: &doorward_store::Snapshot) -> Vec<SecretRef> {
        let kept = self.lock();
        let new = |one: &SecretRef| !kept.held.contains_key(one) && !kept.reading.contains(one);
        let lacking: HashSet<SecretRef> = references(state).filter(new).collect();
        lacking.into_iter().collect()
    }

    /// Holds what is not held yet. Blocks while it is read, and lets others go on meanwhile.
    pub(crate) fn take_in(&self, references: &[SecretRef]) {
        self.lock().reading.extend(references.iter().cloned());
        let taken = self.secrets.hold_on(references);
        let mut kept = self.lock();
        for (reference, held) in references.iter().zip(taken) {
            kept.reading.remove(reference);
            match held {
                Ok(held) => {
                    let holding = Holding { held, used: None };
                    kept.held.entry(reference.clone()).or_insert(holding);
                }
                Err(fault) => tracing::warn!(%fault, "an upstream key can't be held"),
            }
        }
    }

    /// The value for a snapshot that is being made. Waits for nothing.
    pub(crate) fn value(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let mut kept = self.lock();
        let Some(holding) = kept.held.get_mut(reference) else {
            return Err(SecretError::Trouble {
                reference: reference.clone(),
                why: "it was not read yet".to_owned(),
            });
        };
        holding.used = None;
        let lent = holding.held.get()?;
        holding.used = Some(lent.clone());
        Ok(SecretString::clone(&lent))
    }

    /// Lets go of all that the state does not name any more.
    pub(crate) fn keep(&self, state: &doorward_store::Snapshot) {
        let named: HashSet<SecretRef> = references(state).collect();
        let mut kept = self.lock();
        kept.held.retain(|reference, _| named.contains(reference));
    }

    /// Whether a value is another than in the last snapshot, is there at last, or may not be used
    /// any more.
    pub(crate) fn moved(&self) -> bool {
        let kept = self.lock();
        let mut all = kept.held.values();
        all.any(|holding| match (holding.held.get(), &holding.used) {
            (Ok(now), Some(used)) => !now.is(used),
            (Ok(_), None) | (Err(_), Some(_)) => true,
            (Err(_), None) => false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the keys are that calls may go out under. What is no reference is told where it is used.
fn references(state: &doorward_store::Snapshot) -> impl Iterator<Item = SecretRef> {
    let keys = state.workspaces.iter().flat_map(|one| &one.upstream_keys);
    let keys = keys.filter(|key| key.state != UpstreamKeyState::Retired);
    keys.filter_map(|key| key.reference.parse().ok())
}
