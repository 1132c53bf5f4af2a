//! createWebhook, testWebhook, resumeWebhook and the like.
//!
//! The headers of a subscription are its only authentication, and whoever reads it reads them.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use doorward_catalog::event::EVENT_TYPES;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::{self, Cx};
use crate::delivery;
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply, TestDelivery};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListWebhook => list(cx, call),
        Op::CreateWebhook => create(cx, call),
        Op::GetWebhook => {
            let webhook = cx.ws().webhooks.find(&call.param, KIND)?;
            Reply::ok(webhook.clone())
        }
        Op::PatchWebhook => patch(cx, call),
        Op::DeleteWebhook => {
            let removed = cx.ws().webhooks.remove(&call.param);
            cx.ws().webhook_failures.shift_remove(&call.param);
            Reply::ok(removed.ok_or_else(|| Refusal::not_found(KIND))?)
        }
        Op::ListWebhookEventTypes => event_types(cx),
        Op::TestWebhook => test(cx, call),
        Op::ResumeWebhook => resume(cx, call),
        other => Err(astray(other)),
    }
}

const KIND: &str = "Webhook";

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let is = |webhook: &Value, name: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| webhook.get(name).and_then(Value::as_str) == Some(wanted))
    };
    let (campaign, event_type) = (call.query_text("campaign"), call.query_text("event_type"));
    cx.ws().webhooks.page(call, |webhook| {
        is(webhook, "campaign", campaign) && is(webhook, "event_type", event_type)
    })
}

/// Refuses a campaign that is not there.
fn known_campaign(cx: &mut Cx<'_>, call: &Call) -> Result<(), Refusal> {
    match call.field_text("campaign") {
        Some(id) => cx.ws().campaigns.find(id, "Campaign").map(drop),
        None => Ok(()),
    }
}

/// Without an `event_type`, a subscription has none: the document's list of types has no `null`.
fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    known_campaign(cx, call)?;
    let id = cx.uuid();
    let mut webhook = json!({
        "id": id,
        "organization": cx.workspace,
        "campaign": null,
        "name": null,
        "target_hook_url": null,
        "custom_interest_value": null,
        "headers": null,
        "timestamp_created": cx.now_text(),
        "status": 1,
        "timestamp_error": null,
    });
    cx::merge(&mut webhook, &call.body);
    cx.ws().webhooks.put(&id, webhook.clone());
    cx.audit(Activity::WebhookCreated, call, json!({ "webhook_id": id }));
    Reply::ok(webhook)
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    cx.ws().webhooks.find(&call.param, KIND)?;
    known_campaign(cx, call)?;
    let webhook = cx.ws().webhooks.find_mut(&call.param, KIND)?;
    cx::merge(webhook, &call.body);
    let webhook = webhook.clone();
    cx.audit(
        Activity::WebhookUpdated,
        call,
        json!({ "webhook_id": call.param }),
    );
    Reply::ok(webhook)
}

fn event_types(cx: &mut Cx<'_>) -> Answer {
    let standard = EVENT_TYPES.iter().filter_map(|event| event.subscribed);
    let mut types: Vec<Value> = standard
        .map(|id| json!({ "id": id, "label": title(id), "type": "standard" }))
        .collect();
    types.extend(cx.ws().lead_labels.iter().map(|label| {
        let value = label.get("interest_status").and_then(Value::as_f64);
        json!({
            "id": value.unwrap_or_default().to_string(),
            "label": label.get("label"),
            "type": "custom",
        })
    }));
    Reply::ok(json!({ "event_types": types }))
}

/// `email_link_clicked` as `Email Link Clicked`.
fn title(id: &str) -> String {
    let words = id.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

fn test(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (workspace, now) = (cx.workspace.clone(), cx.now);
    let webhook = cx.ws().webhooks.find(&call.param, KIND)?;
    Ok(Reply::Test(TestDelivery {
        url: delivery::url(webhook).to_owned(),
        headers: delivery::headers(webhook),
        payload: delivery::sample(webhook, &workspace, now),
    }))
}

fn resume(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let webhook = cx.ws().webhooks.find_mut(&call.param, KIND)?;
    let was_off = delivery::is_off(webhook);
    cx::merge(webhook, &json!({ "status": 1, "timestamp_error": null }));
    let webhook = webhook.clone();
    cx.ws().webhook_failures.shift_remove(&call.param);
    if was_off {
        cx.audit(
            Activity::WebhookResumed,
            call,
            json!({ "webhook_id": call.param }),
        );
    }
    Reply::ok(webhook)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call};

    const PATH: &str = "/api/v2/webhooks";

    #[test]
    fn a_subscription_is_made_changed_listed_and_removed() {
        let mut world = testing::world();
        let body = json!({
            "target_hook_url": "https://hooks.larkspur.example/x",
            "event_type": "email_link_clicked",
            "headers": { "authorization": "Basic c2VlZA==" },
        });
        let (status, made) = call(&mut world, "POST", PATH, Some(body));
        assert_eq!((status, &made["status"]), (200, &json!(1)));
        let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
        let name = json!({ "name": "Clicks" });
        assert_eq!(
            call(&mut world, "PATCH", &path, Some(name)).1["name"],
            "Clicks"
        );
        let status = json!({ "status": 1 });
        assert_eq!(call(&mut world, "PATCH", &path, Some(status)).0, 400);
        let filter = format!("{PATH}?event_type=email_link_clicked");
        let (_, page) = call(&mut world, "GET", &filter, None);
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        // Reading a subscription is reading its secret.
        assert_eq!(
            page["items"][0]["headers"]["authorization"],
            "Basic c2VlZA=="
        );
        assert_eq!(call(&mut world, "DELETE", &path, None).0, 200);
        assert_eq!(call(&mut world, "GET", &path, None).0, 404);
        let none = json!({
            "target_hook_url": "https://hooks.larkspur.example/x",
            "campaign": "00000000-0000-4000-8000-000000000000",
        });
        assert_eq!(call(&mut world, "POST", PATH, Some(none)).0, 404);
    }

    #[test]
    fn a_resumed_subscription_is_active_and_said_so_once() {
        let mut world = testing::world();
        let (_, page) = call(&mut world, "GET", PATH, None);
        let off = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["status"] == -1);
        let path = format!("{PATH}/{}/resume", off.unwrap()["id"].as_str().unwrap());
        for _ in 0..2 {
            let (status, resumed) = call(&mut world, "POST", &path, None);
            assert_eq!((status, &resumed["status"]), (200, &json!(1)));
            assert_eq!(resumed["timestamp_error"], Value::Null);
        }
        let (_, log) = call(
            &mut world,
            "GET",
            "/api/v2/audit-logs?activity_type=21",
            None,
        );
        assert_eq!(log["items"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn event_types_are_the_subscribable_ones_and_the_labels() {
        let mut world = testing::world();
        let label = json!({ "label": "Hot!", "interest_status_label": "positive" });
        let before = world.workspaces[0].lead_labels.len();
        let (status, _) = call(&mut world, "POST", "/api/v2/lead-labels", Some(label));
        let (_, types) = call(&mut world, "GET", &format!("{PATH}/event-types"), None);
        let types = types["event_types"].as_array().unwrap();
        let labels = types.iter().filter(|kind| kind["type"] == "custom").count();
        assert_eq!(types.len() - labels, 19);
        assert_eq!(labels, before + usize::from(status == 200));
    }
}
