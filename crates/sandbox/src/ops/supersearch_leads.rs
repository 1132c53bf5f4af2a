//! What an enrichment looks at in a lead, and what it leaves there.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::leads::Lead;
use crate::ops::supersearch_people::Person;
use crate::ops::verification::{is_catch_all, is_deliverable};
use crate::ops::view::{clip, domain_of, hash, number, text};

/// `enrichment_status` of a lead.
const ENRICHED: i8 = 1;
const NOTHING_FOUND: i8 = -1;

/// Most characters of a generated text.
const MOST: usize = 2_000;

/// A condition on a lead's column. The vendor does not publish the numbers of the conditions; here
/// they are: 1 is one of, 2 is none of, 3 holds one of, 4 holds none of, 5 is empty, 6 is not empty.
#[derive(Debug)]
pub(crate) struct Condition {
    column: String,
    kind: i64,
    values: Vec<String>,
}

impl Condition {
    /// The conditions of a `filters` list; entries without a column are passed over.
    pub(crate) fn read(filters: Option<&Value>) -> Vec<Condition> {
        let filters = filters.and_then(Value::as_array).into_iter().flatten();
        filters
            .take(100)
            .map(|filter| Condition {
                column: text(filter, "column_name").to_owned(),
                kind: number(filter, "type"),
                values: filter
                    .get("value")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|value| value.as_str().map(str::to_lowercase))
                    .take(500)
                    .collect(),
            })
            .filter(|condition| !condition.column.is_empty())
            .collect()
    }

    pub(crate) fn holds(&self, lead: &Lead) -> bool {
        let held = column(lead, &self.column).to_lowercase();
        let is = || self.values.contains(&held);
        let contains = || self.values.iter().any(|value| held.contains(value));
        match self.kind {
            1 => is(),
            2 => !is(),
            3 => contains(),
            4 => !contains(),
            5 => held.is_empty(),
            6 => !held.is_empty(),
            _ => true,
        }
    }
}

/// A column of a lead as a text, by the names of the API's fields or of its payload; empty when the
/// lead has none.
fn column(lead: &Lead, name: &str) -> String {
    let name = match name {
        "email" => return lead.email.as_deref().unwrap_or_default().to_owned(),
        "first_name" => "firstName",
        "last_name" => "lastName",
        "company_name" => "companyName",
        "job_title" => "jobTitle",
        other => other,
    };
    match lead.payload().get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The parts of an enrichment's payload that are switched on.
fn parts(row: &Value) -> impl Iterator<Item = (&String, &Value)> {
    row.get("enrichment_payload")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, value)| **value != Value::Bool(false) && !value.is_null())
}

/// The column in which a part leaves its result; none for those that change the lead itself.
fn column_of(part: &str) -> Option<&str> {
    match part {
        "work_email_enrichment" | "email_verification" | "custom_flow" | "ai_enrichment" => None,
        "fully_enriched_profile" => Some("linkedIn"),
        part => Some(part),
    }
}

/// Whether a lead has everything that the enrichment would bring.
pub(crate) fn is_done(lead: &Lead, row: &Value) -> bool {
    let output = text(row, "_output_column");
    if !output.is_empty() {
        return !column(lead, output).is_empty();
    }
    parts(row).all(|(part, value)| match part.as_str() {
        "email_verification" => lead.verification.is_some(),
        "work_email_enrichment" | "custom_flow" => {
            lead.email.is_some() || lead.enrichment == Some(NOTHING_FOUND)
        }
        "ai_enrichment" => value
            .as_object()
            .is_none_or(|columns| columns.keys().all(|name| !column(lead, name).is_empty())),
        part => column_of(part).is_none_or(|name| !column(lead, name).is_empty()),
    })
}

/// Leaves what the enrichment finds in a lead.
pub(crate) fn enrich(cx: &mut Cx<'_>, row: &Value, id: Uuid, at: Millis) {
    let Some(mut lead) = cx.ws().leads.remove(id) else {
        return;
    };
    let mut found = true;
    let mut columns = Map::new();
    let output = text(row, "_output_column");
    if !output.is_empty() {
        columns.insert(
            output.to_owned(),
            json!(generated(&lead, text(row, "_prompt"), output)),
        );
    }
    for (part, value) in parts(row) {
        match part.as_str() {
            "email_verification" => {
                lead.verification = lead.email.as_deref().map(|email| match email {
                    email if !is_deliverable(email) => -1,
                    email if is_catch_all(email) => -3,
                    _ => 1,
                });
            }
            "work_email_enrichment" | "custom_flow" => {
                if lead.email.is_none() {
                    lead.email = address(&lead).map(Into::into);
                    found &= lead.email.is_some();
                }
            }
            "ai_enrichment" => {
                for (name, settings) in value.as_object().into_iter().flatten().take(20) {
                    let text = generated(&lead, text(settings, "prompt"), name);
                    columns.insert(name.clone(), json!(text));
                }
            }
            part => {
                if let Some(name) = column_of(part)
                    && column(&lead, name).is_empty()
                {
                    columns.insert(name.to_owned(), known(&lead, part));
                }
            }
        }
    }
    if !columns.is_empty() {
        lead.take_fields(&json!({ "custom_variables": columns }));
    }
    lead.enrichment = Some(if found { ENRICHED } else { NOTHING_FOUND });
    lead.updated = at;
    cx.ws().leads.insert(lead);
}

/// The address that a person of the lead's name and company would have.
fn address(lead: &Lead) -> Option<String> {
    let host: String = column(lead, "companyName")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(50)
        .collect();
    let word = |text: Option<&str>| -> String {
        text.unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(25)
            .collect()
    };
    let (first, last) = (
        word(lead.first_name.as_deref()),
        word(lead.last_name.as_deref()),
    );
    (!host.is_empty() && !first.is_empty() && !last.is_empty())
        .then(|| format!("{first}.{last}@{host}.example").to_lowercase())
}

/// What is known of a lead or its company under a name.
fn known(lead: &Lead, part: &str) -> Value {
    let email = lead.email.as_deref().unwrap_or_default().to_owned();
    let person = Person::of(hash(&email) as u32 % 6_000);
    match part {
        "fully_enriched_profile" => json!(person.linked_in()),
        "joblisting" => json!(person.company.hires().unwrap_or("none")),
        "technologies" => json!(person.company.technologies().join(", ")),
        "news" => json!(person.company.news().unwrap_or("none")),
        "funding" => json!(person.company.funding().unwrap_or("none")),
        "engagement_score" => json!(hash(&email) % 101),
        _ => json!(format!("{part} of {}", domain_of(&email))),
    }
}

/// The text an AI writes, which here is the prompt with its variables filled in.
fn generated(lead: &Lead, prompt: &str, output: &str) -> String {
    if prompt.is_empty() {
        let name = column(lead, "firstName");
        return format!(
            "{output} for {}",
            if name.is_empty() { "the lead" } else { &name }
        );
    }
    let mut text = String::new();
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            rest = after;
            break;
        };
        text.push_str(&column(lead, name.trim()));
        rest = after;
        if text.len() > 8 * MOST {
            break;
        }
    }
    text.push_str(&clip(rest, MOST));
    clip(&text, MOST)
}
