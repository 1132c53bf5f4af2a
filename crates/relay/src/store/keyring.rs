//! Keys made from the installation's own key: one finds people, one wraps their keys.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{RelayError, Result};
use crate::events::{LEAD_MAX, cut};

/// Least bytes of the key.
const KEY_MIN: usize = 32;
const INDEX_LABEL: &[u8] = b"doorward relay index v1\0";
const WRAP_LABEL: &[u8] = b"doorward relay wrap v1\0";

/// The file's keys open only with this: a stolen file tells neither who is in it nor what came.
pub(super) struct Keyring {
    index: hmac::Key,
    wrap: SealKey,
}

impl Keyring {
    pub(super) fn new(key: &SecretString) -> Result<Self> {
        let secret = key.expose_secret().as_bytes();
        if secret.len() < KEY_MIN {
            return Err(RelayError::ShortKey(secret.len()));
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derive = |label: &[u8]| Zeroizing::new(bytes_of(&hmac::sign(&root, label)));
        Ok(Self {
            index: hmac::Key::new(hmac::HMAC_SHA256, &*derive(INDEX_LABEL)),
            wrap: SealKey::new(&derive(WRAP_LABEL))?,
        })
    }

    /// Where a lead is found: a keyed hash of the address in lower case.
    pub(super) fn entry(&self, lead: &str) -> [u8; 32] {
        let lead = cut(lead.trim(), LEAD_MAX).to_lowercase();
        bytes_of(&hmac::sign(&self.index, lead.as_bytes()))
    }

    /// Wraps a key for the file, bound to whose it is.
    pub(super) fn wrap(&self, whose: &[u8], key: &[u8; 32]) -> Result<Vec<u8>> {
        self.wrap.seal(random()?, &[b"key\0", whose], key)
    }

    /// Unwraps what [`wrap`](Self::wrap) made.
    pub(super) fn unwrap(&self, whose: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        let opened = self.wrap.open(&[b"key\0", whose], wrapped);
        let opened = Zeroizing::new(opened.ok_or(RelayError::WrongKey)?);
        let key = opened.as_slice().try_into();
        Ok(Zeroizing::new(key.map_err(|_| RelayError::WrongKey)?))
    }
}

/// Seals bodies: AES-256-GCM, the nonce before what is sealed.
pub(super) struct SealKey(LessSafeKey);

impl SealKey {
    pub(super) fn new(key: &[u8; 32]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| RelayError::WrongKey)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a value for one place, told by its parts.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        place: &[&[u8]],
        value: &[u8],
    ) -> Result<Vec<u8>> {
        let mut sealed = Vec::with_capacity(NONCE_LEN + value.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let place = Aad::from(place.concat());
        let tag = match sealed.get_mut(NONCE_LEN..) {
            Some(text) => self.0.seal_in_place_separate_tag(nonce, place, text),
            None => Err(ring::error::Unspecified),
        };
        let tag = tag.map_err(|_| RelayError::Failed("a body can't be sealed".to_owned()))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for this place under this key; `None` of anything else.
    pub(super) fn open(&self, place: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(place.concat()), &mut text)
            .ok()?
            .len();
        text.truncate(opened);
        Some(text)
    }
}

/// Bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| RelayError::Random)?;
    Ok(bytes)
}

/// Nonces, asked for many at once.
#[derive(Default)]
pub(super) struct Nonces(Vec<[u8; NONCE_LEN]>);

impl Nonces {
    pub(super) fn next(&mut self) -> Result<[u8; NONCE_LEN]> {
        if let Some(nonce) = self.0.pop() {
            return Ok(nonce);
        }
        let bytes: [u8; 64 * NONCE_LEN] = random()?;
        self.0.extend(bytes.as_chunks::<NONCE_LEN>().0);
        self.0.pop().ok_or(RelayError::Random)
    }
}

/// The bytes of a MAC of SHA-256.
pub(super) fn bytes_of(tag: &hmac::Tag) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes
        .iter_mut()
        .zip(tag.as_ref())
        .for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(letter: &str) -> Keyring {
        Keyring::new(&letter.repeat(32).into()).unwrap()
    }

    #[test]
    fn a_key_opens_for_its_owner_under_its_own_key_alone() {
        let wrapped = keyring("a").wrap(b"one", &[7; 32]).unwrap();
        assert_eq!(*keyring("a").unwrap(b"one", &wrapped).unwrap(), [7; 32]);
        assert!(keyring("a").unwrap(b"two", &wrapped).is_err());
        assert!(keyring("b").unwrap(b"one", &wrapped).is_err());
        assert!(keyring("a").unwrap(b"one", &wrapped[..20]).is_err());
        assert!(Keyring::new(&"short".into()).is_err());
    }

    #[test]
    fn a_body_opens_in_its_place_alone() {
        let key = SealKey::new(&[1; 32]).unwrap();
        let sealed = key.seal([2; 12], &[b"body", b"1"], b"hello").unwrap();
        let open = |place: &[&[u8]], sealed: &[u8]| key.open(place, sealed);
        assert_eq!(open(&[b"body", b"1"], &sealed).unwrap(), b"hello");
        assert_eq!(open(&[b"body", b"2"], &sealed), None);
        assert_eq!(open(&[b"body", b"1"], &sealed[..8]), None);
        let mut changed = sealed;
        changed[14] ^= 1;
        assert_eq!(open(&[b"body", b"1"], &changed), None);
    }

    #[test]
    fn no_nonce_comes_twice() {
        let mut nonces = Nonces::default();
        let seen: std::collections::HashSet<_> =
            (0..1000).map(|_| nonces.next().unwrap()).collect();
        assert_eq!(seen.len(), 1000);
    }
}
