//! The proof that a request was allowed.

use doorward_catalog::Op;
use std::fmt;
use std::sync::Arc;

use crate::conditions::{Judgement, Terms};
use crate::decide::{ClientView, RequestFacts, check, deny};
use crate::deny::{Denial, DenyReason};
use crate::time::Timestamp;

/// A request that was allowed. [`authorize`] is the only way to one.
///
/// What is wrapped must be the very thing that is carried out: there is no way to swap it for
/// another, and no copy to carry out twice.
pub struct Authorized<T> {
    request: T,
    op: Op,
    client: Arc<str>,
    workspace: Arc<str>,
    decided_at: Timestamp,
    approval: Option<Arc<str>>,
}

impl<T> Authorized<T> {
    /// The request.
    pub fn request(&self) -> &T {
        &self.request
    }

    /// The request, to be carried out; the proof is used up.
    pub fn into_inner(self) -> T {
        self.request
    }

    /// The operation that was decided on.
    pub fn op(&self) -> Op {
        self.op
    }

    /// Name of the client it was allowed to.
    pub fn client(&self) -> &Arc<str> {
        &self.client
    }

    /// Id of the workspace it was allowed on.
    pub fn workspace(&self) -> &Arc<str> {
        &self.workspace
    }

    /// When it was decided.
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// Id of the approval that it needed and has. It is good for this one request: whoever carries
    /// the request out spends it first.
    pub fn approval(&self) -> Option<&Arc<str>> {
        self.approval.as_ref()
    }
}

/// Shows what was decided and nothing of the request, whose body is people's data.
impl<T> fmt::Debug for Authorized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized")
            .field("op", &self.op)
            .field("client", &self.client)
            .field("workspace", &self.workspace)
            .field("decided_at", &self.decided_at)
            .finish_non_exhaustive()
    }
}

/// Decides as [`decide`](crate::decide) does, then by `terms`, and wraps the request when it is
/// allowed.
///
/// `facts` and `terms` must be taken from the very `request` that is passed.
///
/// # Errors
/// The denial; the request is dropped.
pub fn authorize<'a, T>(
    client: &ClientView<'a>,
    facts: &RequestFacts<'_>,
    terms: &Terms<'a>,
    request: T,
) -> Result<Authorized<T>, Denial<'a>> {
    let op = check(client, facts)?;
    let against = |reason, policy| Denial {
        policy: Some(policy),
        ..deny(client, facts, reason, None)
    };
    let approval = match terms.conditions.judge(op, facts.now) {
        Judgement::Allow => None,
        Judgement::Deny(policy) => return Err(against(DenyReason::DeniedByPolicy, policy)),
        Judgement::Failed(policy) => return Err(against(DenyReason::PolicyFailed, policy)),
        Judgement::NeedsApproval(policy) => {
            let approval = terms.approvals.granted();
            let approval = approval.filter(|approval| facts.now < approval.expires_at);
            let required = || against(DenyReason::ApprovalRequired, policy);
            Some(approval.ok_or_else(required)?.id)
        }
    };
    Ok(Authorized {
        request,
        op,
        client: Arc::clone(client.name),
        workspace: Arc::clone(client.workspace),
        decided_at: facts.now,
        approval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::{Approval, Approvals, Conditions};
    use crate::grant::{Grant, WorkspaceKind};
    use doorward_catalog::Environment;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[derive(Debug)]
    struct Always(Judgement<'static>);

    impl Conditions for Always {
        fn judge(&self, _: Op, _: Timestamp) -> Judgement<'_> {
            self.0
        }
    }

    struct Until(Timestamp);

    impl Approvals for Until {
        fn granted(&self) -> Option<Approval> {
            Some(Approval {
                id: "ap_1".into(),
                expires_at: self.0,
            })
        }
    }

    #[test]
    fn conditions_take_away_and_an_approval_lifts_only_a_need_for_it() {
        let (name, workspace): (Arc<str>, Arc<str>) = ("crm".into(), "ws_1".into());
        let grant = Grant::for_operation("createLead");
        let grant = grant
            .resolve(Environment::Production, WorkspaceKind::Live, NOW)
            .unwrap();
        let client = ClientView::new(&name, &workspace, &grant);
        let ask = |op, judged, until| {
            let facts = RequestFacts::new(op, "ws_1", NOW);
            let (conditions, approvals) = (Always(judged), Until(until));
            let terms = Terms {
                conditions: &conditions,
                approvals: &approvals,
            };
            authorize(&client, &facts, &terms, ())
                .map(|authorized| authorized.approval().map(ToString::to_string))
                .map_err(|denial| (denial.reason(), denial.policy().map(str::to_owned)))
        };
        let later = NOW.plus_millis(1);
        let denied = |reason| Err((reason, Some("p".to_owned())));
        assert_eq!(ask(Op::CreateLead, Judgement::Allow, later), Ok(None));
        for (judged, reason) in [
            (Judgement::Deny("p"), DenyReason::DeniedByPolicy),
            (Judgement::Failed("p"), DenyReason::PolicyFailed),
        ] {
            assert_eq!(ask(Op::CreateLead, judged, later), denied(reason));
        }
        let needs = Judgement::NeedsApproval("p");
        assert_eq!(ask(Op::CreateLead, needs, later), Ok(Some("ap_1".into())));
        assert_eq!(
            ask(Op::CreateLead, needs, NOW),
            denied(DenyReason::ApprovalRequired)
        );
        let (reason, policy) = ask(Op::DeleteLead, needs, later).unwrap_err();
        assert_ne!(
            reason,
            DenyReason::ApprovalRequired,
            "the grant comes first"
        );
        assert_eq!(policy, None);
    }
}
