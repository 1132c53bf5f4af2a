//! Holding a call against the policies in force.

use std::net::IpAddr;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_condition::{Asked, Asker, Day, Judged};
use doorward_policy::{Inputs, Timestamp};
use doorward_store::Known;
use http::uri::PathAndQuery;

use crate::gateway::Inner;
use crate::records::record::CallFacts;
use crate::request::body::HeldBody;
use crate::request::canonical::{ForwardRequest, Head};
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

    /// Of a call that was judged before.
    pub(crate) fn again(request: &ForwardRequest, facts: &CallFacts) -> Self {
        let (body, parameter) = (request.body.as_ref(), facts.parameter.as_ref());
        Self {
            target: request.target.clone(),
            body: body.map(|body| body.bytes().clone()).unwrap_or_default(),
            parameter: parameter.map(|parameter| parameter.value.clone()),
            as_workspace: facts.as_workspace.as_deref().map(str::to_owned),
        }
    }
}

impl Inner {
    /// What a client used of the day by now, as far as somebody asks for it.
    pub(crate) fn today(&self, snapshot: &Snapshot, known: &Known<'_>, facts: &CallFacts) -> Day {
        if snapshot.policies().is_empty() && !facts.writes() {
            return Day::default();
        }
        let uses = self.client_limits.uses();
        uses.today(&known.client.id, self.clock.now()).into()
    }

    /// Judges a call by the policies of a snapshot. Whether its client is granted the operation is
    /// another matter.
    pub(crate) fn judge<'s>(
        &self,
        snapshot: &'s Snapshot,
        known: &Known<'_>,
        (op, now): (Op, Timestamp),
        call: &'s Judgeable,
        (source, today): (IpAddr, Day),
    ) -> Judged<'s> {
        let asked = Asked {
            op,
            parameter: call.parameter.as_deref(),
            query: call.target.query().unwrap_or_default(),
            body: &call.body,
            source,
            as_workspace: call.as_workspace.as_deref(),
            now,
            today,
        };
        snapshot.policies().judge(&asker(known), asked)
    }
}

/// Who asks, as policies see it.
pub(crate) fn asker<'a>(known: &Known<'a>) -> Asker<'a> {
    let client = &known.client.record;
    Asker {
        name: &client.name,
        environment: client.environment,
        owner: &client.owner,
        purpose: &client.purpose,
        workspace: &known.workspace.name,
        workspace_kind: known.workspace.kind,
    }
}

/// What the decision depended on, with what the judgement did.
pub(crate) fn with_conditions(inputs: Inputs, judged: &Judged<'_>, call: &Judgeable) -> Inputs {
    if !judged.is_borne_on() && call.body.len() > READ_MAX {
        return inputs;
    }
    inputs.with_conditions(judged.facts())
}
