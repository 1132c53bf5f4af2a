//! Where a rotation is.

use serde::{Deserialize, Serialize};

/// A key that the rotation made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Instantly's id of it.
    pub api_key_id: String,
    /// The start of its value's SHA-256, to know it by where it is kept; never the value.
    pub print: [u8; 8],
}

/// Where a rotation is. Each phase is durable before its step is done, so it is the step's intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was done.
    Planned,
    /// A key is being made.
    Creating,
    /// What a creation whose answer was lost may have left is being removed.
    Clearing,
    /// The new key's value is being kept; until then it is in memory alone.
    Storing,
    /// After a crash: was it kept?
    Recovering,
    /// Does it do what it was made for?
    Verifying,
    /// Calls are being turned to it.
    Promoting,
    /// Those who hold the key outside are given the new one.
    Telling,
    /// Calls under the old key come to their end.
    Draining,
    /// Once more: does the new key work? After this there is no way back.
    Confirming,
    /// The old key is being revoked. Owed until it is done.
    Revoking,
    /// The old key is being proved dead.
    Proving,
    /// The old key's value is being erased.
    Forgetting,
    /// A last look for keys that lost answers left.
    Tidying,
    /// Replaced.
    Done,

    /// Before going back: does the old key still work?
    Weighing,
    /// Calls are being turned back to the old key.
    Demoting,
    /// Those outside are given the old key again.
    Untelling,
    /// Calls under the new key come to their end.
    Quieting,
    /// The new key is being deleted. Owed until it is done.
    Discarding,
    /// The new key's value is being erased.
    Erasing,
    /// As if it had never been.
    RolledBack,
    /// Neither way is safe without a person: nothing more is done until told to.
    Stuck,
    /// Left as it was by a person; what is left at Instantly is theirs to see to.
    Abandoned,
}

impl Phase {
    /// One word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "plan",
            Self::Creating => "create",
            Self::Clearing => "clear",
            Self::Storing => "store",
            Self::Recovering => "recover",
            Self::Verifying => "verify",
            Self::Promoting => "promote",
            Self::Telling => "tell",
            Self::Draining => "drain",
            Self::Confirming => "confirm",
            Self::Revoking => "revoke",
            Self::Proving => "prove-dead",
            Self::Forgetting => "forget",
            Self::Tidying => "tidy",
            Self::Done => "done",
            Self::Weighing => "weigh",
            Self::Demoting => "demote",
            Self::Untelling => "untell",
            Self::Quieting => "quiet",
            Self::Discarding => "discard",
            Self::Erasing => "erase",
            Self::RolledBack => "rolled-back",
            Self::Stuck => "stuck",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether there is something to be done in it.
    pub const fn has_step(self) -> bool {
        !self.is_over() && !matches!(self, Self::Planned | Self::Stuck)
    }

    /// Whether there is nothing left to do.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::RolledBack | Self::Abandoned)
    }

    /// Whether the rotation goes back.
    pub const fn is_back(self) -> bool {
        use Phase::{Demoting, Discarding, Erasing, Quieting, RolledBack, Untelling, Weighing};
        matches!(
            self,
            Weighing | Demoting | Untelling | Quieting | Discarding | Erasing | RolledBack
        )
    }

    /// Whether the old key is, or may be, revoked.
    pub const fn is_past_return(self) -> bool {
        use Phase::{Done, Forgetting, Proving, Revoking, Tidying};
        matches!(self, Revoking | Proving | Forgetting | Tidying | Done)
    }
}
