//! What stands behind a reference.

use std::fmt;
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::reference::SecretRef;

/// Largest secret read or written, in bytes.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Refuses a secret that is empty or longer than [`MAX_SECRET_BYTES`].
pub(crate) fn check_length(reference: &SecretRef, secret: &SecretString) -> Result<()> {
    match secret.expose_secret().len() {
        1..=MAX_SECRET_BYTES => Ok(()),
        _ => Err(Error::refused(reference, "a secret has 1 to 65536 bytes")),
    }
}

/// Which of the secrets that a place has held one after another. Only to be compared with
/// others of the same place; it says nothing of the secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// A version by the text that the provider knows it by; at most 256 bytes of it.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(256));
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret that was read.
pub struct Found {
    /// The secret: never empty, at most [`MAX_SECRET_BYTES`] long.
    pub secret: SecretString,
    /// Which version it is, where the place tells.
    pub version: Option<Version>,
    /// When it was put there, where the place tells.
    pub changed_at: Option<SystemTime>,
    /// What should be mended about the place, though the secret is taken.
    pub warning: Option<String>,
}

impl Found {
    /// A secret of a place that tells nothing more.
    pub fn only(secret: SecretString) -> Self {
        Self {
            secret,
            version: None,
            changed_at: None,
            warning: None,
        }
    }

    /// The same, told of before.
    pub(crate) fn copy(&self) -> Self {
        Self {
            secret: self.secret.clone(),
            version: self.version.clone(),
            changed_at: self.changed_at,
            warning: None,
        }
    }
}

/// What must be at the reference for it to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing, else [`Error::Exists`].
    Absent,
    /// This version, else [`Error::Conflict`].
    Is(Version),
    /// Anything or nothing. What is there is replaced in one step: a reader sees the old secret
    /// or the new one.
    Any,
}

/// Whether writing may replace a secret that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Writing fails with [`Error::Exists`] if there is one.
    Refuse,
    /// The old secret is replaced in one step: a reader sees the old one or the new one.
    Replace,
}

impl From<Overwrite> for Expect {
    fn from(overwrite: Overwrite) -> Self {
        match overwrite {
            Overwrite::Refuse => Self::Absent,
            Overwrite::Replace => Self::Any,
        }
    }
}

/// Who can read a secret, as far as the place tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever can look into this process.
    Process,
    /// Whom the mode of a file lets: the permission bits, and the owner's user id.
    File {
        /// The permission bits.
        mode: u32,
        /// The owner's user id.
        owner: u32,
    },
    /// Whom another program or service lets.
    Elsewhere(&'static str),
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("this process and its user"),
            Self::File { mode, owner } => {
                let who = match (mode & 0o044, mode & 0o004) {
                    (0, _) => "",
                    (_, 0) => " and its group",
                    _ => " and everyone",
                };
                write!(f, "user {owner}{who} (mode {:04o})", mode & 0o7777)
            }
            Self::Elsewhere(who) => f.write_str(who),
        }
    }
}

/// What a look at the place of a secret shows, without the secret.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Where it is, in the words of the place.
    pub place: String,
    /// When it was put there, where the place tells.
    pub changed_at: Option<SystemTime>,
    /// Which version is there, where the place tells.
    pub version: Option<Version>,
    /// Who can read it.
    pub readers: Readers,
    /// Whether Doorward could write it.
    pub writable: bool,
    /// What should be mended, though the secret is taken.
    pub warning: Option<String>,
}

/// A place that secrets are kept in. Calls block; they are made at start, on reload and by
/// threads of their own, never while a request is handled.
pub trait Provider: Send + Sync {
    /// What this is, for messages: "the environment", "a file".
    fn describe(&self) -> &'static str;

    /// Reads the secret.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Refused`] when that is the place's answer; an error for
    /// which [`Error::is_trouble`] holds when there was none.
    fn read(&self, reference: &SecretRef) -> Result<Found>;

    /// Keeps the secret at the reference, durably, before it returns. Gives the version that it
    /// is now.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] unless the provider can write; [`Error::Exists`] or
    /// [`Error::Conflict`] when something else is there than was expected; [`Error::NoCompare`]
    /// when it can't tell; else as [`Provider::read`].
    fn write(&self, reference: &SecretRef, secret: &SecretString, _: &Expect) -> Result<Version> {
        let _ = secret;
        Err(self.read_only(reference))
    }

    /// Takes the secret away, durably, before it returns.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is none; else as [`Provider::write`].
    fn erase(&self, reference: &SecretRef) -> Result<()> {
        Err(self.read_only(reference))
    }

    /// Looks at the place.
    ///
    /// # Errors
    /// As [`Provider::read`].
    fn inspect(&self, reference: &SecretRef) -> Result<Seen>;

    /// Every secret that is at the same place as this one, which need not be there; none where the
    /// place does not tell.
    ///
    /// # Errors
    /// As [`Provider::read`].
    fn siblings(&self, reference: &SecretRef) -> Result<Vec<SecretRef>> {
        let _ = reference;
        Ok(Vec::new())
    }

    /// The error of a provider that can't write.
    fn read_only(&self, reference: &SecretRef) -> Error {
        Error::ReadOnly {
            reference: reference.clone(),
            provider: self.describe(),
        }
    }
}
