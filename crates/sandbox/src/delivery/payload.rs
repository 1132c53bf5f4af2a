//! What a delivery carries, and what a subscription says.

use doorward_catalog::event::{ALL_EVENTS, delivered_name};
use serde_json::{Map, Value, json};

use crate::clock::{self, Millis};
use crate::world::{Event, Workspace};

fn text<'v>(webhook: &'v Value, name: &str) -> Option<&'v str> {
    webhook.get(name).and_then(Value::as_str)
}

/// Where a subscription's deliveries go.
pub(crate) fn url(webhook: &Value) -> &str {
    text(webhook, "target_hook_url").unwrap_or_default()
}

/// The static headers of a subscription.
pub(crate) fn headers(webhook: &Value) -> Vec<(String, String)> {
    let headers = webhook.get("headers").and_then(Value::as_object);
    let pairs = headers.into_iter().flatten();
    pairs
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Whether a subscription was switched off after failures.
pub(crate) fn is_off(webhook: &Value) -> bool {
    webhook.get("status").and_then(Value::as_f64) == Some(-1.0)
}

/// Whether a subscription is told of an event. One to everything is; one to a type is told of that
/// type alone, under the name it is delivered by; one to a custom label of that label.
pub(super) fn wants(webhook: &Value, event: &Event) -> bool {
    let of_campaign = match text(webhook, "campaign") {
        Some(campaign) => event.campaign.as_deref() == Some(campaign),
        None => true,
    };
    let label = webhook.get("custom_interest_value").and_then(Value::as_f64);
    of_campaign
        && match (text(webhook, "event_type"), event.custom_interest_value) {
            (Some(ALL_EVENTS), _) => true,
            (Some(subscribed), None) => delivered_name(subscribed) == event.event_type,
            (Some(_), Some(_)) => false,
            (None, value) => label.is_some() && label == value,
        }
}

/// The payload of an event: flat, the lead's fields beside the API's own, which win.
pub(super) fn payload(id: &str, workspace: &Workspace, event: &Event) -> Value {
    let campaign = event.campaign.as_deref();
    let mut payload = Map::new();
    if let Some(email) = event.lead_email.as_deref() {
        let campaign_id = campaign.and_then(|id| id.parse().ok());
        let lead = campaign_id
            .and_then(|campaign| workspace.leads.in_campaign(email, campaign))
            .or_else(|| workspace.leads.with_email(email).next());
        if let Some(lead) = lead {
            payload.extend(lead.payload());
        }
    }
    payload.extend(event.fields.clone());
    if let Some(email) = event.lead_email.as_deref() {
        payload.insert("email".to_owned(), json!(email));
        payload.insert("lead_email".to_owned(), json!(email));
    }
    let name = campaign.and_then(|id| workspace.campaigns.get(id)?.get("name"));
    payload.insert("event_type".to_owned(), json!(event.event_type));
    payload.insert("timestamp".to_owned(), json!(clock::text(event.at)));
    payload.insert("workspace".to_owned(), json!(id));
    payload.insert("campaign_id".to_owned(), json!(campaign));
    payload.insert("campaign_name".to_owned(), json!(name));
    Value::Object(payload)
}

/// The payload of a test.
pub(crate) fn sample(webhook: &Value, workspace: &str, now: Millis) -> Value {
    let event_type = match text(webhook, "event_type") {
        Some(ALL_EVENTS) | None => "email_sent",
        Some(subscribed) => delivered_name(subscribed),
    };
    json!({
        "event_type": event_type,
        "timestamp": clock::text(now),
        "workspace": workspace,
        "campaign_id": text(webhook, "campaign"),
        "campaign_name": "Test Campaign",
        "lead_email": "lead@example.com",
        "email": "lead@example.com",
        "firstName": "Test",
        "lastName": "Lead",
        "companyName": "Example",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: &str, label: Option<f64>, campaign: Option<&str>) -> Event {
        Event {
            workspace: "w".to_owned(),
            event_type: event_type.to_owned(),
            custom_interest_value: label,
            campaign: campaign.map(str::to_owned),
            lead_email: None,
            fields: Map::new(),
            at: 0,
        }
    }

    #[test]
    fn a_subscription_is_told_of_what_it_is_for() {
        let to = |event_type: &str| json!({ "event_type": event_type });
        let all = to("all_events");
        let clicks = to("email_link_clicked");
        let replies = to("reply_received");
        let label = json!({ "event_type": null, "custom_interest_value": 10.0 });
        let empty = json!({ "event_type": null, "custom_interest_value": null });
        let told = |event: Event| {
            [&all, &clicks, &replies, &label, &empty].map(|webhook| wants(webhook, &event))
        };
        let plain = |event_type| told(event(event_type, None, None));
        assert_eq!(plain("link_clicked"), [true, true, false, false, false]);
        assert_eq!(plain("reply_received"), [true, false, true, false, false]);
        assert_eq!(
            plain("auto_reply_received"),
            [true, false, false, false, false]
        );
        let named = |name, value| told(event(name, Some(value), None));
        assert_eq!(named("Hot!", 10.0), [true, false, false, true, false]);
        // A label may be called as a type is: it is a label still.
        assert_eq!(
            named("reply_received", 11.0),
            [true, false, false, false, false]
        );
    }

    #[test]
    fn a_subscription_of_a_campaign_hears_of_that_alone() {
        let webhook = json!({ "event_type": "all_events", "campaign": "c1" });
        assert!(wants(&webhook, &event("email_sent", None, Some("c1"))));
        assert!(!wants(&webhook, &event("email_sent", None, Some("c2"))));
        assert!(!wants(&webhook, &event("account_error", None, None)));
    }

    #[test]
    fn the_payload_is_flat_and_the_apis_own_names_win() {
        let mut told = event("reply_received", None, Some("c1"));
        told.lead_email = Some("lead@example.org".to_owned());
        for (name, value) in [
            ("event_type", "forged"),
            ("reply_text", "Yes"),
            ("email", "x"),
        ] {
            told.fields.insert(name.to_owned(), json!(value));
        }
        let mut workspace = Workspace::default();
        workspace.campaigns.put("c1", json!({ "name": "Spring" }));
        assert_eq!(
            payload("w", &workspace, &told),
            json!({
                "event_type": "reply_received",
                "timestamp": "1970-01-01T00:00:00.000Z",
                "workspace": "w",
                "campaign_id": "c1",
                "campaign_name": "Spring",
                "lead_email": "lead@example.org",
                "email": "lead@example.org",
                "reply_text": "Yes",
            })
        );
    }
}
