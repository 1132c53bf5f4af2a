//! The decision on one request.

use doorward_catalog::{Op, ScopeSet};
use std::sync::Arc;

use crate::deny::{Denial, DenyReason, is_never_granted};
use crate::grant::WorkspaceKind;
use crate::resolve::EffectiveGrant;
use crate::time::Timestamp;
use doorward_catalog::Environment;

/// What is known of the client and of the key it presented, as of the snapshot in force.
#[derive(Debug, Clone, Copy)]
pub struct ClientView<'a> {
    /// The client's name.
    pub name: &'a Arc<str>,
    /// Id of the workspace the client belongs to.
    pub workspace: &'a Arc<str>,
    /// Where the client runs.
    pub environment: Environment,
    /// When it was switched off, if it was.
    pub disabled_at: Option<Timestamp>,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When the presented key ends, if it does.
    pub key_expires_at: Option<Timestamp>,
    /// When the presented key was revoked, if it was.
    pub key_revoked_at: Option<Timestamp>,
    /// The resolved grant; `None` when the stored one is refused now.
    pub grant: Option<&'a EffectiveGrant>,
}

impl<'a> ClientView<'a> {
    /// A client in the environment of its grant, with nothing expired, revoked or disabled.
    pub fn new(name: &'a Arc<str>, workspace: &'a Arc<str>, grant: &'a EffectiveGrant) -> Self {
        Self {
            name,
            workspace,
            environment: grant.environment(),
            disabled_at: None,
            expires_at: None,
            key_expires_at: None,
            key_revoked_at: None,
            grant: Some(grant),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The operation; `None` when method and path are none.
    pub op: Option<Op>,
    /// Id of the workspace that the request would go to.
    pub workspace: &'a str,
    /// The value of `x-as-workspace`, if the request has one.
    pub as_workspace: Option<&'a str>,
    /// The time of the decision.
    pub now: Timestamp,
}

impl<'a> RequestFacts<'a> {
    /// A request for an operation on a workspace itself.
    pub fn new(op: Op, workspace: &'a str, now: Timestamp) -> Self {
        Self {
            op: Some(op),
            workspace,
            as_workspace: None,
            now,
        }
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Decision<'a> {
    /// It may be done.
    Allow,
    /// It may not, and why.
    Deny(Denial<'a>),
}

impl Decision<'_> {
    /// Whether it may be done.
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow)
    }
}

/// Decides on one request by its client's grant alone. Allocates nothing.
///
/// Conditions may ask for a body, so they are judged by [`authorize`](crate::authorize).
///
/// The first of these that fails names the reason: the key, the client, its grant, the workspace,
/// the operation. A time that has come is over: a key that expires at `now` has expired.
pub fn decide<'a>(client: &ClientView<'a>, request: &RequestFacts<'_>) -> Decision<'a> {
    match check(client, request) {
        Ok(_) => Decision::Allow,
        Err(denial) => Decision::Deny(denial),
    }
}

/// Decides on whether a client may write a claim into the ledger at `now`. As [`decide`] does, but
/// that no operation is asked for.
pub fn decide_audit<'a>(client: &ClientView<'a>, now: Timestamp) -> Decision<'a> {
    let request = RequestFacts {
        op: None,
        workspace: client.workspace,
        as_workspace: None,
        now,
    };
    let denial = match check_client(client, &request) {
        Ok(grant) if grant.audit() => return Decision::Allow,
        Ok(_) => deny(client, &request, DenyReason::AuditNotGranted, None),
        Err(denial) => denial,
    };
    Decision::Deny(denial)
}

/// The operation that is allowed, or the denial.
pub(crate) fn check<'a>(
    client: &ClientView<'a>,
    request: &RequestFacts<'_>,
) -> Result<Op, Denial<'a>> {
    let grant = check_client(client, request)?;
    let Some(op) = request.op else {
        return Err(deny(client, request, DenyReason::UnknownOperation, None));
    };
    if grant.contains(op, request.now) {
        return Ok(op);
    }
    let (reason, since) = not_granted(grant, op, request.now);
    Err(deny(client, request, reason, since))
}

pub(crate) fn deny<'a>(
    client: &ClientView<'a>,
    request: &RequestFacts<'_>,
    reason: DenyReason,
    since: Option<Timestamp>,
) -> Denial<'a> {
    Denial {
        reason,
        client: client.name,
        environment: client.environment,
        operation: request.op,
        granted: client
            .grant
            .map_or(ScopeSet::EMPTY, |grant| grant.scopes(request.now)),
        since,
        policy: None,
    }
}

/// The grant in force, or why the key, the client, its grant or the workspace stands against it.
fn check_client<'a>(
    client: &ClientView<'a>,
    request: &RequestFacts<'_>,
) -> Result<&'a EffectiveGrant, Denial<'a>> {
    let now = request.now;
    let deny = |reason, since| deny(client, request, reason, since);
    let come = |time: Option<Timestamp>| time.filter(|time| *time <= now);

    // Revoked and disabled hold from the moment they are known, whatever the clock says.
    if client.key_revoked_at.is_some() {
        return Err(deny(DenyReason::KeyRevoked, client.key_revoked_at));
    }
    if let Some(since) = come(client.key_expires_at) {
        return Err(deny(DenyReason::KeyExpired, Some(since)));
    }
    if client.disabled_at.is_some() {
        return Err(deny(DenyReason::ClientDisabled, client.disabled_at));
    }
    if let Some(since) = come(client.expires_at) {
        return Err(deny(DenyReason::ClientExpired, Some(since)));
    }
    // A grant holds where it was resolved for.
    let resolved_here = |grant: &&EffectiveGrant| grant.environment() == client.environment;
    let Some(grant) = client.grant.filter(resolved_here) else {
        return Err(deny(DenyReason::GrantInvalid, None));
    };
    if **client.workspace != *request.workspace
        || request.as_workspace.is_some_and(|id| !grant.reaches(id))
    {
        return Err(deny(DenyReason::WorkspaceNotGranted, None));
    }
    Ok(grant)
}

/// Tells apart the ways in which an operation is not granted.
fn not_granted(grant: &EffectiveGrant, op: Op, now: Timestamp) -> (DenyReason, Option<Timestamp>) {
    if is_never_granted(op) {
        return (DenyReason::NeverGranted, None);
    }
    if grant.lifted().contains(op) {
        return (DenyReason::BreakGlassOver, grant.lifted_until());
    }
    if grant.learned().contains(op) {
        return (DenyReason::LearningOver, grant.learning_until());
    }
    // To advise asking for what the environment can't give would be no help.
    if grant.workspace_kind() == WorkspaceKind::Live && grant.environment().admits(op).is_err() {
        return (DenyReason::EnvironmentCeiling, None);
    }
    if grant.scopes(now).covers(op) {
        return (DenyReason::OperationNotGranted, None);
    }
    (DenyReason::ScopeMissing, None)
}
