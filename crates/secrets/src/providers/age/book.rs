//! What is in an encrypted file: names and secrets.

use std::collections::BTreeMap;
use std::io::Write;

use age::armor::ArmoredReader;
use age::x25519::Recipient;
use age::{DecryptError, Decryptor, Encryptor};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::identity::Keys;
use crate::error::{Error, Result};
use crate::provider::{MAX_SECRET_BYTES, Version};
use crate::providers::files::read_bounded;
use crate::reference::SecretRef;

/// Most bytes of the text that is encrypted.
const MAX_TEXT: usize = 4 * 1024 * 1024 - 64 * 1024;
/// Most entries.
const MAX_ENTRIES: usize = 10_000;

/// The entries, and the identity that opened them.
pub(super) struct Book {
    entries: BTreeMap<String, Zeroizing<String>>,
    keys: Keys,
}

impl Book {
    /// One with nothing in it.
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            entries: BTreeMap::new(),
            keys,
        }
    }

    pub(super) fn decrypt(reference: &SecretRef, bytes: &[u8], keys: Keys) -> Result<Self> {
        let faulty = |error: DecryptError| Error::refused(reference, why(&error));
        // Binary, or the form that can be mailed.
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(bytes)).map_err(faulty)?;
        let identities = keys.identities(reference)?;
        let identities = identities
            .iter()
            .map(|identity| &**identity as &dyn age::Identity);
        let plain = decryptor.decrypt(identities).map_err(faulty)?;
        let text = read_bounded(plain, MAX_TEXT)
            .map_err(|_| Error::refused(reference, why(&DecryptError::DecryptionFailed)))?;
        if text.len() > MAX_TEXT {
            return Err(Error::refused(reference, "what is encrypted is too long"));
        }
        let text = str::from_utf8(&text)
            .map_err(|_| Error::refused(reference, "what is encrypted is not UTF-8"))?;
        // The error would show the line.
        let entries: BTreeMap<String, Zeroizing<String>> =
            toml::from_str(text).map_err(|error| {
                let start = error.span().map_or(0, |span| span.start);
                let line = text.bytes().take(start).filter(|&b| b == b'\n').count() + 1;
                let why = format!("line {line} of what is encrypted is not name = \"secret\"");
                Error::refused(reference, why)
            })?;
        if entries.len() > MAX_ENTRIES {
            return Err(Error::refused(reference, "it has more than 10,000 entries"));
        }
        Ok(Self { entries, keys })
    }

    /// Encrypts to whom the identity belongs to, and to others.
    pub(super) fn encrypt<'r>(
        &self,
        reference: &SecretRef,
        others: impl Iterator<Item = &'r Recipient>,
    ) -> Result<Vec<u8>> {
        let failed = |why: &str| Error::refused(reference, format!("it can't be encrypted: {why}"));
        let text = toml::to_string(&self.entries)
            .map(Zeroizing::new)
            .map_err(|_| failed("a name or secret in it does not fit"))?;
        if text.len() > MAX_TEXT {
            return Err(failed("it gets too long"));
        }
        let own = self.keys.recipients(reference)?;
        let own = own.iter().map(|one| &**one as &dyn age::Recipient);
        let all = own.chain(others.map(|one| one as &dyn age::Recipient));
        let encryptor = Encryptor::with_recipients(all)
            .map_err(|_| failed("the identity is of no use for that"))?;
        let write = || {
            let mut bytes = Vec::new();
            let mut writer = encryptor.wrap_output(&mut bytes)?;
            writer.write_all(text.as_bytes())?;
            writer.finish()?;
            Ok::<_, std::io::Error>(bytes)
        };
        write().map_err(|source| Error::io(reference, source))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The secret, if it is one.
    pub(super) fn get(&self, name: &str) -> Option<SecretString> {
        let value = self.entries.get(name)?;
        let fits = (1..=MAX_SECRET_BYTES).contains(&value.len());
        fits.then(|| value.as_str().into())
    }

    /// Which value an entry has: told by a code under the identity, from which nothing can be
    /// guessed without it.
    pub(super) fn version(&self, name: &str) -> Version {
        let key = self.keys.text.expose_secret().as_bytes();
        let mut code = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
        code.update(b"doorward secret version\0");
        code.update(name.as_bytes());
        code.update(b"\0");
        code.update(self.entries.get(name).map_or(b"", |value| value.as_bytes()));
        let code = code.sign();
        let half = code.as_ref().iter().take(16);
        Version::new(half.map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn set(&mut self, reference: &SecretRef, name: &str, value: &str) -> Result<()> {
        let value = Zeroizing::new(value.to_owned());
        self.entries.insert(name.to_owned(), value);
        match self.entries.len() {
            0..=MAX_ENTRIES => Ok(()),
            _ => Err(Error::refused(reference, "it has 10,000 entries already")),
        }
    }

    /// Takes an entry away; whether there was one.
    pub(super) fn take(&mut self, name: &str) -> bool {
        self.entries.remove(name).is_some()
    }
}

fn why(error: &DecryptError) -> &'static str {
    match error {
        DecryptError::NoMatchingKeys => {
            "it is not encrypted to the age identity that is to open it"
        }
        DecryptError::UnknownFormat => {
            "it is of a kind of age file that this Doorward does not know"
        }
        DecryptError::InvalidHeader => "it is no age file, or damaged",
        _ => "it is damaged: what is in it is not what was encrypted",
    }
}
