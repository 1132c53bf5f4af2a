//! What a decision depended on, kept so that it can be made again.

use std::sync::Arc;

use doorward_catalog::{Environment, Op};
use serde::{Deserialize, Serialize};

use crate::condition_facts::ConditionFacts;
use crate::decide::{ClientView, Decision, RequestFacts, decide, decide_audit};
use crate::deny::DenyReason;
use crate::grant::{Grant, WorkspaceKind};
use crate::time::Timestamp;

/// What is asked for when a client writes a claim into the ledger.
pub const AUDIT_ACTION: &str = "audit.claim";

/// All that a decision depended on but the program itself and its catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The operation's id, or [`AUDIT_ACTION`]; `None` when method and path were no operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Id of the workspace that the request would go to.
    pub workspace: String,
    /// The sub-workspace in `x-as-workspace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_workspace: Option<String>,
    /// The time of the decision.
    pub decided_at: Timestamp,
    /// Name of the client.
    pub client: String,
    /// Id of the client's workspace.
    pub client_workspace: String,
    /// What stands behind it.
    pub workspace_kind: WorkspaceKind,
    /// Where the client runs.
    pub environment: Environment,
    /// The grant as written; of its sub-workspaces the one that was asked for, if it is there.
    pub grant: Grant,
    /// When the grant was resolved.
    pub resolved_at: Timestamp,
    /// When the client was switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// When the client ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When the presented key ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_expires_at: Option<Timestamp>,
    /// When the presented key was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_revoked_at: Option<Timestamp>,
    /// What the judgement of policies depended on; none where it was not asked for, or not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<ConditionFacts>,
}

impl Inputs {
    /// What `decide(client, request)` depends on. `grant` is what `client.grant` was resolved from,
    /// at `resolved_at`, for a workspace of `kind`.
    pub fn new(
        client: &ClientView<'_>,
        request: &RequestFacts<'_>,
        grant: &Grant,
        kind: WorkspaceKind,
        resolved_at: Timestamp,
    ) -> Self {
        let asked_for = |id: &&String| request.as_workspace == Some(id.as_str());
        let grant = Grant {
            use_cases: grant.use_cases.clone(),
            operations: grant.operations.clone(),
            scopes: grant.scopes.clone(),
            sub_workspaces: grant
                .sub_workspaces
                .iter()
                .filter(asked_for)
                .cloned()
                .collect(),
            audit: grant.audit,
            break_glass: grant.break_glass.clone(),
            learning: grant.learning.clone(),
        };
        Self {
            asked: request.op.map(|op| op.id().to_owned()),
            workspace: request.workspace.to_owned(),
            as_workspace: request.as_workspace.map(str::to_owned),
            decided_at: request.now,
            client: client.name.as_ref().to_owned(),
            client_workspace: client.workspace.as_ref().to_owned(),
            workspace_kind: kind,
            environment: client.environment,
            grant,
            resolved_at,
            disabled_at: client.disabled_at,
            expires_at: client.expires_at,
            key_expires_at: client.key_expires_at,
            key_revoked_at: client.key_revoked_at,
            conditions: None,
        }
    }

    /// The same, with what the judgement of policies depended on.
    #[must_use]
    pub fn with_conditions(self, conditions: ConditionFacts) -> Self {
        Self {
            conditions: Some(conditions),
            ..self
        }
    }

    /// The same, where a claim was to be written.
    #[must_use]
    pub fn of_claim(self) -> Self {
        Self {
            asked: Some(AUDIT_ACTION.to_owned()),
            ..self
        }
    }

    /// Decides again by the grant alone, by this version's catalog and rules.
    ///
    /// # Errors
    /// Why it is denied.
    pub fn decide_again(&self) -> Result<(), DenyReason> {
        let (name, workspace): (Arc<str>, Arc<str>) = (
            self.client.as_str().into(),
            self.client_workspace.as_str().into(),
        );
        let grant = self
            .grant
            .resolve_stored(self.environment, self.workspace_kind, self.resolved_at)
            .ok();
        let client = ClientView {
            name: &name,
            workspace: &workspace,
            environment: self.environment,
            disabled_at: self.disabled_at,
            expires_at: self.expires_at,
            key_expires_at: self.key_expires_at,
            key_revoked_at: self.key_revoked_at,
            grant: grant.as_ref(),
        };
        let decision = if self.asked.as_deref() == Some(AUDIT_ACTION) {
            decide_audit(&client, self.decided_at)
        } else {
            let request = RequestFacts {
                op: self.asked.as_deref().and_then(Op::from_id),
                workspace: &self.workspace,
                as_workspace: self.as_workspace.as_deref(),
                now: self.decided_at,
            };
            decide(&client, &request)
        };
        match decision {
            Decision::Allow => Ok(()),
            Decision::Deny(denial) => Err(denial.reason()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn time() -> impl Strategy<Value = Option<Timestamp>> {
        proptest::option::weighted(0.2, (-2_i64..2).prop_map(|by| NOW.plus_millis(by)))
    }

    proptest! {
        /// What is written down is enough: read back, it is decided as it was.
        #[test]
        fn a_decision_is_made_again_as_it_was(
            op in proptest::option::of(0..Op::COUNT),
            case in proptest::sample::select(vec!["reader", "lead-import", "crm-sync"]),
            glass in any::<bool>(),
            learn in any::<bool>(),
            environment in proptest::sample::select(Environment::ALL.to_vec()),
            kind in proptest::sample::select(vec![WorkspaceKind::Sandbox, WorkspaceKind::Live]),
            sub in proptest::option::of("(one|two|three)"),
            elsewhere in proptest::bool::weighted(0.1),
            audit in any::<bool>(),
            times in (time(), time(), time(), time()),
        ) {
            let mut grant = Grant::for_use_case(case);
            grant.audit = audit;
            grant.sub_workspaces = ["one", "two"].map(str::to_owned).into();
            if learn {
                grant = grant.learning_until(NOW.plus_millis(1));
            }
            if glass {
                grant = grant.with_break_glass("incident", NOW.plus_millis(1));
            }
            let resolved_at = NOW.plus_millis(-500);
            let effective = grant.resolve_stored(environment, kind, resolved_at).ok();
            let (name, workspace): (Arc<str>, Arc<str>) = ("crm".into(), "ws_1".into());
            let client = ClientView {
                name: &name,
                workspace: &workspace,
                environment,
                disabled_at: times.0,
                expires_at: times.1,
                key_expires_at: times.2,
                key_revoked_at: times.3,
                grant: effective.as_ref(),
            };
            let request = RequestFacts {
                op: op.map(|n| Op::ALL[n]),
                workspace: if elsewhere { "ws_2" } else { "ws_1" },
                as_workspace: sub.as_deref(),
                now: NOW,
            };
            let again = |inputs: Inputs| {
                let text = serde_json::to_string(&inputs).unwrap();
                serde_json::from_str::<Inputs>(&text).unwrap().decide_again()
            };
            let was = |decision: Decision<'_>| match decision {
                Decision::Allow => Ok(()),
                Decision::Deny(denial) => Err(denial.reason()),
            };
            let inputs = Inputs::new(&client, &request, &grant, kind, resolved_at);
            prop_assert_eq!(again(inputs.clone()), was(decide(&client, &request)));
            prop_assert_eq!(again(inputs.of_claim()), was(decide_audit(&client, NOW)));
        }
    }
}
