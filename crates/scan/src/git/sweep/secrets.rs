//! The secrets that were seen, told apart without being held.

use std::{collections::HashMap, sync::Mutex};

use ring::digest;
use secrecy::ExposeSecret as _;

use crate::Hit;

/// A secret that was seen: the same for the same one, in this run.
pub(crate) type Seen = u32;

/// The secrets that were seen, by a digest of theirs that does not leave memory.
#[derive(Default)]
pub(crate) struct Secrets {
    known: Mutex<HashMap<[u8; 32], Seen>>,
}

impl Secrets {
    /// Which one a hit's is.
    pub(crate) fn of(&self, hit: &Hit) -> Seen {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&hit.detector.to_le_bytes());
        context.update(hit.secret.expose_secret().as_bytes());
        let mut key = [0u8; 32];
        key.copy_from_slice(context.finish().as_ref());
        let mut known = match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        let next = known.len() as Seen;
        *known.entry(key).or_insert(next)
    }
}
