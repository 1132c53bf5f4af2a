//! bulkDeleteLeads, mergeLeads, updateLeadInterestStatus, removeLeadFromSubsequence, bulkAssignLeads,
//! moveLeadToSubsequence, bulkAddLeads; moveLeads is in [`moving`].
//!
//! What the vendor does in the background is done at once here; only the job that tells of it takes
//! its time.

mod moving;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::leads::{
    self, AddRules, Added, Block, Outcome, Selection, Target, Verify, shown, uuid,
};
use crate::ops::{astray, subsequences, view};
use crate::reply::{Answer, Refusal, Reply};

/// Leads a workspace's plan allows.
const PLAN: usize = 1_000_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::BulkAddLeads => add(cx, call),
        Op::BulkDeleteLeads => delete(cx, call),
        Op::BulkAssignLeads => assign(cx, call),
        Op::MoveLeads => moving::answer(cx, call),
        Op::MergeLeads => merge(cx, call),
        Op::UpdateLeadInterestStatus => interest(cx, call),
        Op::MoveLeadToSubsequence => enter(cx, call),
        Op::RemoveLeadFromSubsequence => leave(cx, call),
        other => Err(astray(other)),
    }
}

fn id(call: &Call, name: &str) -> Result<Uuid, Refusal> {
    call.field_text(name)
        .and_then(uuid)
        .ok_or_else(|| Refusal::not_found("Lead"))
}

fn add(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (campaign, list) = (call.field_text("campaign_id"), call.field_text("list_id"));
    if campaign.is_some() == list.is_some() {
        // The operation documents no 400.
        return Err(Refusal::new(404, "give either a campaign_id or a list_id"));
    }
    let target = Target::read(cx, campaign, list)?;
    let everyone = call.field_text("assigned_to").and_then(uuid);
    let assigned = everyone.or_else(|| {
        let campaign = target.campaign?.to_string();
        let owner = cx
            .ws()
            .campaigns
            .get(&campaign)?
            .get("owned_by")?
            .as_str()?;
        uuid(owner)
    });
    let flag = |name: &str| call.field_flag(name) == Some(true);
    let verify = if flag("verify_leads_on_import") {
        Verify::Yes
    } else {
        Verify::No
    };
    let mut rules = AddRules {
        target,
        block: Block::new(&cx.ws().block_list),
        skip_in_workspace: flag("skip_if_in_workspace"),
        skip_in_campaign: flag("skip_if_in_campaign"),
        skip_in_list: flag("skip_if_in_list"),
        taken: HashSet::new(),
    };
    let sent = call
        .field("leads")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut outcomes = Vec::with_capacity(sent.len());
    let mut added = Vec::new();
    for (index, lead) in sent.iter().enumerate() {
        let outcome = rules.judge(cx.ws(), lead);
        outcomes.push(outcome);
        if outcome == Outcome::Add {
            let id = leads::put(cx, lead, target, assigned, verify);
            added.push(Added { index, id });
        }
    }
    if !added.is_empty() {
        cx.audit(Activity::LeadAdded, call, target.about(added.len()));
    }
    let block = call
        .field_text("blocklist_id")
        .map_or_else(|| cx.workspace.clone(), str::to_owned);
    Reply::ok(summary(cx, target, block, &outcomes, &added))
}

fn summary(
    cx: &mut Cx<'_>,
    target: Target,
    block: String,
    outcomes: &[Outcome],
    added: &[Added],
) -> Value {
    let count = |outcome| outcomes.iter().filter(|held| **held == outcome).count();
    let leads = &cx.ws().leads;
    let created: Vec<Value> = added
        .iter()
        .filter_map(|added| {
            let lead = leads.get(added.id)?;
            Some(json!({
                "index": added.index,
                "id": lead.id,
                "email": lead.email,
                "first_name": lead.first_name,
                "last_name": lead.last_name,
                "phone": lead.details().phone,
            }))
        })
        .collect();
    // The plan counts what campaigns hold; a list costs nothing.
    let remaining = target.campaign.map(|_| PLAN.saturating_sub(leads.len()));
    json!({
        "status": "success",
        "total_sent": outcomes.len(),
        "leads_uploaded": count(Outcome::Add),
        "in_blocklist": count(Outcome::Blocked),
        "blocklist_used": block,
        "duplicated_leads": count(Outcome::AlreadyHere),
        "skipped_count": count(Outcome::Skipped),
        "invalid_email_count": count(Outcome::InvalidEmail),
        "incomplete_count": count(Outcome::Incomplete),
        "duplicate_email_count": count(Outcome::RepeatedInRequest),
        "remaining_in_plan": remaining,
        "created_leads": created,
    })
}

/// An unknown campaign or list holds no leads: nothing is deleted.
fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let place = |name: &str| call.field_text(name).map(|id| uuid(id).unwrap_or_default());
    let target = Target {
        campaign: place("campaign_id"),
        list: place("list_id"),
    };
    if target == Target::default() {
        // The operation documents no 400, and deleting everything is not what was asked.
        return Err(Refusal::new(404, "give a campaign_id or a list_id"));
    }
    let mut selection = Selection::within(target);
    selection.status = call
        .field("status")
        .and_then(Value::as_f64)
        .map(|status| status as i8);
    if let Some(ids) = call.field_list("ids") {
        selection.restrict_to(ids);
    }
    let limit = call
        .field("limit")
        .and_then(Value::as_f64)
        .map_or(usize::MAX, |limit| limit as usize);
    let ws = cx.ws();
    let gone: Vec<Uuid> = selection
        .of(&ws.leads, None)
        .take(limit)
        .map(|lead| lead.id)
        .collect();
    for lead in &gone {
        ws.leads.remove(*lead);
    }
    if !gone.is_empty() {
        cx.audit(Activity::LeadDeletion, call, target.about(gone.len()));
    }
    Reply::ok(json!({ "count": gone.len() }))
}

/// Shares the leads out among the users, one each in turn.
fn assign(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let users: Vec<Uuid> = call
        .field_list("organization_user_ids")
        .unwrap_or_default()
        .iter()
        .filter_map(|user| uuid(user))
        .collect();
    let ws = cx.ws();
    let mut selection = Selection::read(call, &ws.lead_labels, now);
    selection.assigned_to = call
        .field_text("assigned_to")
        .map(|user| uuid(user).into_iter().collect());
    let limit = call
        .field("limit")
        .and_then(Value::as_f64)
        .map_or(usize::MAX, |limit| limit as usize);
    let meant: Vec<Uuid> = selection
        .of(&ws.leads, None)
        .take(limit)
        .map(|lead| lead.id)
        .collect();
    for (lead, user) in meant.iter().zip(users.iter().cycle()) {
        if let Some(lead) = ws.leads.get_mut(*lead) {
            lead.assigned_to = Some(*user);
            lead.updated = now;
        }
    }
    Reply::accepted(json!({
        "status": "accepted",
        "message": "the leads are being assigned in the background",
    }))
}

/// The destination takes what it lacks from the other lead, and their counts together; the other
/// lead goes.
fn merge(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (from, into) = (id(call, "lead_id")?, id(call, "destination_lead_id")?);
    let now = cx.now;
    let ws = cx.ws();
    for id in [from, into] {
        ws.leads.get(id).ok_or_else(|| Refusal::not_found("Lead"))?;
    }
    if from == into {
        return shown(cx, into);
    }
    let Some(from) = ws.leads.remove(from) else {
        return Err(Refusal::not_found("Lead"));
    };
    // The destination is put anew, for it may take the address, which is indexed.
    let Some(mut lead) = ws.leads.remove(into) else {
        return Err(Refusal::not_found("Lead"));
    };
    let gone = from.id.to_string();
    lead.absorb(from);
    lead.updated = now;
    let about = Target {
        campaign: lead.campaign,
        list: lead.list,
    };
    let kept = lead.id.to_string();
    ws.leads.insert(lead);
    for send in ws.sends.iter_mut().filter(|send| send.lead == gone) {
        send.lead.clone_from(&kept);
    }
    for email in ws.emails.iter_mut() {
        if view::text(email, "lead_id") == gone {
            view::set(email, "lead_id", kept.clone());
        }
    }
    cx.audit(Activity::LeadMerged, call, about.about(1));
    shown(cx, into)
}

/// Changes every lead with the address; only that of a campaign or a list, when one is named.
fn interest(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let email = call.field_text("lead_email").unwrap_or_default();
    let place = |name: &str| {
        call.field_text(name)
            .filter(|id| !id.is_empty())
            .map(|id| uuid(id).unwrap_or_default())
    };
    let (campaign, list) = (place("campaign_id"), place("list_id"));
    let meant: Vec<Uuid> = cx
        .ws()
        .leads
        .with_email(email)
        .filter(|lead| campaign.is_none() || lead.campaign == campaign)
        .filter(|lead| list.is_none() || lead.list == list)
        .map(|lead| lead.id)
        .collect();
    if meant.is_empty() {
        return Err(Refusal::not_found("Lead"));
    }
    let value = match call.field("interest_value").and_then(Value::as_f64) {
        None => None,
        Some(value) => Some(leads::known_interest(cx, value).ok_or_else(|| {
            Refusal::bad_request("interest_value is neither a status nor that of a lead label")
        })?),
    };
    for lead in meant {
        leads::set_interest(cx, lead, value);
    }
    Reply::accepted(json!({ "message": "the lead's interest status is being updated" }))
}

fn enter(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let lead = id(call, "id")?;
    let subsequence = call.field_text("subsequence_id").unwrap_or_default();
    subsequences::enter(cx, lead, subsequence)?;
    let campaign = cx.ws().leads.get(lead).and_then(|lead| lead.campaign);
    let mut about = Map::new();
    about.insert("campaign_id".to_owned(), json!(campaign));
    about.insert("subsequence_id".to_owned(), json!(uuid(subsequence)));
    about.insert("affected_count".to_owned(), json!(1));
    cx.audit(Activity::LeadMoved, call, Value::Object(about));
    shown(cx, lead)
}

fn leave(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = id(call, "id")?;
    let now = cx.now;
    let lead = cx
        .ws()
        .leads
        .get_mut(id)
        .ok_or_else(|| Refusal::not_found("Lead"))?;
    if lead.subsequence.is_some() {
        subsequences::leave(lead);
        lead.updated = now;
    }
    shown(cx, id)
}
