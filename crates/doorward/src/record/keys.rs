//! The ledger's signing keys, all in one secret: a line each.
//!
//! The first line signs. Further secret lines sign beside it, while whoever verifies changes over
//! to the first. Lines with public keys are trusted for what they signed before.

use std::sync::Arc;

use doorward_audit::{TransitOptions, TransitSigner};
use doorward_ledger::{KeyName, LocalSigner, Signer, VerifierKey};
use doorward_secrets::{Error, Overwrite, SecretRef, Secrets};
use secrecy::{ExposeSecret, SecretString};

use crate::config::TransitConfig;
use crate::context::Context;
use crate::exit::Failure;
use crate::secret::{Made, random};

/// What a secret key's line begins with (C2SP signed-note, as Go writes it).
pub(super) const SECRET: &str = "PRIVATE+KEY+";

/// The keys of a ledger.
pub(crate) struct LedgerKeys {
    /// Who signs; its name is the log's.
    pub(crate) first: Arc<dyn Signer>,
    /// Who signs beside it.
    pub(crate) beside: Vec<Arc<dyn Signer>>,
    /// Who signed before.
    pub(crate) trusted: Vec<VerifierKey>,
}

impl LedgerKeys {
    /// Reads them.
    ///
    /// # Errors
    /// When the secret is missing or holds no signing key.
    pub(crate) fn read(secrets: &Secrets, reference: &SecretRef) -> Result<Self, Failure> {
        let text = secrets.read(reference).map_err(|error| match error {
            Error::Missing { reference } => Failure::usage(format_args!(
                "there is no key to sign the ledger with at {reference}; `doorward init` makes one"
            )),
            error => Failure::usage(format_args!("the ledger's key: {error}")),
        })?;
        Self::parse(&text)
            .map_err(|why| Failure::usage(format_args!("the ledger's key at {reference}: {why}")))
    }

    /// The key of a service signs, beside those of the secret, if there is one.
    ///
    /// # Errors
    /// When a setting does not fit or the service does not tell of its key.
    pub(crate) fn remote(
        context: &Context,
        config: &TransitConfig,
        reference: &SecretRef,
    ) -> Result<Self, Failure> {
        let secrets = Arc::new(context.secrets.open()?);
        let kept = match secrets.read(reference) {
            Err(Error::Missing { .. }) => Lines::default(),
            text => {
                let fault =
                    |why| Failure::usage(format_args!("the ledger's key at {reference}: {why}"));
                Lines::parse(&text.map_err(Failure::usage)?).map_err(fault)?
            }
        };
        let name = match &config.name {
            Some(name) => KeyName::new(name).map_err(Failure::usage)?,
            None => kept
                .signers
                .first()
                .map(|signer| signer.verifier_key().name().clone())
                .or_else(|| kept.trusted.first().map(|key| key.name().clone()))
                .ok_or_else(|| Failure::usage("ledger.transit.name: say what the log is called"))?,
        };
        let token = context
            .secrets
            .reference(&config.token)
            .map_err(|error| Failure::usage(format_args!("ledger.transit.token: {error}")))?;
        let mut options = TransitOptions::new(&config.url, &config.key, name, token, secrets);
        options.mount.clone_from(&config.mount);
        options.version = config.version;
        options.namespace.clone_from(&config.namespace);
        let signer = TransitSigner::connect(options)
            .map_err(|error| Failure::failed(format_args!("ledger.transit: {error}")))?;
        Ok(Self {
            first: Arc::new(signer),
            beside: kept.signers,
            trusted: kept.trusted,
        })
    }

    pub(super) fn parse(text: &SecretString) -> Result<Self, String> {
        let Lines { signers, trusted } = Lines::parse(text)?;
        let mut signers = signers.into_iter();
        let first = signers.next().ok_or(
            "it holds no secret key; move it away, and `doorward init` makes one where there is \
             none",
        )?;
        Ok(Self {
            first,
            beside: signers.collect(),
            trusted,
        })
    }

    /// Who signs, the first first.
    pub(crate) fn signers(&self) -> Vec<Arc<dyn Signer>> {
        let beside = self.beside.iter().map(Arc::clone);
        std::iter::once(Arc::clone(&self.first))
            .chain(beside)
            .collect()
    }

    /// Every public key: what a verifier needs.
    pub(crate) fn public(&self) -> Vec<VerifierKey> {
        let signers = self.signers();
        let signing = signers.iter().map(|signer| signer.verifier_key());
        signing.chain(&self.trusted).cloned().collect()
    }

    /// Every public key, a line each.
    pub(crate) fn public_text(&self) -> String {
        let keys = self.public();
        keys.iter().map(|key| format!("{key}\n")).collect()
    }
}

/// The lines of the secret, told apart.
#[derive(Default)]
struct Lines {
    signers: Vec<Arc<dyn Signer>>,
    trusted: Vec<VerifierKey>,
}

impl Lines {
    fn parse(text: &SecretString) -> Result<Self, String> {
        let mut lines = Self::default();
        for (number, line) in text.expose_secret().lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let fault = |error| format!("line {}: {error}", number + 1);
            if line.starts_with(SECRET) {
                let signer = LocalSigner::from_secret(&line.into()).map_err(fault)?;
                lines.signers.push(Arc::new(signer));
            } else {
                lines.trusted.push(line.parse().map_err(fault)?);
            }
        }
        Ok(lines)
    }
}

/// Makes the first key of a new ledger where there is none and it can be written. The ledger's name
/// is random: no two logs share one.
///
/// # Errors
/// When it can't be made or read.
pub(crate) fn make_ledger_key(secrets: &Secrets, reference: &SecretRef) -> Result<Made, Failure> {
    match secrets.read(reference) {
        Ok(text) => {
            LedgerKeys::parse(&text).map_err(|why| {
                Failure::usage(format_args!("the ledger's key at {reference}: {why}"))
            })?;
            return Ok(Made::Before);
        }
        Err(Error::Missing { .. }) => {}
        Err(error) => return Err(Failure::usage(error)),
    }
    let text = new_key(None)?;
    match secrets.write(reference, &text, Overwrite::Refuse) {
        Ok(()) => Ok(Made::Now),
        Err(Error::Exists { .. }) => Ok(Made::Before),
        Err(Error::ReadOnly { .. }) => Err(Failure::usage(format_args!(
            "{reference} does not exist, and Doorward can't make it; let it be a file once, and \
             put what `doorward init` makes there"
        ))),
        Err(error) => Err(Failure::usage(error)),
    }
}

/// A new signing key as text, under a log's name or, for a new log, a random one.
pub(super) fn new_key(name: Option<&KeyName>) -> Result<SecretString, Failure> {
    let name = match name {
        Some(name) => name.clone(),
        None => {
            let id = u64::from_be_bytes(*random::<8>()?);
            KeyName::new(&format!("doorward.invalid/{id:016x}")).map_err(Failure::failed)?
        }
    };
    LocalSigner::secret_text(&name, &*random::<32>()?).map_err(Failure::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_its_lines_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let reference = SecretRef::file(&dir.path().join("key")).unwrap();
        let secrets = Secrets::new();
        let missing = LedgerKeys::read(&secrets, &reference).err().unwrap();
        assert!(missing.to_string().contains("doorward init"), "{missing}");
        assert_eq!(make_ledger_key(&secrets, &reference).unwrap(), Made::Now);
        assert_eq!(make_ledger_key(&secrets, &reference).unwrap(), Made::Before);
        let first = LedgerKeys::read(&secrets, &reference).unwrap();
        let name = first.first.verifier_key().name().clone();

        let old = secrets.read(&reference).unwrap();
        let new = new_key(Some(&name)).unwrap();
        let both = format!("{}\n{}\n", new.expose_secret(), old.expose_secret());
        let both = LedgerKeys::parse(&both.into()).unwrap();
        assert_eq!((both.signers().len(), both.trusted.len()), (2, 0));
        let after = format!("{}\n{}", new.expose_secret(), first.first.verifier_key());
        let after = LedgerKeys::parse(&after.into()).unwrap();
        assert_eq!((after.signers().len(), after.trusted.len()), (1, 1));
        assert_eq!(after.public_text(), both.public_text());
    }

    #[test]
    fn a_faulty_key_is_not_repeated() {
        for text in ["", "\n\n", "PRIVATE+KEY+canary", "canary"] {
            let why = LedgerKeys::parse(&text.into()).err().unwrap();
            assert!(!why.contains("canary"), "{why}");
        }
    }
}
