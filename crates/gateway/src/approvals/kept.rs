//! The request that an approval is for: its digest, and how it is kept.

use bytes::Bytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

const SALT: &[u8] = b"doorward approvals 1";

/// A request as it would be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRequest {
    /// The method.
    pub method: String,
    /// Path and query, canonical.
    pub target: String,
    /// The sub-workspace acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_workspace: Option<String>,
    /// The body, which is JSON; `None` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// Shows nothing of it: it is people's data.
impl std::fmt::Debug for KeptRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptRequest").finish_non_exhaustive()
    }
}

/// What a digest is taken of.
pub(super) struct Exact<'a> {
    pub(super) client_id: &'a str,
    pub(super) workspace_id: &'a str,
    pub(super) as_workspace: Option<&'a str>,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) body: &'a Bytes,
}

/// The keys, derived from the audit key.
pub(super) struct Keys {
    digest: hmac::Key,
    seal: LessSafeKey,
    random: SystemRandom,
}

impl Keys {
    /// `None` when they can't be derived.
    pub(super) fn derive(audit_key: &SecretString) -> Option<Self> {
        let root = Salt::new(HKDF_SHA256, SALT).extract(audit_key.expose_secret().as_bytes());
        let digest = expand(&root, b"digest")?;
        let seal = expand(&root, b"seal")?;
        Some(Self {
            digest: hmac::Key::new(hmac::HMAC_SHA256, &digest),
            seal: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &seal).ok()?),
            random: SystemRandom::new(),
        })
    }

    /// HMAC-SHA-256 over the members, each behind its length. Keyed, since a plain hash of a small
    /// request could be tried against.
    pub(super) fn digest(&self, exact: &Exact<'_>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.digest);
        let mut add = |value: Option<&[u8]>| {
            let length = value.map_or(u64::MAX, |value| value.len() as u64);
            context.update(&length.to_be_bytes());
            context.update(value.unwrap_or_default());
        };
        add(Some(exact.client_id.as_bytes()));
        add(Some(exact.workspace_id.as_bytes()));
        add(exact.as_workspace.map(str::as_bytes));
        add(Some(exact.method.as_bytes()));
        add(Some(exact.path.as_bytes()));
        add(exact.query.map(str::as_bytes));
        add(Some(exact.body));
        let mut digest = [0; 32];
        let tag = context.sign();
        digest
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        digest
    }

    /// Nonce, then what is sealed, bound to the digest. `None` when there are no random numbers.
    pub(super) fn seal(&self, request: &KeptRequest, digest: &[u8; 32]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut text = serde_json::to_vec(request).ok()?;
        let sealing = Nonce::assume_unique_for_key(nonce);
        let sealed = self
            .seal
            .seal_in_place_append_tag(sealing, Aad::from(digest), &mut text);
        sealed.ok()?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut text);
        Some(sealed)
    }

    /// What [`seal`](Self::seal) made; `None` when it is something else.
    pub(super) fn open(&self, sealed: &[u8], digest: &[u8; 32]) -> Option<KeptRequest> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = sealed.to_vec();
        let opened = self.seal.open_in_place(nonce, Aad::from(digest), &mut text);
        serde_json::from_slice(opened.ok()?).ok()
    }
}

fn expand(root: &Prk, label: &[u8]) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    let info = [label];
    let okm = root.expand(&info, HKDF_SHA256).ok()?;
    okm.fill(&mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::derive(&"0123456789abcdef0123456789abcdef".into()).unwrap()
    }

    type Parts = (
        String,
        String,
        Option<String>,
        String,
        String,
        Option<String>,
        Vec<u8>,
    );

    fn digest(keys: &Keys, parts: &Parts) -> [u8; 32] {
        let (client_id, workspace_id, as_workspace, method, path, query, body) = parts;
        keys.digest(&Exact {
            client_id,
            workspace_id,
            as_workspace: as_workspace.as_deref(),
            method,
            path,
            query: query.as_deref(),
            body: &Bytes::from(body.clone()),
        })
    }

    #[test]
    fn what_is_sealed_opens_under_its_key_and_for_its_request_alone() {
        let keys = keys();
        let request = KeptRequest {
            method: "POST".to_owned(),
            target: "/api/v2/leads".to_owned(),
            as_workspace: None,
            body: Some("{\"email\":\"ann@example.com\"}".to_owned()),
        };
        let sealed = keys.seal(&request, &[1; 32]).unwrap();
        assert!(!sealed.windows(3).any(|window| window == b"ann"));
        assert_eq!(keys.open(&sealed, &[1; 32]), Some(request.clone()));
        assert_eq!(keys.open(&sealed, &[2; 32]), None);
        let other = Keys::derive(&"another key of thirty-two bytes!".into()).unwrap();
        assert_eq!(other.open(&sealed, &[1; 32]), None);
        assert_eq!(keys.open(&sealed[..5], &[1; 32]), None);
        assert_eq!(format!("{request:?}"), "KeptRequest { .. }");
    }

    proptest! {
        /// Whatever moves from one member to the next makes another request.
        #[test]
        fn no_two_requests_have_one_digest(a: Parts, b: Parts) {
            let keys = keys();
            prop_assert_eq!(digest(&keys, &a) == digest(&keys, &b), a == b);
        }

        #[test]
        fn one_byte_makes_another(mut parts: Parts, at: prop::sample::Index) {
            let keys = keys();
            parts.6.push(0);
            let before = digest(&keys, &parts);
            let at = at.index(parts.6.len());
            parts.6[at] ^= 1;
            prop_assert_ne!(digest(&keys, &parts), before);
        }
    }
}
