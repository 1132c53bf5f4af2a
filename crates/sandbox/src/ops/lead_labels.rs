//! createLeadLabel, listLeadLabel, getLeadLabel, patchLeadLabel, deleteLeadLabel,
//! testAiReplyLabelLeadLabels.

use std::collections::HashSet;

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::{Cx, merge};
use crate::ops::astray;
use crate::ops::campaigns::key;
use crate::ops::lead_lists::{own_time, page_by_time};
use crate::ops::view::{flag, holds, number, set, text};
use crate::reply::{Answer, Refusal, Reply};

const KIND: &str = "Lead label";

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateLeadLabel => create(cx, call),
        Op::ListLeadLabel => list(cx, call),
        Op::GetLeadLabel => Reply::ok(cx.ws().lead_labels.find(&key(&call.param), KIND)?.clone()),
        Op::PatchLeadLabel => patch(cx, call),
        Op::DeleteLeadLabel => delete(cx, call),
        Op::TestAiReplyLabelLeadLabels => test_reply(cx, call),
        other => Err(astray(other)),
    }
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let entity = put(cx, &call.body)?;
    Reply::ok(entity)
}

/// Puts a new label.
pub(crate) fn put(cx: &mut Cx<'_>, fields: &Value) -> Result<Value, Refusal> {
    let status = free_status(cx, text(fields, "interest_status_label"))?;
    let id = cx.uuid();
    let owner = cx.owner();
    let now = cx.now;
    let created = own_time(&cx.ws().lead_labels, now);
    let mut entity = json!({ "description": null, "use_with_ai": false });
    merge(&mut entity, fields);
    merge(
        &mut entity,
        &json!({
            "id": id,
            "timestamp_created": created,
            "created_by": owner,
            "organization_id": cx.workspace,
            "interest_status": status,
        }),
    );
    cx.ws().lead_labels.put(&id, entity.clone());
    Ok(entity)
}

/// The first interest value of a polarity that no label has: positive ones count up from 1001,
/// negative ones down from -1001, neutral ones up from 20001; all within the range that conditions
/// of subsequences allow.
fn free_status(cx: &mut Cx<'_>, polarity: &str) -> Result<i64, Refusal> {
    let taken: HashSet<i64> = cx
        .ws()
        .lead_labels
        .iter()
        .map(|label| number(label, "interest_status"))
        .collect();
    let (first, sign) = match polarity {
        "positive" => (1001, 1),
        "negative" => (1001, -1),
        _ => (20_001, 1),
    };
    (first..first + 9_999)
        .map(|n| n * sign)
        .find(|n| !taken.contains(n))
        .ok_or_else(|| Refusal::bad_request("the workspace has all the labels it can have"))
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let search = call.query_text("search").map(str::to_lowercase);
    let polarity = call.query_text("interest_status");
    page_by_time(&cx.ws().lead_labels, call, |label| {
        polarity.is_none_or(|polarity| text(label, "interest_status_label") == polarity)
            && search.as_deref().is_none_or(|part| {
                holds(text(label, "label"), part) || holds(text(label, "description"), part)
            })
    })
}

/// The interest value stays when the polarity changes: leads carry it.
fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let label = cx.ws().lead_labels.find_mut(&key(&call.param), KIND)?;
    merge(label, &call.body);
    Reply::ok(label.clone())
}

/// Deletes a label; its leads and emails get the status asked for, or none.
fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let instead = call
        .field("reassigned_status")
        .and_then(Value::as_f64)
        .and_then(|value| crate::ops::leads::known_interest(cx, value));
    let ws = cx.ws();
    let label = ws.lead_labels.find(&id, KIND)?.clone();
    ws.lead_labels.remove(&id);
    let status = number(&label, "interest_status");
    for lead in ws.leads.iter_mut() {
        if lead.interest.map(i64::from) == Some(status) {
            lead.interest = instead;
        }
    }
    for email in ws.emails.iter_mut() {
        if email.get("i_status").and_then(Value::as_i64) == Some(status) {
            set(email, "i_status", instead.map(i64::from));
        }
    }
    Reply::ok(label)
}

/// The standing labels a reply can be told by, each with words that give it away; the first that
/// fits is taken, so refusals come before interest.
const TELLTALES: [(&str, &[&str]); 5] = [
    (
        "Out of Office",
        &[
            "out of office",
            "on vacation",
            "on leave",
            "back in the office",
        ],
    ),
    (
        "Wrong Person",
        &["wrong person", "no longer with", "not the right person"],
    ),
    (
        "Not Interested",
        &[
            "not interested",
            "unsubscribe",
            "remove me",
            "no thanks",
            "stop",
        ],
    ),
    ("Meeting Booked", &["booked", "calendar", "see you on"]),
    (
        "Interested",
        &[
            "interested",
            "tell me more",
            "sounds good",
            "learn more",
            "send me",
        ],
    ),
];

/// A stand-in for the model: a label fits a reply that holds its name or, best, most of the words of
/// its description; else a standing label is told by a few plain phrases.
fn test_reply(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let reply = call
        .field_text("reply_text")
        .unwrap_or_default()
        .to_lowercase();
    let labels = &cx.ws().lead_labels;
    let considered: Vec<&Value> = labels
        .iter()
        .filter(|label| flag(label, "use_with_ai"))
        .collect();
    let fits = |label: &&&Value| {
        let name = text(label, "label").trim().to_lowercase();
        let description = text(label, "description").to_lowercase();
        let words: Vec<&str> = description
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() > 3)
            .collect();
        let found = words.iter().filter(|word| reply.contains(**word)).count();
        (!name.is_empty() && reply.contains(&name)) || (found > 0 && found * 2 > words.len())
    };
    let result = considered
        .iter()
        .find(fits)
        .map(|label| text(label, "label"))
        .or_else(|| {
            TELLTALES
                .iter()
                .find(|(_, phrases)| phrases.iter().any(|phrase| reply.contains(phrase)))
                .map(|(name, _)| *name)
        })
        .unwrap_or("Lead");
    let names: Vec<&str> = considered
        .iter()
        .map(|label| text(label, "label"))
        .collect();
    Reply::ok(json!({ "result": result, "custom_labels_considered": names }))
}
