//! Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

use std::time::Duration;

use base64::Engine;
use doorward_policy::Timestamp;
use ring::signature::{ED25519, UnparsedPublicKey};
use subtle::Choice;
use zeroize::Zeroizing;

use super::mac::{Hashing, Macs, SIGNATURES, base64, lenient, near};
use super::schemes::Why;
use super::secrets::Match;
use super::shared::one;
use crate::head::Head;

/// Bytes of a symmetric key, as the specification has them.
pub(crate) const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most bytes of an id.
const ID_MAX: usize = 256;

/// What a signature is checked with.
#[derive(Clone)]
pub(crate) enum Key {
    /// `whsec_`: HMAC-SHA-256.
    Symmetric(Zeroizing<Vec<u8>>),
    /// `whpk_`: Ed25519.
    Public([u8; 32]),
}

impl Key {
    /// From its text; `None` when it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(encoded) = text.strip_prefix("whpk_") {
            return base64(encoded.as_bytes()).map(Self::Public);
        }
        let encoded = text.strip_prefix("whsec_")?;
        let bytes = Zeroizing::new(lenient().decode(encoded).ok()?);
        KEY_BYTES
            .contains(&bytes.len())
            .then_some(Self::Symmetric(bytes))
    }
}

/// One or two keys, of either kind.
#[derive(Clone)]
pub(crate) struct StandardKeys {
    symmetric: Option<Macs>,
    /// Whether the first of the symmetric keys is the current one of all.
    symmetric_first: bool,
    /// Public keys, with whether each is the current one of all.
    public: Vec<([u8; 32], bool)>,
    tolerance: Duration,
}

impl StandardKeys {
    pub(crate) fn new(current: &Key, other: Option<&Key>, tolerance: Duration) -> Self {
        let keys = [(Some(current), true), (other, false)];
        let keys = keys
            .into_iter()
            .filter_map(|(key, first)| Some((key?, first)));
        let (mut symmetric, mut public) = (Vec::new(), Vec::new());
        for (key, first) in keys {
            match key {
                Key::Symmetric(bytes) => symmetric.push((bytes, first)),
                Key::Public(key) => public.push((*key, first)),
            }
        }
        let first = symmetric.first();
        Self {
            symmetric_first: first.is_some_and(|(_, first)| *first),
            symmetric: first.map(|(bytes, _)| {
                let other = symmetric.get(1).map(|(bytes, _)| bytes.as_slice());
                Macs::new(bytes, other)
            }),
            public,
            tolerance,
        }
    }

    /// Whether the whole body must be held to check a signature.
    pub(crate) fn wants_whole(&self) -> bool {
        !self.public.is_empty()
    }

    pub(crate) fn begin(&self, head: &dyn Head, now: Timestamp) -> Result<Signed, Why> {
        let id = one(head, "webhook-id")?;
        // A point in the id would let a message be read as another with another time.
        let plain = id
            .iter()
            .all(|byte| byte.is_ascii_graphic() && *byte != b'.');
        if id.is_empty() || !plain {
            return Err(Why::Malformed);
        }
        if id.len() > ID_MAX {
            return Err(Why::TooLong);
        }
        let time = one(head, "webhook-timestamp")?;
        let list = one(head, "webhook-signature")?;
        let (mut macs, mut signatures) = (Vec::new(), Vec::new());
        for (at, part) in list.split(|byte| *byte == b' ').enumerate() {
            if at >= SIGNATURES {
                return Err(Why::TooLong);
            }
            if let Some(signature) = part.strip_prefix(b"v1,") {
                macs.extend(base64::<32>(signature));
            } else if let Some(signature) = part.strip_prefix(b"v1a,") {
                signatures.extend(base64::<64>(signature));
            }
        }
        if macs.is_empty() && signatures.is_empty() {
            return Err(Why::Malformed);
        }
        let at = near(time, now, self.tolerance)?;
        let head = [id, b".", time, b"."].concat();
        let hashing = self.symmetric.as_ref().map(|keys| {
            let mut hashing = keys.begin(macs);
            hashing.update(&head);
            hashing
        });
        Ok(Signed {
            id: id.to_vec(),
            at,
            hashing,
            symmetric_first: self.symmetric_first,
            public: self.public.clone(),
            signatures,
            head,
        })
    }
}

/// A message whose body is still to come.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) id: Vec<u8>,
    pub(crate) at: Timestamp,
    hashing: Option<Hashing>,
    symmetric_first: bool,
    public: Vec<([u8; 32], bool)>,
    signatures: Vec<[u8; 64]>,
    /// What is signed before the body.
    head: Vec<u8>,
}

impl Signed {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(hashing) = &mut self.hashing {
            hashing.update(bytes);
        }
    }

    /// With the body whole, for signatures that can't be checked piece by piece.
    pub(crate) fn finish(mut self, body: Option<&[u8]>) -> Match {
        let mut all = self
            .hashing
            .take()
            .map_or_else(Match::none, Hashing::finish);
        if !self.symmetric_first {
            // The only symmetric key is the other one of two.
            all = Match {
                current: Choice::from(0),
                other: all.current | all.other,
            };
        }
        let Some(body) = body.filter(|_| !self.public.is_empty()) else {
            return all;
        };
        self.head.extend_from_slice(body);
        for (key, first) in &self.public {
            let key = UnparsedPublicKey::new(&ED25519, key);
            let valid = |signature: &[u8; 64]| key.verify(&self.head, signature).is_ok();
            let holds = Choice::from(u8::from(self.signatures.iter().any(valid)));
            all = all.or(match first {
                true => Match {
                    current: holds,
                    other: Choice::from(0),
                },
                false => Match {
                    current: Choice::from(0),
                    other: holds,
                },
            });
        }
        all
    }
}
