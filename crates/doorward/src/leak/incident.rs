//! The incident report.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::deeds::Deeds;
use super::dying::Proof;
use super::found::Found;
use super::radius::Reach;

/// What happened, told for people and programs. Holds no key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Incident {
    /// Its name.
    pub(crate) id: String,
    /// Which key.
    pub(crate) subject: Subject,
    /// When the answer began.
    pub(crate) began_at: Timestamp,
    /// When the report was written.
    pub(crate) written_at: Timestamp,
    /// When the key was revoked, as far as Doorward did or saw it.
    pub(crate) revoked_at: Option<Timestamp>,
    /// Milliseconds from that to the first of the refusals that prove it dead.
    pub(crate) millis_to_401: Option<i64>,
    /// Whether it is known to be dead.
    pub(crate) dead: bool,
    /// The refusals that prove it.
    pub(crate) proof: Option<Proof>,
    /// Why there is none, or what it rests on.
    pub(crate) proof_note: Option<String>,
    /// The rotation that replaced it.
    pub(crate) rotation: Option<String>,
    /// Public id of the client key that was issued in its place.
    pub(crate) reissued: Option<String>,
    /// What happened when.
    pub(crate) timeline: Vec<Moment>,
    /// What it could have done.
    pub(crate) radius: Vec<Reach>,
    /// What it did.
    pub(crate) deeds: Deeds,
    /// What is left to do.
    pub(crate) next: Vec<String>,
}

/// The key in question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// For people.
    pub(crate) title: String,
    /// All that is known of it.
    #[serde(flatten)]
    pub(crate) found: Found,
}

/// A moment of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) what: String,
}

impl Moment {
    pub(crate) fn new(at: Timestamp, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }
}
