//! The kinds of leaves, and what each says beyond the act.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Body, Commitment, LeafId, Sealed, SubjectId};

/// A kind of leaf; as JSON, its name in `kind` and its members beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A call is about to be forwarded. Durable before it is.
    Intent {
        /// The operation's id.
        operation: String,
        /// The request's body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Body>,
        /// What the decision depended on, sealed in the field `inputs`, to decide it again later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Sealed>,
    },
    /// How a call ended. A read has no other leaf.
    Outcome {
        /// The leaf of its intent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<LeafId>,
        /// The operation's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<String>,
        /// The status that the caller got; absent if it got none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// From the request's head to the answer's end, in microseconds.
        latency_us: u64,
        /// The request's body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Body>,
        /// The answer's body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Body>,
    },
    /// A call was refused.
    Decision {
        /// The operation's id, if it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<String>,
        /// The status that the caller got.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// What the decision depended on, sealed in the field `inputs`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Sealed>,
    },
    /// Calls of strangers at one door in one minute, counted so that they can't fill the log.
    Refusals {
        /// Where they came.
        door: Door,
        /// The minute's begin, RFC 3339.
        since: String,
        /// How many.
        count: u64,
        /// How many for each reason.
        reasons: BTreeMap<String, u64>,
    },
    /// A client came, changed or went.
    Client {
        /// What happened to it.
        change: Change,
    },
    /// A client key came, changed or went.
    ClientKey {
        /// What happened to it.
        change: Change,
    },
    /// An upstream key came, changed or went.
    UpstreamKey {
        /// What happened to it.
        change: Change,
    },
    /// One step of a rotation.
    Rotation {
        /// The rotation's id.
        rotation: String,
        /// The step.
        step: RotationStep,
        /// Doorward's id of the key that goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Doorward's id of the key that comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A webhook was taken in.
    WebhookReceived {
        /// The source it came to.
        webhook_source: String,
        /// The event's id.
        event: String,
        /// Its type, such as `reply_received`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event_type: Option<String>,
        /// Its body.
        body: Body,
    },
    /// What came to one source in a minute, or less when much came: each delivery was on disk before it
    /// was acknowledged.
    WebhooksReceived {
        /// The source they came to.
        webhook_source: String,
        /// The minute's begin, RFC 3339.
        since: String,
        /// Deliveries that were stored as events.
        stored: u64,
        /// Deliveries of events that were there already.
        known: u64,
        /// Of both, those that are kept apart.
        quarantined: u64,
        /// SHA-256 of the stored events' ids, 16 bytes each in ascending order, as hexadecimal digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// A webhook was authentic and did not fit; it is kept apart.
    WebhookQuarantined {
        /// The source it came to.
        webhook_source: String,
        /// The event's id.
        event: String,
        /// Its body.
        body: Body,
    },
    /// An event reached a destination.
    WebhookDelivered {
        /// The event's id.
        event: String,
        /// The destination's id.
        destination: String,
        /// Tries it took.
        attempts: u32,
        /// The status that the destination answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// An event will not be tried again.
    WebhookGivenUp {
        /// The event's id.
        event: String,
        /// The destination's id.
        destination: String,
        /// Tries made.
        attempts: u32,
    },
    /// Something done by way of administration that has no kind of its own.
    Admin,
    /// An approval was asked for, given or refused.
    Approval {
        /// The approval's id.
        approval: String,
        /// What happened to it.
        change: Change,
    },
    /// The configuration changed.
    Configuration {
        /// Names of the settings that changed, never their values.
        changed: Vec<String>,
        /// Commitment to the new configuration, in the field `configuration`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commitment: Option<Commitment>,
    },
    /// The policy changed.
    Policy {
        /// The version now in force.
        version: String,
        /// Commitment to it, in the field `policy`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commitment: Option<Commitment>,
    },
    /// A secret was read; which one, never its value.
    SecretRead {
        /// The reference, such as `file:///etc/doorward/pepper`.
        reference: String,
    },
    /// A check or a scan found something, or found it mended.
    Finding {
        /// The check's id.
        check: String,
        /// How bad it is.
        severity: Severity,
        /// Whether it is there.
        state: FindingState,
    },
    /// A subject's key and index entry were destroyed: its sealed values are noise from now on.
    Erasure {
        /// Whose.
        subject: SubjectId,
    },
    /// An application's own word, taken as it is and checked for its form alone.
    Claim {
        /// What it says, sealed in the field `claim`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<Sealed>,
    },
    /// Somebody looked through the record and signed it off.
    Review {
        /// First leaf looked at.
        first: u64,
        /// Last leaf looked at.
        last: u64,
        /// What stood out, by the name of its group.
        counts: BTreeMap<String, u64>,
        /// The reviewer's words, sealed in the field `note`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Sealed>,
    },
    /// The state of the ledger itself: opened, disk full, clock gone backwards, a tail cut off.
    State {
        /// A code, such as `opened`, `closed`, `disk_full`, `disk_free`, `clock_back`, `tail_cut`.
        state: String,
    },
    /// A signing key of the ledger came or went.
    LedgerKey {
        /// What happened to it.
        change: Change,
        /// The public key as text.
        verifier_key: String,
    },
}

/// What happened to a thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// It was made or added.
    Created,
    /// It was changed.
    Updated,
    /// It was switched on.
    Enabled,
    /// It was switched off.
    Disabled,
    /// It was revoked.
    Revoked,
    /// It came to its end.
    Expired,
    /// It was taken away.
    Deleted,
    /// It was used where it should not be.
    Misused,
    /// It was asked for.
    Requested,
    /// It was granted.
    Granted,
    /// It was refused.
    Denied,
}

/// A rotation's step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RotationStep {
    /// It began.
    Started,
    /// The new key was made.
    Created,
    /// Keys that a lost answer may have left were looked for and deleted.
    Cleared,
    /// The new key's value is kept.
    Stored,
    /// The new key was tried and works.
    Verified,
    /// The new key is in use.
    Switched,
    /// Somebody outside who holds the key was given it.
    Told,
    /// The old key is not used any more.
    Drained,
    /// The old key was revoked.
    Revoked,
    /// The old key was tried and is dead.
    Confirmed,
    /// The value of a key that is dead was erased.
    Forgotten,
    /// It is done.
    Finished,
    /// It goes back.
    TurnedBack,
    /// The old key is in use again.
    SwitchedBack,
    /// All is as it was before.
    RolledBack,
    /// A step was not done, and is tried again.
    Failed,
    /// The program was started anew, and it goes on.
    Resumed,
    /// It stands still and somebody must look.
    Stuck,
    /// Somebody left it as it is.
    Abandoned,
}

/// Where strangers come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The gateway.
    Out,
    /// The relay.
    In,
    /// The admin API.
    Admin,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To know.
    Info,
    /// To mend some day.
    Low,
    /// To mend.
    Medium,
    /// To mend soon.
    High,
    /// To mend now.
    Critical,
}

/// Whether a finding is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It is there.
    Open,
    /// It is gone.
    Mended,
    /// Somebody decided to live with it.
    Accepted,
}
