//! People's data in a record that can never be changed: sealed under a key that can be destroyed.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::outcome::Members;
use super::{LeafId, SubjectId};
use crate::{Error, MAX_LEAF_BYTES, Result, base64};

/// Sealed values are padded to a multiple of this, so that their length tells little.
const PADDED_TO: usize = 32;

/// What keys are derived for; ends in a byte that no id begins with.
const SEAL_LABEL: &[u8] = b"doorward ledger seal v1\0";
const COMMIT_LABEL: &[u8] = b"doorward ledger commitment v1\0";

/// A value that only the holder of its subject's key can read. Without the key it is noise; erasing
/// the key erases the value, and every hash and proof stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed {
    // In the order of the canonical form, as in the other parts of a leaf: then nothing is moved.
    /// AES-256-GCM of the padded value, base64.
    ciphertext: String,
    /// 12 bytes, base64.
    nonce: String,
    /// Whose it is.
    pub subject: SubjectId,
}

impl Sealed {
    /// Writes it as it serializes. What it is made of has no characters that are escaped.
    pub(super) fn write(&self, to: &mut Members<'_>) {
        to.put("{\"ciphertext\":\"");
        to.put(&self.ciphertext);
        to.put("\",\"nonce\":\"");
        to.put(&self.nonce);
        to.put("\",\"subject\":\"");
        self.subject.with_text(|text| to.put(text));
        to.put("\"}");
    }
}

/// The key of one subject: 32 random bytes that lie in the store, never beside the ledger.
pub struct SubjectKey {
    subject: SubjectId,
    key: hmac::Key,
}

impl SubjectKey {
    /// From 32 random bytes.
    pub fn new(subject: SubjectId, key: &[u8; 32]) -> Self {
        Self {
            subject,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// Whose key it is.
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// Seals `value` for the field `field` of the leaf `leaf`: it opens at no other place. `nonce` is
    /// random.
    ///
    /// # Errors
    ///
    /// When the value is larger than a leaf.
    pub fn seal(
        &self,
        leaf: LeafId,
        field: &str,
        value: &[u8],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Sealed> {
        let length = u16::try_from(value.len()).map_err(|_| Error::TooLarge {
            what: "the value to be sealed",
            limit: MAX_LEAF_BYTES,
        })?;
        let padded = (2 + value.len()).next_multiple_of(PADDED_TO);
        let mut sealed = Vec::with_capacity(padded + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&length.to_be_bytes());
        sealed.extend_from_slice(value);
        sealed.resize(padded, 0);
        self.leaf_key(leaf)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.place(leaf, field)),
                &mut sealed,
            )
            .map_err(|_| Error::Seal)?;
        Ok(Sealed {
            subject: self.subject,
            nonce: base64::encode(&nonce),
            ciphertext: base64::encode(&sealed),
        })
    }

    /// Opens a value that was sealed for this place.
    ///
    /// # Errors
    ///
    /// When it is another subject's, from another place, or changed.
    pub fn open(&self, leaf: LeafId, field: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
        if sealed.subject != self.subject {
            return Err(Error::Seal);
        }
        let nonce = base64::decode_array(&sealed.nonce).ok_or(Error::Seal)?;
        let mut bytes = Zeroizing::new(base64::decode(&sealed.ciphertext).ok_or(Error::Seal)?);
        let opened = self
            .leaf_key(leaf)?
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.place(leaf, field)),
                &mut bytes,
            )
            .map_err(|_| Error::Seal)?;
        let (length, padded) = opened.split_first_chunk::<2>().ok_or(Error::Seal)?;
        let value = padded
            .get(..usize::from(u16::from_be_bytes(*length)))
            .ok_or(Error::Seal)?;
        Ok(Zeroizing::new(value.to_vec()))
    }

    /// Commits to bytes that are about this subject. Erasing the subject's key leaves a number that
    /// can be checked against nothing.
    pub fn commit(&self, leaf: LeafId, field: &str, bytes: &[u8]) -> Commitment {
        commitment(&self.key, &self.subject.to_string(), leaf, field, bytes)
    }

    /// A key for each leaf: nonces need to differ only within it.
    fn leaf_key(&self, leaf: LeafId) -> Result<LessSafeKey> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(SEAL_LABEL);
        context.update(leaf.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, context.sign().as_ref());
        Ok(LessSafeKey::new(key.map_err(|_| Error::Seal)?))
    }

    /// Where a value is: what is authenticated beside it.
    fn place(&self, leaf: LeafId, field: &str) -> Vec<u8> {
        let parts = [
            SEAL_LABEL,
            leaf.as_bytes(),
            self.subject.as_bytes(),
            field.as_bytes(),
        ];
        parts.concat()
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectKey")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// A keyed hash of bytes that are not in the ledger, such as a request's body: who has the key and
/// the bytes can show that they belong together; without the key nothing can be guessed from it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Commitment {
    /// Name of the key.
    pub key: String,
    /// HMAC-SHA-256, base64.
    mac: String,
}

/// A key for commitments to bytes that are not about one person: one for a time, erased after.
pub struct CommitmentKey {
    name: String,
    key: hmac::Key,
}

impl CommitmentKey {
    /// From a name and 32 random bytes.
    pub fn new(name: &str, key: &[u8; 32]) -> Self {
        Self {
            name: name.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// Commits to `bytes` in the field `field` of the leaf `leaf`. For a large body, `bytes` is its
    /// SHA-256.
    pub fn commit(&self, leaf: LeafId, field: &str, bytes: &[u8]) -> Commitment {
        commitment(&self.key, &self.name, leaf, field, bytes)
    }

    /// Whether `bytes` are what was committed to, compared in constant time.
    pub fn verify(&self, leaf: LeafId, field: &str, bytes: &[u8], found: &Commitment) -> bool {
        let right = self.commit(leaf, field, bytes);
        right.key == found.key && bool::from(right.mac.as_bytes().ct_eq(found.mac.as_bytes()))
    }
}

impl fmt::Debug for CommitmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitmentKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The leaf's id is hashed with it: the same bytes committed to twice can't be seen to be the same.
fn commitment(key: &hmac::Key, name: &str, leaf: LeafId, field: &str, bytes: &[u8]) -> Commitment {
    let mut context = hmac::Context::with_key(key);
    context.update(COMMIT_LABEL);
    context.update(leaf.as_bytes());
    context.update(field.as_bytes());
    context.update(&[0]);
    context.update(bytes);
    Commitment {
        key: name.to_owned(),
        mac: base64::encode(context.sign().as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEAF: LeafId = LeafId::from_random([1; 16]);
    const SUBJECT: SubjectId = SubjectId::from_random([2; 16]);

    fn key() -> SubjectKey {
        SubjectKey::new(SUBJECT, &[3; 32])
    }

    #[test]
    fn opens_at_its_place_and_nowhere_else() {
        let sealed = key()
            .seal(LEAF, "source", b"198.51.100.7", [4; 12])
            .unwrap();
        assert_eq!(
            &**key().open(LEAF, "source", &sealed).unwrap(),
            b"198.51.100.7"
        );
        assert!(key().open(LEAF, "actor", &sealed).is_err());
        assert!(
            key()
                .open(LeafId::from_random([9; 16]), "source", &sealed)
                .is_err()
        );
        let other_key = SubjectKey::new(SUBJECT, &[5; 32]);
        assert!(other_key.open(LEAF, "source", &sealed).is_err());
        let other_subject = SubjectKey::new(SubjectId::from_random([8; 16]), &[3; 32]);
        assert!(other_subject.open(LEAF, "source", &sealed).is_err());
    }

    #[test]
    fn tells_neither_value_nor_length_nor_sameness() {
        let seal = |value: &[u8], nonce| key().seal(LEAF, "f", value, [nonce; 12]).unwrap();
        let text = serde_json::to_string(&seal(b"ann@example.com", 1)).unwrap();
        assert!(!text.contains("ann"));
        let length = |value: &[u8]| seal(value, 1).ciphertext.len();
        assert_eq!(length(b"a@b.example"), length(b"somebody.else@b.example"));
        assert_ne!(seal(b"a", 1).ciphertext, seal(b"a", 2).ciphertext);
        assert!(!format!("{:?}", key()).contains('3'));
    }

    #[test]
    fn commitments_hold_for_their_bytes_and_place_alone() {
        let key = CommitmentKey::new("2026-11", &[7; 32]);
        let made = key.commit(LEAF, "body", b"{}");
        assert!(key.verify(LEAF, "body", b"{}", &made));
        assert!(!key.verify(LEAF, "body", b"{ }", &made));
        assert!(!key.verify(LEAF, "answer", b"{}", &made));
        assert!(!key.verify(LeafId::from_random([9; 16]), "body", b"{}", &made));
        assert!(!CommitmentKey::new("2026-11", &[8; 32]).verify(LEAF, "body", b"{}", &made));
        assert_ne!(made, key.commit(LEAF, "bod", b"y{}"));
    }

    proptest! {
        #[test]
        fn sealing_round_trips(value in prop::collection::vec(any::<u8>(), 0..200), nonce in any::<[u8; 12]>()) {
            let sealed = key().seal(LEAF, "f", &value, nonce).unwrap();
            prop_assert_eq!(&**key().open(LEAF, "f", &sealed).unwrap(), &value);
        }

        #[test]
        fn hostile_sealed_values_are_refused(nonce in ".{0,20}", ciphertext in "[A-Za-z0-9+/=]{0,80}") {
            let sealed = Sealed { subject: SUBJECT, nonce, ciphertext };
            prop_assert!(key().open(LEAF, "f", &sealed).is_err());
        }
    }
}
