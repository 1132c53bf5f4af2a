//! What was seen of a workspace at Instantly, as plain data. No secret is in it: of a subscription's
//! headers there are fingerprints, of keys no values.
//!
//! Each part is [`Seen`]: what could not be looked at says why, and is never taken for empty.

mod activity;
mod block_list;
mod deliveries;
mod key;
mod part;
mod people;
mod seen;
mod subscription;
mod workspace;

use doorward_policy::Timestamp;

pub use activity::{Activity, KeyTraces, UserTraces};
pub use block_list::{BlockList, Full};
pub use deliveries::{Deliveries, Tries};
pub use key::ListedKey;
pub use part::Part;
pub use people::{Member, Unsubscribed};
pub use seen::{Cause, Seen, Unseen};
pub use subscription::Subscription;
pub use workspace::{Group, Membership, WorkspaceRecord};

/// What was seen of one workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// When it was looked at.
    pub at: Timestamp,
    /// The workspace itself.
    pub workspace: Seen<WorkspaceRecord>,
    /// Its API keys.
    pub keys: Seen<Vec<ListedKey>>,
    /// Its webhook subscriptions.
    pub subscriptions: Seen<Vec<Subscription>>,
    /// How the last deliveries fared.
    pub deliveries: Seen<Deliveries>,
    /// Its members, and those invited.
    pub members: Seen<Vec<Member>>,
    /// The group it is in.
    pub group: Seen<Group>,
    /// Whom it never writes to.
    pub block_list: Seen<BlockList>,
    /// Who unsubscribed from a campaign.
    pub unsubscribed: Seen<Unsubscribed>,
    /// The domains that it sends from, in small letters.
    pub sending_domains: Seen<std::collections::BTreeSet<String>>,
    /// What its audit log has of people and keys.
    pub activity: Seen<Activity>,
}

impl Live {
    /// One of which nothing was looked at.
    pub fn unseen(at: Timestamp) -> Self {
        Self {
            at,
            workspace: Seen::default(),
            keys: Seen::default(),
            subscriptions: Seen::default(),
            deliveries: Seen::default(),
            members: Seen::default(),
            group: Seen::default(),
            block_list: Seen::default(),
            unsubscribed: Seen::default(),
            sending_domains: Seen::default(),
            activity: Seen::default(),
        }
    }
}
