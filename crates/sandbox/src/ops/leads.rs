//! createLead, listLeads, getLead, patchLead, deleteLead, and what the other operations on leads
//! share.

mod add;
mod filter;
mod interest;
mod mail;
mod row;
mod show;
mod simulate;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use doorward_catalog::Op;
use doorward_catalog::activity::Activity as Audit;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use add::{AddRules, Added, Block, Outcome, Target, Verify, put};
pub(crate) use filter::{Selection, of_polarity, uuid};
pub(crate) use interest::{known_interest, set_interest};
pub(crate) use row::{Lead, Upload, status};
pub(crate) use simulate::{replay, simulate};
pub(crate) use table::{LeadTable, fold};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};
use crate::table::page_of;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateLead => create(cx, call),
        Op::ListLeads => list(cx, call),
        Op::GetLead => shown(cx, param(call)?),
        Op::PatchLead => patch(cx, call),
        Op::DeleteLead => delete(cx, call),
        other => Err(astray(other)),
    }
}

/// The id in the path.
fn param(call: &Call) -> Result<Uuid, Refusal> {
    uuid(&call.param).ok_or_else(|| Refusal::not_found("Lead"))
}

/// The entity of a lead, or 404.
pub(crate) fn entity(cx: &mut Cx<'_>, id: Uuid) -> Result<Value, Refusal> {
    let organization = cx.workspace.clone();
    cx.ws()
        .leads
        .get(id)
        .map(|lead| lead.entity(&organization))
        .ok_or_else(|| Refusal::not_found("Lead"))
}

/// The answer that shows a lead.
pub(crate) fn shown(cx: &mut Cx<'_>, id: Uuid) -> Answer {
    Reply::ok(entity(cx, id)?)
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target = Target::read(cx, call.field_text("campaign"), call.field_text("list_id"))?;
    let email = call.field_text("email");
    let named = call.field("first_name").is_some() || call.field("last_name").is_some();
    if target.campaign.is_some() && email.is_none_or(|email| !add::is_address(email)) {
        return Err(Refusal::bad_request(
            "a lead of a campaign needs a valid email",
        ));
    }
    if target.list.is_some() && email.is_none() && !named {
        return Err(Refusal::bad_request(
            "a lead of a list needs an email, a first_name or a last_name",
        ));
    }
    let flag = |name: &str| call.field_flag(name).unwrap_or(false);
    if let Some(email) = email {
        let held = cx.ws().leads.with_email(email).find(|lead| {
            flag("skip_if_in_workspace")
                || (flag("skip_if_in_campaign")
                    && match target.campaign {
                        Some(campaign) => lead.campaign == Some(campaign),
                        None => lead.campaign.is_some(),
                    })
                || (flag("skip_if_in_list")
                    && match target.list {
                        Some(list) => lead.list == Some(list),
                        None => lead.list.is_some(),
                    })
        });
        if let Some(held) = held.map(|lead| lead.id) {
            return shown(cx, held);
        }
        if call.field("blocklist_id").is_some() && Block::new(&cx.ws().block_list).holds(email) {
            return Err(Refusal::bad_request("the email is in the block list"));
        }
    }
    let verify = if flag("verify_leads_for_lead_finder") || flag("verify_leads_on_import") {
        Verify::Yes
    } else {
        Verify::No
    };
    let id = add::put(cx, &call.body, target, None, verify);
    cx.audit(Audit::LeadAdded, call, target.about(1));
    shown(cx, id)
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let organization = cx.workspace.clone();
    let ws = cx.ws();
    let mut selection = Selection::read(call, &ws.lead_labels, now);
    selection.assigned_to = call
        .field_list("organization_user_ids")
        .map(|users| users.iter().filter_map(|id| uuid(id)).collect());
    selection.visitor = call.field_flag("is_website_visitor");
    selection.enrichment = call
        .field("enrichment_status")
        .and_then(Value::as_f64)
        .map(|code| code as i64);
    let limit = call
        .field("limit")
        .and_then(Value::as_f64)
        .map_or(10, |limit| limit as usize);
    let cursor = call.field_text("starting_after");
    if call.field_flag("distinct_contacts").unwrap_or(false) {
        let page = distinct(&selection, &ws.leads, cursor, limit);
        let next = page.last().map(|(email, _)| email.clone());
        let items = page
            .iter()
            .map(|(_, lead)| lead.entity(&organization))
            .collect();
        return Ok(page_of(items, next));
    }
    let after = match cursor {
        None => None,
        // A cursor that names nothing brings an empty page.
        Some(cursor) => match uuid(cursor) {
            Some(id) => Some(id),
            None => return Ok(page_of(Vec::new(), None)),
        },
    };
    let page: Vec<&Lead> = selection.of(&ws.leads, after).take(limit).collect();
    let next = page.last().map(|lead| lead.id.to_string());
    let items = page.iter().map(|lead| lead.entity(&organization)).collect();
    Ok(page_of(items, next))
}

/// One lead of each address, ordered by address, after a cursor that is an address. Keeps no more
/// than a page at a time, so that a large table costs one pass and no copy.
fn distinct<'t>(
    selection: &'t Selection,
    table: &'t LeadTable,
    cursor: Option<&str>,
    limit: usize,
) -> Vec<(String, &'t Lead)> {
    let cursor = cursor.map(fold);
    let mut page: BTreeMap<String, &Lead> = BTreeMap::new();
    for lead in selection.of(table, None) {
        let Some(email) = lead.email.as_deref().map(fold) else {
            continue;
        };
        if cursor.as_ref().is_some_and(|cursor| email <= *cursor) {
            continue;
        }
        page.entry(email).or_insert(lead);
        if page.len() > limit {
            page.pop_last();
        }
    }
    page.into_iter().collect()
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = param(call)?;
    let now = cx.now;
    let lead = cx
        .ws()
        .leads
        .get_mut(id)
        .ok_or_else(|| Refusal::not_found("Lead"))?;
    lead.take_fields(&call.body);
    lead.updated = now;
    let campaign = lead.campaign;
    if let (Some(campaign), Some(variables)) = (campaign, call.field("custom_variables")) {
        add::allow_variables(cx, campaign, variables);
    }
    if let Some(value) = call.field("lt_interest_status").and_then(Value::as_f64) {
        set_interest(cx, id, Some(value as i16));
    }
    shown(cx, id)
}

fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = param(call)?;
    let shown = entity(cx, id)?;
    if let Some(lead) = cx.ws().leads.remove(id) {
        let target = Target {
            campaign: lead.campaign,
            list: lead.list,
        };
        cx.audit(Audit::LeadDeletion, call, target.about(1));
    }
    Reply::ok(shown)
}
