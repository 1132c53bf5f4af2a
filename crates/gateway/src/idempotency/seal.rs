//! Names and fingerprints of writes, and the sealing of their answers: of the key, the request and
//! the answer nothing can be read from the store.

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_store::IdempotencyId;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use super::key::IdempotencyKey;
use crate::error::Error;
use crate::request::body::HeldBody;

const SALT: &[u8] = b"doorward idempotency v1";
const NAMES: &[u8] = b"names";
const FINGERPRINTS: &[u8] = b"fingerprints";
const ANSWERS: &[u8] = b"answers";

/// An answer as the API gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) content_encoding: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

impl Kept {
    /// An answer by its head and its whole body.
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        Self {
            status,
            content_type: headers.get(CONTENT_TYPE).cloned(),
            content_encoding: headers.get(CONTENT_ENCODING).cloned(),
            body: body.clone(),
        }
    }

    /// The status in two bytes, then each header with its length in two, then the body.
    fn write(&self) -> Vec<u8> {
        let mut bytes = self.status.as_u16().to_be_bytes().to_vec();
        for value in [&self.content_type, &self.content_encoding] {
            let value = value.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
            // A header too long for that is left out.
            let length = u16::try_from(value.len()).unwrap_or_default();
            bytes.extend(length.to_be_bytes());
            bytes.extend(value.iter().take(length.into()));
        }
        bytes.extend(&self.body);
        bytes
    }

    fn read(bytes: Bytes) -> Option<Self> {
        let mut rest = bytes;
        let number = |rest: &mut Bytes| {
            let (two, _) = rest.split_first_chunk::<2>()?;
            let number = u16::from_be_bytes(*two);
            *rest = rest.slice(2..);
            Some(number)
        };
        let status = StatusCode::from_u16(number(&mut rest)?).ok()?;
        let header = |rest: &mut Bytes| {
            let length = usize::from(number(rest)?);
            let value = (length <= rest.len()).then(|| rest.split_to(length))?;
            let value = HeaderValue::from_maybe_shared(value).ok()?;
            Some(Some(value).filter(|value| !value.is_empty()))
        };
        let (content_type, content_encoding) = (header(&mut rest)?, header(&mut rest)?);
        Some(Self {
            status,
            content_type,
            content_encoding,
            body: rest,
        })
    }
}

/// Whose key it is, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) client: &'a str,
    pub(crate) as_workspace: Option<&'a str>,
    pub(crate) op: Op,
}

/// The keys that all of it is made with.
pub(crate) struct Sealer {
    names: hmac::Key,
    fingerprints: hmac::Key,
    answers: LessSafeKey,
    random: SystemRandom,
}

impl Sealer {
    /// Keys derived from a secret that this installation keeps.
    pub(crate) fn new(secret: &SecretString) -> Result<Self, Error> {
        let root = Salt::new(HKDF_SHA256, SALT).extract(secret.expose_secret().as_bytes());
        let info = [ANSWERS];
        let answers = root.expand(&info, &AES_256_GCM);
        let answers = UnboundKey::from(answers.map_err(|_| Error::Derive)?);
        Ok(Self {
            names: mac_key(&root, NAMES)?,
            fingerprints: mac_key(&root, FINGERPRINTS)?,
            answers: LessSafeKey::new(answers),
            random: SystemRandom::new(),
        })
    }

    /// The name of the write that a key stands for.
    pub(crate) fn name(&self, whose: Whose<'_>, key: &IdempotencyKey) -> IdempotencyId {
        IdempotencyId::new(mac(
            &self.names,
            &[
                whose.workspace.as_bytes(),
                whose.client.as_bytes(),
                // Ids are not empty: none is told apart from any.
                whose.as_workspace.unwrap_or_default().as_bytes(),
                whose.op.id().as_bytes(),
                key.as_str().as_bytes(),
            ],
        ))
    }

    /// What tells one request from another: method, target and body.
    pub(crate) fn fingerprint(
        &self,
        op: Op,
        target: &PathAndQuery,
        body: Option<&HeldBody>,
    ) -> [u8; 32] {
        let body = body.map(HeldBody::sha256);
        mac(
            &self.fingerprints,
            &[
                op.facts().method.as_str().as_bytes(),
                target.as_str().as_bytes(),
                body.as_ref().map_or(&b""[..], <[u8; 32]>::as_slice),
            ],
        )
    }

    /// Seals the answer to a write.
    pub(crate) fn seal(&self, id: &IdempotencyId, answer: &Kept) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = answer.write();
        let tag = self
            .answers
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id.bytes()),
                &mut sealed,
            )
            .ok()?;
        let mut whole = nonce.to_vec();
        whole.extend(sealed);
        whole.extend(tag.as_ref());
        Some(whole)
    }

    /// Opens what [`seal`](Self::seal) made for the same write.
    pub(crate) fn open(&self, id: &IdempotencyId, sealed: &[u8]) -> Option<Kept> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .answers
            .open_in_place(nonce, Aad::from(id.bytes()), &mut bytes)
            .ok()?
            .len();
        bytes.truncate(opened);
        Kept::read(bytes.into())
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

fn mac_key(root: &Prk, label: &[u8]) -> Result<hmac::Key, Error> {
    let info = [label];
    let key = root.expand(&info, hmac::HMAC_SHA256);
    Ok(hmac::Key::from(key.map_err(|_| Error::Derive)?))
}

/// Each part goes in with its length, so that no two lists of parts are one text.
fn mac(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.iter_mut()
        .zip(context.sign().as_ref())
        .for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealer(letter: &str) -> Sealer {
        Sealer::new(&letter.repeat(32).into()).unwrap()
    }

    fn kept(body: &'static str) -> Kept {
        Kept {
            status: StatusCode::CREATED,
            content_type: Some(HeaderValue::from_static("application/json")),
            content_encoding: None,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn an_answer_opens_for_its_write_under_its_key_alone() {
        let (one, two) = (IdempotencyId::new([1; 32]), IdempotencyId::new([2; 32]));
        let sealed = sealer("a").seal(&one, &kept("{\"who\":\"ann\"}")).unwrap();
        assert!(!sealed.windows(3).any(|part| part == b"ann"));
        assert_eq!(
            sealer("a").open(&one, &sealed),
            Some(kept("{\"who\":\"ann\"}"))
        );
        assert_eq!(sealer("a").open(&two, &sealed), None);
        assert_eq!(sealer("b").open(&one, &sealed), None);
        for cut in [0, 11, 12, sealed.len() - 1] {
            assert_eq!(sealer("a").open(&one, &sealed[..cut]), None);
        }
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert_eq!(sealer("a").open(&one, &changed), None);
    }

    #[test]
    fn a_name_is_of_one_client_workspace_and_operation() {
        let sealer = sealer("a");
        let key = IdempotencyKey::parse(b"k").unwrap();
        let whose = Whose {
            workspace: "ws_1",
            client: "cl_1",
            as_workspace: None,
            op: Op::CreateLead,
        };
        let name = |whose| sealer.name(whose, &key);
        let first = name(whose);
        assert_eq!(first, name(whose));
        for other in [
            Whose {
                workspace: "ws_2",
                ..whose
            },
            Whose {
                client: "cl_2",
                ..whose
            },
            Whose {
                as_workspace: Some("s"),
                ..whose
            },
            Whose {
                op: Op::PatchLead,
                ..whose
            },
            // The same letters, split elsewhere.
            Whose {
                workspace: "ws_1c",
                client: "l_1",
                ..whose
            },
        ] {
            assert_ne!(first, name(other));
        }
        assert_ne!(
            first,
            sealer.name(whose, &IdempotencyKey::parse(b"l").unwrap())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(kept) = Kept::read(bytes.clone().into()) {
                prop_assert_eq!(kept.write(), bytes);
            }
        }
    }
}
