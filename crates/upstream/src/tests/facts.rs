//! What goes out: the shape of each operation's request, held against the vendor's document.

use std::path::Path;

use doorward_catalog::{Method, Op, route};
use http::HeaderValue;
use serde_json::{Value, json};

use super::client;
use super::server::{Act, Fake};
use crate::base::{BaseUrl, INSTANTLY};
use crate::builder::USER_AGENT;
use crate::call::Call;
use crate::error::Error;
use crate::pages::page_max;

/// The vendor's document; CI has it, and there its absence is a failure.
fn vendor() -> Option<Value> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/instantly-openapi.json");
    match std::fs::read(path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).expect("the vendor's document")),
        Err(_) if std::env::var_os("CI").is_some() => panic!("the facts are not there"),
        Err(_) => None,
    }
}

fn vendors(document: &Value, op: Op) -> &Value {
    let facts = op.facts();
    let method = facts.method.as_str().to_ascii_lowercase();
    &document["paths"][facts.path][method]
}

fn request(call: &Call) -> Result<http::Request<http_body_util::Full<bytes::Bytes>>, Error> {
    let base = BaseUrl::parse(INSTANTLY)?;
    let agent = HeaderValue::from_static(USER_AGENT);
    call.to_request(&base, &agent, None, &HeaderValue::from_static("Bearer k"))
}

#[test]
fn lists_are_the_operations_that_take_a_cursor() {
    let Some(document) = vendor() else { return };
    for op in Op::ALL {
        let theirs = vendors(&document, op);
        let text = json!([theirs["parameters"], theirs["requestBody"]]).to_string();
        let takes_cursor = text.contains("\"starting_after\"");
        assert_eq!(page_max(op).is_some(), takes_cursor, "{op}");
        let limit = theirs["parameters"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["name"] == "limit"))
            .and_then(|limit| limit["schema"]["maximum"].as_u64());
        if let (Some(ours), Some(theirs)) = (page_max(op), limit) {
            assert_eq!(u64::from(ours), theirs, "{op}");
        }
    }
}

#[test]
fn a_delete_has_a_body_only_where_the_vendor_reads_one() {
    let Some(document) = vendor() else { return };
    for op in Op::ALL {
        let schema =
            &vendors(&document, op)["requestBody"]["content"]["application/json"]["schema"];
        let reads_one = schema.is_object() && schema["type"] != "null";
        let param = op.facts().path.contains('{').then_some("x");
        let mut call = Call::new(op).json(&json!({})).unwrap();
        if let Some(param) = param {
            call = call.param(param);
        }
        match op.facts().method {
            Method::Delete => assert_eq!(request(&call).is_ok(), reads_one, "{op}"),
            Method::Get => assert!(request(&call).is_err(), "{op}"),
            Method::Post | Method::Patch => assert!(request(&call).is_ok(), "{op}"),
        }
    }
}

#[test]
fn every_operation_can_be_called_and_routes_back_to_itself() {
    for op in Op::ALL {
        let facts = op.facts();
        let mut call = Call::new(op).query("q", "a b&c=d/é").query("q", "1+1");
        if facts.path.contains('{') {
            assert!(matches!(request(&call), Err(Error::BadCall { .. })), "{op}");
            call = call.param("some one@example.com");
            assert!(
                request(&call).is_err(),
                "{op}: a space has no place in a path"
            );
            call = call.param("someone+x@example.com");
        } else {
            assert!(request(&call.clone().param("x")).is_err(), "{op}");
        }
        let request = request(&call).unwrap();
        let uri = request.uri();
        assert_eq!(uri.host(), Some("api.instantly.ai"));
        assert_eq!(uri.scheme_str(), Some("https"));
        assert_eq!(uri.query(), Some("q=1%2B1"));
        let found = route(request.method().as_str(), uri.path()).unwrap();
        assert_eq!(found.op, op);
        assert!(request.headers().get("content-type").is_none(), "{op}");
    }
}

#[test]
fn a_parameter_never_leads_elsewhere() {
    for bad in [
        "event-types",
        "",
        ".",
        "..",
        "../api-keys",
        "a/b",
        "a%2fb",
        "a?b",
        "a#b",
        "a;b",
        "a\\b",
        "a\r\nhost: x",
        "@evil.example",
        "a\0",
    ] {
        let call = Call::new(Op::GetWebhook).param(bad);
        match request(&call) {
            Err(error) => assert!(matches!(error, Error::BadCall { .. }), "{bad:?}"),
            Ok(request) => assert_eq!(request.uri().path(), format!("/api/v2/webhooks/{bad}")),
        }
        assert!(bad == "@evil.example" || request(&call).is_err(), "{bad:?}");
    }
    let long = Call::new(Op::ListCampaign).query("search", "é".repeat(10_000));
    assert!(matches!(request(&long), Err(Error::BadCall { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_wire_has_what_it_should_and_no_more() {
    let fake = Fake::answering(|_| Act::json(200, json!({})));
    let client = client(&fake);
    let sub = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";
    let acting = client.as_workspace(sub).unwrap();
    acting
        .request(Op::DeleteWebhook, Some("x"), &[], None)
        .await
        .unwrap();
    let body = json!({"bl_value": "example.com"});
    client
        .request(Op::CreateBlockListEntry, None, &[], Some(&body))
        .await
        .unwrap();
    client
        .request(Op::ListCampaign, None, &[("tag", "a"), ("tag", "b")], None)
        .await
        .unwrap();
    let [delete, create, list] = &fake.seen()[..] else {
        panic!("three requests");
    };
    assert_eq!(delete.method, "DELETE");
    assert_eq!(delete.target, "/api/v2/webhooks/x");
    assert_eq!(delete.header("x-as-workspace"), Some(sub));
    assert_eq!(delete.header("content-type"), None);
    assert!(delete.body.is_empty());
    assert_eq!(delete.header("host"), Some("api.instantly.ai"));
    assert_eq!(delete.header("user-agent"), Some(USER_AGENT));
    assert!(USER_AGENT.starts_with("doorward/"));
    assert_eq!(create.json(), body);
    assert_eq!(create.header("content-type"), Some("application/json"));
    assert_eq!(create.header("x-as-workspace"), None);
    assert_eq!(list.target, "/api/v2/campaigns?tag=a&tag=b");
    for seen in [delete, create, list] {
        let expected = format!("Bearer {}", super::KEY);
        assert_eq!(seen.header("authorization"), Some(expected.as_str()));
    }
    for bad in [
        "",
        "x",
        "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0g",
        "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0\n",
    ] {
        assert!(client.as_workspace(bad).is_err(), "{bad:?}");
    }
}
