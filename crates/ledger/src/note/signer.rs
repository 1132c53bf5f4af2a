//! Who signs: a trait, and the signer whose key is at hand.

use std::fmt;

use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{KeyName, SignatureKind, VerifierKey};
use crate::{Error, Result, base64};

/// Holds an Ed25519 key, here or in a service that never gives it out.
pub trait Signer: Send + Sync {
    /// The public key that verifies what [`sign`](Self::sign) makes.
    fn verifier_key(&self) -> &VerifierKey;

    /// The Ed25519 signature of `message`. May block; called about once a second.
    ///
    /// # Errors
    ///
    /// When the key can't be used now.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64]>;
}

/// What a private key's text begins with, before the key's name.
const PRIVATE: &str = "PRIVATE+KEY+";

/// A signer with its key in memory.
pub struct LocalSigner {
    key: Ed25519KeyPair,
    public: VerifierKey,
}

impl LocalSigner {
    /// From a seed of 32 random bytes.
    ///
    /// # Errors
    ///
    /// None that is known; the key maker's refusals are passed on.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| Error::Signer("the seed was refused".to_owned()))?;
        let public = key
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| Error::Signer("the public key is not 32 bytes".to_owned()))?;
        Ok(Self {
            key,
            public: VerifierKey::new(name, SignatureKind::Ed25519, public),
        })
    }

    /// The text in which a private key is kept:
    /// `PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and the seed>`.
    ///
    /// # Errors
    ///
    /// As [`from_seed`](Self::from_seed).
    pub fn secret_text(name: &KeyName, seed: &[u8; 32]) -> Result<SecretString> {
        let public = Self::from_seed(name.clone(), seed)?.public;
        let mut key = Zeroizing::new(vec![1]);
        key.extend(seed);
        let key = Zeroizing::new(base64::encode(&key));
        Ok(format!("{PRIVATE}{name}+{}+{}", public.id(), key.as_str()).into())
    }

    /// From the text that [`secret_text`](Self::secret_text) makes.
    ///
    /// # Errors
    ///
    /// When it is no such text; the text is not repeated.
    pub fn from_secret(text: &SecretString) -> Result<Self> {
        let fault = |why| Error::malformed("the signing key", why);
        let form = "it is not `PRIVATE+KEY+<name>+<key id>+<base64>`";
        let rest = text
            .expose_secret()
            .strip_prefix(PRIVATE)
            .ok_or(fault(form))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fault(form));
        };
        let key = Zeroizing::new(
            base64::decode_array::<33>(key).ok_or(fault("its key is not 33 bytes in base64"))?,
        );
        let Some((1, seed)) = key.split_first() else {
            return Err(fault("it is not an Ed25519 key"));
        };
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).map_err(|_| fault(form))?);
        let signer = Self::from_seed(KeyName::new(name)?, &seed)?;
        if signer.public.id() != id.parse()? {
            return Err(fault("its key id does not belong to its name and key"));
        }
        Ok(signer)
    }
}

impl Signer for LocalSigner {
    fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64]> {
        self.key
            .sign(message)
            .as_ref()
            .try_into()
            .map_err(|_| Error::Signer("the signature is not 64 bytes".to_owned()))
    }
}

impl fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSigner")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
