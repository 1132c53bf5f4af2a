//! Entries as events of the Open Cybersecurity Schema Framework.
//!
//! Calls and all else that is done are API Activity (6003); findings are Detection Findings (2004).
//! `docs/formats/audit-entry.md` has the mapping.

mod activity;
mod finding;

use std::net::IpAddr;

use doorward_catalog::Op;
use serde_json::{Map, Value, json};

use crate::entry::Entry;
use activity::Activity;

/// The version of the schema. 1.6.0 is the first that knows the method PATCH; what is written here
/// fits 1.7.0 and 1.8.0 as well.
pub const OCSF_VERSION: &str = "1.6.0";

/// An event's members, those that are not known left out.
struct Members(Map<String, Value>);

impl Members {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

/// An object without the members that are null.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let known = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        known
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// The event.
pub(super) fn event(entry: &Entry) -> Value {
    if entry.kind == "finding" {
        finding::event(entry)
    } else {
        call(entry)
    }
}

/// 1 informational to 5 critical.
pub(super) fn severity(entry: &Entry) -> u8 {
    let found = entry.metadata.get("severity").and_then(Value::as_str);
    match (entry.kind.as_str(), found) {
        ("finding", Some("info")) => 1,
        ("finding", Some("low")) => 2,
        ("finding", Some("high")) => 4,
        ("finding", Some("critical")) => 5,
        ("finding", _) => 3,
        _ if said(entry, "change") == Some("misused") => 4,
        ("refusals", _) => 2,
        _ => match entry.result.as_str() {
            "refused" => 3,
            "failure" | "unknown" => 2,
            _ => 1,
        },
    }
}

const fn severity_name(severity: u8) -> &'static str {
    match severity {
        1 => "Informational",
        2 => "Low",
        3 => "Medium",
        4 => "High",
        _ => "Critical",
    }
}

/// A text among what only leaves of this kind say.
fn said<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.metadata.get(name)?.as_str()
}

/// Members that are in events of all classes.
fn base(entry: &Entry, class: (u32, &str), category: (u32, &str), did: &Activity) -> Members {
    let mut event = Members(Map::new());
    let severity = severity(entry);
    event.put("class_uid", class.0);
    event.put("class_name", class.1);
    event.put("category_uid", category.0);
    event.put("category_name", category.1);
    event.put("activity_id", did.id);
    event.put("activity_name", did.name.as_str());
    event.put("type_uid", class.0 * 100 + u32::from(did.id));
    event.put("type_name", format!("{}: {}", class.1, did.caption()));
    event.put("severity_id", severity);
    event.put("severity", severity_name(severity));
    event.put("time", entry.at().map_or(0, |at| at.millis()));
    event.put("message", entry.told());
    event.put("metadata", metadata(entry));
    event
}

fn metadata(entry: &Entry) -> Value {
    let profiles = entry.decision.is_some().then_some(["security_control"]);
    object([
        ("version", OCSF_VERSION.into()),
        (
            "product",
            json!({"name": "Doorward", "vendor_name": "Doorward", "version": env!("CARGO_PKG_VERSION")}),
        ),
        ("uid", json!(entry.id)),
        ("sequence", entry.seq.into()),
        ("log_name", "ledger".into()),
        ("event_code", entry.kind.as_str().into()),
        ("tenant_uid", json!(entry.workspace)),
        ("correlation_uid", json!(entry.request_id)),
        ("profiles", json!(profiles)),
    ])
}

/// What has no place in the class.
fn unmapped(entry: &Entry) -> Value {
    object([
        ("kind", entry.kind.as_str().into()),
        ("result", entry.result.as_str().into()),
        ("client_key_id", json!(entry.client_key_id)),
        ("environment", json!(entry.environment)),
        ("as_workspace", json!(entry.as_workspace)),
        ("upstream_key", json!(entry.upstream_key)),
        ("user_type", json!(entry.user_type)),
        ("user_claimed", json!(entry.user_claimed.then_some(true))),
        (
            "metadata",
            json!((!entry.metadata.is_empty()).then_some(&entry.metadata)),
        ),
    ])
}

fn resources(entry: &Entry) -> Option<Vec<Value>> {
    let kind = json!(entry.resource_type);
    let all: Vec<_> = entry
        .resource_ids
        .iter()
        .map(|(name, id)| {
            object([
                ("name", name.as_str().into()),
                ("uid", id.as_str().into()),
                ("type", kind.clone()),
                ("namespace", json!(entry.as_workspace)),
            ])
        })
        .collect();
    if !all.is_empty() {
        return Some(all);
    }
    let name = entry.resource.as_ref().or(entry.resource_type.as_ref())?;
    Some(vec![object([
        ("name", name.as_str().into()),
        ("type", kind),
    ])])
}

/// API Activity.
fn call(entry: &Entry) -> Value {
    const CLASS: (u32, &str) = (6003, "API Activity");
    let op = entry.operation.as_deref().and_then(Op::from_id);
    let did = activity::of(entry, op);
    let mut event = base(entry, CLASS, (6, "Application Activity"), &did);
    let (status, name) = match entry.result.as_str() {
        "success" => (1, "Success"),
        "failure" | "refused" => (2, "Failure"),
        "pending" => (99, "Pending"),
        _ => (0, "Unknown"),
    };
    event.put("status_id", status);
    event.put("status", name);
    event.put_some("status_code", entry.status.map(|code| code.to_string()));
    event.put_some("status_detail", entry.reason.clone());
    event.put("actor", actor(entry));
    event.put("src_endpoint", source(entry));
    event.put("api", api(entry));
    if op.is_some() || entry.kind == "decision" {
        let path = entry.resource.as_ref().or(entry.operation.as_ref());
        let url = path.map(|path| json!({"path": path}));
        let method = op.map(|op| op.facts().method.as_str());
        event.put(
            "http_request",
            object([
                ("http_method", json!(method)),
                ("uid", json!(entry.request_id)),
                ("url", json!(url)),
            ]),
        );
    }
    if let Some(code) = entry.status {
        let latency = entry.metadata.get("latency_us").and_then(Value::as_u64);
        event.put(
            "http_response",
            object([
                ("code", code.into()),
                ("latency", json!(latency.map(|micros| micros / 1000))),
            ]),
        );
    }
    if let Some(decision) = entry.decision.as_deref() {
        let (action, name, disposition, disposed) = match decision {
            "allow" => (1, "Allowed", 1, "Allowed"),
            "deny" => (2, "Denied", 2, "Blocked"),
            _ => (99, "Needs approval", 2, "Blocked"),
        };
        event.put("action_id", action);
        event.put("action", name);
        event.put("disposition_id", disposition);
        event.put("disposition", disposed);
    }
    event.put_some("resources", resources(entry));
    event.put_some("count", entry.metadata.get("count").and_then(Value::as_u64));
    event.put("unmapped", unmapped(entry));
    Value::Object(event.0)
}

/// The person, or the kind of actor; the client is the application.
fn actor(entry: &Entry) -> Value {
    let kind = entry.user_type.as_deref().unwrap_or("doorward");
    let user = entry.user.as_deref().map(|user| {
        let (type_id, type_name) = match kind {
            "admin" => (2, "Admin"),
            "doorward" => (3, "System"),
            "client" => (1, "User"),
            _ => (0, "Unknown"),
        };
        let subject = user.starts_with("sub_");
        object([
            ("uid", json!(subject.then_some(user))),
            ("name", json!((!subject).then_some(user))),
            ("email_addr", json!(is_email(user).then_some(user))),
            ("type_id", type_id.into()),
            ("type", type_name.into()),
        ])
    });
    object([
        ("user", json!(user)),
        ("app_name", entry.client.as_deref().unwrap_or(kind).into()),
    ])
}

/// An address as the schema has them; others stand as the user's name alone.
fn is_email(text: &str) -> bool {
    let plain = |part: &str, also: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || also.contains(char))
    };
    text.split_once('@').is_some_and(|(name, host)| {
        plain(name, "._+-") && plain(host, ".-") && host.trim_matches('.').contains('.')
    })
}

fn source(entry: &Entry) -> Value {
    match entry.source_ip.as_deref() {
        Some(text) if text.parse::<IpAddr>().is_ok() => json!({"ip": text}),
        Some(subject) => json!({"uid": subject}),
        None => {
            let name = match entry.user_type.as_deref() {
                Some("instantly") => "Instantly",
                Some("client") => entry.client.as_deref().unwrap_or("client"),
                Some("admin") => "admin",
                Some("stranger") => "strangers",
                _ => "Doorward",
            };
            json!({"svc_name": name})
        }
    }
}

fn api(entry: &Entry) -> Value {
    let service = match entry.kind.as_str() {
        "intent" | "outcome" | "decision" => json!({"name": "Instantly API", "version": "v2"}),
        // An application's own word of its own doing, whatever it calls it.
        "claim" => json!({"name": entry.client.as_deref().unwrap_or("claim")}),
        _ => json!({"name": "Doorward", "version": env!("CARGO_PKG_VERSION")}),
    };
    let request = entry.request_id.as_ref().map(|uid| json!({"uid": uid}));
    let response = entry
        .status
        .map(|code| object([("code", code.into()), ("error", json!(entry.reason))]));
    object([
        (
            "operation",
            entry.operation.as_deref().unwrap_or(&entry.action).into(),
        ),
        ("service", service),
        ("request", json!(request)),
        ("response", json!(response)),
    ])
}
