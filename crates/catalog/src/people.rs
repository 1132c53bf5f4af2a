//! People of a workspace: roles and permissions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A member's role. A role the vendor adds later is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Role {
    /// Full access and workspace management.
    Owner,
    /// Full access but for deleting the workspace.
    Admin,
    /// Can edit, not manage the workspace's settings.
    Editor,
    /// Reads only.
    View,
    /// A whitelabel customer's user; not to be had through the API.
    Client,
    /// A role not known here.
    Other(String),
}

impl Role {
    /// The known roles, most powerful first.
    pub const KNOWN: [Role; 5] = [
        Role::Owner,
        Role::Admin,
        Role::Editor,
        Role::View,
        Role::Client,
    ];

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Editor => "editor",
            Role::View => "view",
            Role::Client => "client",
            Role::Other(name) => name,
        }
    }

    /// Whether the role manages other people's access.
    pub fn manages(&self) -> bool {
        matches!(self, Role::Owner | Role::Admin)
    }
}

impl From<String> for Role {
    fn from(name: String) -> Role {
        Role::KNOWN
            .into_iter()
            .find(|role| role.as_str() == name)
            .unwrap_or(Role::Other(name))
    }
}

impl From<Role> for String {
    fn from(role: Role) -> String {
        role.as_str().to_owned()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The permissions a member can hold beside a role.
pub const PERMISSIONS: [&str; 31] = [
    "dashboard.view",
    "campaigns.view",
    "campaigns.create",
    "campaigns.edit",
    "campaigns.delete",
    "organization.manage",
    "organization.integrations",
    "organization.billing",
    "organization.users.manage",
    "leadFinder.view",
    "customLeadLabels.create",
    "customLeadLabels.edit",
    "customLeadLabels.delete",
    "unibox.all",
    "analytics.view",
    "websiteChat.view",
    "websiteChat.manage",
    "agency.manage",
    "accounts.view",
    "accounts.manage",
    "leadManagement.view",
    "leads.move",
    "crm.view",
    "websiteVisitors.view",
    "blocklist.manage",
    "preferences.manage",
    "inboxPlacement.view",
    "aiAgents.manage",
    "workspaceGroupMembers.invite",
    "workspaceGroupMembers.remove",
    "workspaceGroupMembers.leave",
];
