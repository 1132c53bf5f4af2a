//! createLeadList, listLeadList, getLeadList, patchLeadList, deleteLeadList, getVerificationStats;
//! and the pages whose cursor is a time.

#[cfg(test)]
mod tests;

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::{Cx, merge};
use crate::ops::campaigns::key;
use crate::ops::view::{holds, text};
use crate::ops::{astray, leads};
use crate::reply::{Answer, Reply};
use crate::table::Table;

const KIND: &str = "Lead list";

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateLeadList => create(cx, call),
        Op::ListLeadList => list(cx, call),
        Op::GetLeadList => Reply::ok(cx.ws().lead_lists.find(&key(&call.param), KIND)?.clone()),
        Op::PatchLeadList => patch(cx, call),
        Op::DeleteLeadList => delete(cx, call),
        Op::GetVerificationStats => verification_stats(cx, call),
        other => Err(astray(other)),
    }
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let entity = put(cx, &call.body);
    Reply::ok(entity)
}

/// Puts a new list.
pub(crate) fn put(cx: &mut Cx<'_>, fields: &Value) -> Value {
    let id = cx.uuid();
    let owner = Some(cx.owner()).filter(|owner| !owner.is_empty());
    let now = cx.now;
    let created = own_time(&cx.ws().lead_lists, now);
    let mut entity = json!({ "has_enrichment_task": false, "owned_by": owner });
    merge(&mut entity, fields);
    merge(
        &mut entity,
        &json!({ "id": id, "organization_id": cx.workspace, "timestamp_created": created }),
    );
    cx.ws().lead_lists.put(&id, entity.clone());
    entity
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let search = call.query_text("search").map(str::to_lowercase);
    let enriched = call.query_flag("has_enrichment_task");
    page_by_time(&cx.ws().lead_lists, call, |list| {
        let is = list
            .get("has_enrichment_task")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        enriched.is_none_or(|wanted| wanted == is)
            && search
                .as_deref()
                .is_none_or(|part| holds(text(list, "name"), part))
    })
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let list = cx.ws().lead_lists.find_mut(&key(&call.param), KIND)?;
    merge(list, &call.body);
    Reply::ok(list.clone())
}

/// Deletes a list with its leads, but for those that are in a campaign too: these stay there.
fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let ws = cx.ws();
    let list = ws.lead_lists.find(&id, KIND)?.clone();
    ws.lead_lists.remove(&id);
    let gone = leads::uuid(&id);
    let mut orphans = Vec::new();
    for lead in ws.leads.iter_mut().filter(|lead| lead.list == gone) {
        if lead.campaign.is_some() {
            lead.list = None;
        } else {
            orphans.push(lead.id);
        }
    }
    for lead in orphans {
        ws.leads.remove(lead);
    }
    Reply::ok(list)
}

fn verification_stats(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let ws = cx.ws();
    ws.lead_lists.find(&id, KIND)?;
    let list = leads::uuid(&id);
    let mut total = 0_u64;
    let mut counts = [0_u64; 7];
    const CODES: [(i8, &str); 7] = [
        (1, "verified"),
        (-1, "invalid"),
        (-2, "risky"),
        (-3, "catch_all"),
        (-4, "job_change"),
        (11, "verification_job_pending_leadfinder"),
        (12, "verification_job_pending_user"),
    ];
    for lead in ws.leads.iter().filter(|lead| lead.list == list) {
        total += 1;
        for (count, (code, _)) in counts.iter_mut().zip(CODES) {
            *count += u64::from(lead.verification == Some(code));
        }
    }
    let stats: serde_json::Map<String, Value> = CODES
        .iter()
        .zip(counts)
        .map(|((_, name), count)| ((*name).to_owned(), count.into()))
        .collect();
    Reply::ok(json!({ "stats": stats, "total_leads": total }))
}

/// The time a new entity is created at: now, or just after the last one, so that no two have the
/// same and the time can be a cursor.
pub(crate) fn own_time(table: &Table, now: Millis) -> String {
    let last = table
        .iter()
        .next_back()
        .and_then(|entity| clock::parse(text(entity, "timestamp_created")));
    clock::text(last.map_or(now, |last| now.max(last.saturating_add(1))))
}

/// A page of the entities that `wanted` takes, newest first, with the time of creation as cursor.
pub(crate) fn page_by_time(
    table: &Table,
    call: &Call,
    mut wanted: impl FnMut(&Value) -> bool,
) -> Answer {
    let limit = call
        .query_number("limit")
        .map_or(10, |limit| limit.max(0.0) as usize);
    let after = match call.query_text("starting_after") {
        None | Some("") => None,
        // A cursor that names nothing brings an empty page.
        Some(cursor) => Some(clock::parse(cursor).unwrap_or(Millis::MIN)),
    };
    let items: Vec<&Value> = table
        .iter()
        .rev()
        .filter(|entity| {
            after.is_none_or(|after| {
                clock::parse(text(entity, "timestamp_created")).is_some_and(|at| at < after)
            })
        })
        .filter(|entity| wanted(entity))
        .take(limit)
        .collect();
    let next = items
        .last()
        .map(|last| text(last, "timestamp_created").to_owned());
    let mut body = json!({ "items": items });
    if let (Some(next), Some(body)) = (next, body.as_object_mut()) {
        body.insert("next_starting_after".to_owned(), next.into());
    }
    Reply::ok(body)
}
