//! The manifest's JSON Schema, for editors. A test holds it against what is read.

use doorward_catalog::people::PERMISSIONS;
use doorward_catalog::{Scope, UseCase};
use serde_json::{Map, Value, json};

use super::sections::NUMBERS;
use super::types::Kind;

/// The JSON Schema (draft 2020-12) of a manifest.
pub fn schema() -> Value {
    let mut numbers = Map::new();
    for (name, most) in NUMBERS {
        let number = json!({ "type": "integer", "minimum": 0, "maximum": most });
        numbers.insert(name.to_owned(), number);
    }
    numbers.insert(
        "email_domains".to_owned(),
        texts("Domains that members' addresses may be of"),
    );
    numbers.insert(
        "webhook_hosts".to_owned(),
        texts("Hosts that webhooks may be sent to"),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Doorward's manifest: the declared state of Instantly workspaces",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "workspace": { "type": "array", "items": workspace() },
            "destination": { "type": "array", "items": destination() },
            "prune_destinations": flag("Remove destinations that are not declared"),
            "thresholds": {
                "type": "object", "additionalProperties": false, "properties": numbers,
                "description": "How much is too much, for `doorward check`",
            },
        },
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn texts(description: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": description })
}

fn flag(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

fn of(names: &[&str], description: &str) -> Value {
    json!({ "enum": names, "description": description })
}

fn each_of(names: &[&str], description: &str) -> Value {
    json!({ "type": "array", "items": { "enum": names }, "description": description })
}

fn count(least: u64, most: u64, description: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most, "description": description })
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$", "description": "Its name" })
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": required,
        "properties": properties,
    })
}

fn workspace() -> Value {
    let kinds: Vec<&str> = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Destination)
        .map(Kind::as_str)
        .collect();
    object(
        &["name"],
        json!({
            "name": text("The workspace, as `doorward workspace list` has it"),
            "prune": {
                "anyOf": [{ "type": "boolean" }, each_of(&kinds, "")],
                "description": "Remove what is not declared: all, or of these kinds",
            },
            "own_domains": texts("The team's own domains; they are blocked"),
            "competitor_domains": texts("Competitors' domains; they are blocked"),
            "sub_workspaces": texts("Sub-workspaces of the group, by Instantly's ids"),
            "upstream_key": { "type": "array", "items": upstream_key() },
            "client": { "type": "array", "items": client() },
            "subscription": { "type": "array", "items": subscription() },
            "member": { "type": "array", "items": member() },
            "block_list": object(&[], json!({
                "values": texts("Addresses and domains that are never written to"),
                "files": texts("Files of them, relative to the manifest"),
            })),
        }),
    )
}

fn upstream_key() -> Value {
    let scopes: Vec<String> = Scope::assignable().map(|scope| scope.to_string()).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    object(
        &["name"],
        json!({
            "name": name(),
            "scopes": each_of(&scopes, "Its scopes"),
            "owner": text("Who answers for it"),
            "rotate_every": text("When it is replaced, like 90d"),
            "manages": flag("Whether it manages the workspace's other keys, and carries no call"),
            "kept_at": text("Reference that a new key's value is kept at; never a key"),
        }),
    )
}

fn client() -> Value {
    let cases: Vec<&str> = UseCase::ALL.into_iter().map(UseCase::as_str).collect();
    let no_limit = "; 0 for no limit";
    let limit = |of: &str| count(0, u64::from(u32::MAX), &format!("{of}{no_limit}"));
    let limits = object(
        &[],
        json!({
            "class": of(&["interactive", "default", "batch"], "How urgent its calls are"),
            "weight": count(0, 1_000, "Its share among the clients of its class"),
            "per_second": limit("Most calls in a second"),
            "per_day": limit("Most calls in a day (UTC)"),
            "leads_per_day": limit("Most leads written in a day (UTC)"),
            "concurrency": limit("Most calls under way"),
            "sources": texts("The networks that it may call from"),
            "redact": texts("What is redacted of the answers, like email=mask"),
        }),
    );
    object(
        &["name", "environment"],
        json!({
            "name": name(),
            "environment": of(&["development", "staging", "production"], "Where it runs"),
            "owner": text("Who answers for it"),
            "purpose": text("What it is for"),
            "use_cases": each_of(&cases, "Use cases that it is granted"),
            "operations": texts("Operations that it is granted, by operationId"),
            "scopes": texts("Scopes that it is granted"),
            "sub_workspaces": texts("Sub-workspaces that it may act on, by Instantly's ids"),
            "audit": flag("Whether it may write entries of its own into the ledger"),
            "disabled": flag("Whether its calls are refused"),
            "limits": limits,
        }),
    )
}

fn subscription() -> Value {
    let events: Vec<&str> = doorward_catalog::event::EVENT_TYPES
        .iter()
        .filter_map(|known| known.subscribed)
        .collect();
    object(
        &["name"],
        json!({
            "name": name(),
            "event": of(&events, "What is subscribed to"),
            "label": { "type": "number", "description": "A custom label's value, in place of an event" },
            "campaign": text("Only this campaign's events, uuid"),
            "proof": text("How a delivery proves itself: header[:NAME], basic[:USER] or bearer"),
            "allow": texts("The networks that deliveries may come from"),
            "public_url": text("Where Doorward is reached from outside"),
            "kept_at": text("Reference that the secret is kept at; never a secret"),
        }),
    )
}

fn destination() -> Value {
    object(
        &["name", "url"],
        json!({
            "name": name(),
            "url": text("Where events are sent"),
            "events": texts("Only these event types"),
            "campaigns": texts("Only these campaigns', uuid"),
            "workspaces": texts("Only these workspaces', by name"),
            "form": of(&["received", "normalised"], "What is sent"),
            "headers": {
                "type": "object", "additionalProperties": { "type": "string" },
                "description": "Headers that are added; secret values by reference",
            },
            "in_order": flag("Whether the events of one lead are delivered one after the other"),
            "concurrency": count(1, 256, "Most deliveries at once"),
            "rate": count(0, 10_000, "Most deliveries begun in a second; 0 for as many as go"),
            "timeout": text("How long an answer may take, like 15s"),
            "paused": flag("Whether events wait"),
            "kept_at": text("Reference of the signing secret; never a secret"),
        }),
    )
}

fn member() -> Value {
    object(
        &["email", "role"],
        json!({
            "email": text("The address"),
            "role": of(&["owner", "admin", "editor", "view"], "The role"),
            "permissions": each_of(&PERMISSIONS, "The permissions beside the role, all of them"),
            "nickname": json!({ "type": "string", "maxLength": 80, "description": "The nickname; empty for none" }),
        }),
    )
}
