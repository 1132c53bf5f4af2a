//! From what is known of a call to the leaves that tell of it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use doorward_audit::{CallEnd, Draft, Ended, Person, PersonKind};
use doorward_catalog::{Environment, Method, Op};
use doorward_keys::KeyId;
use doorward_ledger::{Act, Actor, ActorKind, Decision, Event, LeafId, Resource, Verdict};
use doorward_policy::Timestamp;

use crate::records::record::{CallFacts, Outcome};
use crate::request::request_id::RequestId;

/// What is before each path of the API.
const API: &str = "/api/v2";

/// A call that is about to be carried out.
pub(crate) fn intent(call: &CallFacts) -> Draft {
    let act = Act {
        decision: Some(Decision::Allow),
        ..act(call, Verdict::Pending, true)
    };
    let event = Event::Intent {
        operation: action(call).to_owned(),
        body: None,
        inputs: None,
    };
    with_inputs(with_body(draft(call, call.at, act, event), call), call)
}

/// How a call that was allowed ended, or was refused after its intent was recorded. Where there is
/// an intent, it has the commitment to the body.
pub(crate) struct End {
    call: Arc<CallFacts>,
    request_id: [u8; RequestId::LENGTH],
    intent: Option<LeafId>,
    outcome: Outcome,
}

impl End {
    pub(crate) fn of(call: &Arc<CallFacts>, intent: Option<LeafId>, outcome: &Outcome) -> Self {
        Self {
            call: Arc::clone(call),
            request_id: call.request_id.text(),
            intent,
            outcome: *outcome,
        }
    }
}

impl Ended for End {
    fn end(&self) -> CallEnd<'_> {
        let (call, outcome) = (&*self.call, &self.outcome);
        let latency = i64::try_from(outcome.latency.as_millis()).unwrap_or_default();
        let body = call.body_sha256.map(|sha256| (sha256, call.bytes_in));
        let parameter = call.parameter.as_ref();
        CallEnd {
            at: call.at.plus_millis(latency),
            action: action(call),
            operation: call.op.map(Op::id),
            resource: call.op.map(|op| (kind(op), path(op))),
            parameter: parameter.map(|parameter| (parameter.name, &*parameter.value)),
            result: verdict(call, outcome),
            decision: match outcome.allowed {
                true => Decision::Allow,
                false => Decision::Deny,
            },
            reason: outcome.reason,
            policy: call.policy.as_deref(),
            intent: self.intent,
            status: some_status(outcome),
            latency_us: u64::try_from(outcome.latency.as_micros()).unwrap_or_default(),
            body: body.filter(|_| self.intent.is_none()),
            answer_bytes: outcome.answered.map(|_| outcome.bytes_out),
            person: call.actor.as_ref().map(|actor| &*actor.0),
            source: call.source,
            client: call.client.as_deref(),
            client_key: call.client_key_id.as_ref().map(KeyId::as_str),
            environment: call.environment.map(Environment::as_str),
            workspace: call.workspace.as_deref(),
            sub_workspace: call.as_workspace.as_deref(),
            upstream_key: call.upstream_key.as_deref(),
            request_id: str::from_utf8(&self.request_id).ok(),
        }
    }
}

/// An intent that was recorded when it was too late: nothing was sent.
pub(crate) fn not_sent(call: &CallFacts, intent: LeafId, at: Timestamp, reason: &str) -> Draft {
    let act = Act {
        decision: Some(Decision::Allow),
        reason: Some(reason.to_owned()),
        ..act(call, Verdict::Refused, true)
    };
    let event = Event::Outcome {
        intent: Some(intent),
        operation: call.op.map(|op| op.id().to_owned()),
        status: None,
        latency_us: u64::try_from(at.millis_since(call.at).max(0)).unwrap_or_default() * 1_000,
        body: None,
        answer: None,
    };
    draft(call, at, act, event)
}

/// A call that was refused, or that ended before it was decided.
pub(crate) fn decision(call: &CallFacts, outcome: &Outcome) -> Draft {
    let mut act = Act {
        decision: (outcome.status != 0).then_some(Decision::Deny),
        reason: outcome.reason.map(str::to_owned),
        ..act(call, Verdict::Refused, false)
    };
    if let (None, Some(method)) = (call.op, call.method) {
        let method = Method::as_str(method);
        act.metadata.insert("method".to_owned(), method.into());
    }
    let event = Event::Decision {
        operation: call.op.map(|op| op.id().to_owned()),
        status: some_status(outcome),
        inputs: None,
    };
    with_inputs(draft(call, call.at, act, event), call)
}

/// What became of the act itself: an answer that the caller did not get whole undoes no write.
fn verdict(call: &CallFacts, outcome: &Outcome) -> Verdict {
    if !outcome.allowed {
        return Verdict::Refused;
    }
    let done = match outcome.answered {
        Some(status) if call.writes() => (200..300).contains(&status),
        None if call.writes() && outcome.sent => return Verdict::Unknown,
        _ => outcome.success,
    };
    if done {
        Verdict::Success
    } else {
        Verdict::Failure
    }
}

fn some_status(outcome: &Outcome) -> Option<u16> {
    Some(outcome.status).filter(|status| *status != 0)
}

fn action(call: &CallFacts) -> &'static str {
    call.op.map(Op::id).or(call.action).unwrap_or("unknown")
}

fn act(call: &CallFacts, result: Verdict, allowed: bool) -> Act {
    let text = |name: &Option<Arc<str>>| name.as_deref().map(str::to_owned);
    // What a caller without the right to it wrote there may be anything.
    let sub_workspace = text(&call.as_workspace).filter(|id| allowed || is_uuid(id));
    let policy = call.policy.as_deref();
    Act {
        metadata: policy
            .map(|name| ("policy".to_owned(), name.into()))
            .into_iter()
            .collect(),
        actor: Some(Actor {
            kind: ActorKind::Client,
            name: text(&call.client),
            person: None,
            claimed: call.actor.is_some(),
        }),
        resource: call.op.map(resource),
        client: text(&call.client),
        client_key: call.client_key_id.map(|id| id.to_string()),
        environment: call.environment.map(|e| e.as_str().to_owned()),
        workspace: text(&call.workspace),
        sub_workspace,
        upstream_key: text(&call.upstream_key),
        request_id: Some(call.request_id.to_string()),
        ..Act::new(action(call), result)
    }
}

/// What each operation acts on.
static KINDS: LazyLock<HashMap<Op, String>> = LazyLock::new(|| {
    let kind = |op: &Op| {
        let tag = op.facts().tags.first()?;
        Some((*op, snake(&format!("{tag:?}"))))
    };
    Op::ALL.iter().filter_map(kind).collect()
});

fn resource(op: Op) -> Resource {
    Resource {
        kind: kind(op).to_owned(),
        path: Some(path(op).to_owned()),
        ..Resource::default()
    }
}

fn kind(op: Op) -> &'static str {
    KINDS.get(&op).map_or("", String::as_str)
}

fn path(op: Op) -> &'static str {
    let path = op.facts().path;
    path.strip_prefix(API).unwrap_or(path)
}

/// The people in a call, as any leaf of it would name them.
pub(crate) fn people(call: &CallFacts) -> impl Iterator<Item = Person> {
    let actor = call.actor.as_ref().map(|actor| Person::named(&actor.0));
    let parameter = call.parameter.as_ref();
    let parameter =
        parameter.and_then(|parameter| Draft::person_behind(parameter.name, &parameter.value));
    let source = Person::at(call.source);
    actor.into_iter().chain([source]).chain(parameter)
}

fn draft(call: &CallFacts, at: Timestamp, act: Act, event: Event) -> Draft {
    let mut draft = Draft::new(at, act, event).source(call.source);
    if let Some(actor) = &call.actor {
        draft = draft.person(Person::named(&actor.0));
    }
    if let Some(parameter) = &call.parameter {
        draft = draft.id(parameter.name, &parameter.value);
    }
    draft
}

fn with_body(draft: Draft, call: &CallFacts) -> Draft {
    match call.body_sha256 {
        Some(sha256) => draft.body(sha256, call.bytes_in),
        None => draft,
    }
}

fn with_inputs(draft: Draft, call: &CallFacts) -> Draft {
    let (Some(inputs), Some(client)) = (&call.inputs, &call.client) else {
        return draft;
    };
    match serde_json::to_value(&**inputs) {
        Ok(value) => draft.sealed(&value, sealed_for(call.workspace.as_deref(), client)),
        Err(_) => draft,
    }
}

/// Whose key seals what is about a client and nobody in particular.
pub(crate) fn sealed_for(workspace: Option<&str>, client: &str) -> Person {
    let workspace = workspace.unwrap_or_default();
    Person::new(PersonKind::Client, &format!("{workspace}/{client}"))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `BlockListEntry` as `block_list_entry`, `CRMActions` as `crm_actions`.
fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    let mut chars = name.chars().peekable();
    let mut before_lower = false;
    while let Some(char) = chars.next() {
        let next_lower = chars.peek().is_some_and(char::is_ascii_lowercase);
        if char.is_ascii_uppercase() && !text.is_empty() && (before_lower || next_lower) {
            text.push('_');
        }
        before_lower = char.is_ascii_lowercase();
        text.push(char.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_things_have_plain_names() {
        for (op, kind, path) in [
            (Op::CreateLead, "lead", "/leads"),
            (Op::GetAccount, "account", "/accounts/{email}"),
            (
                Op::ListBlockListEntry,
                "block_list_entry",
                "/block-lists-entries",
            ),
        ] {
            let found = resource(op);
            assert_eq!(
                (found.kind.as_str(), found.path.as_deref()),
                (kind, Some(path))
            );
        }
        let names = ["CRMActions", "APIKey", "DFYEmailAccountOrder", "OAuth"].map(snake);
        assert_eq!(
            names,
            [
                "crm_actions",
                "api_key",
                "dfy_email_account_order",
                "o_auth"
            ]
        );
    }
}
