//! Runs of enrichments: which leads one takes, what it costs, how long it lasts, and what it leaves
//! in the leads when it ends.
//!
//! An enrichment is a row of `ws.enrichments`, one for each resource and kind; AI enrichments have
//! one for each output column. A run is a row of `ws.enrichment_runs`; it takes two seconds and
//! twenty milliseconds a lead. What is found follows from the lead's address.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::Cx;
use crate::ops::leads::Lead;
use crate::ops::supersearch_leads::{self, Condition};
use crate::ops::view::{flag, number, set, text, unset, whole};
use crate::ops::{credits, due};
use crate::reply::Refusal;

/// The least a run takes, and what each lead adds, ms.
const TAKES: Millis = 2_000;
const TAKES_A_LEAD: Millis = 20;
/// How often a resource that updates itself is looked at, ms.
const LOOKS: Millis = 60_000;
/// Most leads of one run; most runs kept.
const MOST: usize = 50_000;
const KEPT: usize = 2_000;

/// The list or campaign whose leads are enriched.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) id: String,
    /// 1 for a campaign, 2 for a list.
    pub(crate) kind: i64,
}

impl Resource {
    /// The campaign or list of that id, or 404.
    pub(crate) fn find(cx: &mut Cx<'_>, id: &str) -> Result<Resource, Refusal> {
        let id = id.to_ascii_lowercase();
        let ws = cx.ws();
        let kind = if ws.campaigns.get(&id).is_some() {
            1
        } else if ws.lead_lists.get(&id).is_some() {
            2
        } else {
            return Err(Refusal::not_found("Resource"));
        };
        Ok(Resource { id, kind })
    }

    pub(crate) fn entity_type(&self) -> &'static str {
        if self.kind == 1 { "campaign" } else { "list" }
    }

    /// What an audit-log entry says of the resource.
    pub(crate) fn about(&self, affected: usize) -> Value {
        let field = if self.kind == 1 {
            "campaign_id"
        } else {
            "list_id"
        };
        let mut about = json!({ "affected_count": affected });
        set(&mut about, field, self.id.as_str());
        about
    }

    fn holds(&self, lead: &Lead) -> bool {
        let id = Uuid::parse_str(&self.id).ok();
        if self.kind == 1 {
            lead.campaign == id
        } else {
            lead.list == id
        }
    }
}

/// The resource of an enrichment.
pub(crate) fn resource_of(row: &Value) -> Resource {
    Resource {
        id: text(row, "resource_id").to_owned(),
        kind: number(row, "resource_type"),
    }
}

/// Keeps an enrichment of a resource: over the one of the same kind (and column), which keeps its
/// id, or as a new one.
pub(crate) fn keep(cx: &mut Cx<'_>, resource: &Resource, slot: &str, fields: Value) -> Value {
    let held = cx
        .ws()
        .enrichments
        .iter()
        .find(|row| text(row, "resource_id") == resource.id && text(row, "_slot") == slot)
        .cloned();
    let mut row = match held {
        Some(row) => row,
        None => json!({
            "id": cx.uuid(),
            "organization_id": cx.workspace,
            "resource_id": resource.id,
            "resource_type": resource.kind,
            "auto_update": false,
            "skip_rows_without_email": false,
            "_slot": slot,
        }),
    };
    crate::cx::merge(&mut row, &fields);
    if flag(&row, "auto_update") {
        let at = cx.now.saturating_add(LOOKS);
        due::wake(cx, at);
    }
    let id = text(&row, "id").to_owned();
    cx.ws().enrichments.put(&id, row.clone());
    row
}

/// Keeps what enrichLeadsFromSupersearch asks for as an enrichment.
pub(crate) fn keep_search(
    cx: &mut Cx<'_>,
    call: &Call,
    resource: &Resource,
    no_leads: bool,
) -> Value {
    let mut payload = Map::new();
    for name in [
        "work_email_enrichment",
        "fully_enriched_profile",
        "custom_flow",
        "ai_enrichment",
    ] {
        if let Some(value) = call.field(name) {
            payload.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(signals) = call.field("signal_enrichment") {
        payload.insert("signal_enrichment".to_owned(), signals.clone());
    }
    let fields = json!({
        "enrichment_payload": payload,
        "auto_update": call.field_flag("auto_update").unwrap_or(false),
        "skip_rows_without_email": call.field_flag("skip_rows_without_email").unwrap_or(false),
        "limit": call.field("limit"),
        "_search_filters": call.field("search_filters"),
        "_has_no_leads": no_leads,
    });
    keep(cx, resource, "search", fields)
}

/// Whether the enrichment does anything to leads.
pub(crate) fn has_payload(row: &Value) -> bool {
    row.get("enrichment_payload")
        .and_then(Value::as_object)
        .is_some_and(|payload| payload.values().any(|value| *value != Value::Bool(false)))
}

/// Which leads of the resource a run takes.
#[derive(Debug, Default)]
pub(crate) struct Span {
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) limit: Option<usize>,
    pub(crate) overwrite: bool,
    /// Leads before the first one taken.
    pub(crate) skip: usize,
    pub(crate) conditions: Vec<Condition>,
}

/// The leads that a run would take.
fn chosen(cx: &mut Cx<'_>, row: &Value, span: &Span) -> Vec<Uuid> {
    let resource = resource_of(row);
    let own_limit = row
        .get("limit")
        .and_then(whole)
        .and_then(|limit| usize::try_from(limit).ok());
    let limit = [span.limit, own_limit]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(MOST)
        .min(MOST);
    let needs_email = flag(row, "skip_rows_without_email");
    let own = Condition::read(row.get("_filters"));
    let takes = |lead: &Lead| {
        (!needs_email || lead.email.is_some())
            && (span.overwrite || flag(row, "_overwrite") || !supersearch_leads::is_done(lead, row))
            && own
                .iter()
                .chain(&span.conditions)
                .all(|condition| condition.holds(lead))
    };
    let ws = cx.ws();
    match &span.ids {
        Some(ids) => ids
            .iter()
            .filter_map(|id| ws.leads.get(Uuid::parse_str(id).ok()?))
            .filter(|lead| resource.holds(lead) && takes(lead))
            .map(|lead| lead.id)
            .take(limit)
            .collect(),
        None => ws
            .leads
            .iter()
            .filter(|lead| resource.holds(lead))
            .skip(span.skip)
            .filter(|lead| takes(lead))
            .map(|lead| lead.id)
            .take(limit)
            .collect(),
    }
}

/// Starts a run of an enrichment, for a credit a lead, as far as the credits go; how many leads it
/// takes.
///
/// # Errors
/// 402 when there are leads to take and no credits.
pub(crate) fn start(cx: &mut Cx<'_>, row: &Value, span: &Span) -> Result<usize, Refusal> {
    let mut leads = chosen(cx, row, span);
    if leads.is_empty() {
        return Ok(0);
    }
    let spent = credits::spend(cx, leads.len() as u64)?;
    leads.truncate(usize::try_from(spent).unwrap_or(usize::MAX));
    let count = leads.len();
    let id = cx.uuid();
    let ends = cx.now + TAKES + TAKES_A_LEAD * count as i64;
    let run = json!({
        "id": id,
        "enrichment_id": text(row, "id"),
        "resource_id": text(row, "resource_id"),
        "resource_type": number(row, "resource_type"),
        "type": text(row, "_slot"),
        "status": "in_progress",
        "leads": count,
        "credits_used": spent,
        "timestamp_created": cx.now_text(),
        "timestamp_completed": null,
        "_begun": cx.now,
        "_ends": ends,
        "_leads": leads,
    });
    cx.ws().enrichment_runs.put(&id, run);
    let runs = &mut cx.ws().enrichment_runs;
    let mut surplus = runs.len().saturating_sub(KEPT);
    if surplus > 0 {
        runs.remove_where(|run| {
            let gone = surplus > 0 && text(run, "status") != "in_progress";
            surplus -= usize::from(gone);
            gone
        });
    }
    due::wake(cx, ends);
    Ok(count)
}

/// The runs of a resource, or of one enrichment of it, that have not ended.
pub(crate) fn under_way<'a>(
    cx: &'a mut Cx<'_>,
    resource: &'a str,
    enrichment: Option<&'a str>,
) -> impl Iterator<Item = &'a Value> {
    let now = cx.now;
    cx.ws().enrichment_runs.iter().filter(move |run| {
        number(run, "_ends") > now
            && text(run, "resource_id") == resource
            && enrichment.is_none_or(|id| text(run, "enrichment_id") == id)
    })
}

/// Ends the runs that are done by now, and lets resources that update themselves take new leads.
pub(crate) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now;
    let pending: Vec<(String, Millis)> = cx
        .ws()
        .enrichment_runs
        .iter()
        .filter(|run| text(run, "status") == "in_progress")
        .map(|run| (text(run, "id").to_owned(), number(run, "_ends")))
        .collect();
    for (id, ends) in pending {
        if ends > now {
            due::wake(cx, ends);
        } else {
            end(cx, &id, ends);
        }
    }
    let updating: Vec<Value> = cx
        .ws()
        .enrichments
        .iter()
        .filter(|row| flag(row, "auto_update") && has_payload(row))
        .cloned()
        .collect();
    for row in updating {
        let (resource, id) = (text(&row, "resource_id"), text(&row, "id"));
        if Resource::find(cx, resource).is_err() {
            cx.ws().enrichments.remove(id);
            continue;
        }
        due::wake(cx, now.saturating_add(LOOKS));
        if under_way(cx, resource, Some(id)).next().is_none() {
            // Without credits it simply does not go on.
            let _ = start(cx, &row, &Span::default());
        }
    }
}

fn end(cx: &mut Cx<'_>, id: &str, at: Millis) {
    let Some(mut run) = cx.ws().enrichment_runs.get(id).cloned() else {
        return;
    };
    let row = cx
        .ws()
        .enrichments
        .get(text(&run, "enrichment_id"))
        .cloned();
    if let Some(row) = row {
        let leads = run
            .get("_leads")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for lead in leads.filter_map(|id| Uuid::parse_str(id.as_str()?).ok()) {
            supersearch_leads::enrich(cx, &row, lead, at);
        }
    }
    set(&mut run, "status", "completed");
    set(&mut run, "timestamp_completed", clock::text(at));
    unset(&mut run, "_leads");
    let mut fields = Map::new();
    for name in ["resource_id", "resource_type", "enrichment_id", "leads"] {
        if let Some(value) = run.get(name) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let campaign =
        (number(&run, "resource_type") == 1).then(|| text(&run, "resource_id").to_owned());
    cx.ws().enrichment_runs.put(id, run);
    cx.emit(
        "supersearch_enrichment_completed",
        campaign.as_deref(),
        None,
        fields,
    );
}
