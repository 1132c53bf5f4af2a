//! What can be asked of the record, beyond reading the ledger's folder: people, keys, marks.

use std::collections::BTreeMap;

use doorward_audit::Person;
use doorward_audit::reconcile::Report;
use doorward_ledger::SubjectId;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

/// Most entries that one [`AuditShow`] asks for.
pub(crate) const SHOWN_MAX: usize = 500;

/// Which subjects stand for a person?
#[derive(Serialize, Deserialize)]
pub(crate) struct AuditFind {
    /// An e-mail address, an IP address or a name.
    pub(crate) person: String,
}

/// A subject that stands for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoundPerson {
    /// Its id.
    pub(crate) subject: SubjectId,
    /// What kind of value stands for the person: `email`, `ip`, `actor`, `admin`.
    pub(crate) kind: String,
}

/// Entries with people's values in clear.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditShow {
    /// Their places in the ledger, at most [`SHOWN_MAX`].
    pub(crate) sequences: Vec<u64>,
}

/// The checkpoint that the store holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditAnchor {
    /// The ledger's name.
    pub(crate) origin: String,
}

/// The checkpoint that the store holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Anchored {
    /// The signed note; none when the store knows no such ledger.
    pub(crate) checkpoint: Option<String>,
}

/// Forgets a person.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditErase {
    /// Who.
    pub(crate) subject: SubjectId,
    /// Who asks; set where it is carried out.
    #[serde(skip)]
    pub(crate) by: Option<Person>,
}

/// Destroys the key that a month's bodies were committed to under.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditEraseMonth {
    /// The month, such as `2026-01`.
    pub(crate) month: String,
    /// Who asks; set where it is carried out.
    #[serde(skip)]
    pub(crate) by: Option<Person>,
}

/// Where something was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    /// Place in the ledger.
    pub(crate) seq: u64,
}

/// Removes old leaves.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditPrune {
    /// The first leaf that is kept.
    pub(crate) before: u64,
}

/// What pruning left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pruned {
    /// The first leaf that is kept.
    pub(crate) minimum: u64,
}

/// Somebody looked through the record and signs it off.
#[derive(Serialize, Deserialize)]
pub(crate) struct AuditReview {
    /// First leaf looked at.
    pub(crate) first: u64,
    /// Last leaf looked at.
    pub(crate) last: u64,
    /// What stood out, by the name of its group.
    pub(crate) counts: BTreeMap<String, u64>,
    /// The reviewer's words.
    pub(crate) note: Option<String>,
    /// Who asks; set where it is carried out.
    #[serde(skip)]
    pub(crate) by: Option<Person>,
}

/// Makes the ledger's next signing key, or ends the rotation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditRotate {
    /// Take the old key's secret away.
    pub(crate) finish: bool,
    /// Who asks; set where it is carried out.
    #[serde(skip)]
    pub(crate) by: Option<Person>,
}

/// The ledger's keys after a rotation's step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotated {
    /// Every public key and what it does from the next start on.
    pub(crate) keys: Vec<(String, KeyDuty)>,
    /// Whether a server runs that goes on with the keys it was started with.
    pub(crate) restart: bool,
}

/// What a signing key of the ledger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyDuty {
    /// It signs.
    Signs,
    /// It signs beside the first.
    SignsBeside,
    /// It signed before.
    Signed,
}

/// Holds Instantly's own audit log against the ledger.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditReconcile {
    /// From this time on.
    pub(crate) since: Timestamp,
    /// Read what is new in Instantly's log first.
    pub(crate) fetch: bool,
}

/// What that came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reconciled {
    /// What was found.
    pub(crate) report: Report,
    /// Records of Instantly's that were new.
    pub(crate) new_records: u64,
    /// What there is to say of reading them, by workspace.
    pub(crate) told: Vec<String>,
}
