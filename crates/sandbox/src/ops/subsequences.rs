//! createCampaignSubsequence, listCampaignSubsequence, duplicateSubsequence, pauseSubsequence,
//! resumeSubsequence, getCampaignSubsequence, patchCampaignSubsequence, deleteCampaignSubsequence;
//! and what moves a lead into a subsequence.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::cx::{Cx, merge};
use crate::ops::campaigns::{key, status};
use crate::ops::view::{self, holds, number, set, text};
use crate::ops::{astray, leads};
use crate::reply::{Answer, Refusal, Reply};

const KIND: &str = "Subsequence";

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateCampaignSubsequence => create(cx, call),
        Op::ListCampaignSubsequence => list(cx, call),
        Op::GetCampaignSubsequence => {
            Reply::ok(cx.ws().subsequences.find(&key(&call.param), KIND)?.clone())
        }
        Op::PatchCampaignSubsequence => patch(cx, call),
        Op::DeleteCampaignSubsequence => delete(cx, call),
        Op::DuplicateSubsequence => duplicate(cx, call),
        Op::PauseSubsequence => set_status(cx, call, status::PAUSED),
        Op::ResumeSubsequence => set_status(cx, call, status::ACTIVE),
        other => Err(astray(other)),
    }
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut body = call.body.clone();
    let parent = key(call.field_text("parent_campaign").unwrap_or_default());
    let campaign = cx.ws().campaigns.find(&parent, "Campaign")?;
    if call.field("subsequence_schedule").is_none() {
        let schedule = campaign.get("campaign_schedule").cloned();
        set(
            &mut body,
            "subsequence_schedule",
            schedule.unwrap_or_default(),
        );
    }
    set(&mut body, "parent_campaign", parent);
    put(cx, body)
}

/// Puts a new subsequence in draft.
fn put(cx: &mut Cx<'_>, fields: Value) -> Answer {
    let id = cx.uuid();
    let mut entity = json!({
        "sequences": [],
        "auto_variant_select": null,
        "daily_limit_mode": "inherit",
        "daily_limit": null,
        "ignore_account_daily_limit": false,
    });
    merge(&mut entity, &fields);
    merge(
        &mut entity,
        &json!({
            "id": id,
            "timestamp_created": cx.now_text(),
            "timestamp_leads_updated": cx.now_text(),
            "workspace": cx.workspace,
            "status": status::DRAFT,
        }),
    );
    cx.ws().subsequences.put(&id, entity.clone());
    Reply::ok(entity)
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let parent = call.query_text("parent_campaign").map(key);
    let other = call.query_text("parent_campaign_not").map(key);
    let search = call.query_text("search").map(str::to_lowercase);
    cx.ws().subsequences.page(call, |entity| {
        let of = text(entity, "parent_campaign");
        parent.as_deref().is_none_or(|parent| of == parent)
            && other.as_deref().is_none_or(|other| of != other)
            && search
                .as_deref()
                .is_none_or(|part| holds(text(entity, "name"), part))
    })
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let entity = cx.ws().subsequences.find_mut(&id, KIND)?;
    merge(entity, &call.body);
    let entity = entity.clone();
    audit(cx, call, &entity);
    Reply::ok(entity)
}

fn set_status(cx: &mut Cx<'_>, call: &Call, status: i64) -> Answer {
    let id = key(&call.param);
    let entity = cx.ws().subsequences.find_mut(&id, KIND)?;
    set(entity, "status", status);
    let entity = entity.clone();
    audit(cx, call, &entity);
    Reply::ok(entity)
}

fn audit(cx: &mut Cx<'_>, call: &Call, entity: &Value) {
    let about = json!({
        "subsequence_id": text(entity, "id"),
        "campaign_id": text(entity, "parent_campaign"),
    });
    cx.audit(Activity::SubsequenceUpdate, call, about);
}

fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let entity = cx.ws().subsequences.find(&id, KIND)?.clone();
    forget(cx, &id);
    Reply::ok(entity)
}

/// Takes a subsequence away; its leads go back to their campaign.
pub(crate) fn forget(cx: &mut Cx<'_>, id: &str) {
    let ws = cx.ws();
    ws.subsequences.remove(id);
    let gone = leads::uuid(id);
    for lead in ws.leads.iter_mut().filter(|lead| lead.subsequence == gone) {
        leave(lead);
    }
}

fn duplicate(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut copy = cx.ws().subsequences.find(&key(&call.param), KIND)?.clone();
    let parent = key(call.field_text("parent_campaign").unwrap_or_default());
    cx.ws().campaigns.find(&parent, "Campaign")?;
    set(&mut copy, "parent_campaign", parent);
    if let Some(name) = call.field_text("name") {
        set(&mut copy, "name", name);
    }
    put(cx, copy)
}

/// Puts a lead into a subsequence of its campaign.
pub(crate) fn enter(cx: &mut Cx<'_>, lead: Uuid, subsequence: &str) -> Result<(), Refusal> {
    let now = cx.now;
    let at = cx.now_text();
    let ws = cx.ws();
    let entity = ws.subsequences.find_mut(&key(subsequence), KIND)?;
    let lead = ws
        .leads
        .get_mut(lead)
        .ok_or_else(|| Refusal::not_found("Lead"))?;
    if lead.campaign.map(|id| id.to_string()).as_deref() != Some(text(entity, "parent_campaign")) {
        return Err(Refusal::not_found("Subsequence of the lead's campaign"));
    }
    set(entity, "timestamp_leads_updated", at);
    lead.subsequence = leads::uuid(subsequence);
    lead.status = leads::status::ACTIVE;
    lead.updated = now;
    let activity = lead.activity_mut();
    activity.added_to_subsequence = Some(now);
    activity.subsequence_step = None;
    Ok(())
}

/// Takes a lead out of the subsequence it is in.
pub(crate) fn leave(lead: &mut leads::Lead) {
    lead.subsequence = None;
    if let Some(activity) = lead.activity.as_deref_mut() {
        activity.added_to_subsequence = None;
        activity.subsequence_step = None;
    }
}

/// What happened to a lead, as the conditions of subsequences see it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger<'t> {
    Opened,
    Clicked,
    CompletedNoReply,
    /// With what the reply says.
    Replied(&'t str),
    Interest(i16),
}

impl Trigger<'_> {
    fn meets(self, conditions: &Value) -> bool {
        let has = |name: &str, number: i64| {
            conditions
                .get(name)
                .and_then(Value::as_array)
                .is_some_and(|numbers| numbers.iter().filter_map(view::whole).any(|n| n == number))
        };
        match self {
            Trigger::Opened => has("lead_activity", 2),
            Trigger::Clicked => has("lead_activity", 4),
            Trigger::CompletedNoReply => has("lead_activity", 91),
            Trigger::Interest(value) => has("crm_status", value.into()),
            Trigger::Replied(said) => {
                let part = text(conditions, "reply_contains").to_lowercase();
                !part.is_empty() && holds(said, &part)
            }
        }
    }
}

/// Puts a lead into the first active subsequence of its campaign whose conditions what happened
/// meets; one that is in a subsequence already stays where it is.
pub(crate) fn trigger(cx: &mut Cx<'_>, campaign: Uuid, lead: Uuid, trigger: Trigger<'_>) {
    let campaign = campaign.to_string();
    let ws = cx.ws();
    if ws.leads.get(lead).is_none_or(|lead| {
        lead.subsequence.is_some()
            || matches!(
                lead.status,
                leads::status::BOUNCED | leads::status::UNSUBSCRIBED
            )
    }) {
        return;
    }
    let met = ws.subsequences.iter().find(|entity| {
        text(entity, "parent_campaign") == campaign
            && number(entity, "status") == status::ACTIVE
            && entity
                .get("conditions")
                .is_some_and(|conditions| trigger.meets(conditions))
    });
    if let Some(id) = met.map(|entity| text(entity, "id").to_owned()) {
        // It was just found with this very campaign as its parent.
        let _ = enter(cx, lead, &id);
    }
}
