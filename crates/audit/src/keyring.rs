//! Keys made from the audit key: one finds people, one wraps their keys.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{AuditError, Result};
use crate::random::random;

/// Least bytes of the audit key.
const KEY_MIN: usize = 32;
const INDEX_LABEL: &[u8] = b"doorward audit index v1\0";
const WRAP_LABEL: &[u8] = b"doorward audit wrap v1\0";

/// What the store holds opens only with this: a stolen database tells neither who is in it nor
/// what was sealed.
pub(crate) struct Keyring {
    index: hmac::Key,
    wrap: LessSafeKey,
}

impl Keyring {
    /// From the audit key, this installation's own.
    pub(crate) fn new(audit_key: &SecretString) -> Result<Self> {
        let secret = audit_key.expose_secret().as_bytes();
        if secret.len() < KEY_MIN {
            return Err(AuditError::ShortKey(secret.len()));
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derive = |label: &[u8]| hmac::sign(&root, label);
        let wrap = UnboundKey::new(&AES_256_GCM, derive(WRAP_LABEL).as_ref())
            .map_err(|_| AuditError::OtherKey)?;
        Ok(Self {
            index: hmac::Key::new(hmac::HMAC_SHA256, derive(INDEX_LABEL).as_ref()),
            wrap: LessSafeKey::new(wrap),
        })
    }

    /// Where a person is found: a keyed hash of kind and value.
    pub(crate) fn index(&self, kind: &str, value: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.index);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(value.as_bytes());
        let mut index = [0; 32];
        index
            .iter_mut()
            .zip(context.sign().as_ref())
            .for_each(|(to, from)| *to = *from);
        index
    }

    /// Wraps a key for the store, bound to whose it is.
    pub(crate) fn wrap(&self, whose: &[u8], key: &[u8; 32]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = key.to_vec();
        self.wrap
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(whose),
                &mut sealed,
            )
            .map_err(|_| AuditError::OtherKey)?;
        let mut wrapped = nonce.to_vec();
        wrapped.extend(sealed);
        Ok(wrapped)
    }

    /// Unwraps what [`wrap`](Self::wrap) made.
    pub(crate) fn unwrap(&self, whose: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        let (nonce, sealed) = wrapped
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(AuditError::OtherKey)?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let opened = self
            .wrap
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(whose),
                &mut bytes,
            )
            .map_err(|_| AuditError::OtherKey)?;
        let key: [u8; 32] = (&*opened).try_into().map_err(|_| AuditError::OtherKey)?;
        Ok(Zeroizing::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(letter: &str) -> Keyring {
        Keyring::new(&letter.repeat(32).into()).unwrap()
    }

    #[test]
    fn a_key_opens_for_its_owner_under_its_audit_key_alone() {
        let wrapped = keyring("a").wrap(b"one", &[7; 32]).unwrap();
        assert_eq!(*keyring("a").unwrap(b"one", &wrapped).unwrap(), [7; 32]);
        assert!(keyring("a").unwrap(b"two", &wrapped).is_err());
        assert!(keyring("b").unwrap(b"one", &wrapped).is_err());
        assert!(keyring("a").unwrap(b"one", &wrapped[..20]).is_err());
        assert_ne!(wrapped, keyring("a").wrap(b"one", &[7; 32]).unwrap());
    }

    #[test]
    fn the_index_is_keyed_and_tells_kinds_apart() {
        let index = keyring("a").index("email", "ann@example.com");
        assert_eq!(index, keyring("a").index("email", "ann@example.com"));
        assert_ne!(index, keyring("b").index("email", "ann@example.com"));
        assert_ne!(index, keyring("a").index("actor", "ann@example.com"));
    }

    #[test]
    fn a_short_audit_key_is_refused() {
        assert!(matches!(
            Keyring::new(&"short".into()),
            Err(AuditError::ShortKey(5))
        ));
    }
}
