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

/// The phases and their words, so that a new one is in each list of them.
macro_rules! phases {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Where a rotation is. Each phase is durable before its step is done, so it is the step's
        /// intent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Phase {
            $($(#[$doc])* $name,)*
        }

        impl Phase {
            /// Every phase, in the order of a rotation that goes on, then of one that goes back.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// One word for people.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

phases! {
    /// Nothing was done.
    Planned = "plan",
    /// A key is being made.
    Creating = "create",
    /// What a creation whose answer was lost may have left is being removed.
    Clearing = "clear",
    /// The new key's value is being kept; until then it is in memory alone.
    Storing = "store",
    /// After a crash: was it kept?
    Recovering = "recover",
    /// Does it do what it was made for?
    Verifying = "verify",
    /// Calls are being turned to it.
    Promoting = "promote",
    /// Those who hold the key outside are given the new one.
    Telling = "tell",
    /// Calls under the old key come to their end.
    Draining = "drain",
    /// Once more: does the new key work? After this there is no way back.
    Confirming = "confirm",
    /// The old key is being revoked. Owed until it is done.
    Revoking = "revoke",
    /// The old key is being proved dead.
    Proving = "prove-dead",
    /// The old key's value is being erased.
    Forgetting = "forget",
    /// A last look for keys that lost answers left.
    Tidying = "tidy",
    /// Replaced.
    Done = "done",

    /// Before going back: does the old key still work?
    Weighing = "weigh",
    /// Calls are being turned back to the old key.
    Demoting = "demote",
    /// Those outside are given the old key again.
    Untelling = "untell",
    /// Calls under the new key come to their end.
    Quieting = "quiet",
    /// The new key is being deleted. Owed until it is done.
    Discarding = "discard",
    /// The new key's value is being erased.
    Erasing = "erase",
    /// As if it had never been.
    RolledBack = "rolled-back",
    /// Neither way is safe without a person: nothing more is done until told to.
    Stuck = "stuck",
    /// Left as it was by a person; what is left at Instantly is theirs to see to.
    Abandoned = "abandoned",
}

impl Phase {
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
