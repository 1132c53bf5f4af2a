//! What is asked for a manifest, and answered.

use doorward_catalog::ScopeSet;
use doorward_posture::plan::StrangerKey;
use serde::{Deserialize, Serialize};

use super::Wanted;

/// The sub-workspaces of a group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupList {
    /// Name or id of the admin workspace.
    pub(crate) workspace: String,
}

/// A sub-workspace of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GroupMember {
    /// Instantly's id of the membership.
    pub(crate) id: String,
    /// Instantly's id of the sub-workspace.
    pub(crate) sub_workspace: String,
    /// Its name.
    pub(crate) name: String,
    /// `pending`, `accepted`, `rejected`.
    pub(crate) status: String,
}

/// Invites a workspace into the group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupInvite {
    /// Name or id of the admin workspace.
    pub(crate) workspace: String,
    /// Instantly's id of the sub-workspace.
    pub(crate) sub_workspace: String,
}

/// Ends a membership of the group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupRemove {
    /// Name or id of the admin workspace.
    pub(crate) workspace: String,
    /// Instantly's id of the membership.
    pub(crate) membership: String,
}

/// Which keys does Instantly list that Doorward does not hold?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyStrangers {
    /// Name or id of the workspace.
    pub(crate) workspace: String,
}

/// The keys that Doorward does not hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StrangersFound {
    /// Id, name and scopes of each.
    pub(crate) keys: Vec<(String, String, Vec<String>)>,
    /// Names of keys that are held and may be among them: their ids are not known.
    pub(crate) may_be_held: Vec<String>,
}

impl StrangersFound {
    /// As a plan has them.
    pub(crate) fn strangers(self) -> Vec<StrangerKey> {
        let keys = self.keys.into_iter();
        let key = |(api_key_id, name, scopes)| StrangerKey {
            api_key_id,
            name,
            scopes,
        };
        keys.map(key).collect()
    }
}

/// Makes a key with these scopes: a rotation without an old key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyMake {
    /// Name or id of the workspace.
    pub(crate) workspace: String,
    /// Name to call it by.
    pub(crate) name: String,
    /// Its scopes.
    pub(crate) scopes: ScopeSet,
    /// Where its value is to be kept, if not in the encrypted file of the data folder.
    pub(crate) to: Option<String>,
}

/// Notes what a key is for. Nothing changes at Instantly.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyNote {
    /// Name or id of the workspace.
    pub(crate) workspace: String,
    /// Its name.
    pub(crate) name: String,
    /// Who answers for it.
    pub(crate) owner: Option<String>,
    /// After how many milliseconds it is rotated.
    pub(crate) rotate_every: Option<i64>,
    /// Whether it manages the others.
    pub(crate) manages: Option<bool>,
}

/// Brings a source's subscription to what is wanted: finds or makes it, changes what it is of, switches
/// it on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookAlign {
    /// The source's name or id.
    pub(crate) source: String,
    /// What is subscribed to.
    pub(crate) wanted: Wanted,
}

/// Ends a subscription that leads to no source.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookEnd {
    /// Name or id of the workspace.
    pub(crate) workspace: String,
    /// Instantly's id of it.
    pub(crate) subscription: String,
}

/// A manifest is about to be applied: for the record, before the first step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestApply {
    /// What the plan is known by.
    pub(crate) plan: String,
    /// How many steps it has.
    pub(crate) steps: usize,
    /// How many of them are dangerous.
    pub(crate) dangerous: usize,
    /// How they were approved: `asked` or `named`; none without any.
    pub(crate) approved: Option<String>,
}

/// It was applied, or stopped: for the record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestApplied {
    /// What the plan is known by.
    pub(crate) plan: String,
    /// How many steps were done.
    pub(crate) done: usize,
    /// How many were found done.
    pub(crate) skipped: usize,
    /// How many were not done.
    pub(crate) left: usize,
}
