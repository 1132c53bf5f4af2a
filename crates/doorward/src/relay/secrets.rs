//! The secrets of webhooks: made, kept by reference, and as headers that Instantly sends.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_catalog::wire::{SecretText, Webhook};
use doorward_secrets::{Overwrite, SecretRef, Secrets};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::settings::{ProofKept, ProofSettings};
use crate::admin::AdminError;
use crate::secret::random;

/// What a secret that signs begins with.
const SIGNING: &str = "whsec_";
/// Least and most bytes of one.
const SIGNING_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that was made for a source or a destination.
pub(crate) struct WebhookSecret {
    /// Where it is kept.
    pub(crate) reference: SecretRef,
}

impl WebhookSecret {
    /// Makes one of 32 random bytes and keeps it where none is yet.
    ///
    /// # Errors
    /// When there is one, or it can't be kept.
    pub(crate) fn make(
        secrets: &Secrets,
        reference: SecretRef,
        proof: &ProofSettings,
    ) -> Result<Self, AdminError> {
        match proof {
            ProofSettings::Standard => Self::signing(secrets, reference),
            other => {
                let bytes = random::<32>()?;
                let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
                let value = match other {
                    ProofSettings::Basic { user } => format!("{user}:{}", *text),
                    _ => text.as_str().to_owned(),
                };
                Self::keep(secrets, reference, SecretString::from(value))
            }
        }
    }

    /// Makes one that signs by Standard Webhooks, and keeps it where none is yet.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub(crate) fn signing(secrets: &Secrets, reference: SecretRef) -> Result<Self, AdminError> {
        let bytes = random::<32>()?;
        let text = Zeroizing::new(STANDARD.encode(*bytes));
        let value = SecretString::from(format!("{SIGNING}{}", *text));
        Self::keep(secrets, reference, value)
    }

    fn keep(
        secrets: &Secrets,
        reference: SecretRef,
        value: SecretString,
    ) -> Result<Self, AdminError> {
        secrets
            .write(&reference, &value, Overwrite::Refuse)
            .map_err(|error| {
                AdminError::usage(format_args!(
                    "the secret can't be kept at {reference}: {error}; choose another place with --to"
                ))
            })?;
        Ok(Self { reference })
    }
}

/// Checks a secret that is to sign: `whsec_` and 24 to 64 bytes in base64.
///
/// # Errors
/// When it is another.
pub(crate) fn check_signing(secret: &SecretString) -> Result<(), &'static str> {
    let text = secret.expose_secret().strip_prefix(SIGNING);
    let bytes = text
        .and_then(|text| STANDARD.decode(text).ok())
        .map(Zeroizing::new);
    match bytes {
        Some(bytes) if SIGNING_BYTES.contains(&bytes.len()) => Ok(()),
        _ => Err("what is there is no signing secret: whsec_ and 24 to 64 bytes in base64"),
    }
}

/// The headers that a subscription sends for every proof, of these the newest secret of each; `None`
/// when one is no fixed header.
///
/// # Errors
/// When a secret can't be read.
pub(crate) fn headers_of<E>(
    proofs: &[ProofKept],
    mut read: impl FnMut(&str) -> Result<SecretString, E>,
) -> Result<Option<BTreeMap<String, SecretText>>, E> {
    let mut all = BTreeMap::new();
    for kept in proofs {
        let (Ok(proof), Some(newest)) = (ProofSettings::parse(&kept.proof), kept.secrets.first())
        else {
            return Ok(None);
        };
        match header_of(&proof, &read(&newest.reference)?) {
            Some(headers) => all.extend(headers),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// The headers that a subscription sends with every delivery; none of a proof that is no fixed header.
pub(super) fn header_of(
    proof: &ProofSettings,
    secret: &SecretString,
) -> Option<BTreeMap<String, SecretText>> {
    let secret = secret.expose_secret();
    let (name, value) = match proof {
        ProofSettings::Header { name } => (titled(name), secret.to_owned()),
        ProofSettings::Bearer => ("Authorization".to_owned(), format!("Bearer {secret}")),
        ProofSettings::Basic { .. } => {
            let coded = STANDARD.encode(secret);
            ("Authorization".to_owned(), format!("Basic {coded}"))
        }
        _ => return None,
    };
    Some(BTreeMap::from([(name, SecretText::new(value))]))
}

/// Whether a subscription sends these very headers.
pub(crate) fn sends(webhook: &Webhook, headers: &BTreeMap<String, SecretText>) -> bool {
    let there = webhook.headers.as_ref();
    headers.iter().all(|(name, value)| {
        let found = there.and_then(|there| {
            there
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
        });
        found.is_some_and(|(_, found)| {
            let (found, value) = (found.expose_secret(), value.expose_secret());
            bool::from(found.as_bytes().ct_eq(value.as_bytes()))
        })
    })
}

/// `x-webhook-secret` as `X-Webhook-Secret`.
fn titled(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_stands_in_a_header() {
        let dir = tempfile::tempdir().unwrap();
        let reference = SecretRef::file(&dir.path().join("hook")).unwrap();
        let secrets = Secrets::new();
        let proof = ProofSettings::parse("header").unwrap();
        let made = WebhookSecret::make(&secrets, reference.clone(), &proof).unwrap();
        let secret = secrets.read(&made.reference).unwrap();
        let value = secret.expose_secret().to_owned();
        assert_eq!(value.len(), 43);
        assert!(WebhookSecret::make(&secrets, reference, &proof).is_err());

        let of = |proof: &str| {
            let headers = header_of(&ProofSettings::parse(proof).unwrap(), &secret)?;
            let (name, value) = headers.into_iter().next().unwrap();
            Some((name, value.expose_secret().to_owned()))
        };
        let (name, sent) = of("header").unwrap();
        assert_eq!((&*name, &sent), ("X-Webhook-Secret", &value));
        assert_eq!(of("bearer").unwrap().1, format!("Bearer {value}"));
        let basic = STANDARD.encode(&value);
        assert_eq!(of("basic:ann").unwrap().1, format!("Basic {basic}"));
        assert!(of("standard").is_none());
    }
}
