//! SuperSearch: whom there is to find, and leads got from it. The enrichment of leads is in
//! `supersearch_ai` and `supersearch_run`, the people in `supersearch_people`.

use std::collections::{BTreeMap, HashSet};

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::leads::{Block, Lead};
use crate::ops::supersearch_ai;
use crate::ops::supersearch_filters::Filters;
use crate::ops::supersearch_people::{Person, SIGNALS, place_text};
use crate::ops::supersearch_run::{self, Resource, Span};
use crate::ops::view::{set, text};
use crate::ops::{astray, credits, jobs};
use crate::reply::{Answer, Refusal, Reply};

/// People in a preview.
const PREVIEWED: usize = 50;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::SignalKeywordsFacet => facet(call),
        Op::CountLeadsFromSupersearch => {
            let found = search(cx, call)?;
            Reply::ok(json!({ "number_of_leads": found.len() }))
        }
        Op::PreviewLeadsFromSupersearch => preview(cx, call),
        Op::EnrichLeadsFromSupersearch => get_leads(cx, call),
        Op::CreateAIEnrichment
        | Op::GetAiEnrichmentForResource
        | Op::GetEnrichmentForResource
        | Op::CreateSuperSearchEnrichment
        | Op::UpdateEnrichmentSettingsForResource
        | Op::RunEnrichment
        | Op::GetEnrichmentHistory => supersearch_ai::answer(cx, call),
        other => Err(astray(other)),
    }
}

fn is_owned(cx: &mut Cx<'_>, person: Person) -> bool {
    cx.ws().leads.with_email(&person.email()).next().is_some()
}

/// The people whom the search in the body means.
fn search(cx: &mut Cx<'_>, call: &Call) -> Result<Vec<Person>, Refusal> {
    let filters = Filters::of(cx, &call.body)?;
    let mut companies = HashSet::new();
    let mut found = Vec::new();
    for person in Person::all().filter(|person| filters.takes(*person)) {
        if filters.skip_owned && is_owned(cx, person) {
            continue;
        }
        if !filters.one_per_company || companies.insert(person.company.number) {
            found.push(person);
        }
    }
    Ok(found)
}

fn preview(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let found = search(cx, call)?;
    let filters = call.field("search_filters").unwrap_or(&Value::Null);
    let by_company = [
        text(filters, "location_mode"),
        text(filters, "locationMode"),
    ]
    .contains(&"company");
    let leads: Vec<Value> = found
        .iter()
        .take(PREVIEWED)
        .map(|person| {
            let company = person.company;
            json!({
                "firstName": person.first,
                "lastName": person.last,
                "fullName": person.full_name(),
                "jobTitle": person.title,
                "location": place_text(if by_company { company.place } else { person.place }),
                "linkedIn": person.linked_in(),
                "companyName": company.name(),
                "companyLogo": format!("https://{}/logo.png", company.domain()),
                "companyId": company.number.to_string(),
                "isOwned": is_owned(cx, *person),
            })
        })
        .collect();
    Reply::ok(json!({
        "number_of_leads": found.len(),
        "number_of_redacted_results": 0,
        "leads": leads,
    }))
}

/// The tokens of a keyword field by how many people have them.
fn facet(call: &Call) -> Answer {
    let category = call.field_text("category").unwrap_or_default();
    let field = call.field_text("field").unwrap_or_default();
    let is_known = SIGNALS
        .iter()
        .any(|(name, fields)| *name == category && fields.iter().any(|(name, _)| *name == field));
    if !is_known {
        return Err(Refusal::new(404, "Unknown signal category or field"));
    }
    let prefix = call.field_text("prefix").unwrap_or_default().to_lowercase();
    let limit = call
        .field("limit")
        .and_then(Value::as_f64)
        .map_or(20, |limit| limit as usize);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for person in Person::all() {
        let token = person
            .signal(category)
            .and_then(|signal| signal.token(field));
        if let Some(token) = token.filter(|token| token.starts_with(&prefix)) {
            *counts.entry(token).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, u32)> = counts.into_iter().collect();
    counts.sort_by_key(|(token, count)| (std::cmp::Reverse(*count), *token));
    let keywords: Vec<Value> = counts
        .into_iter()
        .take(limit)
        .map(|(token, count)| json!({ "keyword": token, "count": count }))
        .collect();
    Reply::ok(json!({ "keywords": keywords }))
}

/// Adds people who are no leads of the workspace yet to a list, for a credit each, and enriches
/// them.
fn get_leads(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given = match call.field_text("resource_id") {
        Some(id) => Some(Resource::find(cx, id)?),
        None => None,
    };
    let found = search(cx, call)?;
    let limit = call
        .field("limit")
        .and_then(Value::as_f64)
        .map_or(0, |limit| limit as usize);
    let blocked = Block::new(&cx.ws().block_list);
    let mut wanted = Vec::new();
    for person in found.iter().copied() {
        if wanted.len() == limit {
            break;
        }
        if !is_owned(cx, person) && !blocked.holds(&person.email()) {
            wanted.push(person);
        }
    }
    let spent = credits::spend(cx, wanted.len() as u64)?;
    wanted.truncate(usize::try_from(spent).unwrap_or(usize::MAX));
    let (resource, list_name) = match given {
        Some(resource) => (resource, None),
        None => {
            let (resource, name) = make_list(cx, call);
            (resource, Some(name))
        }
    };
    for person in &wanted {
        add(cx, *person, &resource);
    }
    if !wanted.is_empty() {
        let about = resource.about(wanted.len());
        cx.audit(Activity::LeadAdded, call, about);
    }
    let job = jobs::start(
        cx,
        "import-leads",
        resource.entity_type(),
        Some(&resource.id),
        json!({}),
    );
    let row = supersearch_run::keep_search(cx, call, &resource, found.is_empty());
    cx.audit(
        Activity::SupersearchEnrichmentCreated,
        call,
        resource.about(wanted.len()),
    );
    if supersearch_run::has_payload(&row) && !wanted.is_empty() {
        supersearch_run::start(cx, &row, &Span::default())?;
    }
    let mut answer = json!({
        "id": text(&row, "id"),
        "organization_id": cx.workspace,
        "resource_id": resource.id,
        "resource_type": resource.kind,
        "search_filters": call.field("search_filters"),
        "limit": limit,
        "background_job_id": text(&job, "id"),
        "live_list_workflow_id": null,
    });
    if let Some(name) = list_name {
        set(&mut answer, "list_name", name);
    }
    if let Some(flow) = call.field("custom_flow") {
        set(&mut answer, "custom_flow", flow.clone());
    }
    Reply::ok(answer)
}

fn make_list(cx: &mut Cx<'_>, call: &Call) -> (Resource, String) {
    let id = cx.uuid();
    let named = call
        .field_text("list_name")
        .or(call.field_text("search_name"));
    let name = match named {
        Some(name) => name.to_owned(),
        None => format!("Supersearch List ({})", crate::clock::day(cx.now)),
    };
    let owner = Some(cx.owner()).filter(|owner| !owner.is_empty());
    let list = json!({
        "id": id,
        "organization_id": cx.workspace,
        "has_enrichment_task": true,
        "owned_by": owner,
        "name": name,
        "timestamp_created": cx.now_text(),
    });
    cx.ws().lead_lists.put(&id, list);
    (Resource { id, kind: 2 }, name)
}

fn add(cx: &mut Cx<'_>, person: Person, resource: &Resource) {
    let id = Uuid::parse_str(&cx.uuid()).unwrap_or_default();
    let mut lead = Lead::new(id, cx.now);
    let place = Uuid::parse_str(&resource.id).ok();
    if resource.kind == 1 {
        lead.campaign = place;
    } else {
        lead.list = place;
    }
    lead.email = Some(person.email().into());
    lead.take_fields(&json!({
        "first_name": person.first,
        "last_name": person.last,
        "company_name": person.company.name(),
        "job_title": person.title,
        "website": format!("https://{}", person.company.domain()),
        "custom_variables": { "location": place_text(person.place), "linkedIn": person.linked_in() },
    }));
    cx.ws().leads.insert(lead);
}

#[cfg(test)]
mod tests;
