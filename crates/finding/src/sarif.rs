//! A report as SARIF 2.1.0 (OASIS Standard, 27 March 2020).

use serde_json::{Map, Value, json};

use crate::{FilePlace, Finding, Outcome, Place, Report, Rule, Standing};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report as a SARIF log of one run. Findings that don't count are there, suppressed
/// (3.35 `suppressions`); what could not be looked at is a notification of the invocation
/// (3.20.21), and so is each rule that could not look.
pub fn sarif(report: &Report) -> Value {
    let rules: Vec<Value> = report.rules.iter().map(|ruled| rule(&ruled.rule)).collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(report, finding))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "semanticVersion": report.tool.version,
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": true,
                "startTimeUtc": report.started,
                "toolExecutionNotifications": notifications(report),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    let mut properties = Map::new();
    properties.insert("tags".to_owned(), json!(rule.tags));
    properties.insert(
        "security-severity".to_owned(),
        json!(rule.severity.sarif_score()),
    );
    let mut value = json!({
        "id": rule.id,
        "name": rule.title,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": help(rule) },
        "defaultConfiguration": { "level": rule.severity.sarif_level() },
        "properties": properties,
    });
    let address = rule
        .references
        .iter()
        .find(|reference| reference.starts_with("https://"));
    if let (Some(address), Some(object)) = (address, value.as_object_mut()) {
        object.insert("helpUri".to_owned(), json!(address));
    }
    value
}

fn help(rule: &Rule) -> String {
    let mut text = rule.help.clone();
    for reference in &rule.references {
        text.push('\n');
        text.push_str(reference);
    }
    text
}

fn result(report: &Report, finding: &Finding) -> Value {
    let mut message = finding.message.clone();
    if !finding.remedy.text.is_empty() {
        message.push(' ');
        message.push_str(&finding.remedy.text);
    }
    if let Some(command) = &finding.remedy.command {
        message.push_str(&format!(" Run: {command}"));
    }
    let mut value = json!({
        "ruleId": finding.rule,
        "level": finding.severity.sarif_level(),
        "message": { "text": message },
        "locations": finding.places.iter().map(location).collect::<Vec<_>>(),
        "partialFingerprints": { "doorward/v1": finding.fingerprint },
        "properties": {
            "severity": finding.severity.name(),
            "evidence": finding.evidence.iter()
                .map(|(name, seen)| (name.clone(), Value::from(seen.as_str())))
                .collect::<Map<_, _>>(),
        },
    });
    let Some(object) = value.as_object_mut() else {
        return value;
    };
    let index = report
        .rules
        .iter()
        .position(|ruled| ruled.rule.id == finding.rule);
    if let Some(index) = index {
        object.insert("ruleIndex".to_owned(), json!(index));
    }
    match &finding.standing {
        Standing::Open => {
            object.insert("baselineState".to_owned(), json!("new"));
        }
        Standing::Known => {
            object.insert("baselineState".to_owned(), json!("unchanged"));
            object.insert("suppressions".to_owned(), json!([{ "kind": "external" }]));
        }
        Standing::Muted(mute) => {
            object.insert(
                "suppressions".to_owned(),
                json!([{ "kind": "external", "justification": mute.reason }]),
            );
        }
    }
    value
}

fn location(place: &Place) -> Value {
    match place {
        Place::File(file) => physical(file),
        Place::Thing(thing) => json!({
            "logicalLocations": [{
                "name": thing.name.as_deref().unwrap_or(&thing.id),
                "fullyQualifiedName": format!("{}/{}", thing.kind, thing.id),
                "kind": thing.kind,
            }],
            "message": { "text": place.shown() },
        }),
    }
}

fn physical(file: &FilePlace) -> Value {
    let mut physical = Map::new();
    physical.insert(
        "artifactLocation".to_owned(),
        json!({ "uri": uri(&file.path) }),
    );
    if let Some(line) = file.line {
        let mut region = Map::new();
        region.insert("startLine".to_owned(), json!(line));
        if let Some(column) = file.column {
            region.insert("startColumn".to_owned(), json!(column));
        }
        if let Some(column) = file.end_column {
            region.insert("endColumn".to_owned(), json!(column));
        }
        if let Some(excerpt) = &file.excerpt {
            region.insert("snippet".to_owned(), json!({ "text": excerpt }));
        }
        physical.insert("region".to_owned(), Value::Object(region));
    }
    let mut value = Map::new();
    value.insert("physicalLocation".to_owned(), Value::Object(physical));
    if let Some(by) = &file.introduced {
        value.insert(
            "properties".to_owned(),
            json!({ "commit": by.commit, "author": by.author, "date": by.date }),
        );
    }
    Value::Object(value)
}

/// A path as a relative reference (RFC 3986): everything that is not plain is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn notifications(report: &Report) -> Vec<Value> {
    let of_rules = report.rules.iter().filter_map(|ruled| {
        let Outcome::NotLooked(why) = &ruled.outcome else {
            return None;
        };
        Some(json!({
            "level": "warning",
            "message": { "text": format!("{} could not look: {why}", ruled.rule.id) },
            "associatedRule": { "id": ruled.rule.id },
        }))
    });
    let of_run = report
        .not_looked_at
        .iter()
        .map(|what| json!({ "level": "warning", "message": { "text": what } }));
    of_rules.chain(of_run).collect()
}
