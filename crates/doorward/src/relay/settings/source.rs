//! What a source is set to, as the store keeps it.

use doorward_policy::WorkspaceKind;
use http::Uri;
use serde::{Deserialize, Serialize};

use super::{KeptSecret, ProofKept};

/// Most characters of a public address.
const URL_MAX: usize = 512;
/// Most networks that an allow list names.
pub(crate) const ALLOW_MAX: usize = 64;

/// What a source is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceSettings {
    /// Where Doorward is reached from outside, without `/in/…`.
    pub(crate) public_url: String,
    /// How a delivery proves itself, as it was typed: `header:X-Webhook-Secret`.
    pub(crate) proof: String,
    /// What it proves itself with: one, or two while they change. The newest first. None of a proof
    /// that says itself what it is held against.
    pub(crate) secrets: Vec<KeptSecret>,
    /// Proofs beside that one: every one must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<ProofKept>,
    /// The networks that deliveries may come from; any when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow: Vec<String>,
    /// The subscription at Instantly; none for a source that something else sends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<Subscription>,
}

impl SourceSettings {
    /// Every proof, in an order that stays when another comes first.
    pub(crate) fn proofs(&self) -> Vec<ProofKept> {
        let first = ProofKept {
            proof: self.proof.clone(),
            secrets: self.secrets.clone(),
        };
        let mut all: Vec<_> = self.also.iter().cloned().chain([first]).collect();
        all.sort_by(|one, other| one.proof.cmp(&other.proof));
        all
    }

    /// The proofs as they were said.
    pub(crate) fn said(&self) -> Vec<String> {
        let also = self.also.iter().map(|one| one.proof.clone());
        [self.proof.clone()].into_iter().chain(also).collect()
    }

    /// Takes these proofs, the first of them first. There is one at least.
    pub(crate) fn set_proofs(&mut self, mut proofs: Vec<ProofKept>) {
        if proofs.is_empty() {
            return;
        }
        let first = proofs.remove(0);
        (self.proof, self.secrets, self.also) = (first.proof, first.secrets, proofs);
    }
}

/// A subscription that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    /// Instantly's id of it.
    pub(crate) id: String,
    /// What is subscribed to; none for a custom label.
    pub(crate) event: Option<String>,
    /// Only this campaign's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) campaign: Option<String>,
}

/// The address that a source is reached at from outside, without an end.
///
/// # Errors
/// When it is none, or carries what belongs to nobody else: Instantly of a live workspace sends over
/// the open network.
pub(crate) fn check_public_url(text: &str, kind: WorkspaceKind) -> Result<String, String> {
    let none = || "it is no address; write one like https://hooks.example.com".to_owned();
    let url: Uri = text.parse().map_err(|_| none())?;
    let authority = url.authority().ok_or_else(none)?;
    if text.len() > URL_MAX {
        return Err("it is longer than 512 characters".to_owned());
    }
    if authority.as_str().contains('@') {
        return Err(
            "it has a user in it: whoever reads the subscription would read that".to_owned(),
        );
    }
    if text.contains(['?', '#']) {
        return Err("it has a query or a fragment; the way ends with /in/SOURCE".to_owned());
    }
    match (url.scheme_str(), kind) {
        (Some("https"), _) | (Some("http"), WorkspaceKind::Sandbox) => {}
        (Some("http"), WorkspaceKind::Live) => {
            return Err(
                "over plain http everybody on the way reads the secret and the events; put TLS before \
                 it"
                .to_owned(),
            );
        }
        _ => return Err("it is not https".to_owned()),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_https_and_carries_nothing() {
        let live = |text: &str| check_public_url(text, WorkspaceKind::Live);
        assert_eq!(
            live("https://hooks.example.com/").unwrap(),
            "https://hooks.example.com"
        );
        assert_eq!(
            live("https://example.com/doorward/").unwrap(),
            "https://example.com/doorward"
        );
        for bad in [
            "http://hooks.example.com",
            "ftp://hooks.example.com",
            "hooks.example.com",
            "https://u:p@hooks.example.com",
            "https://hooks.example.com/?key=1",
            "https://hooks.example.com/#x",
            "",
        ] {
            assert!(live(bad).is_err(), "{bad}");
        }
        check_public_url("http://127.0.0.1:4182", WorkspaceKind::Sandbox).unwrap();
    }
}
