//! listBackgroundJob, getBackgroundJob; and starting a job.
//!
//! A job's progress is read off the clock: pending for a second, then in progress for four.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

/// How long a job waits to be started, ms.
const WAITS: Millis = 1_000;
/// How long it then takes, ms.
const RUNS: Millis = 4_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListBackgroundJob => list(cx, call),
        Op::GetBackgroundJob => get(cx, call),
        other => Err(astray(other)),
    }
}

/// Starts a job of one of the API's kinds (`move-leads`, `rename-variable`, …) on an entity (`list`,
/// `campaign` or `workspace`) and gives the `BackgroundJob` entity as it is now. What the job does
/// is done by the caller, at once; the job only tells of it.
pub(crate) fn start(
    cx: &mut Cx<'_>,
    kind: &str,
    entity_type: &str,
    entity_id: Option<&str>,
    data: Value,
) -> Value {
    // The API's job ids are 24 hexadecimal digits, unlike its other ids.
    let id: String = cx.uuid().chars().filter(|c| *c != '-').skip(8).collect();
    let now = cx.now_text();
    let job = json!({
        "id": id,
        "workspace_id": cx.workspace,
        "user_id": null,
        "type": kind,
        "entity_id": entity_id,
        "entity_type": entity_type,
        "data": if data.is_object() { data } else { json!({}) },
        "progress": 0,
        "status": "pending",
        "created_at": now,
        "updated_at": now,
    });
    cx.ws().jobs.put(&id, job.clone());
    job
}

/// The job as it is at a time.
fn seen(job: &Value, now: Millis) -> Value {
    let mut job = job.clone();
    let created = text(&job, "created_at")
        .and_then(clock::parse)
        .unwrap_or(now);
    if text(&job, "status") != Some("pending") {
        return job;
    }
    let age = now.saturating_sub(created);
    let (status, progress) = match age {
        _ if age < WAITS => ("pending", 0),
        _ if age < WAITS + RUNS => ("in-progress", (age - WAITS) * 100 / RUNS),
        _ => ("success", 100),
    };
    if let Some(job) = job.as_object_mut() {
        let updated = created.saturating_add(age.clamp(0, WAITS + RUNS));
        job.insert("status".to_owned(), json!(status));
        job.insert("progress".to_owned(), json!(progress));
        job.insert("updated_at".to_owned(), json!(clock::text(updated)));
    }
    job
}

fn text<'v>(job: &'v Value, name: &str) -> Option<&'v str> {
    job.get(name).and_then(Value::as_str)
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let one_of = |name: &str| call.query_list(name).filter(|list| !list.is_empty());
    let (ids, included) = (one_of("ids"), one_of("included_ids"));
    let excluded = one_of("excluded_ids").unwrap_or_default();
    let (kind, entity_type) = (call.query_text("type"), call.query_text("entity_type"));
    let (entities, statuses) = (one_of("entity_id"), one_of("status"));
    let within = |list: &Option<Vec<String>>, value: Option<&str>| {
        list.as_ref()
            .is_none_or(|list| value.is_some_and(|value| list.iter().any(|item| item == value)))
    };
    let mut jobs: Vec<Value> = cx.ws().jobs.iter().map(|job| seen(job, now)).collect();
    jobs.retain(|job| {
        let id = text(job, "id");
        within(&ids, id)
            && within(&included, id)
            && !excluded.iter().any(|other| Some(other.as_str()) == id)
            && kind.is_none_or(|kind| text(job, "type") == Some(kind))
            && entity_type.is_none_or(|kind| text(job, "entity_type") == Some(kind))
            && within(&entities, text(job, "entity_id"))
            && within(&statuses, text(job, "status"))
    });
    let column = call.query_text("sort_column").unwrap_or("created_at");
    // Stable, so that jobs of one instant keep their order.
    jobs.sort_by(|a, b| text(a, column).cmp(&text(b, column)));
    if call.query_text("sort_order") != Some("asc") {
        jobs.reverse();
    }
    table::page(jobs.iter(), call, |job| {
        text(job, "id").unwrap_or_default().to_owned()
    })
}

fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let mut job = seen(cx.ws().jobs.find(&call.param, "Background job")?, now);
    if let Some(fields) = call
        .query_list("data_fields")
        .filter(|fields| !fields.is_empty())
    {
        let data = job.get_mut("data").and_then(Value::as_object_mut);
        let Some(data) = data else {
            return Err(Refusal::not_found("Background job"));
        };
        data.retain(|name, _| fields.iter().any(|field| field == name));
    }
    Reply::ok(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_goes_from_pending_to_success_with_the_clock() {
        let created = clock::parse("2026-01-05T00:00:00Z").unwrap();
        let job = json!({"status": "pending", "progress": 0, "created_at": clock::text(created)});
        for (age, status, progress) in [
            (0, "pending", 0),
            (999, "pending", 0),
            (1_000, "in-progress", 0),
            (3_000, "in-progress", 50),
            (5_000, "success", 100),
            (50_000, "success", 100),
            (-5, "pending", 0),
        ] {
            let seen = seen(&job, created + age);
            assert_eq!(seen["status"], status, "after {age} ms");
            assert_eq!(seen["progress"], progress, "after {age} ms");
        }
        let ended = seen(&job, created + 50_000);
        assert_eq!(ended["updated_at"], "2026-01-05T00:00:05.000Z");
    }
}
