//! Keys wide and narrow, webhooks healthy and switched off, a block list, an audit history.

use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};

use super::put;
use crate::clock::{self, DAY};
use crate::cx::{Cx, merge};

/// Names and scopes. The first of a workspace is its widest.
const ADMIN_KEYS: [(&str, &[&str]); 6] = [
    ("full-automation", &["all:all"]),
    ("reporting", &["all:read"]),
    ("analytics-dashboard", &["campaigns:read", "accounts:read"]),
    ("lead-import", &["leads:create", "lead_lists:read"]),
    (
        "webhook-handler",
        &["webhooks:read", "webhook_events:read", "leads:read"],
    ),
    (
        "key-rotation",
        &["api_keys:all", "audit_logs:read", "workspaces:read"],
    ),
];
const SUB_KEYS: [(&str, &[&str]); 3] = [
    ("tern-automation", &["all:all"]),
    ("tern-dashboard", &["campaigns:read"]),
    (
        "tern-crm-sync",
        &["leads:read", "leads:update", "lead-labels:read"],
    ),
];

pub(super) fn keys(cx: &mut Cx<'_>, is_admin: bool) {
    let keys: &[(&str, &[&str])] = if is_admin { &ADMIN_KEYS } else { &SUB_KEYS };
    let made = clock::text(cx.now - 200 * DAY);
    for (name, scopes) in keys {
        let key = cx.world.ids.key(cx.now);
        let entity = json!({
            "name": name,
            "scopes": scopes,
            "key": key,
            "organization_id": cx.workspace,
            "timestamp_created": made,
            "timestamp_updated": made,
        });
        put(cx, |ws| &mut ws.api_keys, entity);
    }
}

/// Hosts under `.example` take every delivery without a network; those under `.invalid` none.
pub(super) fn webhooks(cx: &mut Cx<'_>) {
    let now = cx.now;
    let secret = format!("seeded-{}", cx.world.ids.below(1_000_000_000));
    let rows = [
        (
            "CRM sync",
            "https://crm.larkspur.example/hooks/instantly",
            Some("all_events"),
            1,
        ),
        (
            "Reply alerts",
            "https://alerts.larkspur.example/in",
            Some("reply_received"),
            1,
        ),
        (
            "Hot leads",
            "https://crm.larkspur.example/hooks/hot",
            None,
            1,
        ),
        (
            "Old Zap",
            "https://hooks.zap.invalid/catch/1",
            Some("email_sent"),
            -1,
        ),
    ];
    for (name, url, event_type, status) in rows {
        let disabled = status == -1;
        let mut webhook = json!({
            "organization": cx.workspace,
            "campaign": null,
            "name": name,
            "target_hook_url": url,
            "custom_interest_value": event_type.is_none().then_some(10),
            "headers": if disabled { Value::Null } else { json!({ "x-hook-secret": secret }) },
            "timestamp_created": clock::text(now - 150 * DAY),
            "status": status,
            "timestamp_error": disabled.then(|| clock::text(now - 9 * DAY)),
        });
        if let Some(event_type) = event_type {
            merge(&mut webhook, &json!({ "event_type": event_type }));
        }
        put(cx, |ws| &mut ws.webhooks, webhook);
        if disabled {
            failures(cx, url);
        }
    }
}

/// The ten failed events that switched a webhook off, each tried four times.
fn failures(cx: &mut Cx<'_>, url: &str) {
    let start = cx.now - 9 * DAY - 600_000;
    for event in 0..10_i64 {
        let group = cx.uuid();
        for attempt in 0..4_i64 {
            let at = start + event * 60_000 + attempt * 10_000;
            let more = attempt < 3;
            let row = json!({
                "timestamp_created": clock::text(at),
                "timestamp_created_date": clock::day(at),
                "organization_id": cx.workspace,
                "payload": {
                    "event_type": "email_sent",
                    "timestamp": clock::text(start + event * 60_000),
                    "workspace": cx.workspace,
                    "campaign_id": null,
                    "campaign_name": null,
                    "lead_email": format!("lead{event}@example.org"),
                },
                "success": false,
                "retry_count": attempt,
                "will_retry": more,
                "webhook_url": url,
                "status_code": null,
                "error_message": "getaddrinfo ENOTFOUND hooks.zap.invalid",
                "timestamp_next_retry": more.then(|| clock::text(at + 10_000)),
                "retry_group_id": group,
                "retry_successful": if more { json!(false) } else { Value::Null },
                "lead_email": format!("lead{event}@example.org"),
                "response_time_ms": 12,
            });
            put(cx, |ws| &mut ws.webhook_events, row);
        }
    }
}

pub(super) fn block_list(cx: &mut Cx<'_>) {
    let now = cx.now;
    let values = [
        "competitor.example",
        "legal@example.com",
        "do-not-contact.example",
        "ceo@bigcorp.example",
        "press.example.org",
    ];
    for (days, value) in (1..).zip(values) {
        let entry = json!({
            "timestamp_created": clock::text(now - (60 - days) * DAY),
            "organization_id": cx.workspace,
            "bl_value": value,
            "is_domain": !value.contains('@'),
        });
        put(cx, |ws| &mut ws.block_list, entry);
    }
}

/// A month of the workspace's life as the audit log tells it, oldest first.
pub(super) fn history(cx: &mut Cx<'_>) {
    let user = cx.owner();
    let first = |table: &crate::table::Table| -> Value {
        let row = table.iter().next();
        row.and_then(|row| row.get("id"))
            .cloned()
            .unwrap_or_default()
    };
    let (key, webhook) = {
        let ws = cx.ws();
        (first(&ws.api_keys), first(&ws.webhooks))
    };
    let disabled = cx
        .ws()
        .webhooks
        .iter()
        .next_back()
        .and_then(|row| row.get("id"))
        .cloned();
    let on_key = json!({ "audit_metadata": { "api_key_id": key } });
    let on_webhook = json!({ "webhook_id": webhook });
    let none = json!({});
    let rows: [(i64, Activity, Value, bool); 12] = [
        (30, Activity::UserLogin, none.clone(), false),
        (30, Activity::TotpEnrollmentStarted, none.clone(), false),
        (30, Activity::TotpEnabled, none.clone(), false),
        (30, Activity::MfaRecoveryCodesGenerated, none.clone(), false),
        (28, Activity::ApiKeyCreated, on_key, false),
        (27, Activity::WebhookCreated, on_webhook.clone(), true),
        (26, Activity::WebhookUpdated, on_webhook, true),
        (
            9,
            Activity::WebhookMarkedAsError,
            json!({ "webhook_id": disabled }),
            false,
        ),
        (6, Activity::MfaLoginChallengeFailed, none.clone(), false),
        (6, Activity::MfaLoginSucceeded, none.clone(), false),
        (
            3,
            Activity::LeadAdded,
            json!({ "affected_count": 120 }),
            true,
        ),
        (1, Activity::UserLogin, none, false),
    ];
    for (n, (days, activity, about, from_api)) in (0..).zip(rows) {
        let mut entry = json!({
            "timestamp": clock::text(cx.now - days * DAY + n * 60_000),
            "organization_id": cx.workspace,
            "activity_type": i64::from(activity),
            "user_agent": if from_api { "node" } else { "Mozilla/5.0 (X11; Linux x86_64)" },
            "user_id": if from_api { Value::Null } else { json!(user) },
            "user_name": if from_api { Value::Null } else { json!("Mara Quill") },
            "ip_address": "192.0.2.17",
            "from_api": from_api,
            "api_key_id": if from_api { key.clone() } else { Value::Null },
        });
        if let (Some(entry), Some(about)) = (entry.as_object_mut(), about.as_object()) {
            let about: Map<String, Value> = about.clone();
            entry.extend(about);
        }
        put(cx, |ws| &mut ws.audit_logs, entry);
    }
}
