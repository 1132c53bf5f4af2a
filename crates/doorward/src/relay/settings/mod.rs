//! What sources and destinations are set to, as the store keeps it.

mod destination;
mod proof;
mod source;

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use destination::{
    ClientCertificate, DestinationSettings, Form, HeaderValue, check_target,
};
pub(crate) use proof::{ProofKept, ProofSettings, WEBHOOK_PROOF, parse_proofs};
pub(crate) use source::{ALLOW_MAX, SourceSettings, Subscription, check_public_url};

/// A secret of a source or a destination, by where it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptSecret {
    /// Reference to it.
    pub(crate) reference: String,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// Until when it is used; none for the one in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
}

impl KeptSecret {
    /// Whether it is used at that time.
    pub(crate) fn is_used(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}
