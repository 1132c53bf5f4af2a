//! Inbox placement tests: create, list, get, patch, delete, and the recipients there are. What a
//! test's runs find is made in `placement_run`.

use doorward_catalog::Op;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::Cx;
use crate::ops::astray;
use crate::ops::placement_run::{self, LABELS, next_slot, settle};
use crate::ops::view::{holds, number, set, shown, text};
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

/// The name of the kind in refusals.
pub(crate) const KIND: &str = "Inbox placement test";

/// Statuses of a test.
pub(crate) mod status {
    pub(crate) const ACTIVE: i64 = 1;
    pub(crate) const COMPLETED: i64 = 3;
}

/// The type of a test that runs again and again.
pub(crate) const AUTOMATED: i64 = 2;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateInboxPlacementTest => create(cx, call),
        Op::ListInboxPlacementTest => list(cx, call),
        Op::GetInboxPlacementTest => get(cx, call),
        Op::PatchInboxPlacementTest => patch(cx, call),
        Op::DeleteInboxPlacementTest => delete(cx, call),
        Op::GetInboxPlacementTestESPOptions => {
            Reply::ok(LABELS.iter().map(placement_run::Label::shown).collect())
        }
        other => Err(astray(other)),
    }
}

/// The test as it is at a time: a one-time test is completed when all its mail is in.
fn seen(test: &Value, now: Millis) -> Value {
    let mut answer = shown(test);
    let ends = test.get("_ends").and_then(Value::as_i64);
    if number(test, "type") != AUTOMATED
        && number(test, "status") == status::ACTIVE
        && test.get("_next").is_none_or(Value::is_null)
        && ends.is_some_and(|ends| ends <= now)
    {
        set(&mut answer, "status", status::COMPLETED);
    }
    answer
}

const COPIED: &[&str] = &[
    "name",
    "delivery_mode",
    "description",
    "schedule",
    "type",
    "sending_method",
    "campaign_id",
    "email_subject",
    "email_body",
    "emails",
    "tags",
    "text_only",
    "automations",
    "not_sending_status",
];

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    if let Some(campaign) = call.field_text("campaign_id") {
        cx.ws().campaigns.find(campaign, "Campaign")?;
    }
    let id = cx.uuid();
    let labels = placement_run::labels_of(call.field("recipients_labels"));
    let mut test = json!({
        "id": id,
        "organization_id": cx.workspace,
        "recipients": labels.iter().map(|label| label.address()).collect::<Vec<_>>(),
        "recipients_labels": labels.iter().map(|label| label.shown()).collect::<Vec<_>>(),
        "timestamp_created": cx.now_text(),
        "timestamp_next_run": null,
        "test_code": test_code(call, &id),
        "status": call.field("status").cloned().unwrap_or_else(|| json!(status::ACTIVE)),
    });
    for name in COPIED {
        if let Some(value) = call.body.get(*name) {
            set(&mut test, name, value.clone());
        }
    }
    let asked = call.field_text("timestamp_next_run").and_then(clock::parse);
    let next = match asked.filter(|at| *at > cx.now) {
        Some(at) => at,
        None if number(&test, "type") == AUTOMATED => next_slot(test.get("schedule"), cx.now),
        None => cx.now,
    };
    placement_run::plan(&mut test, Some(next));
    if call.field_flag("run_immediately") == Some(true) && next > cx.now {
        let now = cx.now;
        placement_run::run(cx, &mut test, now);
    }
    cx.ws().placement_tests.put(&id, test);
    settle(cx);
    let test = cx.ws().placement_tests.find(&id, KIND)?;
    let test = test.clone();
    Reply::ok(seen(&test, cx.now))
}

/// The code by which mail sent from outside is recognised; tests sent from Instantly need none.
fn test_code(call: &Call, id: &str) -> Option<String> {
    let named = call.field_text("test_code").map(str::trim);
    match named.filter(|code| !code.is_empty()) {
        Some(code) if code.starts_with("ptid_") => Some(code.to_owned()),
        Some(code) => Some(format!("ptid_{code}").chars().take(50).collect()),
        None if number(&call.body, "sending_method") == 2 => Some(format!("ptid_{id}")),
        None => None,
    }
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let part = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted = call.query_number("status").map(|status| status as i64);
    let mut tests: Vec<Value> = cx
        .ws()
        .placement_tests
        .iter()
        .map(|test| seen(test, now))
        .filter(|test| part.is_empty() || holds(text(test, "name"), &part))
        .filter(|test| wanted.is_none_or(|wanted| wanted == number(test, "status")))
        .collect();
    if call.query_text("sort_order") != Some("asc") {
        tests.reverse();
    }
    table::page(tests.iter(), call, |test| text(test, "id").to_owned())
}

fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let test = cx.ws().placement_tests.find(&call.param, KIND)?.clone();
    let mut answer = seen(&test, cx.now);
    if call.query_flag("with_metadata") == Some(true) {
        let ws = cx.ws();
        let mut metadata = Map::new();
        if let Some(campaign) = ws.campaigns.get(text(&test, "campaign_id")) {
            let campaign = json!({ "id": text(campaign, "id"), "name": text(campaign, "name") });
            metadata.insert("campaign".to_owned(), campaign);
        }
        let tags: Map<String, Value> = test
            .get("tags")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|id| ws.tags.get(id.as_str()?))
            .map(|tag| {
                let id = text(tag, "id");
                (
                    id.to_owned(),
                    json!({ "id": id, "label": text(tag, "label") }),
                )
            })
            .collect();
        metadata.insert("tags".to_owned(), Value::Object(tags));
        set(&mut answer, "metadata", metadata);
    }
    Reply::ok(answer)
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let test = cx.ws().placement_tests.find_mut(&call.param, KIND)?;
    for name in ["name", "schedule", "automations", "status"] {
        if let Some(value) = call.body.get(name) {
            set(test, name, value.clone());
        }
    }
    let automated = number(test, "type") == AUTOMATED;
    if automated && (call.body.get("schedule").is_some() || call.body.get("status").is_some()) {
        let next = next_slot(test.get("schedule"), now);
        placement_run::plan(test, Some(next));
    }
    settle(cx);
    let test = cx.ws().placement_tests.find(&call.param, KIND)?.clone();
    Reply::ok(seen(&test, now))
}

fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let Some(test) = cx.ws().placement_tests.remove(&call.param) else {
        return Err(Refusal::not_found(KIND));
    };
    let of_test = |row: &Value| text(row, "test_id") == call.param;
    cx.ws().placement_analytics.remove_where(of_test);
    cx.ws().placement_reports.remove_where(of_test);
    Reply::ok(seen(&test, now))
}

#[cfg(test)]
mod tests;
