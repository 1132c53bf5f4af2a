//! The parts of a workspace that can be looked at.

use std::fmt;

use doorward_catalog::Op;

/// A part of a workspace that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The workspace itself.
    Workspace,
    /// Its API keys.
    Keys,
    /// Its webhook subscriptions.
    Subscriptions,
    /// How the last deliveries fared.
    Deliveries,
    /// Its members, and those invited.
    Members,
    /// The group it is in.
    Group,
    /// Whom it never writes to.
    BlockList,
    /// Who unsubscribed from a campaign.
    Unsubscribed,
    /// The domains that it sends from.
    SendingDomains,
    /// Its audit log.
    Activity,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Workspace,
        Self::Keys,
        Self::Subscriptions,
        Self::Deliveries,
        Self::Members,
        Self::Group,
        Self::BlockList,
        Self::Unsubscribed,
        Self::SendingDomains,
        Self::Activity,
    ];

    /// What a manifest declares of a workspace.
    pub const DECLARED: [Self; 6] = [
        Self::Workspace,
        Self::Keys,
        Self::Subscriptions,
        Self::Members,
        Self::Group,
        Self::BlockList,
    ];

    /// Its name, for people and in data: `members`, `block list`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Keys => "API keys",
            Self::Subscriptions => "subscriptions",
            Self::Deliveries => "deliveries",
            Self::Members => "members",
            Self::Group => "group",
            Self::BlockList => "block list",
            Self::Unsubscribed => "unsubscribed leads",
            Self::SendingDomains => "sending accounts",
            Self::Activity => "audit log",
        }
    }

    /// The operation that it is read by.
    pub const fn operation(self) -> Op {
        match self {
            Self::Workspace => Op::GetWorkspace,
            Self::Keys => Op::ListAPIKey,
            Self::Subscriptions => Op::ListWebhook,
            Self::Deliveries => Op::ListWebhookEvent,
            Self::Members => Op::ListWorkspaceMember,
            Self::Group => Op::ListWorkspaceGroupMember,
            Self::BlockList => Op::ListBlockListEntry,
            Self::Unsubscribed => Op::ListLeads,
            Self::SendingDomains => Op::ListAccount,
            Self::Activity => Op::ListAuditLog,
        }
    }

    /// Most items of it that are looked at.
    pub const fn most(self) -> usize {
        match self {
            Self::Workspace => 1,
            Self::Keys | Self::Group => 10_000,
            Self::Deliveries => 2_000,
            Self::Subscriptions | Self::Members | Self::SendingDomains => 20_000,
            Self::BlockList => 2_000_000,
            Self::Unsubscribed | Self::Activity => 100_000,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
