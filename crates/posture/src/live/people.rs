//! People: who is in a workspace, who wants no more mail.

use doorward_catalog::people::Role;
use doorward_policy::Timestamp;

/// Somebody who is in a workspace, or invited to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Instantly's id of the membership.
    pub id: String,
    /// Instantly's id of the user.
    pub user_id: String,
    /// The address invited.
    pub email: String,
    /// First and last name, as far as they are known.
    pub name: Option<String>,
    /// The nickname.
    pub nickname: Option<String>,
    /// The role.
    pub role: Role,
    /// The permissions beside the role.
    pub permissions: Vec<String>,
    /// Whether the invitation was accepted.
    pub accepted: bool,
    /// When they were invited.
    pub created_at: Option<Timestamp>,
}

impl Member {
    /// The domain of the address, in small letters; empty when there is none.
    pub fn domain(&self) -> String {
        let domain = self.email.rsplit_once('@').map(|(_, domain)| domain);
        domain.unwrap_or_default().trim().to_lowercase()
    }
}

/// Who unsubscribed from a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsubscribed {
    /// Their addresses, in small letters, each once.
    pub addresses: Vec<String>,
    /// Whether these are all.
    pub whole: bool,
}
