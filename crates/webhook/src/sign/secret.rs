//! What messages are signed with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use zeroize::Zeroizing;

use crate::prove::Key;

/// Why a text is no secret to sign with. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFault {
    /// Neither form.
    #[error("it is neither whsec_ and base64 of 24 to 64 bytes, nor whsk_ and base64 of 32 or 64")]
    Form,
    /// The public half within `whsk_` is not that of the private half.
    #[error("the two halves of the key whsk_ don't belong together")]
    Halves,
    /// A public key signs nothing.
    #[error("it is a public key: messages are signed with whsec_ or whsk_")]
    Public,
    /// No secret, or more than four.
    #[error("messages are signed with one secret, or with up to four while they are exchanged")]
    Count,
}

/// A secret that messages are signed with: `whsec_` (v1, HMAC-SHA-256) or `whsk_` (v1a, Ed25519).
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct WebhookSecret(Kind);

#[derive(Clone)]
enum Kind {
    Hmac(hmac::Key),
    Ed25519(Arc<Ed25519KeyPair>),
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

fn encoded(prefix: &str, bytes: &[u8]) -> SecretString {
    let encoded = Zeroizing::new(STANDARD.encode(bytes));
    format!("{prefix}{}", *encoded).into()
}

impl WebhookSecret {
    /// Reads one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(secret: &SecretString) -> Result<Self, SecretFault> {
        let text = secret.expose_secret();
        let Some(encoded) = text.strip_prefix("whsk_") else {
            return match Key::parse(text) {
                Some(Key::Symmetric(bytes)) => {
                    Ok(Self(Kind::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
                }
                Some(Key::Public(_)) => Err(SecretFault::Public),
                None => Err(SecretFault::Form),
            };
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| SecretFault::Form)?;
        let bytes = Zeroizing::new(bytes);
        let seed = bytes.get(..32).ok_or(SecretFault::Form)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SecretFault::Form)?;
        match bytes.get(32..) {
            Some([]) => {}
            Some(public) if public.len() != 32 => return Err(SecretFault::Form),
            Some(public) if public == pair.public_key().as_ref() => {}
            _ => return Err(SecretFault::Halves),
        }
        Ok(Self(Kind::Ed25519(Arc::new(pair))))
    }

    /// A new `whsec_` of 32 random bytes.
    pub fn symmetric(random: &[u8; 32]) -> SecretString {
        encoded("whsec_", random)
    }

    /// A new `whsk_` of 32 random bytes, which signs; receivers are given its
    /// [`public`](Self::public) half.
    ///
    /// # Errors
    /// When the crypto library refuses the bytes.
    pub fn asymmetric(random: &[u8; 32]) -> Result<SecretString, SecretFault> {
        let pair = Ed25519KeyPair::from_seed_unchecked(random).map_err(|_| SecretFault::Form)?;
        let both = Zeroizing::new([random.as_slice(), pair.public_key().as_ref()].concat());
        Ok(encoded("whsk_", &both))
    }

    /// `whpk_` and the public key, for receivers to verify with; none of a `whsec_`, which they
    /// must be given itself.
    pub fn public(&self) -> Option<String> {
        match &self.0 {
            Kind::Hmac(_) => None,
            Kind::Ed25519(pair) => Some(format!(
                "whpk_{}",
                STANDARD.encode(pair.public_key().as_ref())
            )),
        }
    }

    /// The header `webhook-signature` of a message: of its id (without points), the time of this
    /// attempt in seconds since 1970, and the body.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let head = format!("{id}.{seconds}.");
        match &self.0 {
            Kind::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                context.update(head.as_bytes());
                context.update(body);
                format!("v1,{}", STANDARD.encode(context.sign()))
            }
            Kind::Ed25519(pair) => {
                let message = [head.as_bytes(), body].concat();
                format!("v1a,{}", STANDARD.encode(pair.sign(&message)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_specification_shows() {
        // The example in the specification and its libraries' tests.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let signature = WebhookSecret::parse(&secret).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_made_is_read_again() {
        let symmetric = WebhookSecret::symmetric(&[7; 32]);
        assert!(WebhookSecret::parse(&symmetric).unwrap().public().is_none());
        let private = WebhookSecret::asymmetric(&[7; 32]).unwrap();
        let read = WebhookSecret::parse(&private).unwrap();
        let public = read.public().unwrap();
        assert!(public.starts_with("whpk_"));
        assert_eq!(
            WebhookSecret::parse(&public.into()).unwrap_err(),
            SecretFault::Public
        );
        assert_eq!(format!("{read:?}"), "WebhookSecret(…)");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let mut halves = [7; 64];
        halves[40] = 1;
        let halves = format!("whsk_{}", STANDARD.encode(halves));
        for (bad, fault) in [
            ("", SecretFault::Form),
            ("whsec_", SecretFault::Form),
            ("whsec_!!!!", SecretFault::Form),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretFault::Form),
            ("whsec_c2hvcnQ=", SecretFault::Form),
            ("whsk_c2hvcnQ=", SecretFault::Form),
            (halves.as_str(), SecretFault::Halves),
        ] {
            assert_eq!(
                WebhookSecret::parse(&bad.into()).unwrap_err(),
                fault,
                "{bad}"
            );
        }
    }
}
