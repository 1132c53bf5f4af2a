//! The text form of a client key: making one and reading one.

use doorward_catalog::Environment;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use zeroize::Zeroize;

use crate::base62;
use crate::hash::{KeyHash, Pepper};
use crate::key_id::KeyId;

/// What every client key starts with.
pub const CLIENT_KEY_PREFIX: &str = "dwk_";

/// Characters in a client key. There are no shorter and no longer ones.
pub const CLIENT_KEY_LEN: usize = 4 + 1 + 1 + KeyId::LEN + 1 + SECRET_LEN + CHECKSUM_LEN;

const SECRET_LEN: usize = 43;
const CHECKSUM_LEN: usize = 6;

/// A client key just made: the only moment at which Doorward holds one whole.
///
/// It is shown to its owner once and then dropped (and wiped); the store keeps [`KeyHash`].
/// `Debug` shows the key id and nothing of the secret.
pub struct ClientKey {
    text: SecretString,
    environment: Environment,
    id: KeyId,
}

impl ClientKey {
    /// Random bytes that [`ClientKey::generate`] needs: 16 for the key id, 32 for the secret.
    pub const RANDOM_LEN: usize = 48;

    /// Makes the key that `random` determines. The bytes must come from the operating system's
    /// generator; the caller wipes its copy.
    pub fn generate(environment: Environment, random: &[u8; Self::RANDOM_LEN]) -> Self {
        let mut id = [0_u8; 16];
        let mut secret = [0_u8; 32];
        for (to, from) in id.iter_mut().chain(secret.iter_mut()).zip(random) {
            *to = *from;
        }
        let id = KeyId::from_random(id);
        let mut digits = base62::encode::<SECRET_LEN>(&mut secret);

        // Room for the whole key from the start: a growing string leaves copies behind.
        let mut text = String::with_capacity(CLIENT_KEY_LEN);
        text.push_str(CLIENT_KEY_PREFIX);
        text.push(environment.letter());
        text.push('_');
        text.push_str(id.as_str());
        text.push('_');
        text.extend(digits.iter().copied().map(char::from));
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.iter().copied().map(char::from));

        digits.zeroize();
        secret.zeroize();
        Self {
            text: text.into(),
            environment,
            id,
        }
    }

    /// Reads a client key that someone presents.
    ///
    /// Looks at no more than [`CLIENT_KEY_LEN`] characters, copies nothing, and says nothing of
    /// the key in its errors. That a key reads well says only that it was not mistyped or cut;
    /// whether it opens anything is for [`authenticate`](crate::authenticate).
    pub fn parse(text: &str) -> Result<ParsedKey<'_>, KeyFormatError> {
        if text.len() != CLIENT_KEY_LEN {
            return Err(KeyFormatError::Length(text.len()));
        }
        let bytes = text.as_bytes();
        let rest = bytes
            .strip_prefix(CLIENT_KEY_PREFIX.as_bytes())
            .ok_or(KeyFormatError::Prefix)?;
        let (environment, rest) = rest.split_first().ok_or(KeyFormatError::Prefix)?;
        let environment = Environment::from_letter(char::from(*environment))
            .ok_or(KeyFormatError::Environment)?;
        let rest = rest.strip_prefix(b"_").ok_or(KeyFormatError::Alphabet)?;
        let (id, rest) = rest
            .split_at_checked(KeyId::LEN)
            .ok_or(KeyFormatError::Alphabet)?;
        let id = KeyId::from_ascii(id).ok_or(KeyFormatError::Alphabet)?;
        let rest = rest.strip_prefix(b"_").ok_or(KeyFormatError::Alphabet)?;
        let (secret, found) = rest
            .split_at_checked(SECRET_LEN)
            .ok_or(KeyFormatError::Alphabet)?;
        if !base62::is_base62(rest) {
            return Err(KeyFormatError::Alphabet);
        }
        let covered = bytes
            .get(..CLIENT_KEY_LEN - CHECKSUM_LEN)
            .ok_or(KeyFormatError::Checksum)?;
        if found != checksum(covered) {
            return Err(KeyFormatError::Checksum);
        }
        if !base62::fits_32_bytes(secret) {
            return Err(KeyFormatError::Range);
        }
        Ok(ParsedKey {
            text,
            environment,
            id,
        })
    }

    /// The key's public id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The environment the key was made for.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The whole key, to be shown to its owner once.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// What the store keeps of the key.
    pub fn hash(&self, pepper: &Pepper) -> KeyHash {
        KeyHash::of(pepper, self.expose().as_bytes())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClientKey({CLIENT_KEY_PREFIX}{}_{}_…)",
            self.environment.letter(),
            self.id
        )
    }
}

/// A presented client key that is well formed: borrowed, so that no copy of it is left behind.
#[derive(Clone, Copy)]
pub struct ParsedKey<'a> {
    text: &'a str,
    environment: Environment,
    id: KeyId,
}

impl ParsedKey<'_> {
    /// The key's public id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The environment that the key claims.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The keyed hash of the whole key.
    pub fn hash(&self, pepper: &Pepper) -> KeyHash {
        KeyHash::of(pepper, self.text.as_bytes())
    }

    /// Whether this is the key that `stored` was made of. Takes the same time either way.
    pub fn matches(&self, pepper: &Pepper, stored: &KeyHash) -> bool {
        stored.verify(pepper, self.text.as_bytes())
    }
}

impl fmt::Debug for ParsedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ParsedKey({CLIENT_KEY_PREFIX}{}_{}_…)",
            self.environment.letter(),
            self.id
        )
    }
}

/// Why a text is not a client key. None of them shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFormatError {
    /// It has another length, in bytes.
    #[error("a client key has {CLIENT_KEY_LEN} characters, this has {0}; was it cut?")]
    Length(usize),
    /// It does not start with [`CLIENT_KEY_PREFIX`].
    #[error("a client key starts with {CLIENT_KEY_PREFIX}")]
    Prefix,
    /// The letter after the prefix is none of `d`, `s`, `p`.
    #[error("a client key has d, s or p after {CLIENT_KEY_PREFIX}")]
    Environment,
    /// A character is not base62, or an underscore is not where it belongs.
    #[error("a client key has only letters and digits between its three underscores")]
    Alphabet,
    /// The checksum is not that of the characters before it.
    #[error("the checksum of the client key does not fit; was it mistyped?")]
    Checksum,
    /// The secret part stands for a number of 2^256 or more.
    #[error("the secret part of the client key is out of range")]
    Range,
}

/// Base62 of the CRC-32 (IEEE 802.3) of `covered`, six digits.
fn checksum(covered: &[u8]) -> [u8; CHECKSUM_LEN] {
    base62::encode_small(crc32fast::hash(covered))
}
