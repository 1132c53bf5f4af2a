//! What is stored in a key's place, and the check of a presented key against it.

use ring::hmac;
use std::fmt;

use crate::client_key::{CLIENT_KEY_LEN, ClientKey, KeyFormatError, ParsedKey};
use crate::key_id::KeyId;

/// The secret under which client keys are hashed. It comes from a secret reference and never lies
/// in the database, so the hashes alone can't be tried against.
///
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Pepper(hmac::Key);

/// The pepper has fewer than [`Pepper::MIN_LEN`] bytes; holds how many it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pepper must have at least {min} bytes, this has {0}", min = Pepper::MIN_LEN)]
pub struct PepperTooShort(pub usize);

impl Pepper {
    /// Least bytes of a pepper.
    pub const MIN_LEN: usize = 32;

    /// Takes the bytes as they are: a text form (base64, hex) is not decoded. They must be of
    /// 32 random bytes or more, whatever their form.
    pub fn new(bytes: &[u8]) -> Result<Self, PepperTooShort> {
        if bytes.len() < Self::MIN_LEN {
            return Err(PepperTooShort(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// Sixteen hexadecimal digits that tell one pepper from another and nothing more.
    ///
    /// Kept beside the hashes, so that a server started with the wrong pepper says so, and does
    /// not just refuse every key.
    pub fn check_value(&self) -> String {
        // No client key has this text, so it is the hash of none.
        let tag = hmac::sign(&self.0, b"doorward pepper check value 1");
        tag.as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// 32 bytes of their own for a purpose and a name within it, the same each time: one round of
    /// HKDF (RFC 5869). `purpose` is one of a few fixed texts.
    pub fn derive(&self, purpose: &str, name: &str) -> zeroize::Zeroizing<[u8; 32]> {
        // No client key begins so, and where the purpose ends is told by its length.
        let text = format!("doorward derived key 1 {} {purpose} {name}", purpose.len());
        let tag = hmac::sign(&self.0, text.as_bytes());
        let mut key = zeroize::Zeroizing::new([0; 32]);
        for (to, from) in key.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        key
    }
}

impl Pepper {
    /// HMAC-SHA-256 of an admin token under the pepper. No client key has the same.
    pub fn admin_token_hash(&self, token: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"doorward admin token 1\0");
        context.update(token.as_bytes());
        let mut hash = [0; 32];
        let tag = context.sign();
        let bytes = tag.as_ref().iter();
        hash.iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        hash
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// HMAC-SHA-256 of a whole client key under the [`Pepper`]: 32 bytes, all that is stored of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; KeyHash::LEN]);

impl KeyHash {
    /// Bytes in a hash.
    pub const LEN: usize = 32;

    /// Compared against when there is nothing to compare against.
    const DUMMY: Self = Self([0; Self::LEN]);

    pub(crate) fn of(pepper: &Pepper, text: &[u8]) -> Self {
        #[cfg(test)]
        tests::count(text);
        let tag = hmac::sign(&pepper.0, text);
        let mut hash = [0; Self::LEN];
        for (to, from) in hash.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Self(hash)
    }

    /// Constant-time in the hash: ring compares the whole tag whatever differs.
    pub(crate) fn verify(&self, pepper: &Pepper, text: &[u8]) -> bool {
        #[cfg(test)]
        tests::count(text);
        hmac::verify(&pepper.0, text, &self.0).is_ok()
    }

    /// The hash out of the store.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The hash for the store.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// Why a presented key opens nothing. For the audit line only: the caller is told the same
/// thing in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// It is no client key at all.
    #[error("not a client key: {0}")]
    Malformed(KeyFormatError),
    /// No key has this id.
    #[error("there is no client key {0}")]
    Unknown(KeyId),
    /// There is a key of this id, and it is another one.
    #[error("the presented key is not client key {0}")]
    Mismatch(KeyId),
}

/// Stands in for a presented key that is none.
const DUMMY_TEXT: [u8; CLIENT_KEY_LEN] = [b'0'; CLIENT_KEY_LEN];

/// Finds what belongs to a presented key.
///
/// `lookup` gives the stored hash for a key id and what the caller wants to have with it.
/// Whatever is presented, one hash of [`CLIENT_KEY_LEN`] bytes is computed and compared, so the
/// time taken doesn't tell a key id that exists from one that does not. (How a malformed key is
/// refused depends only on the format, which is public.)
///
/// Expiry and revocation are the policy's to judge: this says only whose key it is.
pub fn authenticate<T>(
    pepper: &Pepper,
    presented: &str,
    lookup: impl FnOnce(KeyId) -> Option<(KeyHash, T)>,
) -> Result<(KeyId, T), KeyRefused> {
    authenticate_parsed(pepper, presented, lookup).map(|(key, known)| (key.id(), known))
}

/// The same; gives the key as it was read, whose environment may matter.
///
/// # Errors
/// As [`authenticate`].
pub fn authenticate_parsed<'p, T>(
    pepper: &Pepper,
    presented: &'p str,
    lookup: impl FnOnce(KeyId) -> Option<(KeyHash, T)>,
) -> Result<(ParsedKey<'p>, T), KeyRefused> {
    let parsed = ClientKey::parse(presented);
    let found = parsed.ok().and_then(|key| lookup(key.id()));
    let (stored, known) = match found {
        Some((stored, known)) => (stored, Some(known)),
        None => (KeyHash::DUMMY, None),
    };
    let text = if parsed.is_ok() {
        presented.as_bytes()
    } else {
        &DUMMY_TEXT
    };
    let matches = std::hint::black_box(stored.verify(pepper, text));

    let key = parsed.map_err(KeyRefused::Malformed)?;
    let known = known.ok_or(KeyRefused::Unknown(key.id()))?;
    if matches {
        Ok((key, known))
    } else {
        Err(KeyRefused::Mismatch(key.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Environment;
    use std::cell::RefCell;

    thread_local! {
        /// How many bytes each hash of this test was taken of.
        static HASHED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn count(text: &[u8]) {
        HASHED.with_borrow_mut(|hashed| hashed.push(text.len()));
    }

    /// Unknown, revoked (which is known and refused later), mistaken or no key at all: no more and no
    /// less is computed than for a key that is good.
    #[test]
    fn whatever_is_presented_one_hash_of_one_length_is_computed() {
        let pepper = Pepper::new(&[1; 32]).unwrap();
        let (good, unknown) = (key(9), key(10));
        let stored = good.hash(&pepper);
        let mut mistaken = good.expose().to_owned();
        mistaken.replace_range(40..41, if &mistaken[40..41] == "a" { "b" } else { "a" });
        let lookup = |id: KeyId| (id == good.id()).then_some((stored, ()));
        for presented in [
            good.expose(),
            unknown.expose(),
            &mistaken,
            "dwk_p_",
            "",
            "x",
        ] {
            HASHED.take();
            let _ = authenticate(&pepper, presented, lookup);
            assert_eq!(HASHED.take(), [CLIENT_KEY_LEN], "{presented}");
        }
    }

    fn key(seed: u8) -> ClientKey {
        ClientKey::generate(Environment::Staging, &[seed; ClientKey::RANDOM_LEN])
    }

    #[test]
    fn a_key_is_found_only_under_its_own_pepper() {
        let pepper = Pepper::new(&[1; 32]).unwrap();
        let other = Pepper::new(&[2; 32]).unwrap();
        let key = key(9);
        let lookup = |id: KeyId| (id == key.id()).then(|| (key.hash(&pepper), ()));

        assert_eq!(
            authenticate(&pepper, key.expose(), lookup),
            Ok((key.id(), ()))
        );
        assert_eq!(
            authenticate(&other, key.expose(), lookup),
            Err(KeyRefused::Mismatch(key.id()))
        );
        assert_ne!(pepper.check_value(), other.check_value());
        assert_eq!(pepper.check_value().len(), 16);
    }

    #[test]
    fn a_miss_is_a_miss_even_against_the_dummy() {
        let pepper = Pepper::new(&[1; 32]).unwrap();
        let key = key(9);
        let unknown = authenticate(&pepper, key.expose(), |_| None::<(KeyHash, ())>);
        assert_eq!(unknown, Err(KeyRefused::Unknown(key.id())));

        // A stored hash equal to that of the stand-in text opens nothing to a malformed key.
        let planted = KeyHash::of(&pepper, &DUMMY_TEXT);
        let malformed = authenticate(&pepper, "dwk_p_", |_| Some((planted, ())));
        assert_eq!(
            malformed,
            Err(KeyRefused::Malformed(KeyFormatError::Length(6)))
        );
    }

    #[test]
    fn another_key_of_the_same_id_is_refused() {
        let pepper = Pepper::new(&[1; 32]).unwrap();
        let mut random = [3; ClientKey::RANDOM_LEN];
        let stored = ClientKey::generate(Environment::Staging, &random);
        random[47] ^= 1;
        let presented = ClientKey::generate(Environment::Staging, &random);
        assert_eq!(stored.id(), presented.id());
        let outcome = authenticate(&pepper, presented.expose(), |_| {
            Some((stored.hash(&pepper), ()))
        });
        assert_eq!(outcome, Err(KeyRefused::Mismatch(stored.id())));
        assert!(
            !ClientKey::parse(presented.expose())
                .unwrap()
                .matches(&pepper, &stored.hash(&pepper))
        );
    }

    #[test]
    fn a_short_pepper_is_refused() {
        assert_eq!(Pepper::new(&[0; 31]).err(), Some(PepperTooShort(31)));
        assert_eq!(
            PepperTooShort(31).to_string(),
            "the pepper must have at least 32 bytes, this has 31"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let pepper = Pepper::new(b"correct horse battery staple 1234").unwrap();
        let key = key(200);
        let secret = key.expose().rsplit('_').next().unwrap().to_owned();
        let parsed = ClientKey::parse(key.expose()).unwrap();
        let shown = format!("{key:?} {parsed:?} {:?} {pepper:?}", key.hash(&pepper));
        assert!(shown.contains(key.id().as_str()));
        assert!(
            !shown.contains(&secret) && !shown.contains("horse"),
            "{shown}"
        );
        assert!(!shown.contains(&secret[..8]), "{shown}");
    }
}
