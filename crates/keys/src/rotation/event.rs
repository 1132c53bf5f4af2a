//! What is done in a rotation, and what may come of it.

use doorward_catalog::ScopeSet;
use doorward_policy::Timestamp;

use super::phase::NewKey;

/// What is to be done now. The rotation's state must be durable before it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a key at Instantly. → [`Event::Created`]
    Create {
        /// Its name.
        name: String,
        /// Its scopes.
        scopes: ScopeSet,
    },
    /// List the keys at Instantly and delete those whose names begin so. → [`Event::Swept`]
    Sweep {
        /// What the names begin with.
        prefix: String,
        /// Instantly's id of the one that stays.
        keep: Option<String>,
        /// Instantly's id of one that goes whether it is listed or not; that there is none is as good.
        also: Option<String>,
    },
    /// Keep the value of the key that was made, durably, beside the old one. → [`Event::Stored`]
    Store,
    /// Look whether that was done. → [`Event::Recovered`], [`Event::NotThere`]
    Recover,
    /// Compare the scopes that Instantly lists with the plan, and make one read under the key. Never
    /// a write. → [`Event::Verified`]
    Verify,
    /// Let all calls from now on go out under the new key, the old one behind it.
    /// → [`Event::Promoted`]
    Promote,
    /// Give this consumer the new key. → [`Event::Told`]
    Tell {
        /// Name of the consumer.
        consumer: String,
    },
    /// Look at what is under way; where the new key carried nothing yet, make a read under it.
    /// → [`Event::Looked`]
    Look,
    /// Make a read under the new key. → [`Event::NewWorks`]
    Confirm,
    /// Delete the old key at Instantly; that there is none is as good. → [`Event::Revoked`]
    Revoke {
        /// Instantly's id of it.
        api_key_id: String,
    },
    /// Make a call under the old key that it covered. → [`Event::Refused`], [`Event::Alive`],
    /// [`Event::Unprovable`]
    Probe,
    /// Erase the old key's value. → [`Event::Forgot`]
    Forget,

    /// Make a read under the old key. → [`Event::OldWorks`], [`Event::OldDead`],
    /// [`Event::Unprovable`]
    Weigh,
    /// Let all calls from now on go out under the old key. → [`Event::Demoted`]
    Demote,
    /// Give this consumer the old key again. → [`Event::Told`]
    Untell {
        /// Name of the consumer.
        consumer: String,
    },
    /// Erase the new key's value. → [`Event::Erased`]
    Erase,

    /// Nothing before this time.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
    /// Nothing, until a person says so.
    Ask,
    /// Nothing any more.
    Over,
}

/// What was seen of the calls under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Calls of Doorward's under way under the old key.
    pub old_under_way: u64,
    /// Calls of Doorward's under way under the new key.
    pub new_under_way: u64,
    /// Whether the new key carried a call and was accepted.
    pub new_carried: bool,
    /// Whether the new key was taken for dead.
    pub new_refused: bool,
    /// Whether each consumer that is waited for has acknowledged.
    pub acknowledged: bool,
    /// When the old key was last seen in use outside Doorward; `None` when it never was.
    pub old_seen: Option<Timestamp>,
    /// Up to when it is known whether the old key was used outside Doorward; `None` when it is not
    /// known at all. Silence is counted up to here, and no further.
    pub outside_to: Option<Timestamp>,
}

/// What came of a step, or happened beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It may begin.
    Begin,
    /// The program was started anew: what was under way may or may not have been done.
    Restarted,
    /// A person wants to go back.
    Abort {
        /// Who, or why.
        why: String,
    },
    /// A person wants a rotation that is stuck to go on.
    Resume,
    /// A person leaves a rotation as it is that is stuck, or whose old key is dead.
    Abandon {
        /// Who, or why.
        why: String,
    },
    /// A person says that this consumer needs no more telling, and is not waited for.
    Skip {
        /// Name of the consumer.
        consumer: String,
    },
    /// The old key leaked meanwhile: it is to die before anybody else is served.
    Hurry,
    /// Another key makes, lists and revokes keys.
    Managed {
        /// Doorward's id of it.
        by: String,
    },

    /// The key was made.
    Created {
        /// It.
        new: NewKey,
    },
    /// Keys with the rotation's names are gone but for the one that stays.
    Swept {
        /// Whether the one that goes by its id was listed; true where none does.
        sure: bool,
    },
    /// The value is kept.
    Stored,
    /// The value is where it is to be kept.
    Recovered,
    /// It is not.
    NotThere,
    /// It has the planned scopes, and works.
    Verified,
    /// Calls go out under it.
    Promoted,
    /// The consumer was given the key.
    Told {
        /// Name of the consumer.
        consumer: String,
    },
    /// What is under way.
    Looked(Look),
    /// The new key works.
    NewWorks,
    /// The old key is gone at Instantly.
    Revoked,
    /// The old key was refused as no key, not for its scopes.
    Refused,
    /// The old key still works.
    Alive,
    /// The old key's value is not to be had, so nothing can be proved.
    Unprovable {
        /// Why.
        why: String,
    },
    /// The old value is erased.
    Forgot,
    /// The old key works.
    OldWorks,
    /// The old key is dead.
    OldDead,
    /// Calls go out under the old key.
    Demoted,
    /// The new value is erased.
    Erased,

    /// The step was not done, or nobody knows.
    Failed {
        /// What is known.
        how: Failure,
        /// For people; holds no secret.
        why: String,
    },
}

/// What is known of a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// It was not done; another try may do it.
    Temporary,
    /// It was not done, and no try will do it.
    Permanent,
    /// It may have been done.
    Uncertain,
}

/// An event that the rotation does not wait for: late, or out of order. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not fit a rotation in the step {phase}")]
pub struct OutOfOrder {
    /// What came.
    pub event: &'static str,
    /// Where the rotation is.
    pub phase: &'static str,
}

impl Event {
    /// What it is called.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Restarted => "restarted",
            Self::Abort { .. } => "abort",
            Self::Resume => "resume",
            Self::Abandon { .. } => "abandon",
            Self::Skip { .. } => "skip",
            Self::Hurry => "hurry",
            Self::Managed { .. } => "managed",
            Self::Created { .. } => "created",
            Self::Swept { .. } => "swept",
            Self::Stored => "stored",
            Self::Recovered => "recovered",
            Self::NotThere => "not there",
            Self::Verified => "verified",
            Self::Promoted => "promoted",
            Self::Told { .. } => "told",
            Self::Looked(_) => "looked",
            Self::NewWorks => "the new key works",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
            Self::Alive => "alive",
            Self::Unprovable { .. } => "unprovable",
            Self::Forgot => "forgot",
            Self::OldWorks => "the old key works",
            Self::OldDead => "the old key is dead",
            Self::Demoted => "demoted",
            Self::Erased => "erased",
            Self::Failed { .. } => "failed",
        }
    }
}
