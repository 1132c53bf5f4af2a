//! Every operation of the catalog: where each thing that looks like an id ends up.

use std::collections::BTreeSet;

use doorward_catalog::Op;
use doorward_catalog::shapes::{self, Format, Kind as Json, Shape};

use crate::kind::Kinds;
use crate::places::{Place, ROWS, row};

/// What looks like an id of these kinds and is none, or names nothing that a call reaches: by the
/// operation (or `*` for any), the place, and why.
const NO_IDS: &[(&str, &str, &str)] = &[
    ("*", "body:assigned_to", "a person of the workspace"),
    ("*", "body:leads/*/assigned_to", "a person of the workspace"),
    (
        "*",
        "body:organization_user_ids/*",
        "a person of the workspace",
    ),
    ("*", "body:owned_by", "a person of the workspace"),
    ("*", "body:user_email", "a person of the workspace"),
    (
        "changeWorkspaceOwner",
        "body:email",
        "a person of the workspace",
    ),
    (
        "createWorkspaceMember",
        "body:email",
        "a person of the workspace",
    ),
    ("*", "body:leads/*/email", "a new lead has no id yet"),
    ("createLead", "body:email", "a new lead has no id yet"),
    ("*", "body:pl_value_lead", "not an id"),
    ("*", "body:leads/*/pl_value_lead", "not an id"),
    ("*", "body:warmup/warmup_custom_ftag", "not an id"),
    ("*", "body:warmup_custom_ftag", "not an id"),
    ("*", "body:email_body", "not an id"),
    ("*", "body:email_subject", "not an id"),
    ("*", "query:email_type", "not an id"),
    ("*", "body:list_name", "not an id"),
    ("*", "body:search_filters/jobListing/*", "not an id"),
    ("*", "body:search_filters/jobListingFilter/*", "not an id"),
    (
        "*",
        "body:provider_routing_rules/*/sender_esp/*",
        "not an id",
    ),
    ("*", "body:blocklist_id", "of the block list"),
    (
        "deletebulkBlockListEntry",
        "body:ids/*",
        "of the block list",
    ),
    (
        "*",
        "body:smart_view_id",
        "a view of leads, which undoes what narrows",
    ),
    ("*", "body:excluded_emails/*", "narrows only"),
    ("*", "body:excluded_ids/*", "narrows only"),
    ("*", "body:excluded_resource_ids/*", "narrows only"),
    ("*", "query:excluded_ids", "narrows only"),
    ("*", "query:parent_campaign_not", "narrows only"),
    ("*", "body:cc_list/*", "an address outside the workspace"),
    ("*", "body:bcc_list/*", "an address outside the workspace"),
    (
        "*",
        "body:to_address_email_list",
        "an address outside the workspace",
    ),
    (
        "*",
        "body:cc_address_email_list",
        "an address outside the workspace",
    ),
    (
        "*",
        "body:bcc_address_email_list",
        "an address outside the workspace",
    ),
    (
        "createEmailVerification",
        "body:email",
        "an address outside the workspace",
    ),
    (
        "checkVerificationStatus",
        "path:email",
        "an address outside the workspace",
    ),
    (
        "*",
        "body:items/*/accounts/*/email_address_prefix",
        "an account to be, of which there is no address yet",
    ),
    ("*", "path:id", "of something else"),
    ("*", "path:sessionId", "of something else"),
    ("*", "path:thread_id", "of something else"),
    ("*", "body:template_id", "of something else"),
    ("*", "body:ai_sdr_id", "of something else"),
    ("*", "query:ai_sales_agent_id", "of something else"),
    ("*", "body:test_id", "of something else"),
    ("*", "body:test_ids/*", "of something else"),
    ("*", "query:test_id", "of something else"),
    ("listBackgroundJob", "query:ids", "of something else"),
    ("*", "query:included_ids", "of something else"),
    (
        "*",
        "body:search_filters/company_list_id",
        "of the search, not of the workspace",
    ),
    (
        "*",
        "body:search_filters/locations/*/place_id",
        "of the search, not of the workspace",
    ),
    (
        "*",
        "body:search_filters/locations/exclude/*/place_id",
        "of the search, not of the workspace",
    ),
    (
        "*",
        "body:search_filters/locations/include/*/place_id",
        "of the search, not of the workspace",
    ),
];

fn looks_like_an_id(name: &str, shape: &Shape) -> bool {
    let last = name.rsplit('/').find(|part| *part != "*").unwrap_or(name);
    let plain = shape.kinds.iter().all(|kind| {
        matches!(
            kind,
            Json::Boolean | Json::Integer | Json::Number | Json::Null
        )
    });
    if plain && !shape.kinds.is_empty() {
        return false;
    }
    shape.format == Some(Format::Uuid)
        || !Kinds::hinted(last).is_empty()
        || last.ends_with("_id")
        || last.ends_with("_ids")
}

/// Every leaf of a body with its path.
fn leaves<'s>(shape: &'s Shape, path: &str, out: &mut Vec<(String, &'s Shape)>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        }
    };
    for other in shape.any_of.iter().chain(&shape.one_of) {
        leaves(other, path, out);
    }
    for field in &shape.fields {
        leaves(&field.shape, &below(&field.name), out);
    }
    if let Some(item) = &shape.item {
        leaves(item, &below("*"), out);
    }
    if shape.fields.is_empty() && shape.item.is_none() && !path.is_empty() {
        out.push((path.to_owned(), shape));
    }
}

fn all_places(op: Op) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let Some(shape) = shapes::of(op.id()) else {
        return found;
    };
    for param in &shape.path {
        found.push((format!("path:{}", param.name), true));
    }
    for param in &shape.query {
        let id = looks_like_an_id(
            &param.name,
            param.shape.item.as_deref().unwrap_or(&param.shape),
        );
        found.push((format!("query:{}", param.name), id));
    }
    if let Some(body) = &shape.body {
        let mut out = Vec::new();
        leaves(&body.shape, "", &mut out);
        for (path, leaf) in out {
            found.push((format!("body:{path}"), looks_like_an_id(&path, leaf)));
        }
    }
    found
}

fn name_of(place: &Place, op: Op) -> String {
    match place {
        Place::Path => {
            let path = op.facts().path;
            let (_, rest) = path.split_once('{').unwrap();
            format!("path:{}", rest.split_once('}').unwrap().0)
        }
        Place::Query(name) => format!("query:{name}"),
        Place::Body(path) => format!("body:{path}"),
    }
}

#[test]
fn everything_that_looks_like_an_id_is_in_a_set_or_said_to_be_none() {
    let mut missing = BTreeSet::new();
    let mut used = BTreeSet::new();
    for op in Op::ALL {
        let placed: Vec<String> = row(op)
            .map(|row| {
                row.places
                    .iter()
                    .map(|(place, _)| name_of(place, op))
                    .collect()
            })
            .unwrap_or_default();
        for (name, is_id) in all_places(op) {
            if !is_id || placed.contains(&name) {
                continue;
            }
            let known = NO_IDS
                .iter()
                .position(|(of, place, _)| (*of == "*" || *of == op.id()) && *place == name);
            match known {
                Some(n) => {
                    used.insert(n);
                }
                None => {
                    missing.insert(format!("{} {name}", op.id()));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "in no set:\n{}",
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert_eq!(
        used.len(),
        NO_IDS.len(),
        "an exception is needed no more: {used:?}"
    );
}

#[test]
fn every_place_of_the_table_is_there() {
    let mut seen = BTreeSet::new();
    for row in ROWS {
        assert!(seen.insert(row.op.id()), "{} twice", row.op);
        let there: Vec<String> = all_places(row.op)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for (place, kinds) in row.places {
            let name = name_of(place, row.op);
            // A filter may be one word or an object.
            assert!(
                there.contains(&name),
                "{}: {name} is not in {there:?}",
                row.op
            );
            assert!(!kinds.is_empty());
        }
    }
}
