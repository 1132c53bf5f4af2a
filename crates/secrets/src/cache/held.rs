//! A secret that is held to be used often.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::entry::Entry;
use crate::error::Result;
use crate::provider::{Found, Version};
use crate::reference::SecretRef;

/// A secret that is kept up to date behind its holders' backs. Reading it waits for nothing.
#[derive(Clone)]
pub struct Held {
    pub(super) entry: Arc<Entry>,
    /// While this lives, the secret is read ahead.
    pub(super) _holder: Arc<()>,
}

impl Held {
    /// The secret as it is now.
    ///
    /// # Errors
    /// When it was taken away, or its provider is in trouble for longer than the last good value
    /// may be used.
    pub fn get(&self) -> Result<Lent> {
        match self.entry.value.load_full() {
            Some(found) => Ok(Lent(found)),
            None => Err(self.entry.gone()),
        }
    }

    /// Which secret it is.
    pub fn reference(&self) -> &SecretRef {
        &self.entry.reference
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.entry.reference).finish()
    }
}

/// A secret while it is used. It is wiped when nobody has it any more.
#[derive(Clone)]
pub struct Lent(pub(super) Arc<Found>);

impl Lent {
    /// Whether it is the same text.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.secret.expose_secret() == other.0.secret.expose_secret()
    }

    /// Which version it is, where the provider tells.
    pub fn version(&self) -> Option<&Version> {
        self.0.version.as_ref()
    }
}

impl Deref for Lent {
    type Target = SecretString;

    fn deref(&self) -> &SecretString {
        &self.0.secret
    }
}
