//! Why a request is denied, for programs and for people.

use doorward_catalog::environment::NEVER_GRANTED;
use doorward_catalog::{Environment, Op, Scope, ScopeSet, UseCase};
use serde::{Serialize, Serializer};
use std::fmt;

use crate::time::Timestamp;

/// Why a request is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DenyReason {
    /// The client key was revoked.
    KeyRevoked,
    /// The client key is past its end.
    KeyExpired,
    /// The client is switched off.
    ClientDisabled,
    /// The client is past its end.
    ClientExpired,
    /// The client's grant was accepted once and is not any more.
    GrantInvalid,
    /// The workspace, or the sub-workspace in `x-as-workspace`, is not the client's to use.
    WorkspaceNotGranted,
    /// The method and path are no operation of the API.
    UnknownOperation,
    /// No client is ever granted the operation.
    NeverGranted,
    /// The break-glass that gave the operation is over.
    BreakGlassOver,
    /// The learning that gave the operation is over.
    LearningOver,
    /// The client's environment admits no such operation.
    EnvironmentCeiling,
    /// No scope of the client covers the operation.
    ScopeMissing,
    /// A scope of the client would cover the operation, yet it was not granted: its use case
    /// needs other operations of that scope, or the scope is only assumed.
    OperationNotGranted,
    /// The client may not write entries of its own into the ledger.
    AuditNotGranted,
    /// A policy forbids it.
    DeniedByPolicy,
    /// A policy could not be evaluated on it.
    PolicyFailed,
    /// A policy asks for a person's approval, and there is none.
    ApprovalRequired,
}

impl DenyReason {
    /// Every reason, in the order they are looked at.
    pub const ALL: [Self; 17] = [
        Self::KeyRevoked,
        Self::KeyExpired,
        Self::ClientDisabled,
        Self::ClientExpired,
        Self::GrantInvalid,
        Self::WorkspaceNotGranted,
        Self::UnknownOperation,
        Self::NeverGranted,
        Self::BreakGlassOver,
        Self::LearningOver,
        Self::EnvironmentCeiling,
        Self::ScopeMissing,
        Self::OperationNotGranted,
        Self::AuditNotGranted,
        Self::DeniedByPolicy,
        Self::PolicyFailed,
        Self::ApprovalRequired,
    ];

    /// The stable name for programs, in snake case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KeyRevoked => "key_revoked",
            Self::KeyExpired => "key_expired",
            Self::ClientDisabled => "client_disabled",
            Self::ClientExpired => "client_expired",
            Self::GrantInvalid => "grant_invalid",
            Self::WorkspaceNotGranted => "workspace_not_granted",
            Self::UnknownOperation => "unknown_operation",
            Self::NeverGranted => "never_granted",
            Self::BreakGlassOver => "break_glass_over",
            Self::LearningOver => "learning_over",
            Self::EnvironmentCeiling => "environment_ceiling",
            Self::ScopeMissing => "scope_missing",
            Self::OperationNotGranted => "operation_not_granted",
            Self::AuditNotGranted => "audit_not_granted",
            Self::DeniedByPolicy => "denied_by_policy",
            Self::PolicyFailed => "policy_failed",
            Self::ApprovalRequired => "approval_required",
        }
    }

    /// Whether the credential itself is no good: the caller is then told no more than one with an
    /// unknown key (401), and the reason is for the record alone.
    pub const fn is_of_the_key(self) -> bool {
        matches!(self, Self::KeyRevoked | Self::KeyExpired)
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for DenyReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// A denial: the reason and what a person needs to mend it. `Display` is one line of prose.
///
/// Borrows from the client, so that denying allocates nothing until it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial<'a> {
    pub(crate) reason: DenyReason,
    pub(crate) client: &'a str,
    pub(crate) environment: Environment,
    pub(crate) operation: Option<Op>,
    pub(crate) granted: ScopeSet,
    /// When what ended did end.
    pub(crate) since: Option<Timestamp>,
    /// The policy that stands against it.
    pub(crate) policy: Option<&'a str>,
}

impl<'a> Denial<'a> {
    /// Why.
    pub fn reason(&self) -> DenyReason {
        self.reason
    }

    /// The client's name.
    pub fn client(&self) -> &'a str {
        self.client
    }

    /// Name of the policy that stands against it, where it is one.
    pub fn policy(&self) -> Option<&'a str> {
        self.policy
    }

    /// The operation asked for; `None` when the request is none.
    pub fn operation(&self) -> Option<Op> {
        self.operation
    }

    /// The scope that the operation asks for.
    pub fn required(&self) -> Option<Scope> {
        self.operation.map(|op| op.facts().scope)
    }

    /// The scopes to show for the client's grant.
    pub fn granted(&self) -> ScopeSet {
        self.granted
    }
}

impl std::error::Error for Denial<'_> {}

impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = self.client;
        let Some(op) = self.operation else {
            return match self.reason {
                DenyReason::UnknownOperation => write!(
                    f,
                    "client '{client}' asked for what is no operation of the Instantly API v2; \
                     check the method and the path"
                ),
                _ => self.of_the_client(f),
            };
        };
        let scope = op.facts().scope;
        match self.reason {
            DenyReason::NeverGranted => write!(
                f,
                "client '{client}' asked for {op}, which no client is granted; keys are managed \
                 with Doorward's own commands"
            ),
            DenyReason::EnvironmentCeiling => {
                let rule = crate::refused::rule(self.environment);
                let help = crate::refused::beyond_help(self.environment);
                let environment = self.environment;
                write!(
                    f,
                    "client '{client}' is in {environment}, which admits {rule}, and so "
                )?;
                write!(f, "is not granted {op}; {help}")
            }
            DenyReason::ScopeMissing => {
                write!(f, "client '{client}' lacks {scope} for {op}; ask for ")?;
                self.ways_to(op, f)
            }
            DenyReason::OperationNotGranted => {
                write!(f, "client '{client}' is not granted {op}")?;
                if op.facts().basis.is_assumed() {
                    write!(f, ", whose scope {scope} is only assumed")?;
                }
                f.write_str("; ask for ")?;
                self.ways_to(op, f)
            }
            DenyReason::DeniedByPolicy => write!(
                f,
                "policy '{}' forbids this {op} to client '{client}'",
                self.policy.unwrap_or_default()
            ),
            DenyReason::PolicyFailed => write!(
                f,
                "policy '{}' can't be evaluated on this {op}, and so it is refused; ask for the \
                 policy to be mended",
                self.policy.unwrap_or_default()
            ),
            DenyReason::ApprovalRequired => write!(
                f,
                "policy '{}' has this {op} wait for a person's approval; once it is there, send \
                 the same request again",
                self.policy.unwrap_or_default()
            ),
            DenyReason::BreakGlassOver => write!(
                f,
                "client '{client}' had {op} by a break-glass{}; ask for a new one",
                ended(self.since)
            ),
            DenyReason::LearningOver => write!(
                f,
                "client '{client}' had {op} while it learned{}; ask for what it needs to be \
                 granted: `doorward client recommend {client}` shows it",
                ended(self.since)
            ),
            _ => self.of_the_client(f),
        }
    }
}

impl Denial<'_> {
    /// The reasons that do not depend on the operation.
    fn of_the_client(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = self.client;
        match self.reason {
            DenyReason::KeyRevoked => write!(
                f,
                "the key of client '{client}' was revoked{}; ask for a new one",
                at(self.since)
            ),
            DenyReason::KeyExpired => write!(
                f,
                "the key of client '{client}' expired{}; ask for a new one",
                at(self.since)
            ),
            DenyReason::ClientDisabled => write!(
                f,
                "client '{client}' was disabled{}; ask its owner",
                at(self.since)
            ),
            DenyReason::ClientExpired => write!(
                f,
                "client '{client}' expired{}; ask its owner to renew it",
                at(self.since)
            ),
            DenyReason::GrantInvalid => write!(
                f,
                "the grant of client '{client}' is not valid any more; `doorward client show \
                 {client}` says why"
            ),
            DenyReason::WorkspaceNotGranted => write!(
                f,
                "client '{client}' is not granted this workspace; ask for a client of it, or for \
                 the sub-workspace to be added to the grant"
            ),
            DenyReason::AuditNotGranted => write!(
                f,
                "client '{client}' is not granted to write into the ledger; ask for `audit` to be \
                 added to its grant"
            ),
            reason => write!(f, "client '{client}' is denied: {reason}"),
        }
    }

    /// How the client could get the operation: use cases that have it and do no more harm than it
    /// must, its scope where that is known, else its name.
    fn ways_to(&self, op: Op, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cases = || {
            let has = |case: &UseCase| case.operations().contains(op) && !case.is_break_glass();
            UseCase::ALL.into_iter().filter(has)
        };
        let count = cases().count();
        for (n, case) in cases().enumerate() {
            let before = match n {
                0 => "the use case ",
                _ if n + 1 == count => " or ",
                _ => ", ",
            };
            write!(f, "{before}{case}")?;
        }
        f.write_str(if count == 0 { "" } else { ", or for " })?;
        if op.facts().basis.is_assumed() || self.reason == DenyReason::OperationNotGranted {
            write!(f, "the operation {op} by name")
        } else {
            write!(f, "{}", op.facts().scope)
        }
    }
}

/// Whether no client may ever have the operation.
pub(crate) fn is_never_granted(op: Op) -> bool {
    NEVER_GRANTED.contains(&op)
}

fn at(time: Option<Timestamp>) -> String {
    time.map(|time| format!(" at {time}")).unwrap_or_default()
}

fn ended(time: Option<Timestamp>) -> String {
    time.map(|time| format!(" that ended at {time}"))
        .unwrap_or_default()
}
