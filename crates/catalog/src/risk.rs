//! How much harm an operation or a scope can do in the wrong hands, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::operation::{Hazard, Op, OpSet};
use crate::scope::{Action, Scope};
use crate::scope_set::ScopeSet;

/// Risk class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Reads of configuration and figures.
    Low,
    /// Reads of personal data, and writes that a person can undo.
    Medium,
    /// Destroys, sends, spends, or reads secrets.
    High,
    /// Hands over or ends the workspace: keys, members, owner, removal.
    Critical,
}

impl Risk {
    /// Every class, least first.
    pub const ALL: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Critical => "critical",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A risk class with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RiskReason {
    /// The class.
    pub risk: Risk,
    /// Why, in words that follow "it ".
    pub reason: &'static str,
    /// The operation that makes it so, by `operationId`; none where it is the width.
    pub operation: Option<&'static str>,
}

/// Operations that hand over or end a whole workspace.
const TAKEOVER: [Op; 10] = [
    Op::CreateAPIKey,
    Op::DeleteAPIKey,
    Op::CreateWorkspaceMember,
    Op::PatchWorkspaceMember,
    Op::DeleteWorkspaceMember,
    Op::CreateWorkspaceGroupMember,
    Op::DeleteWorkspaceGroupMember,
    Op::ChangeWorkspaceOwner,
    Op::ScheduleCurrentWorkspaceRemoval,
    Op::DeleteallBlockListEntry,
];

impl Op {
    /// The operation's risk class and why.
    pub fn risk(self) -> RiskReason {
        let facts = self.facts();
        let (risk, reason) = if TAKEOVER.contains(&self) {
            (
                Risk::Critical,
                "hands over or ends what the whole workspace rests on",
            )
        } else if facts.hazards.contains(Hazard::Destructive) {
            (Risk::High, "destroys or moves what no call brings back")
        } else if facts.hazards.contains(Hazard::Access) {
            (Risk::High, "changes who or what has access")
        } else if facts.hazards.contains(Hazard::StartsSending) {
            (Risk::High, "makes e-mail leave the team's domains")
        } else if facts.hazards.contains(Hazard::Spends) {
            (Risk::High, "spends credits or money")
        } else if facts.returns_secrets() {
            (Risk::High, "shows secrets in clear")
        } else if facts.writes() {
            (Risk::Medium, "changes the workspace's data")
        } else if facts.returns_people() {
            (Risk::Medium, "shows people's data")
        } else {
            (Risk::Low, "reads figures and settings")
        };
        RiskReason {
            risk,
            reason,
            operation: Some(facts.id),
        }
    }
}

impl OpSet {
    /// The gravest risk among the operations; none for the empty set.
    pub fn risk(self) -> Option<RiskReason> {
        self.iter().map(Op::risk).reduce(graver)
    }
}

impl Scope {
    /// The scope's risk class and why: that of the gravest operation it covers, and more for a
    /// wildcard, which also covers what the vendor adds later.
    pub fn risk(self) -> RiskReason {
        let width = |risk, reason| RiskReason {
            risk,
            reason,
            operation: None,
        };
        match (self.is_wildcard(), self.action) {
            (true, Action::All) => return width(Risk::Critical, "allows everything, for ever"),
            (true, Action::Read) => {
                return width(
                    Risk::High,
                    "reads everything, API keys and webhook secrets too",
                );
            }
            (true, _) => {
                return width(Risk::Critical, "reaches every resource, now and in future");
            }
            (false, _) => {}
        }
        let covered = ScopeSet::from_iter([self]).allows();
        covered.risk().unwrap_or(match self.action {
            Action::Read => width(Risk::Low, "is asked for by no documented operation"),
            _ => width(
                Risk::Medium,
                "is asked for by no documented operation, yet lets write",
            ),
        })
    }
}

impl ScopeSet {
    /// The gravest risk among the scopes; none for the empty set.
    pub fn risk(self) -> Option<RiskReason> {
        self.iter().map(Scope::risk).reduce(graver)
    }
}

/// The graver of two, the first of equals.
fn graver(a: RiskReason, b: RiskReason) -> RiskReason {
    if b.risk > a.risk { b } else { a }
}
