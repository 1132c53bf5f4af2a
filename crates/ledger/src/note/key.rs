//! Public keys, in the text form that is handed to whoever verifies.

use std::fmt;
use std::str::FromStr;

use ring::signature::{ED25519, UnparsedPublicKey};

use super::{KeyId, KeyName};
use crate::{Error, Result, base64};

/// What a key's signatures mean; the byte that stands for it in the key's text and id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureKind {
    /// `0x01`: Ed25519 over the note's text. A log signs so.
    Ed25519,
    /// `0x04`: a witness's Ed25519 over a time and the checkpoint (C2SP tlog-cosignature).
    CosignatureV1,
}

impl SignatureKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::CosignatureV1 => 4,
        }
    }
}

/// A public key: `<name>+<key id>+<base64 of kind and key>` as text. It is all that a verifier must
/// know of a log or a witness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    kind: SignatureKind,
    public_key: [u8; 32],
}

impl VerifierKey {
    /// From a name and an Ed25519 public key.
    pub fn new(name: KeyName, kind: SignatureKind, public_key: [u8; 32]) -> Self {
        Self {
            id: KeyId::of(&name, kind.byte(), &public_key),
            name,
            kind,
            public_key,
        }
    }

    /// The key's name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What its signatures mean.
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The Ed25519 public key.
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Whether `signature`, without the key id, is this key's over the note with this text.
    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.public_key);
        match self.kind {
            SignatureKind::Ed25519 => key.verify(text.as_bytes(), signature).is_ok(),
            SignatureKind::CosignatureV1 => {
                split_cosignature(signature).is_some_and(|(time, signature)| {
                    key.verify(cosigned_message(time, text).as_bytes(), signature)
                        .is_ok()
                })
            }
        }
    }
}

/// What a witness signs: the time, in seconds since 1970, and the whole text of the checkpoint.
pub(crate) fn cosigned_message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// The time in a cosignature, in seconds since 1970, and the Ed25519 signature after it.
pub(crate) fn split_cosignature(signature: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (i64::try_from(time).is_ok() && signature.len() == 64).then_some((time, signature))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend(self.public_key);
        write!(f, "{}+{}+{}", self.name, self.id, base64::encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fault = |why| Error::malformed("a verifier key", why);
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fault("it is not `<name>+<key id>+<base64>`"));
        };
        let key: [u8; 33] =
            base64::decode_array(key).ok_or(fault("its key is not 33 bytes in base64"))?;
        let [kind, public_key @ ..] = key;
        let kind = match kind {
            1 => SignatureKind::Ed25519,
            4 => SignatureKind::CosignatureV1,
            _ => return Err(fault("its kind of signature is not known")),
        };
        let read = Self::new(KeyName::new(name)?, kind, public_key);
        if read.id != id.parse()? {
            return Err(fault("its key id does not belong to its name and key"));
        }
        Ok(read)
    }
}
