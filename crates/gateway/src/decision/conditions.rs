//! Holding a call against the policies in force.

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_condition::{Asked, Asker, Day, Judged};
use doorward_policy::{Inputs, Timestamp};
use doorward_store::Known;
use http::uri::PathAndQuery;

use crate::gateway::Inner;
use crate::records::record::CallFacts;
use crate::request::body::HeldBody;
use crate::request::canonical::Head;
use crate::snapshot::Snapshot;

/// Largest body of which the ids are kept with a write that no policy bears on: to read one takes
/// as long as it is large.
const READ_MAX: usize = 16 * 1024;

/// All of a call that policies may ask for, as it would be sent.
pub(crate) struct Judgeable {
    pub(crate) target: PathAndQuery,
    pub(crate) body: Bytes,
    parameter: Option<String>,
    pub(crate) as_workspace: Option<String>,
}

impl Judgeable {
    /// Of the very head and body that are sent.
    pub(crate) fn of(head: &Head, body: Option<&HeldBody>, facts: &CallFacts) -> Self {
        let parameter = facts.parameter.as_ref();
        Self {
            target: head.target().clone(),
            body: body.map(|body| body.bytes().clone()).unwrap_or_default(),
            parameter: parameter.map(|parameter| parameter.value.clone()),
            as_workspace: head.as_workspace().map(str::to_owned),
        }
    }
}

impl Inner {
    /// Judges a call by the policies of a snapshot. Whether its client is granted the operation is
    /// another matter.
    pub(crate) fn judge<'s>(
        &self,
        snapshot: &'s Snapshot,
        known: &Known<'_>,
        (op, now): (Op, Timestamp),
        call: &'s Judgeable,
        facts: &CallFacts,
    ) -> Judged<'s> {
        let client = &known.client.record;
        let asker = Asker {
            name: &client.name,
            environment: client.environment,
            owner: &client.owner,
            purpose: &client.purpose,
            workspace: &known.workspace.name,
            workspace_kind: known.workspace.kind,
        };
        let today = match snapshot.policies().is_empty() && !facts.writes() {
            // Nobody asks.
            true => Day::default(),
            false => {
                let uses = self.client_limits.uses();
                let today = uses.today(&known.client.id, now);
                Day {
                    calls: today.calls,
                    leads: today.leads,
                }
            }
        };
        let asked = Asked {
            op,
            parameter: call.parameter.as_deref(),
            query: call.target.query().unwrap_or_default(),
            body: &call.body,
            source: facts.source,
            as_workspace: call.as_workspace.as_deref(),
            now,
            today,
        };
        snapshot.policies().judge(&asker, asked)
    }
}

/// What the decision depended on, with what the judgement did.
pub(crate) fn with_conditions(inputs: Inputs, judged: &Judged<'_>, call: &Judgeable) -> Inputs {
    if !judged.is_borne_on() && call.body.len() > READ_MAX {
        return inputs;
    }
    inputs.with_conditions(judged.facts())
}
