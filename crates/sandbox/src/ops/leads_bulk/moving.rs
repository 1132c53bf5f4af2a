//! moveLeads: leads go, or are copied, to another campaign or list.

use std::collections::HashMap;

use doorward_catalog::activity::Activity;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::jobs;
use crate::ops::leads::{self, Lead, Selection, Target, uuid};
use crate::ops::view::is_address;
use crate::reply::{Answer, Refusal, Reply};
use crate::world::SendKind;

/// The most addresses a job tells of: a workspace can move a hundred thousand leads at once.
const TOLD: usize = 1_000;

/// How leads are moved.
struct Plan {
    to: Target,
    /// The campaign or list they come from, when one is named.
    from: Target,
    copy: bool,
    no_duplicates: bool,
    no_duplicates_in_campaigns: bool,
    not_in_verification: bool,
    reset_interest: bool,
    assign_to: Option<Uuid>,
}

pub(super) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let to = Target::read(
        cx,
        call.field_text("to_campaign_id"),
        call.field_text("to_list_id"),
    )?;
    // The operation documents no 400.
    if to == Target::default() {
        return Err(Refusal::new(404, "give a to_campaign_id or a to_list_id"));
    }
    let now = cx.now;
    let ws = cx.ws();
    let mut selection = Selection::read(call, &ws.lead_labels, now);
    if selection.names_ids() && selection.campaign.is_none() && selection.list.is_none() {
        return Err(Refusal::new(
            404,
            "with ids, give the campaign or list_id they are in",
        ));
    }
    selection.esp = call
        .field("esp_code")
        .and_then(Value::as_f64)
        .map(|code| code as i64);
    let limit = call
        .field("limit")
        .and_then(Value::as_f64)
        .map_or(usize::MAX, |limit| limit.max(0.0) as usize);
    let flag = |name: &str| call.field_flag(name) == Some(true);
    let plan = Plan {
        to,
        from: Target {
            campaign: selection.campaign,
            list: selection.list,
        },
        copy: flag("copy_leads"),
        no_duplicates: flag("check_duplicates"),
        no_duplicates_in_campaigns: flag("check_duplicates_in_campaigns"),
        not_in_verification: flag("skip_leads_in_verification"),
        reset_interest: flag("reset_interest_status"),
        assign_to: call.field_text("assigned_to").and_then(uuid),
    };
    let meant: Vec<Uuid> = selection
        .of(&ws.leads, None)
        .take(limit)
        .map(|lead| lead.id)
        .collect();
    let mut moved = Vec::new();
    let mut left = HashMap::new();
    for id in meant {
        let from = cx.ws().leads.get(id).and_then(|lead| lead.campaign);
        if let Some(email) = plan.carry_out(cx, id) {
            moved.push(email);
            left.extend(from.map(|from| (id.to_string(), from.to_string())));
        }
    }
    if let (false, false, Some(new)) = (plan.copy, plan.reset_interest, to.campaign) {
        take_opportunities_along(cx, &left, &new.to_string());
    }
    if !moved.is_empty() {
        cx.audit(Activity::LeadMoved, call, to.about(moved.len()));
    }
    let emails: Vec<Box<str>> = moved
        .into_iter()
        .flatten()
        .filter(|email| is_address(email))
        .take(TOLD)
        .collect();
    let (entity_type, entity_id) = match (to.campaign, to.list) {
        (Some(campaign), _) => ("campaign", campaign),
        (None, list) => ("list", list.unwrap_or_default()),
    };
    let data = json!({ "moved_lead_emails": emails });
    let id = entity_id.to_string();
    Reply::ok(jobs::start(cx, "move-leads", entity_type, Some(&id), data))
}

impl Plan {
    /// Moves or copies one lead; its address, or nothing when it stays.
    fn carry_out(&self, cx: &mut Cx<'_>, id: Uuid) -> Option<Option<Box<str>>> {
        let now = cx.now;
        let fresh = if self.copy { uuid(&cx.uuid())? } else { id };
        let ws = cx.ws();
        let lead = ws.leads.get(id)?;
        if !self.takes(&ws.leads, lead) {
            return None;
        }
        let email = lead.email.clone();
        let mut lead = lead.clone();
        lead.id = fresh;
        if self.copy {
            lead.created = now;
            lead.activity = None;
        }
        lead.campaign = self.to.campaign;
        lead.list = self.to.list;
        lead.restart();
        lead.updated = now;
        if self.reset_interest {
            lead.interest = None;
        }
        if self.assign_to.is_some() {
            lead.assigned_to = self.assign_to;
        }
        ws.leads.insert(lead);
        Some(email)
    }

    fn takes(&self, table: &leads::LeadTable, lead: &Lead) -> bool {
        let already = !self.copy && lead.campaign == self.to.campaign && lead.list == self.to.list;
        let checked = |lead: &Lead| matches!(lead.verification, Some(11 | 12));
        if already || (self.not_in_verification && checked(lead)) {
            return false;
        }
        let Some(email) = lead.email.as_deref() else {
            return true;
        };
        !table.with_email(email).any(|held| {
            held.id != lead.id
                && ((self.no_duplicates && self.to.holds(held))
                    || (self.no_duplicates_in_campaigns
                        && held.campaign.is_some()
                        && held.campaign != self.from.campaign))
        })
    }
}

/// Leads that keep their interest take their opportunities along to the new campaign: `left` has the
/// campaign that each lead was in.
fn take_opportunities_along(cx: &mut Cx<'_>, left: &HashMap<String, String>, new: &str) {
    for send in &mut cx.ws().sends {
        if send.kind == SendKind::Opportunity && left.get(&send.lead) == Some(&send.campaign) {
            new.clone_into(&mut send.campaign);
        }
    }
}
