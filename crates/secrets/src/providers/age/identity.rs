//! The key that opens encrypted files.

use std::borrow::Cow;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::provider::{Expect, Provider, Seen};
use crate::providers::FileProvider;
use crate::reference::SecretRef;

/// The name of the identity's file when nothing else is said, beside the encrypted file.
const BESIDE: &str = "age.key";

/// Where an identity is.
pub(super) struct Identity<'p> {
    reference: Result<Cow<'p, SecretRef>>,
    provider: &'p dyn Provider,
}

/// An identity that was read: the text that age's own tools take.
pub(super) struct Keys {
    pub(super) text: SecretString,
}

type Opener = Box<dyn age::Identity + Send + Sync>;
type Sealer = Box<dyn age::Recipient + Send>;

impl<'p> Identity<'p> {
    pub(super) fn at(reference: &'p SecretRef, provider: &'p dyn Provider) -> Self {
        Self {
            reference: Ok(Cow::Borrowed(reference)),
            provider,
        }
    }

    pub(super) fn beside(path: &Path) -> Self {
        Self {
            reference: SecretRef::file(&path.with_file_name(BESIDE)).map(Cow::Owned),
            provider: &FileProvider,
        }
    }

    /// Reads it, to open the file of `of`.
    pub(super) fn read(&self, of: &SecretRef) -> Result<Keys> {
        let reference = self.place()?;
        match self.provider.read(reference) {
            Ok(found) => Keys::parse(of, reference, found.secret),
            Err(Error::Missing { .. }) => Err(Error::refused(
                of,
                format!("the age identity that opens it, {reference}, does not exist"),
            )),
            Err(error) if error.is_trouble() => Err(Error::trouble(of, error.to_string())),
            Err(error) => Err(Error::refused(of, error.to_string())),
        }
    }

    /// Makes it when there is none.
    pub(super) fn make_if_missing(&self, of: &SecretRef) -> Result<()> {
        let reference = self.place()?;
        if !matches!(self.provider.read(reference), Err(Error::Missing { .. })) {
            return Ok(());
        }
        let identity = age::x25519::Identity::generate();
        let (public, secret) = (identity.to_public(), identity.to_string());
        let text = SecretString::from(format!(
            "# public key: {public}\n{}",
            secret.expose_secret()
        ));
        match self.provider.write(reference, &text, &Expect::Absent) {
            // Another was quicker: its identity is the one.
            Ok(_) | Err(Error::Exists { .. }) => Ok(()),
            Err(error) => Err(Error::trouble(
                of,
                format!("the age identity can't be made: {error}"),
            )),
        }
    }

    /// What a look at its place shows.
    pub(super) fn seen(&self, of: &SecretRef) -> Result<Seen> {
        self.provider
            .inspect(self.place()?)
            .map_err(|error| Error::trouble(of, error.to_string()))
    }

    fn place(&self) -> Result<&SecretRef> {
        self.reference
            .as_ref()
            .map(Cow::as_ref)
            .map_err(Error::again)
    }
}

impl Keys {
    fn parse(of: &SecretRef, at: &SecretRef, text: SecretString) -> Result<Self> {
        let keys = Self { text };
        match keys.identities(of) {
            Ok(identities) if !identities.is_empty() => Ok(keys),
            _ => Err(Error::refused(
                of,
                format!("{at} is no identity of age (AGE-SECRET-KEY-1…)"),
            )),
        }
    }

    fn file(&self) -> std::io::Result<age::IdentityFile<age::NoCallbacks>> {
        age::IdentityFile::from_buffer(self.text.expose_secret().as_bytes())
    }

    /// What opens files.
    pub(super) fn identities(&self, of: &SecretRef) -> Result<Vec<Opener>> {
        let faulty = || Error::refused(of, "its age identity is of no use");
        let file = self.file().map_err(|_| faulty())?;
        file.into_identities().map_err(|_| faulty())
    }

    /// Whom files are encrypted to.
    pub(super) fn recipients(&self, of: &SecretRef) -> Result<Vec<Sealer>> {
        let faulty = || Error::refused(of, "its age identity is of no use");
        let file = self.file().map_err(|_| faulty())?;
        file.to_recipients().map_err(|_| faulty())
    }
}
