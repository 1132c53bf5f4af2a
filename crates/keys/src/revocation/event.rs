//! What is done in a revocation, and what may come of it.

use doorward_policy::Timestamp;

/// What is to be done now. The state must be durable before it is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Delete the key at Instantly; that there is none is as good. → [`Event::Revoked`]
    Revoke,
    /// Make a call under the key that it covered; where its value is not to be had, look whether
    /// Instantly lists it. → [`Event::Refused`], [`Event::Alive`], [`Event::Unlisted`],
    /// [`Event::Unprovable`]
    Probe,
    /// Nothing before this time.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
    /// Nothing any more.
    Over,
}

/// What came of a step, or what a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was begun.
    Begin,
    /// The program was started again.
    Restarted,
    /// The key is deleted.
    Revoked,
    /// The key was refused as no key, not for its scopes.
    Refused,
    /// The key was accepted, or is listed.
    Alive,
    /// The key can't be tried, and Instantly does not list it.
    Unlisted,
    /// The key can't be tried, and nobody may look whether it is listed.
    Unprovable {
        /// Why, for people.
        why: String,
    },
    /// The step could not be done.
    Failed {
        /// Why, for people; holds no secret.
        why: String,
    },
    /// A person wants it tried now.
    Again,
    /// A person leaves it as it is.
    Abandon {
        /// Who and why, for people.
        why: String,
    },
}

impl Event {
    /// Its name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Restarted => "restarted",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
            Self::Alive => "alive",
            Self::Unlisted => "unlisted",
            Self::Unprovable { .. } => "unprovable",
            Self::Failed { .. } => "failed",
            Self::Again => "again",
            Self::Abandon { .. } => "abandon",
        }
    }
}

/// An event that can't come where the revocation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not fit in the step {phase}")]
pub struct Unfit {
    /// The event.
    pub event: &'static str,
    /// Where it is.
    pub phase: &'static str,
}
