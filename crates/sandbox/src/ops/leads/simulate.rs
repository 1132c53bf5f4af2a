//! Making something happen to a lead: an email goes out, is opened, is answered, bounces.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::interest::{known_interest, set_interest};
use super::mail::{self, Place};
use super::row::{Lead, Step, status};
use super::{entity, uuid};
use crate::cx::Cx;
use crate::ops::subsequences::{self, Trigger};
use crate::ops::view;
use crate::reply::Refusal;
use crate::world::{Send, SendKind};

/// Makes something happen to a lead of a campaign: its counters, times and status change, it is kept
/// for analytics, emails appear in the unibox, and webhooks are told. `fields` may say which step
/// and variant (from 1, as payloads have them), which `email_account`, what a reply says
/// (`reply_text`, `reply_subject`, `reply_html`), for an opportunity which `interest_status`; any
/// other field goes into the payload as it is. The lead's entity comes back; 404 when there is no
/// such campaign or lead, 400 for an interest status nobody knows.
///
/// For [`SendKind::Completed`] an empty address completes the campaign for all its leads.
pub(crate) fn simulate(
    cx: &mut Cx<'_>,
    kind: SendKind,
    campaign: &str,
    lead_email: &str,
    fields: Map<String, Value>,
) -> Result<Value, Refusal> {
    let campaign = uuid(campaign)
        .filter(|id| cx.ws().campaigns.get(&id.to_string()).is_some())
        .ok_or_else(|| Refusal::not_found("Campaign"))?;
    if kind == SendKind::Completed && lead_email.is_empty() {
        complete_campaign(cx, campaign);
        return cx
            .ws()
            .campaigns
            .find(&campaign.to_string(), "Campaign")
            .cloned();
    }
    let lead = cx
        .ws()
        .leads
        .in_campaign(lead_email, campaign)
        .ok_or_else(|| Refusal::not_found("Lead"))?
        .clone();
    if kind == SendKind::Opportunity {
        let asked = fields
            .get("interest_status")
            .and_then(Value::as_f64)
            .unwrap_or(1.0);
        let value = known_interest(cx, asked)
            .ok_or_else(|| Refusal::bad_request("interest_status is no status or label here"))?;
        set_interest(cx, lead.id, Some(value));
        return entity(cx, lead.id);
    }
    let place = where_it_happens(cx, &lead, campaign, kind, &fields);
    let first = is_first(&lead, kind);
    let mut payload = lead.payload();
    payload.insert("is_first".to_owned(), first.into());
    payload.insert("step".to_owned(), (place.step + 1).into());
    payload.insert("variant".to_owned(), (place.variant + 1).into());
    payload.insert("email_account".to_owned(), place.account.clone().into());
    payload.extend(match kind {
        SendKind::Sent => mail::sent(cx, &lead, &place),
        SendKind::Replied => mail::received(cx, &lead, &place, &fields, false),
        SendKind::AutoReplied => mail::received(cx, &lead, &place, &fields, true),
        _ => Map::new(),
    });
    let said = view::text(&Value::Object(payload.clone()), "reply_text").to_owned();
    payload.extend(
        fields
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "step" | "variant")),
    );
    mark(cx, &lead, kind, &place);
    record(cx, &lead, kind, &place);
    if let Some(event_type) = event_type(kind) {
        let email = lead.email.as_deref().map(str::to_owned);
        cx.emit(event_type, Some(&place.campaign), email.as_deref(), payload);
    }
    follow(cx, &lead, campaign, kind, &said);
    entity(cx, lead.id)
}

/// Makes something have happened to a lead at `cx.now`, untold: no email is kept, no webhook hears of
/// it and nothing follows. History is planted with this.
pub(crate) fn replay(cx: &mut Cx<'_>, kind: SendKind, lead: Uuid) {
    let Some(lead) = cx.ws().leads.get(lead).cloned() else {
        return;
    };
    let Some(campaign) = lead.campaign else {
        return;
    };
    let place = where_it_happens(cx, &lead, campaign, kind, &Map::new());
    mark(cx, &lead, kind, &place);
    record(cx, &lead, kind, &place);
}

/// The step and variant a lead is at, from 0.
pub(super) fn place(lead: &Lead) -> (u32, u32) {
    lead.seen()
        .and_then(|seen| seen.subsequence_step.or(seen.step))
        .map_or((0, 0), |step| (step.step, step.variant))
}

/// The account that wrote to a lead last; empty when none did.
pub(super) fn account_of(lead: &Lead) -> String {
    lead.seen()
        .and_then(|seen| seen.account.as_deref())
        .unwrap_or_default()
        .to_owned()
}

fn event_type(kind: SendKind) -> Option<&'static str> {
    Some(match kind {
        SendKind::Sent => "email_sent",
        SendKind::Opened => "email_opened",
        SendKind::Clicked => "link_clicked",
        SendKind::Replied => "reply_received",
        SendKind::AutoReplied => "auto_reply_received",
        SendKind::Bounced => "email_bounced",
        SendKind::Unsubscribed => "lead_unsubscribed",
        SendKind::Opportunity | SendKind::Completed => return None,
    })
}

fn is_first(lead: &Lead, kind: SendKind) -> bool {
    let Some(seen) = lead.seen() else {
        return true;
    };
    match kind {
        SendKind::Sent => seen.last_contact.is_none(),
        SendKind::Opened => seen.opens == 0,
        SendKind::Clicked => seen.clicks == 0,
        SendKind::Replied => seen.replies == 0,
        SendKind::AutoReplied => seen.auto_replies == 0,
        SendKind::Bounced => lead.status != status::BOUNCED,
        SendKind::Unsubscribed => lead.status != status::UNSUBSCRIBED,
        SendKind::Opportunity | SendKind::Completed => true,
    }
}

/// Which email of the sequence: the one that is named; else, for a sending, the next the sequence
/// has, and for all else the last that was sent.
fn where_it_happens(
    cx: &mut Cx<'_>,
    lead: &Lead,
    campaign: Uuid,
    kind: SendKind,
    fields: &Map<String, Value>,
) -> Place {
    let numbered = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_f64)
            .filter(|n| (1.0..=1000.0).contains(n))
            .map(|n| n as u32 - 1)
    };
    let campaign = campaign.to_string();
    let subsequence = lead.subsequence.map(|id| id.to_string());
    let ws = cx.ws();
    let owner = match &subsequence {
        Some(id) => ws.subsequences.get(id),
        None => ws.campaigns.get(&campaign),
    };
    let steps = owner
        .and_then(|owner| owner.pointer("/sequences/0/steps")?.as_array())
        .map_or(0, Vec::len);
    let last = u32::try_from(steps).unwrap_or(u32::MAX).saturating_sub(1);
    let seen = lead.seen();
    let held = if subsequence.is_some() {
        seen.and_then(|seen| seen.subsequence_step)
    } else {
        seen.and_then(|seen| seen.step)
    };
    let step = match held {
        Some(held) if kind == SendKind::Sent => (held.step + 1).min(last.max(held.step)),
        Some(held) => held.step,
        None => 0,
    };
    let variant = match held {
        Some(held) if kind != SendKind::Sent => held.variant,
        _ => 0,
    };
    let account = fields
        .get("email_account")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| Some(account_of(lead)).filter(|account| !account.is_empty()))
        .or_else(|| {
            let sender = ws.campaigns.get(&campaign)?.pointer("/email_list/0")?;
            Some(sender.as_str()?.to_owned())
        })
        .unwrap_or_else(|| "outreach@example.com".to_owned());
    Place {
        campaign,
        subsequence,
        step: numbered("step").unwrap_or(step),
        variant: numbered("variant").unwrap_or(variant),
        account,
    }
}

/// Changes the lead.
fn mark(cx: &mut Cx<'_>, lead: &Lead, kind: SendKind, place: &Place) {
    let now = cx.now;
    let ws = cx.ws();
    let stops = ws
        .campaigns
        .get(&place.campaign)
        .is_some_and(|campaign| match kind {
            SendKind::Replied => view::flag(campaign, "stop_on_reply"),
            SendKind::AutoReplied => view::flag(campaign, "stop_on_auto_reply"),
            _ => false,
        });
    let owner = place.subsequence.as_ref().unwrap_or(&place.campaign);
    let step = Step {
        id: step_id(owner, place.step),
        step: place.step,
        variant: place.variant,
        at: now,
    };
    let Some(lead) = ws.leads.get_mut(lead.id) else {
        return;
    };
    lead.updated = now;
    let at = (place.step, place.variant);
    let activity = lead.activity_mut();
    activity.last_touch = Some(now);
    match kind {
        SendKind::Sent => {
            activity.last_contact = Some(now);
            activity.account = Some(place.account.as_str().into());
            if place.subsequence.is_some() {
                activity.subsequence_step = Some(step);
            } else {
                activity.step = Some(step);
            }
        }
        SendKind::Opened => {
            activity.opens = activity.opens.saturating_add(1);
            activity.last_open = Some(now);
            activity.opened = Some(at);
        }
        SendKind::Clicked => {
            activity.clicks = activity.clicks.saturating_add(1);
            activity.last_click = Some(now);
            activity.clicked = Some(at);
        }
        SendKind::Replied => {
            activity.replies = activity.replies.saturating_add(1);
            activity.last_reply = Some(now);
            activity.replied = Some(at);
        }
        SendKind::AutoReplied => activity.auto_replies = activity.auto_replies.saturating_add(1),
        SendKind::Bounced => lead.status = status::BOUNCED,
        SendKind::Unsubscribed => lead.status = status::UNSUBSCRIBED,
        SendKind::Completed => lead.status = status::COMPLETED,
        SendKind::Opportunity => {}
    }
    if stops && !lead.is_finished() {
        lead.status = status::COMPLETED;
    }
}

/// The id of a step of a campaign or a subsequence. The API shows steps without ids, yet leads name
/// the last one by id: it follows from the owner's id and the step's place.
pub(crate) fn step_id(owner: &str, step: u32) -> Uuid {
    uuid(&view::uuid_of(&format!("step/{owner}/{step}"))).unwrap_or_default()
}

fn record(cx: &mut Cx<'_>, lead: &Lead, kind: SendKind, place: &Place) {
    let send = Send {
        at: cx.now,
        kind,
        campaign: place.campaign.clone(),
        subsequence: place.subsequence.clone(),
        step: place.step,
        variant: place.variant,
        account: place.account.clone(),
        lead: lead.id.to_string(),
        interest: None,
    };
    cx.ws().sends.push(send);
}

/// What follows from it: subsequences begin, the campaign ends, the block list grows.
fn follow(cx: &mut Cx<'_>, lead: &Lead, campaign: Uuid, kind: SendKind, said: &str) {
    match kind {
        SendKind::Opened => subsequences::trigger(cx, campaign, lead.id, Trigger::Opened),
        SendKind::Clicked => subsequences::trigger(cx, campaign, lead.id, Trigger::Clicked),
        SendKind::Replied => {
            subsequences::trigger(cx, campaign, lead.id, Trigger::Replied(said));
            stop_for_company(cx, lead, campaign);
            end_if_done(cx, campaign);
        }
        SendKind::Unsubscribed => {
            block_if_asked(cx, lead);
            end_if_done(cx, campaign);
        }
        SendKind::Completed => {
            if lead.seen().is_none_or(|seen| seen.replies == 0) {
                subsequences::trigger(cx, campaign, lead.id, Trigger::CompletedNoReply);
            }
            end_if_done(cx, campaign);
        }
        SendKind::Bounced | SendKind::AutoReplied => end_if_done(cx, campaign),
        SendKind::Sent | SendKind::Opportunity => {}
    }
}

/// A reply ends the campaign for the lead's whole company, where the campaign says so.
fn stop_for_company(cx: &mut Cx<'_>, lead: &Lead, campaign: Uuid) {
    let ws = cx.ws();
    let wanted = ws
        .campaigns
        .get(&campaign.to_string())
        .is_some_and(|campaign| view::flag(campaign, "stop_for_company"));
    let Some(host) = lead.email.as_deref().map(super::fold).filter(|_| wanted) else {
        return;
    };
    let host = view::domain_of(&host);
    for other in ws.leads.iter_mut() {
        let there = other.campaign == Some(campaign) && other.id != lead.id && !other.is_finished();
        if there
            && other
                .email
                .as_deref()
                .is_some_and(|email| view::domain_of(&super::fold(email)) == host)
        {
            other.status = status::COMPLETED;
        }
    }
}

/// An unsubscribe is the campaign's own affair, unless the workspace wants such addresses blocked.
fn block_if_asked(cx: &mut Cx<'_>, lead: &Lead) {
    let Some(email) = lead.email.as_deref() else {
        return;
    };
    let wanted = view::flag(&cx.ws().record, "add_unsub_to_block");
    if !wanted || super::Block::new(&cx.ws().block_list).holds(email) {
        return;
    }
    let id = cx.uuid();
    let entry = serde_json::json!({
        "id": id,
        "timestamp_created": cx.now_text(),
        "organization_id": cx.workspace,
        "bl_value": super::fold(email),
        "is_domain": false,
    });
    cx.ws().block_list.put(&id, entry);
}

/// Completes an active campaign that has nothing left to send. An evergreen one waits for more
/// leads; one with leads in an active subsequence goes on with those.
fn end_if_done(cx: &mut Cx<'_>, campaign: Uuid) {
    let key = campaign.to_string();
    let ws = cx.ws();
    let runs = ws.campaigns.get(&key).is_some_and(|campaign| {
        matches!(view::number(campaign, "status"), 1 | 4) && !view::flag(campaign, "is_evergreen")
    });
    let mut in_subsequence = false;
    let left = ws.leads.iter().any(|lead| {
        let goes_on = lead.campaign == Some(campaign) && !lead.is_finished();
        in_subsequence |= goes_on;
        goes_on && lead.subsequence.is_none()
    });
    if !runs || left {
        return;
    }
    if in_subsequence {
        set_status(cx, &key, 4);
    } else {
        finish(cx, &key);
    }
}

fn set_status(cx: &mut Cx<'_>, campaign: &str, status: i64) {
    let now = cx.now_text();
    if let Some(entity) = cx.ws().campaigns.get_mut(campaign) {
        view::set(entity, "status", status);
        view::set(entity, "timestamp_updated", now);
    }
}

fn finish(cx: &mut Cx<'_>, campaign: &str) {
    set_status(cx, campaign, 3);
    cx.emit("campaign_completed", Some(campaign), None, Map::new());
}

/// Completes a campaign for every lead it has left, and tells of it.
pub(crate) fn complete_campaign(cx: &mut Cx<'_>, campaign: Uuid) {
    let now = cx.now;
    let left: Vec<Lead> = cx
        .ws()
        .leads
        .iter()
        .filter(|lead| lead.campaign == Some(campaign) && !lead.is_finished())
        .cloned()
        .collect();
    for lead in left {
        let place = where_it_happens(cx, &lead, campaign, SendKind::Completed, &Map::new());
        record(cx, &lead, SendKind::Completed, &place);
        if let Some(lead) = cx.ws().leads.get_mut(lead.id) {
            lead.status = status::COMPLETED;
            lead.updated = now;
        }
    }
    finish(cx, &campaign.to_string());
}
