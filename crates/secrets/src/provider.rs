//! What stands behind a reference, and the choice between them.

use secrecy::SecretString;

use crate::env::EnvProvider;
use crate::error::{Error, Result};
use crate::file::FileProvider;
use crate::reference::{Scheme, SecretRef};

/// Largest secret read or written, in bytes.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Whether writing may replace a secret that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Writing fails with [`Error::Exists`] if there is one.
    Refuse,
    /// The old secret is replaced in one step: a reader sees the old one or the new one.
    Replace,
}

/// A place that secrets are kept in. Calls block; they are made at start and on reload, never
/// while a request is handled.
pub trait Provider: Send + Sync {
    /// What this is, for messages: "the environment", "a file".
    fn describe(&self) -> &'static str;

    /// Reads the secret. It is never empty and at most [`MAX_SECRET_BYTES`] long.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Refused`] or [`Error::Io`].
    fn read(&self, reference: &SecretRef) -> Result<SecretString>;

    /// Keeps the secret at the reference, durably, before it returns.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] unless the provider can write; else [`Error::Exists`],
    /// [`Error::Refused`] or [`Error::Io`].
    fn write(&self, reference: &SecretRef, secret: &SecretString, _: Overwrite) -> Result<()> {
        let _ = secret;
        Err(Error::ReadOnly {
            reference: reference.clone(),
            provider: self.describe(),
        })
    }
}

/// Is told of each reading of a secret: which, and whether it was had.
type Told = Box<dyn Fn(&SecretRef, bool) + Send + Sync>;

/// Reads and writes secrets by whichever provider their scheme names.
pub struct Secrets {
    told: Option<Told>,
    env: Box<dyn Provider>,
    file: Box<dyn Provider>,
}

impl Secrets {
    /// The providers of this build: the process's environment and files.
    pub fn new() -> Self {
        Self {
            told: None,
            env: Box::new(EnvProvider::new()),
            file: Box::new(FileProvider::new()),
        }
    }

    /// The same with another provider for one scheme.
    #[must_use]
    pub fn with(mut self, scheme: Scheme, provider: impl Provider + 'static) -> Self {
        match scheme {
            Scheme::Env => self.env = Box::new(provider),
            Scheme::File => self.file = Box::new(provider),
        }
        self
    }

    /// The same, telling `told` of each reading: which secret, and whether it was had.
    #[must_use]
    pub fn telling(mut self, told: impl Fn(&SecretRef, bool) + Send + Sync + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Reads the secret. See [`Provider::read`].
    pub fn read(&self, reference: &SecretRef) -> Result<SecretString> {
        let read = self.provider(reference.scheme()).read(reference);
        if let Some(told) = &self.told {
            told(reference, read.is_ok());
        }
        read
    }

    /// Writes the secret. See [`Provider::write`].
    pub fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        overwrite: Overwrite,
    ) -> Result<()> {
        self.provider(reference.scheme())
            .write(reference, secret, overwrite)
    }

    /// The provider of a scheme.
    pub fn provider(&self, scheme: Scheme) -> &dyn Provider {
        match scheme {
            Scheme::Env => self.env.as_ref(),
            Scheme::File => self.file.as_ref(),
        }
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_scheme_picks_the_provider() {
        let secrets = Secrets::new().with(
            Scheme::Env,
            EnvProvider::with_lookup(|_| Some("from the environment".into())),
        );
        let read = secrets.read(&SecretRef::env("ANY").unwrap()).unwrap();
        assert_eq!(read.expose_secret(), "from the environment");

        let dir = tempfile::tempdir().unwrap();
        let file = SecretRef::file(&dir.path().join("it")).unwrap();
        assert!(matches!(secrets.read(&file), Err(Error::Missing { .. })));
        secrets
            .write(&file, &"from the file".into(), Overwrite::Refuse)
            .unwrap();
        assert_eq!(
            secrets.read(&file).unwrap().expose_secret(),
            "from the file"
        );
    }

    #[test]
    fn the_environment_is_not_written() {
        let reference = SecretRef::env("ANY").unwrap();
        let error = Secrets::new()
            .write(&reference, &"canary".into(), Overwrite::Replace)
            .unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }));
        assert_eq!(
            error.to_string(),
            "env://ANY cannot be written: the environment can only be read"
        );
    }
}
