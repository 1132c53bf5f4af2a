//! Enrichments of a list's or a campaign's leads: made, shown, changed, run.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::ops::supersearch_leads::Condition;
use crate::ops::supersearch_run::{self, Resource, Span, has_payload, under_way};
use crate::ops::view::{flag, number, set, shown, text, whole};
use crate::reply::{Answer, Refusal, Reply};

/// States of an AI enrichment.
const PENDING: i64 = 1;
const PROCESSING: i64 = 2;
const COMPLETED: i64 = 3;
/// How long one waits to be processed, ms.
const WAITS: i64 = 1_000;

/// Runs shown when no limit is asked for, and at most.
const SHOWN: usize = 10;
const MOST_SHOWN: usize = 1_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateSuperSearchEnrichment => create(cx, call),
        Op::CreateAIEnrichment => create_ai(cx, call),
        Op::GetAiEnrichmentForResource => ai_in_progress(cx, call),
        Op::GetEnrichmentForResource => get(cx, call),
        Op::UpdateEnrichmentSettingsForResource => settings(cx, call),
        Op::RunEnrichment => run(cx, call),
        Op::GetEnrichmentHistory => history(cx, call),
        other => Err(astray(other)),
    }
}

/// The enrichments of a resource, oldest first.
fn rows_of(cx: &mut Cx<'_>, resource: &str) -> Vec<Value> {
    cx.ws()
        .enrichments
        .iter()
        .filter(|row| text(row, "resource_id") == resource)
        .cloned()
        .collect()
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, call.field_text("resource_id").unwrap_or_default())?;
    let mut payload = Map::new();
    let kind = match (call.field_text("type"), call.field("integration_actions")) {
        (Some(kind), _) => kind.to_owned(),
        (None, Some(actions)) => {
            for (_, actions) in actions.as_object().into_iter().flatten().take(50) {
                for name in actions
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name)
                    .take(50)
                {
                    payload.insert(name.clone(), json!(true));
                }
            }
            "integration".to_owned()
        }
        (None, None) => "custom_flow".to_owned(),
    };
    let flow = call.field("custom_flow").cloned();
    match kind.as_str() {
        "integration" => {}
        "custom_flow" => {
            payload.insert(kind.clone(), flow.unwrap_or_else(|| json!(["instantly"])));
        }
        "ai_enrichment" => {
            payload.insert(kind.clone(), json!({ "ai_enrichment": {} }));
        }
        kind => {
            payload.insert(kind.to_owned(), json!(true));
            payload.extend(flow.map(|flow| ("custom_flow".to_owned(), flow)));
        }
    }
    let mut fields = json!({ "enrichment_payload": payload, "_filters": call.field("filters") });
    if let Some(limit) = call.field("limit") {
        set(&mut fields, "limit", limit.clone());
    }
    if kind != "integration" {
        set(&mut fields, "type", kind.as_str());
    }
    let row = supersearch_run::keep(cx, &resource, &kind, fields);
    let count = supersearch_run::start(cx, &row, &Span::default())?;
    cx.audit(
        Activity::SupersearchEnrichmentCreated,
        call,
        resource.about(count),
    );
    let mut answer = json!({
        "id": text(&row, "id"),
        "organization_id": cx.workspace,
        "resource_id": resource.id,
        "enrichment_payload": row.get("enrichment_payload"),
    });
    if let Some(limit) = row.get("limit").filter(|limit| limit.is_number()) {
        set(&mut answer, "limit", limit.clone());
    }
    Reply::ok(answer)
}

fn create_ai(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, call.field_text("resource_id").unwrap_or_default())?;
    if number(&call.body, "resource_type") != resource.kind {
        return Err(Refusal::not_found("Resource"));
    }
    let column = call.field_text("output_column").unwrap_or_default();
    let mut fields = json!({
        "type": "ai_enrichment",
        "enrichment_payload": {},
        "auto_update": call.field_flag("auto_update").unwrap_or(false),
        "skip_rows_without_email": call.field_flag("skip_leads_without_email").unwrap_or(false),
        "_overwrite": call.field_flag("overwrite").unwrap_or(false),
        "_output_column": column,
        "_model": call.field_text("model_version"),
        "_inputs": call.field("input_columns"),
        "_template": call.field_text("template_id"),
        "_prompt": call.field_text("prompt"),
        "_filters": call.field("filters"),
    });
    if let Some(limit) = call.field("limit") {
        set(&mut fields, "limit", limit.clone());
    }
    let row = supersearch_run::keep(cx, &resource, &format!("ai/{column}"), fields);
    let count = supersearch_run::start(cx, &row, &Span::default())?;
    cx.audit(
        Activity::SupersearchEnrichmentCreated,
        call,
        resource.about(count),
    );
    let mut answer = json!({
        "id": text(&row, "id"),
        "resource_id": resource.id,
        "resource_type": resource.kind,
        "output_column": column,
        "status": ai_status(cx, &row),
        "model_version": text(&row, "_model"),
        "overwrite": flag(&row, "_overwrite"),
        "auto_update": flag(&row, "auto_update"),
        "template_id": row.get("_template"),
    });
    for (name, held) in [("input_columns", "_inputs"), ("limit", "limit")] {
        if let Some(value) = row.get(held).filter(|value| !value.is_null()) {
            set(&mut answer, name, value.clone());
        }
    }
    Reply::ok(answer)
}

fn ai_status(cx: &mut Cx<'_>, row: &Value) -> i64 {
    let now = cx.now;
    let run = under_way(cx, text(row, "resource_id"), Some(text(row, "id"))).next();
    match run {
        None => COMPLETED,
        Some(run) if now - number(run, "_begun") < WAITS => PENDING,
        Some(_) => PROCESSING,
    }
}

/// The AI enrichments of the resource that have not ended.
fn ai_in_progress(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, &call.param)?;
    let mut listed = Vec::new();
    for row in rows_of(cx, &resource.id) {
        let status = ai_status(cx, &row);
        if !text(&row, "_output_column").is_empty() && status != COMPLETED {
            listed.push(json!({
                "id": text(&row, "id"),
                "organization_id": cx.workspace,
                "resource_id": resource.id,
                "resource_type": resource.kind,
                "output_column": text(&row, "_output_column"),
                "status": status,
            }));
        }
    }
    Reply::ok(Value::Array(listed))
}

/// What all enrichments of a resource do together; never empty.
fn payload_of(rows: &[Value]) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut ai = Map::new();
    for row in rows {
        if let Some(own) = row.get("enrichment_payload").and_then(Value::as_object) {
            for (name, value) in own {
                match value.as_object() {
                    Some(columns) if name == "ai_enrichment" => ai.extend(columns.clone()),
                    _ => drop(payload.insert(name.clone(), value.clone())),
                }
            }
        }
        let column = text(row, "_output_column");
        if !column.is_empty() {
            ai.insert(
                column.to_owned(),
                json!({ "model_version": text(row, "_model") }),
            );
        }
        if let Some(limit) = row.get("limit").filter(|limit| limit.is_number()) {
            payload.insert("limit".to_owned(), limit.clone());
        }
    }
    if !ai.is_empty() {
        payload.insert("ai_enrichment".to_owned(), Value::Object(ai));
    }
    if payload.is_empty() {
        payload.insert("work_email_enrichment".to_owned(), json!(false));
    }
    payload
}

fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, &call.param)?;
    let rows = rows_of(cx, &resource.id);
    let any = |name: &str| rows.iter().any(|row| flag(row, name));
    let in_progress = under_way(cx, &resource.id, None).next().is_some();
    let mut answer = json!({
        "resource_id": resource.id,
        "in_progress": in_progress,
        "exists": !rows.is_empty(),
        "enrichment_payload": payload_of(&rows),
        "auto_update": any("auto_update"),
        "is_evergreen": any("_is_evergreen"),
    });
    let search = rows.iter().find(|row| text(row, "_slot") == "search");
    if let Some(search) = search {
        set(&mut answer, "has_no_leads", flag(search, "_has_no_leads"));
        if let Some(filters) = search
            .get("_search_filters")
            .filter(|filters| filters.is_object())
        {
            set(&mut answer, "search_filters", filters.clone());
        }
    }
    Reply::ok(answer)
}

fn settings(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, &call.param)?;
    let rows = rows_of(cx, &resource.id);
    let Some(last) = rows.last() else {
        return Err(Refusal::not_found("Enrichment"));
    };
    let last = text(last, "id").to_owned();
    let mut fields = Map::new();
    for (asked, held) in [
        ("auto_update", "auto_update"),
        ("skip_rows_without_email", "skip_rows_without_email"),
        ("is_evergreen", "_is_evergreen"),
    ] {
        if let Some(value) = call.field(asked) {
            fields.insert(held.to_owned(), value.clone());
        }
    }
    for row in rows {
        let slot = text(&row, "_slot").to_owned();
        supersearch_run::keep(cx, &resource, &slot, Value::Object(fields.clone()));
    }
    let in_progress = under_way(cx, &resource.id, None).next().is_some();
    let mut answer = shown(cx.ws().enrichments.find(&last, "Enrichment")?);
    set(&mut answer, "in_progress", in_progress);
    Reply::ok(answer)
}

fn run(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, call.field_text("resource_id").unwrap_or_default())?;
    let column = call.field_text("column_name");
    let rows: Vec<Value> = rows_of(cx, &resource.id)
        .into_iter()
        .filter(|row| match column {
            Some(column) => text(row, "_output_column") == column,
            None => has_payload(row) || !text(row, "_output_column").is_empty(),
        })
        .collect();
    let Some(first) = rows.first() else {
        return Err(Refusal::not_found("Enrichment"));
    };
    let size = |name: &str| {
        call.field(name)
            .and_then(whole)
            .map(|n| usize::try_from(n).unwrap_or(0))
    };
    let span = Span {
        ids: call.field_list("lead_ids"),
        limit: [size("limit"), size("count")].into_iter().flatten().min(),
        overwrite: call.field_flag("overwrite").unwrap_or(false),
        skip: size("starting_row").map_or(0, |row| row.saturating_sub(1)),
        conditions: Condition::read(call.field("filters")),
    };
    let mut taken = 0;
    for row in &rows {
        taken += supersearch_run::start(cx, row, &span)?;
    }
    if taken == 0 {
        return Err(Refusal::bad_request(
            "All the leads have already been enriched",
        ));
    }
    Reply::ok(json!({
        "id": text(first, "id"),
        "resource_id": resource.id,
        "enrichment_payload": payload_of(&rows),
    }))
}

fn history(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource = Resource::find(cx, &call.param)?;
    let asked = |name: &str| {
        call.query_number(name)
            .map(|number| number.max(0.0) as usize)
    };
    let runs: Vec<Value> = cx
        .ws()
        .enrichment_runs
        .iter()
        .rev()
        .filter(|run| text(run, "resource_id") == resource.id)
        .skip(asked("offset").unwrap_or_default())
        .take(asked("limit").unwrap_or(SHOWN).min(MOST_SHOWN))
        .map(shown)
        .collect();
    Reply::ok(Value::Array(runs))
}
