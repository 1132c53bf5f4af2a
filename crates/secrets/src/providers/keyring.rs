//! Secrets in the keyring of the operating system: the Secret Service on Linux, the Keychain on
//! macOS, the Credential Manager on Windows.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use keyring::v1::{Entry, Error as KeyringError};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::turn::{Missed, Turns};
use crate::error::{Error, Result};
use crate::provider::{
    Expect, Found, MAX_SECRET_BYTES, Provider, Readers, Seen, Version, check_length,
};
use crate::reference::{Place, SecretRef};

/// The user has one keyring, and this process one thread that asks it.
static TURNS: LazyLock<Arc<Turns>> = LazyLock::new(Arc::default);

/// Reads and writes entries of the keyring, of the user that this runs as.
///
/// A keyring can't compare: whether something is there already is looked at just before it is
/// written, and a secret can't be replaced only if it is the expected one.
#[derive(Debug)]
pub struct KeyringProvider {
    limit: Duration,
}

impl KeyringProvider {
    /// One that waits at most `limit` for the keyring, and as long for those before: a locked one asks
    /// its user. While it does not come back, nothing else is asked of it.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }

    /// Does something with an entry, on a thread of its own: it may ask somebody, and never come
    /// back.
    fn on<T: Send + 'static>(
        &self,
        reference: &SecretRef,
        act: impl FnOnce(&Entry) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T> {
        let Place::Keyring { service, name } = reference.place() else {
            return Err(Error::refused(reference, "it is not in the keyring"));
        };
        let (service, name) = (service.clone(), name.clone());
        let done = TURNS.run(self.limit, move || {
            Entry::new(&service, &name).and_then(|entry| act(&entry))
        });
        match done {
            Ok(outcome) => outcome.map_err(|error| fault(reference, &error)),
            Err(Missed::TimedOut) => Err(Error::TimedOut {
                reference: reference.clone(),
                millis: self.limit.as_millis(),
            }),
            Err(missed) => Err(Error::trouble(reference, why(missed))),
        }
    }

    fn is_there(&self, reference: &SecretRef) -> Result<bool> {
        match self.on(reference, |entry| entry.get_secret().map(Zeroizing::new)) {
            Ok(_) => Ok(true),
            Err(Error::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn why(missed: Missed) -> &'static str {
    match missed {
        Missed::Busy => "the keyring is busy with other readings",
        Missed::Stuck | Missed::TimedOut => {
            "the keyring does not answer: it may be locked, and wait for its user to unlock it"
        }
        Missed::Failed => "no thread can be started to reach the keyring, or it failed there",
    }
}

/// What the keyring says; some of its errors would show the secret.
fn fault(reference: &SecretRef, error: &KeyringError) -> Error {
    match error {
        KeyringError::NoEntry => Error::missing(reference),
        KeyringError::Ambiguous(_) => {
            Error::refused(reference, "the keyring has several entries of this name")
        }
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => {
            Error::refused(reference, "the entry can't be understood")
        }
        KeyringError::NoStorageAccess(_) => Error::trouble(
            reference,
            "the keyring is locked, or lets this program not in",
        ),
        KeyringError::NoDefaultStore => Error::trouble(
            reference,
            "there is no keyring here; a server without a desktop has none as a rule",
        ),
        _ => Error::trouble(reference, "the keyring failed"),
    }
}

impl Provider for KeyringProvider {
    fn describe(&self) -> &'static str {
        "the keyring"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let bytes = self.on(reference, |entry| entry.get_secret().map(Zeroizing::new))?;
        let text = str::from_utf8(&bytes)
            .ok()
            .filter(|text| (1..=MAX_SECRET_BYTES).contains(&text.len()));
        match text {
            Some(text) => Ok(Found::only(text.into())),
            None => Err(Error::refused(
                reference,
                "it is no text of 1 to 65536 bytes",
            )),
        }
    }

    fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        check_length(reference, secret)?;
        match expect {
            Expect::Is(_) => {
                return Err(Error::NoCompare {
                    reference: reference.clone(),
                    provider: self.describe(),
                });
            }
            Expect::Absent if self.is_there(reference)? => {
                return Err(Error::Exists {
                    reference: reference.clone(),
                });
            }
            Expect::Absent | Expect::Any => {}
        }
        let secret = secret.clone();
        self.on(reference, move |entry| {
            entry.set_secret(secret.expose_secret().as_bytes())
        })?;
        Ok(Version::new("unknown"))
    }

    fn erase(&self, reference: &SecretRef) -> Result<()> {
        self.on(reference, Entry::delete_credential)
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        if !self.is_there(reference)? {
            return Err(Error::missing(reference));
        }
        Ok(Seen {
            place: "the keyring".to_owned(),
            changed_at: None,
            version: None,
            readers: Readers::Elsewhere("programs of this user while the keyring is open"),
            writable: true,
            warning: None,
        })
    }
}
