//! What is tried when, and what an outcome means.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_catalog::activity::Activity;
use serde_json::{Value, json};

use super::payload;
use crate::clock::{self, Millis};
use crate::settings::Settings;
use crate::world::{Event, World};

/// Most tries that wait; events beyond are not delivered.
const QUEUE_MAX: usize = 100_000;
/// Rows of deliveries that a workspace keeps, and how many go when there are more.
const ROWS_MAX: usize = 10_000;
const ROWS_CUT: usize = 2_500;

/// One try of a delivery that is due at some time.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    workspace: String,
    webhook: String,
    event_type: String,
    payload: Arc<Value>,
    lead_email: Option<String>,
    /// Shared by the tries of one event for one subscription.
    group: String,
    /// Tries before this one.
    number: u32,
}

/// A try as it is sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Arc<Value>,
}

/// What a try brought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The receiver's status, if it answered.
    pub(crate) status: Option<u16>,
    /// What went wrong, if it did not.
    pub(crate) error: Option<String>,
    pub(crate) took_ms: u32,
}

impl Outcome {
    pub(crate) fn success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }

    pub(crate) fn message(&self) -> Option<String> {
        let refused = || self.status.map(|status| format!("HTTP {status}"));
        (!self.success()).then(|| self.error.clone().or_else(refused).unwrap_or_default())
    }
}

/// The tries that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By the time they are due, and in the order they were put in.
    waiting: BTreeMap<(Millis, u64), Try>,
    next: u64,
    /// Tries that were taken and have no outcome yet.
    pub(crate) under_way: usize,
}

impl Queue {
    fn put(&mut self, due: Millis, one: Try) {
        self.next += 1;
        if self.waiting.len() < QUEUE_MAX {
            self.waiting.insert((due, self.next), one);
        } else {
            tracing::warn!(
                event_type = one.event_type,
                "too many deliveries wait; one is dropped"
            );
        }
    }

    /// Tries that wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    /// When the next try is due, ms of the sandbox's clock.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.waiting.keys().next().map(|(due, _)| *due)
    }

    /// Turns events into tries.
    pub(crate) fn fill(&mut self, world: &mut World) {
        for event in std::mem::take(&mut world.outbox) {
            self.spread(world, &event);
        }
    }

    fn spread(&mut self, world: &mut World, event: &Event) {
        let now = world.clock.now();
        let Some(workspace) = world.workspaces.get(&event.workspace) else {
            return;
        };
        let wanted: Vec<(String, String, bool)> = workspace
            .webhooks
            .iter()
            .filter(|webhook| payload::wants(webhook, event))
            .map(|webhook| {
                let id = webhook
                    .get("id")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let (url, off) = (payload::url(webhook), payload::is_off(webhook));
                (id.to_owned(), url.to_owned(), off)
            })
            .collect();
        if wanted.is_empty() {
            return;
        }
        let payload = Arc::new(payload::payload(&event.workspace, workspace, event));
        for (webhook, url, off) in wanted {
            let one = Try {
                workspace: event.workspace.clone(),
                webhook,
                event_type: event.event_type.clone(),
                payload: Arc::clone(&payload),
                lead_email: event.lead_email.clone(),
                group: world.delivery_ids.uuid(now),
                number: 0,
            };
            if !off {
                self.put(now, one);
            } else if world.settings.record_events_while_disabled {
                let outcome = Outcome {
                    status: None,
                    error: Some("The webhook is disabled".to_owned()),
                    took_ms: 0,
                };
                record(world, &one, &url, &outcome, None);
            }
        }
    }

    /// Takes up to `most` tries that are due, each with what to send. A try for a subscription that
    /// is gone or off by now is dropped.
    pub(crate) fn take(&mut self, world: &World, most: usize) -> Vec<(Try, Request)> {
        let now = world.clock.now();
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(first) = self.waiting.first_entry() else {
                break;
            };
            if first.key().0 > now {
                break;
            }
            let one = first.remove();
            let workspace = world.workspaces.get(&one.workspace);
            let webhook = workspace.and_then(|ws| ws.webhooks.get(&one.webhook));
            let Some(webhook) = webhook.filter(|webhook| !payload::is_off(webhook)) else {
                continue;
            };
            let request = Request {
                url: payload::url(webhook).to_owned(),
                headers: payload::headers(webhook),
                payload: Arc::clone(&one.payload),
            };
            taken.push((one, request));
        }
        self.under_way += taken.len();
        taken
    }

    /// Records a try's outcome and draws the consequence: another try, or one more failed event in
    /// the subscription's row of them, and at last its end.
    pub(crate) fn conclude(&mut self, world: &mut World, one: Try, url: &str, outcome: &Outcome) {
        self.under_way = self.under_way.saturating_sub(1);
        let again = !outcome.success() && one.number < world.settings.webhook_retries;
        let next = again.then(|| next_try(world.clock.now(), &world.settings));
        record(world, &one, url, outcome, next);
        if let Some(due) = next {
            let number = one.number + 1;
            self.put(due, Try { number, ..one });
        } else if outcome.success() {
            if let Some(ws) = world.workspaces.get_mut(&one.workspace) {
                ws.webhook_failures.shift_remove(&one.webhook);
            }
        } else {
            failed(world, &one);
        }
    }
}

/// When a try is made that follows one made now: the retries fill their window evenly.
fn next_try(now: Millis, settings: &Settings) -> Millis {
    let each = f64::from(settings.webhook_retry_window_ms) / f64::from(settings.webhook_retries);
    let wait = each * settings.webhook_clock_factor.max(0.0);
    // A cast of a float saturates.
    now.saturating_add(wait as Millis)
}

fn record(world: &mut World, one: &Try, url: &str, outcome: &Outcome, next: Option<Millis>) {
    let (now, skew) = (world.now(), world.settings.clock_skew_ms);
    let id = world.delivery_ids.uuid(now);
    let Some(ws) = world.workspaces.get_mut(&one.workspace) else {
        return;
    };
    let row = json!({
        "id": id,
        "timestamp_created": clock::text(now),
        "timestamp_created_date": clock::day(now),
        "organization_id": one.workspace,
        "payload": *one.payload,
        "success": outcome.success(),
        "retry_count": one.number,
        "will_retry": next.is_some(),
        "webhook_url": url,
        "status_code": outcome.status,
        "error_message": outcome.message(),
        "timestamp_next_retry": next.map(|due| clock::text(due.saturating_add(skew))),
        "retry_group_id": one.group,
        "retry_successful": (one.number > 0).then(|| outcome.success()),
        "lead_email": one.lead_email,
        "response_time_ms": outcome.took_ms,
    });
    if ws.webhook_events.len() >= ROWS_MAX {
        let mut cut = ROWS_CUT;
        ws.webhook_events.remove_where(|_| {
            let gone = cut > 0;
            cut = cut.saturating_sub(1);
            gone
        });
    }
    ws.webhook_events.put(&id, row);
}

/// Counts a failed event of a subscription; enough of them in a row switch it off.
fn failed(world: &mut World, one: &Try) {
    let now = world.now();
    let most = world.settings.webhook_failures;
    let id = world.delivery_ids.uuid(now);
    let Some(ws) = world.workspaces.get_mut(&one.workspace) else {
        return;
    };
    let Some(webhook) = ws.webhooks.get_mut(&one.webhook) else {
        return;
    };
    let failures = ws.webhook_failures.entry(one.webhook.clone()).or_default();
    *failures = failures.saturating_add(1);
    if *failures < most || payload::is_off(webhook) {
        return;
    }
    if let Some(webhook) = webhook.as_object_mut() {
        webhook.insert("status".to_owned(), json!(-1));
        webhook.insert("timestamp_error".to_owned(), json!(clock::text(now)));
    }
    let entry = json!({
        "id": id,
        "timestamp": clock::text(now),
        "organization_id": one.workspace,
        "activity_type": i64::from(Activity::WebhookMarkedAsError),
        "user_agent": null,
        "user_id": null,
        "ip_address": "127.0.0.1",
        "from_api": false,
        "api_key_id": null,
        "webhook_id": one.webhook,
    });
    ws.audit_logs.put(&id, entry);
}

impl Try {
    /// What the log of deliveries keeps of a try.
    pub(crate) fn noted(&self, url: &str, outcome: &Outcome, at: Millis) -> Value {
        json!({
            "at": clock::text(at),
            "workspace": self.workspace,
            "webhook_id": self.webhook,
            "webhook_url": url,
            "event_type": self.event_type,
            "lead_email": self.lead_email,
            "retry_group_id": self.group,
            "retry_count": self.number,
            "success": outcome.success(),
            "status_code": outcome.status,
            "error_message": outcome.message(),
            "response_time_ms": outcome.took_ms,
        })
    }
}
