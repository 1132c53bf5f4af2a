//! Routes: every operation is found by its path, and nothing else is.

#![cfg(test)]

use doorward_catalog::route::{RouteError, encode, route};
use doorward_catalog::{Method, Op};
use proptest::prelude::*;

#[test]
fn every_operation_is_found_by_its_own_path() {
    for op in Op::ALL {
        let facts = op.facts();
        let param = facts
            .path
            .contains('{')
            .then_some("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f");
        let path = op.path_with(param).unwrap();
        let found = route(facts.method.as_str(), &path).unwrap();
        assert_eq!(found.op, op, "{path}");
        assert_eq!(found.params.value().as_deref(), param);
    }
}

#[test]
fn literals_win_over_parameters() {
    assert_eq!(
        route("GET", "/api/v2/campaigns/search-by-contact")
            .unwrap()
            .op,
        Op::SearchByContact
    );
    assert_eq!(
        route("GET", "/api/v2/campaigns/abc").unwrap().op,
        Op::GetCampaign
    );
    assert_eq!(
        route("POST", "/api/v2/accounts/a%40b.example/pause")
            .unwrap()
            .op,
        Op::PauseAccount
    );
    // The literal has no DELETE of its own, and is not taken for a campaign's id.
    assert!(matches!(
        route("DELETE", "/api/v2/campaigns/search-by-contact"),
        Err(RouteError::WrongMethod(_))
    ));
}

#[test]
fn the_one_trailing_slash_is_the_vendors() {
    assert_eq!(
        route("POST", "/api/v2/supersearch-enrichment/").unwrap().op,
        Op::CreateSuperSearchEnrichment
    );
    assert!(route("POST", "/api/v2/supersearch-enrichment").is_err());
    assert!(route("GET", "/api/v2/campaigns/").is_err());
    assert!(route("GET", "/api/v2/supersearch-enrichment/").is_err());
}

#[test]
fn what_two_programs_could_read_differently_is_refused() {
    for path in [
        "/api/v2/campaigns/../api-keys",
        "/api/v2/campaigns/./x",
        "/api/v2//campaigns",
        "//api/v2/campaigns",
        "/api/v2/campaigns/%2e%2e",
        "/api/v2/campaigns/%2E%2E/api-keys",
        "/api/v2/campaigns/..%2fapi-keys",
        "/api/v2/campaigns/a%2Fb",
        "/api/v2/campaigns/a%5Cb",
        "/api/v2/campaigns/a\\b",
        "/api/v2/campaigns/a;b=c",
        "/api/v2/campaigns/a%3Bb",
        "/api/v2/campaigns/%2541",
        "/api/v2/campaigns/%41",
        "/api/v2/campaigns/%zz",
        "/api/v2/campaigns/%4",
        "/api/v2/campaigns/%",
        "/api/v2/campaigns/a%00b",
        "/api/v2/campaigns/a%0d%0ab",
        "/api/v2/campaigns/a b",
        "/api/v2/campaigns/a%20b",
        "/api/v2/campaigns/ä",
        "/api/v2/campaigns/%c3%28",
        "/api/v2/campaigns/a?b",
        "/api/v2/campaigns/a#b",
        "/api/v2/%63ampaigns",
        "/API/V2/campaigns",
        "/api/v2/Campaigns",
        "/api/v2/campaigns/x/ACTIVATE",
        "/api/v1/campaigns",
        "/api/v2",
        "/api/v2/",
        "/",
        "",
        "*",
        "http://api.instantly.ai/api/v2/campaigns",
    ] {
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            assert!(route(method, path).is_err(), "{method} {path:?}");
        }
    }
    assert!(route("GET", &format!("/api/v2/campaigns/{}", "a".repeat(4_000))).is_err());
}

/// A server that does not tell case apart would take such an id for its other operation.
#[test]
fn an_id_that_is_a_literal_in_other_case_is_refused() {
    for (method, path) in [
        ("GET", "/api/v2/campaigns/Search-By-Contact"),
        ("GET", "/api/v2/campaigns/ANALYTICS"),
        ("GET", "/api/v2/block-lists-entries/Download"),
        ("GET", "/api/v2/webhooks/Event-Types"),
        ("DELETE", "/api/v2/block-lists-entries/Bulk-Delete"),
        ("POST", "/api/v2/accounts/TEST/pause"),
    ] {
        assert!(
            matches!(route(method, path), Err(RouteError::NotCanonical(_))),
            "{method} {path}"
        );
    }
}

/// An id from outside can't turn one operation into another.
#[test]
fn a_path_is_not_made_for_an_id_that_names_another_operation() {
    for (op, id) in [
        (Op::GetCampaign, "search-by-contact"),
        (Op::GetCampaign, "analytics"),
        (Op::GetBlockListEntry, "download"),
        (Op::DeleteBlockListEntry, "bulk-delete"),
        (Op::GetWebhook, "event-types"),
        (Op::GetWebhook, "Event-Types"),
        (Op::GetEnrichmentForResource, ""),
        (Op::GetEnrichmentForResource, "ai"),
    ] {
        assert_eq!(op.path_with(Some(id)), None, "{op} {id:?}");
    }
    assert!(Op::GetCampaign.path_with(Some("analytics-2")).is_some());
}

#[test]
fn methods_are_exact() {
    for method in [
        "get", "Get", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "", "GET ", "PATCHX",
    ] {
        let error = route(method, "/api/v2/campaigns").unwrap_err();
        let RouteError::WrongMethod(allowed) = error else {
            panic!("{error:?}")
        };
        assert_eq!(allowed.names(), "GET, POST");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(method in ".{0,10}", path in ".{0,200}") {
        let _ = route(&method, &path);
    }

    #[test]
    fn what_is_matched_is_what_is_sent(op in (0..Op::COUNT).prop_map(|n| Op::ALL[n]), value in "\\PC{1,40}") {
        let takes = op.facts().path.contains('{');
        match op.path_with(takes.then_some(value.as_str())) {
            Some(path) => {
                let found = route(op.facts().method.as_str(), &path).unwrap();
                // A value that spells a literal of the same place is the literal.
                if found.op == op {
                    let sent = found.params.value();
                    prop_assert_eq!(sent.as_deref(), takes.then_some(value.as_str()));
                    prop_assert_eq!(op.path_with(sent.as_deref()), Some(path));
                } else {
                    prop_assert!(value.is_ascii());
                }
            }
            None => prop_assert!(takes),
        }
    }

    #[test]
    fn a_matched_path_is_an_operations(segments in proptest::collection::vec("[a-z0-9%.;-]{0,12}", 1..5)) {
        let path = format!("/api/v2/{}", segments.join("/"));
        for method in [Method::Get, Method::Post, Method::Patch, Method::Delete] {
            if let Ok(found) = route(method.as_str(), &path) {
                let rebuilt = found.op.path_with(found.params.value().as_deref());
                prop_assert_eq!(rebuilt.as_deref(), Some(path.as_str()));
            }
        }
    }

    #[test]
    fn encoding_keeps_every_value(value in "\\PC{0,60}") {
        prop_assert!(encode(&value).is_ascii());
    }
}
