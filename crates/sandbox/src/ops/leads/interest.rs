//! A lead's interest status: changing it, and telling of the change.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::row::Lead;
use super::simulate;
use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::subsequences::{self, Trigger};
use crate::world::{Event, Send, SendKind};

/// The time after a change in which further ones make no new analytics event, so that a quick
/// correction does not count twice.
const SETTLES: Millis = 10 * 60 * 1000;

/// The statuses that are the same in every workspace.
const STANDING: std::ops::RangeInclusive<i16> = -4..=4;

/// What an interest value means in a workspace: a standing status, or the text of a lead label.
pub(crate) fn known_interest(cx: &mut Cx<'_>, value: f64) -> Option<i16> {
    if value.fract() != 0.0 || value.abs() > f64::from(i16::MAX) {
        return None;
    }
    let value = value as i16;
    (STANDING.contains(&value) || label(cx, value).is_some()).then_some(value)
}

/// The text of the label with an interest value.
fn label(cx: &mut Cx<'_>, value: i16) -> Option<String> {
    cx.ws()
        .lead_labels
        .iter()
        .find(|label| label.get("interest_status").and_then(Value::as_i64) == Some(value.into()))
        .and_then(|label| label.get("label")?.as_str())
        .map(str::to_owned)
}

/// The `event_type` a change to a standing status is delivered with. Lost has none: the vendor's
/// list of event types does not name it.
fn event_type(value: Option<i16>) -> Option<&'static str> {
    Some(match value {
        None => "lead_neutral",
        Some(0) => "lead_out_of_office",
        Some(1) => "lead_interested",
        Some(2) => "lead_meeting_booked",
        Some(3) => "lead_meeting_completed",
        Some(4) => "lead_closed",
        Some(-1) => "lead_not_interested",
        Some(-2) => "lead_wrong_person",
        Some(-4) => "lead_no_show",
        Some(_) => return None,
    })
}

/// Gives a lead an interest status; `None` makes it a plain lead again. Nothing is told when it has
/// that status already.
pub(crate) fn set_interest(cx: &mut Cx<'_>, id: Uuid, value: Option<i16>) {
    let now = cx.now;
    let Some(lead) = cx.ws().leads.get_mut(id) else {
        return;
    };
    if lead.interest == value {
        return;
    }
    lead.interest = value;
    lead.updated = now;
    let activity = lead.activity_mut();
    let settled = activity
        .last_interest
        .is_none_or(|last| now.saturating_sub(last) >= SETTLES);
    activity.last_interest = Some(now);
    activity.last_touch = Some(now);
    let lead = lead.clone();
    record(cx, &lead, value, settled);
    tell(cx, &lead, value);
    if let (Some(campaign), Some(value)) = (lead.campaign, value) {
        subsequences::trigger(cx, campaign, id, Trigger::Interest(value));
    }
}

/// Keeps the change for analytics.
fn record(cx: &mut Cx<'_>, lead: &Lead, value: Option<i16>, settled: bool) {
    let (Some(campaign), Some(value), true) = (lead.campaign, value, settled) else {
        return;
    };
    let (step, variant) = simulate::place(lead);
    let send = Send {
        at: cx.now,
        kind: SendKind::Opportunity,
        campaign: campaign.to_string(),
        subsequence: lead.subsequence.map(|id| id.to_string()),
        step,
        variant,
        account: simulate::account_of(lead),
        lead: lead.id.to_string(),
        interest: Some(value),
    };
    cx.ws().sends.push(send);
}

fn tell(cx: &mut Cx<'_>, lead: &Lead, value: Option<i16>) {
    let custom = value.filter(|value| !STANDING.contains(value));
    let event_type = match custom {
        Some(value) => label(cx, value),
        None => event_type(value).map(str::to_owned),
    };
    let Some(event_type) = event_type else {
        return;
    };
    let mut fields: Map<String, Value> = lead.payload();
    let account = simulate::account_of(lead);
    if !account.is_empty() {
        fields.insert("email_account".to_owned(), account.into());
    }
    let event = Event {
        workspace: cx.workspace.clone(),
        event_type,
        custom_interest_value: custom.map(f64::from),
        campaign: lead.campaign.map(|id| id.to_string()),
        lead_email: lead.email.as_deref().map(str::to_owned),
        fields,
        at: cx.now,
    };
    cx.world.outbox.push(event);
}
