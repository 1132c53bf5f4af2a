//! createCampaign, listCampaign, getCampaign, patchCampaign, deleteCampaign, activateCampaign,
//! pauseCampaign, addVariables, searchByContact; copies are in [`copy`].

mod copy;
#[cfg(test)]
mod tests;

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::cx::{Cx, merge};
use crate::ops::view::{self, holds, number, set, text};
use crate::ops::{astray, leads, subsequences, tags};
use crate::reply::{Answer, Reply};

pub(crate) const KIND: &str = "Campaign";

/// `status` of a campaign or a subsequence.
pub(crate) mod status {
    pub(crate) const DRAFT: i64 = 0;
    pub(crate) const ACTIVE: i64 = 1;
    pub(crate) const PAUSED: i64 = 2;
    pub(crate) const COMPLETED: i64 = 3;
    pub(crate) const RUNNING_SUBSEQUENCES: i64 = 4;
    pub(crate) const ACCOUNTS_UNHEALTHY: i64 = -1;
    pub(crate) const BOUNCE_PROTECT: i64 = -2;
    pub(crate) const ACCOUNT_SUSPENDED: i64 = -99;
}

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateCampaign => create(cx, call),
        Op::ListCampaign => list(cx, call),
        Op::GetCampaign => shown(cx, &key(&call.param)),
        Op::PatchCampaign => patch(cx, call),
        Op::DeleteCampaign => delete(cx, call),
        Op::ActivateCampaign => set_status(cx, call, status::ACTIVE, Activity::CampaignLaunch),
        Op::PauseCampaign => set_status(cx, call, status::PAUSED, Activity::CampaignPause),
        Op::AddVariables => add_variables(cx, call),
        Op::SearchByContact => search_by_contact(cx, call),
        Op::ShareCampaign => copy::share(cx, call),
        Op::ExportCampaign => copy::export(cx, call),
        Op::CreateFromExport => copy::from_export(cx, call),
        Op::Duplicate => copy::duplicate(cx, call),
        other => Err(astray(other)),
    }
}

/// An id as tables key it: a uuid in lower case, however the caller wrote it.
pub(crate) fn key(id: &str) -> String {
    id.to_ascii_lowercase()
}

fn shown(cx: &mut Cx<'_>, id: &str) -> Answer {
    Reply::ok(cx.ws().campaigns.find(id, KIND)?.clone())
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let entity = put(cx, &call.body);
    Reply::ok(entity)
}

/// Puts a new campaign, in draft, with defaults for what the fields leave out.
pub(crate) fn put(cx: &mut Cx<'_>, fields: &Value) -> Value {
    let id = cx.uuid();
    let owner = Some(cx.owner()).filter(|owner| !owner.is_empty());
    let mut entity = json!({
        "pl_value": null,
        "is_evergreen": false,
        "sequences": [],
        "email_gap": 10,
        "random_wait_max": 10,
        "text_only": false,
        "first_email_text_only": false,
        "email_list": [],
        "daily_limit": null,
        "stop_on_reply": true,
        "email_tag_list": [],
        "link_tracking": false,
        "open_tracking": true,
        "stop_on_auto_reply": false,
        "daily_max_leads": null,
        "prioritize_new_leads": false,
        "auto_variant_select": null,
        "match_lead_esp": false,
        "stop_for_company": false,
        "insert_unsubscribe_header": false,
        "allow_risky_contacts": false,
        "disable_bounce_protect": false,
        "cc_list": [],
        "bcc_list": [],
        "owned_by": owner,
    });
    merge(&mut entity, fields);
    merge(
        &mut entity,
        &json!({
            "id": id,
            "status": status::DRAFT,
            "timestamp_created": cx.now_text(),
            "timestamp_updated": cx.now_text(),
            "organization": cx.workspace,
        }),
    );
    for name in ["core_variables", "custom_variables"] {
        if entity.get(name).is_none() {
            set(&mut entity, name, json!({}));
        }
    }
    cx.ws().campaigns.put(&id, entity.clone());
    entity
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let search = call.query_text("search").map(str::to_lowercase);
    let agent = call.query_text("ai_sales_agent_id").map(key);
    let wanted = call.query_number("status");
    let unwanted = call.query_number("exclude_status");
    let tagged = call
        .query_list("tag_ids")
        .map(|ids| tags::carriers(&cx.ws().tag_mappings, &ids));
    cx.ws().campaigns.page(call, |campaign| {
        let status = campaign.get("status").and_then(Value::as_f64);
        search
            .as_deref()
            .is_none_or(|part| holds(text(campaign, "name"), part))
            && agent
                .as_deref()
                .is_none_or(|agent| text(campaign, "ai_sdr_id").eq_ignore_ascii_case(agent))
            && (wanted.is_none() || wanted == status)
            && (unwanted.is_none() || unwanted != status)
            && tagged
                .as_ref()
                .is_none_or(|ids| ids.contains(text(campaign, "id")))
    })
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let now = cx.now_text();
    let campaign = cx.ws().campaigns.find_mut(&id, KIND)?;
    merge(campaign, &call.body);
    set(campaign, "timestamp_updated", now);
    cx.audit(Activity::CampaignUpdate, call, json!({ "campaign_id": id }));
    shown(cx, &id)
}

/// Launching asks for no leads, accounts or emails to be there: a campaign that lacks them is active
/// and does not send, and its sending status says why.
fn set_status(cx: &mut Cx<'_>, call: &Call, status: i64, activity: Activity) -> Answer {
    let id = key(&call.param);
    let now = cx.now_text();
    let campaign = cx.ws().campaigns.find_mut(&id, KIND)?;
    set(campaign, "status", status);
    set(campaign, "timestamp_updated", now);
    cx.audit(activity, call, json!({ "campaign_id": id }));
    shown(cx, &id)
}

/// Deletes a campaign with its subsequences, tags and figures, and with its leads, but for those
/// that are in a list too: these stay there.
fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let campaign = cx.ws().campaigns.find(&id, KIND)?.clone();
    let of_it: Vec<String> = cx
        .ws()
        .subsequences
        .iter()
        .filter(|entity| text(entity, "parent_campaign") == id)
        .map(|entity| text(entity, "id").to_owned())
        .collect();
    for subsequence in of_it {
        subsequences::forget(cx, &subsequence);
    }
    let ws = cx.ws();
    ws.campaigns.remove(&id);
    ws.sends.retain(|send| send.campaign != id);
    ws.tag_mappings
        .remove_where(|mapping| text(mapping, "resource_id") == id);
    let gone = leads::uuid(&id);
    let mut orphans = Vec::new();
    for lead in ws.leads.iter_mut().filter(|lead| lead.campaign == gone) {
        if lead.list.is_some() {
            lead.campaign = None;
            lead.restart();
        } else {
            orphans.push(lead.id);
        }
    }
    for lead in &orphans {
        ws.leads.remove(*lead);
    }
    let about = json!({ "campaign_id": id, "affected_count": orphans.len() });
    cx.audit(Activity::CampaignDeletion, call, about);
    Reply::ok(campaign)
}

/// The variables every lead has by nature; all others are custom.
const CORE: [&str; 8] = [
    "email",
    "firstName",
    "lastName",
    "companyName",
    "jobTitle",
    "website",
    "phone",
    "personalization",
];

fn add_variables(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let now = cx.now_text();
    let campaign = cx.ws().campaigns.find_mut(&id, KIND)?;
    for name in call.field_list("variables").unwrap_or_default() {
        let kind = if CORE.contains(&name.as_str()) {
            "core_variables"
        } else {
            "custom_variables"
        };
        let Some(fields) = campaign.as_object_mut() else {
            continue;
        };
        let held = fields.entry(kind).or_insert_with(|| json!({}));
        if held.is_null() {
            *held = Value::Object(Map::new());
        }
        set(held, &name, name.clone());
    }
    set(campaign, "timestamp_updated", now);
    cx.audit(Activity::CampaignUpdate, call, json!({ "campaign_id": id }));
    shown(cx, &id)
}

/// The campaigns that hold a lead with the address.
fn search_by_contact(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let ws = cx.ws();
    let email = call.query_text("search").unwrap_or_default();
    let mut found: Vec<&Value> = Vec::new();
    for lead in ws.leads.with_email(email) {
        let campaign = lead
            .campaign
            .and_then(|id| ws.campaigns.get(&id.to_string()));
        if let Some(campaign) = campaign
            && !found
                .iter()
                .any(|held| text(held, "id") == text(campaign, "id"))
        {
            found.push(campaign);
        }
    }
    let column = call
        .query_text("sort_column")
        .unwrap_or("timestamp_created");
    found.sort_by(|a, b| in_order(a.get(column), b.get(column)));
    if call
        .query_text("sort_order")
        .is_some_and(|order| order.eq_ignore_ascii_case("desc"))
    {
        found.reverse();
    }
    Reply::ok(json!({ "items": found }))
}

/// Numbers by size, all else by its text.
fn in_order(a: Option<&Value>, b: Option<&Value>) -> std::cmp::Ordering {
    match (a.and_then(Value::as_f64), b.and_then(Value::as_f64)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => {
            let words = |value: Option<&Value>| match value {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            words(a).cmp(&words(b))
        }
    }
}

/// Campaigns that were launched at some time: every one that is no draft.
pub(crate) fn count_launched(cx: &mut Cx<'_>) -> Answer {
    let launched = |campaign: &&Value| number(campaign, "status") != status::DRAFT;
    let count = cx.ws().campaigns.iter().filter(launched).count();
    Reply::ok(json!({ "count": count }))
}

/// Whether a campaign is on: sending, or following up in subsequences.
pub(crate) fn is_on(campaign: &Value) -> bool {
    matches!(
        view::number(campaign, "status"),
        status::ACTIVE | status::RUNNING_SUBSEQUENCES
    )
}
