//! What may stand against a request beyond the grant, and what may lift it.

use std::fmt;
use std::sync::Arc;

use doorward_catalog::Op;

use crate::time::Timestamp;

/// What the policies in force say to a request that the grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Judgement<'a> {
    /// None stands against it.
    Allow,
    /// The policy of that name forbids it.
    Deny(&'a str),
    /// The policy of that name has it wait for a person's approval.
    NeedsApproval(&'a str),
    /// The policy of that name can't be evaluated on it. It is denied.
    Failed(&'a str),
}

/// The conditions that one request is judged by, with all of the request that they may ask for.
///
/// They only take away: what the grant does not allow, no condition does.
pub trait Conditions: fmt::Debug {
    /// Judges the request.
    fn judge(&self, op: Op, now: Timestamp) -> Judgement<'_>;
}

/// Nothing stands against a request but its client's grant.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoConditions;

impl Conditions for NoConditions {
    fn judge(&self, _: Op, _: Timestamp) -> Judgement<'_> {
        Judgement::Allow
    }
}

/// A person's approval of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Doorward's id of it.
    pub id: Arc<str>,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Where approvals of one very request are looked up.
pub trait Approvals {
    /// The approval of the request, unused as far as is known.
    fn granted(&self) -> Option<Approval>;
}

/// There are no approvals.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoApprovals;

impl Approvals for NoApprovals {
    fn granted(&self) -> Option<Approval> {
        None
    }
}

/// What a request is authorised under beside its client's grant.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What may stand against it.
    pub conditions: &'a dyn Conditions,
    /// What may lift a need for approval.
    pub approvals: &'a dyn Approvals,
}

impl Terms<'_> {
    /// The grant alone decides.
    pub const GRANT_ALONE: Terms<'static> = Terms {
        conditions: &NoConditions,
        approvals: &NoApprovals,
    };
}

impl fmt::Debug for Terms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Terms({:?})", self.conditions)
    }
}
