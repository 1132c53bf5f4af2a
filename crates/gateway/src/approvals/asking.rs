//! From a call that needs an approval to its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_policy::{Approval, Approvals};
use doorward_store::{ApprovalRecord, ApprovalState, AskedFor, Known};
use http::StatusCode;
use http::uri::PathAndQuery;

use super::desk::{ApprovalDesk, Ask};
use super::kept::{Exact, KeptRequest};
use crate::decision::refusal::{AskedApproval, Refusal};
use crate::gateway::Inner;
use crate::records::record::CallFacts;

/// When a client that asks too fast may ask again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A call as far as its approval goes. The digest is taken only when somebody asks for it.
pub(crate) struct Waiting<'a> {
    pub(crate) desk: Option<&'a ApprovalDesk>,
    pub(crate) known: &'a Known<'a>,
    pub(crate) op: Op,
    pub(crate) target: &'a PathAndQuery,
    pub(crate) as_workspace: Option<&'a str>,
    pub(crate) body: &'a Bytes,
}

/// Why a call does not go on, and what is asked for so that it may another time.
pub(crate) struct Stopped {
    pub(crate) refusal: Refusal,
    pub(crate) ask: Option<Box<Ask>>,
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, ask: None }
    }
}

impl Waiting<'_> {
    fn digest(&self, desk: &ApprovalDesk) -> [u8; 32] {
        desk.digest(&Exact {
            client_id: &self.known.client.id,
            workspace_id: &self.known.client.workspace_id,
            as_workspace: self.as_workspace,
            method: self.op.facts().method.as_str(),
            path: self.target.path(),
            query: self.target.query(),
            body: self.body,
        })
    }

    /// What is asked for; `None` when nobody can be asked.
    pub(crate) fn ask(&self, policy: &str, facts: &CallFacts) -> Option<Box<Ask>> {
        let desk = self.desk?;
        // What can't be shown can't be approved.
        let body = match self.body.len() {
            0 => None,
            bytes if bytes > desk.settings().body_bytes => return None,
            _ => Some(std::str::from_utf8(self.body).ok()?.to_owned()),
        };
        let client = &self.known.client.record;
        Some(Box::new(Ask {
            record: ApprovalRecord {
                id: String::new(),
                digest: self.digest(desk),
                client_id: client.id.clone(),
                client: client.name.clone(),
                owner: client.owner.clone(),
                workspace_id: client.workspace_id.clone(),
                operation: self.op,
                policy: policy.to_owned(),
                state: ApprovalState::Pending,
                asked: 1,
                asked_at: facts.at,
                expires_at: facts.at,
                decided_by: None,
                decided_at: None,
                reason: None,
                spent_at: None,
                request: Vec::new(),
            },
            request: KeptRequest {
                method: self.op.facts().method.as_str().to_owned(),
                target: self.target.to_string(),
                as_workspace: self.as_workspace.map(str::to_owned),
                body,
            },
            request_id: facts.request_id.to_string(),
        }))
    }
}

impl Approvals for Waiting<'_> {
    fn granted(&self) -> Option<Approval> {
        let desk = self.desk?;
        desk.lookup(&self.digest(desk))
    }
}

impl Inner {
    /// The refusal of a call that was stopped, once its approval is asked for.
    pub(crate) async fn ask(&self, stopped: Stopped) -> Refusal {
        let Stopped { refusal, ask } = stopped;
        let (Some(ask), Some(desk)) = (ask, &self.approvals) else {
            return refusal;
        };
        let (desk, now) = (Arc::clone(desk), self.clock.now());
        let op = ask.record.operation;
        let awaiting = |record: ApprovalRecord| AskedApproval {
            id: record.id,
            state: record.state.as_str(),
            expires_at: record.expires_at,
        };
        if let Some(record) = desk.asks.again(&ask.record.digest, now) {
            return refusal.awaiting(awaiting(record));
        }
        if !desk.asks.may_ask(&ask.record.client_id, now) {
            return Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "approvals_too_fast",
                "the call needs a person's approval, and this client asks for approvals too fast; \
                 ask again later, and have those that wait decided (`doorward approval list`)",
            )
            .of(op)
            .retry_after(ASK_AGAIN);
        }
        let asked = tokio::task::spawn_blocking(move || desk.ask(&ask, now)).await;
        match asked {
            Ok(Ok(AskedFor::New(record) | AskedFor::There(record))) => {
                refusal.awaiting(awaiting(record))
            }
            Ok(Ok(AskedFor::Full)) => Refusal::new(
                StatusCode::FORBIDDEN,
                "approvals_full",
                "the call needs a person's approval, and too many of this client's calls wait for \
                 one already; have them decided first (`doorward approval list`)",
            )
            .of(op),
            Ok(Err(error)) => {
                tracing::error!(%error, "an approval could not be asked for");
                refusal
            }
            Err(error) => {
                tracing::error!(%error, "an approval could not be asked for");
                refusal
            }
        }
    }
}
