//! Operations: one method and path of the API each, with all that is known of it.

mod set;
mod table;

use std::fmt;

pub use set::OpSet;
pub use table::Op;

use crate::limits::OpLimit;
use crate::scope::Scope;

/// HTTP methods the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method of that exact, upper-case name; methods are case-sensitive (RFC 9110, 9.1).
    pub fn parse(name: &str) -> Option<Method> {
        match name {
            "GET" => Some(Method::Get),
            "POST" => Some(Method::Post),
            "PATCH" => Some(Method::Patch),
            "DELETE" => Some(Method::Delete),
            _ => None,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an operation's scope is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Stated in the vendor's API document.
    Documented,
    /// Left out there, stated in one of the vendor's guides.
    Guide,
    /// Stated nowhere: our assumption, from the neighbouring operations. The real API may ask for
    /// another; its 401 names it.
    Assumed,
}

impl Basis {
    /// Whether the scope is no more than an assumption of ours.
    pub const fn is_assumed(self) -> bool {
        matches!(self, Basis::Assumed)
    }

    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Basis::Documented => "documented",
            Basis::Guide => "guide",
            Basis::Assumed => "assumed",
        }
    }
}

/// Why an operation deserves more than a scope check: what it is for, or what an ordinary body of
/// it does. What a call does only by what it meets (a lead added to a campaign that is running) is
/// not marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Hazard {
    /// Removes or overwrites what can't be brought back by another call.
    Destructive = 1,
    /// Makes e-mail leave the team's domains, now or on schedule.
    StartsSending = 2,
    /// Changes who or what has access: keys, members, owner, webhooks, mailboxes, domains.
    Access = 4,
    /// Uses up credits or money.
    Spends = 8,
}

impl Hazard {
    /// Every hazard, gravest first.
    pub const ALL: [Hazard; 4] = [
        Hazard::Destructive,
        Hazard::Access,
        Hazard::StartsSending,
        Hazard::Spends,
    ];

    /// Lower-case name, words joined by `_`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Hazard::Destructive => "destructive",
            Hazard::StartsSending => "starts_sending",
            Hazard::Access => "access",
            Hazard::Spends => "spends",
        }
    }
}

/// A set of [`Hazard`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HazardSet(u8);

impl HazardSet {
    pub(crate) const fn of(mut hazards: &[Hazard]) -> HazardSet {
        let mut bits = 0;
        while let [first, rest @ ..] = hazards {
            bits |= *first as u8;
            hazards = rest;
        }
        HazardSet(bits)
    }

    /// Whether the hazard is in the set.
    pub const fn contains(self, hazard: Hazard) -> bool {
        self.0 & hazard as u8 != 0
    }

    /// Whether there is no hazard.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The hazards, gravest first.
    pub fn iter(self) -> impl Iterator<Item = Hazard> {
        Hazard::ALL
            .into_iter()
            .filter(move |hazard| self.contains(*hazard))
    }
}

/// What an answer may hold that must not spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returns {
    /// Personal data: addresses, names, messages, IP addresses.
    People,
    /// Secrets in clear: keys, webhook header values, mailbox passwords.
    Secrets,
}

/// The vendor's grouping of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the vendor's own names, listed once")]
pub enum Tag {
    APIKey,
    Account,
    AccountCampaignMapping,
    Analytics,
    AuditLog,
    BackgroundJob,
    BlockListEntry,
    CRMActions,
    Campaign,
    CampaignSubsequence,
    CustomTag,
    CustomTagMapping,
    DFYEmailAccountOrder,
    Email,
    EmailVerification,
    InboxPlacementAnalytics,
    InboxPlacementBlacklistAndSpamAssassinReport,
    InboxPlacementTest,
    Lead,
    LeadLabel,
    LeadList,
    OAuth,
    SuperSearchEnrichment,
    Webhook,
    WebhookEvent,
    Workspace,
    WorkspaceBilling,
    WorkspaceGroupMember,
    WorkspaceMember,
}

/// All that is known of one operation.
#[derive(Debug)]
pub struct Operation {
    /// Which operation.
    pub op: Op,
    /// The vendor's `operationId`.
    pub id: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path template, parameters in braces: `/api/v2/leads/{id}`.
    pub path: &'static str,
    /// The vendor's grouping, main tag first.
    pub tags: &'static [Tag],
    /// The narrowest scope that covers it. The API also accepts `resource:all`, `all:action` and
    /// `all:all`.
    pub scope: Scope,
    /// How that scope is known.
    pub basis: Basis,
    /// Why it deserves more than a scope check.
    pub hazards: HazardSet,
    /// What the answer may hold that must not spread.
    pub returns: &'static [Returns],
    /// Limits of its own, beside the workspace's.
    pub limits: &'static [&'static OpLimit],
}

impl Operation {
    /// Whether a call can change anything at Instantly. Judged by the scope's action, not by the
    /// method: many reads are `POST`s.
    pub const fn writes(&self) -> bool {
        !matches!(self.scope.action, crate::scope::Action::Read)
    }

    /// The scopes that cover it, narrowest first.
    pub const fn accepted(&self) -> [Scope; 4] {
        self.scope.accepted()
    }

    /// Whether the answer may hold personal data.
    pub fn returns_people(&self) -> bool {
        self.returns.contains(&Returns::People)
    }

    /// Whether the answer may hold secrets in clear.
    pub fn returns_secrets(&self) -> bool {
        self.returns.contains(&Returns::Secrets)
    }
}

impl Op {
    /// The facts of this operation.
    #[expect(
        clippy::indexing_slicing,
        reason = "the table and the enum are one macro's output"
    )]
    pub fn facts(self) -> &'static Operation {
        &table::OPERATIONS[self as usize]
    }

    /// The vendor's `operationId`.
    pub fn id(self) -> &'static str {
        self.facts().id
    }

    /// The operation of that `operationId`, exactly as the vendor spells it.
    pub fn from_id(id: &str) -> Option<Op> {
        Op::ALL.into_iter().find(|op| op.id() == id)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
