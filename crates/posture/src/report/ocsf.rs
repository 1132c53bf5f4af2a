//! A run as events of the Open Cybersecurity Schema Framework: Compliance Findings (2003).
//!
//! One event a finding, failed; and one a check that found nothing: passed, not looked at, or not
//! applicable. An event is the same finding as in the run before when its `finding_info.uid` is.

use doorward_finding::{Finding, Outcome, Place, Rule, Severity, Standing};
use serde_json::{Map, Value, json};

use super::checked::Checked;

/// The version of the schema; what is written here fits 1.7.0 and 1.8.0 as well.
const OCSF_VERSION: &str = "1.6.0";
const CLASS: (u32, &str) = (2003, "Compliance Finding");

/// What an event says beside its check.
struct Said<'a> {
    uid: String,
    severity: Severity,
    message: String,
    /// The activity: 1 made, 2 changed.
    activity: (u32, &'static str),
    /// How the finding stands.
    status: (u32, &'static str),
    /// How the check ended.
    ended: (u32, &'static str),
    detail: Option<String>,
    finding: Option<&'a Finding>,
}

/// The events, each to be written on a line of its own.
pub fn ocsf(checked: &Checked) -> Vec<Value> {
    let report = &checked.report;
    let mut events = Vec::new();
    for finding in &report.findings {
        let Some(rule) = report.rule(&finding.rule) else {
            continue;
        };
        events.push(event(checked, rule, &of_finding(checked, finding)));
    }
    for ruled in &report.rules {
        let ended = match &ruled.outcome {
            Outcome::Passed if report.findings.iter().any(|one| one.rule == ruled.rule.id) => {
                continue;
            }
            Outcome::Failed => continue,
            Outcome::Passed => (1, "Pass"),
            Outcome::NotLooked(_) => (0, "Unknown"),
            Outcome::NotApplicable(_) => (99, "Not applicable"),
        };
        let detail = match &ruled.outcome {
            Outcome::NotLooked(why) => Some(format!("not looked at: {why}")),
            Outcome::NotApplicable(why) => Some(why.clone()),
            _ => None,
        };
        let said = Said {
            uid: format!("{}/{}", ruled.rule.id, checked.workspaces.join(",")),
            severity: Severity::Info,
            message: match &detail {
                Some(detail) => format!("{}: {detail}", ruled.rule.title),
                None => format!("{}: nothing found", ruled.rule.title),
            },
            activity: (2, "Update"),
            status: match ended.0 {
                1 => (4, "Resolved"),
                99 => (5, "Archived"),
                _ => (0, "Unknown"),
            },
            ended,
            detail,
            finding: None,
        };
        events.push(event(checked, &ruled.rule, &said));
    }
    events
}

fn of_finding<'a>(checked: &Checked, finding: &'a Finding) -> Said<'a> {
    let since = checked.since.as_ref();
    let known = since.is_some_and(|since| {
        let print = &finding.fingerprint;
        !since.new.iter().any(|one| one.fingerprint == *print)
    });
    let (status, detail) = match &finding.standing {
        Standing::Muted(mute) => {
            let until = mute.until.as_deref().unwrap_or("further notice");
            (
                (3, "Suppressed"),
                Some(format!("muted until {until}: {}", mute.reason)),
            )
        }
        Standing::Known => ((3, "Suppressed"), Some("a baseline has it".to_owned())),
        Standing::Open if known => ((2, "In Progress"), None),
        Standing::Open => ((1, "New"), None),
    };
    Said {
        uid: finding.fingerprint.clone(),
        severity: finding.severity,
        message: finding.message.clone(),
        activity: if known { (2, "Update") } else { (1, "Create") },
        status,
        ended: (3, "Fail"),
        detail,
        finding: Some(finding),
    }
}

fn event(checked: &Checked, rule: &Rule, said: &Said<'_>) -> Value {
    let tool = &checked.report.tool;
    let (class, class_name) = CLASS;
    let (severity_id, severity) = severity(said.severity);
    let at = checked.at.millis();
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            event.insert(name.to_owned(), value);
        }
    };
    put("class_uid", class.into());
    put("class_name", class_name.into());
    put("category_uid", 2.into());
    put("category_name", "Findings".into());
    put("activity_id", said.activity.0.into());
    put("activity_name", said.activity.1.into());
    put("type_uid", (class * 100 + said.activity.0).into());
    put(
        "type_name",
        format!("{class_name}: {}", said.activity.1).into(),
    );
    put("severity_id", severity_id.into());
    put("severity", severity.into());
    put("status_id", said.status.0.into());
    put("status", said.status.1.into());
    put("status_detail", json!(said.detail));
    put("time", at.into());
    put("message", said.message.as_str().into());
    put(
        "metadata",
        json!({
            "version": OCSF_VERSION,
            "product": {"name": "Doorward", "vendor_name": "Doorward", "version": tool.version},
            "uid": format!("{}/{}", checked.run, said.uid),
            "correlation_uid": checked.run,
            "log_name": "check",
            "event_code": rule.id,
        }),
    );
    put(
        "finding_info",
        json!({
            "uid": said.uid,
            "title": rule.title,
            "desc": rule.why,
            "types": [rule.area()],
            "last_seen_time": at,
        }),
    );
    put("compliance", compliance(rule, said));
    if let Some(finding) = said.finding {
        put("remediation", remediation(rule, finding));
        let resources: Vec<Value> = finding.places.iter().map(resource).collect();
        put(
            "resources",
            json!((!resources.is_empty()).then_some(resources)),
        );
        let evidence: Map<String, Value> = finding
            .evidence
            .iter()
            .map(|(name, seen)| (name.clone(), seen.as_str().into()))
            .collect();
        put(
            "evidences",
            json!((!evidence.is_empty()).then(|| json!([{"data": evidence}]))),
        );
    }
    Value::Object(event)
}

fn compliance(rule: &Rule, said: &Said<'_>) -> Value {
    let mut compliance = json!({
        "control": rule.id,
        "desc": rule.title,
        "category": rule.area(),
        "standards": standards(rule),
        "requirements": rule.tags.iter().filter(|tag| tag.contains(':')).collect::<Vec<_>>(),
        "status_id": said.ended.0,
        "status": said.ended.1,
    });
    if let (Some(detail), Some(members)) = (&said.detail, compliance.as_object_mut()) {
        members.insert("status_details".to_owned(), json!([detail]));
    }
    compliance
}

/// The standards that a check's tags are of.
fn standards(rule: &Rule) -> Vec<&'static str> {
    let named = [
        ("owasp-api:", "OWASP API Security Top 10 2023"),
        ("cis:", "CIS Critical Security Controls v8"),
        ("soc2:", "SOC 2 Trust Services Criteria"),
    ];
    let has = |start: &str| rule.tags.iter().any(|tag| tag.starts_with(start));
    let of = named.into_iter().filter(|(start, _)| has(start));
    of.map(|(_, name)| name).collect()
}

fn remediation(rule: &Rule, finding: &Finding) -> Value {
    let mut desc = finding.remedy.text.clone();
    if let Some(command) = &finding.remedy.command {
        desc = format!("{desc} Run: {command}").trim().to_owned();
    }
    if desc.is_empty() {
        desc.clone_from(&rule.help);
    }
    let mut value = json!({ "desc": desc });
    if let (false, Some(members)) = (rule.references.is_empty(), value.as_object_mut()) {
        members.insert("references".to_owned(), json!(rule.references));
    }
    value
}

fn resource(place: &Place) -> Value {
    match place {
        Place::Thing(thing) => {
            let name = thing.name.as_ref().filter(|name| !name.is_empty());
            let mut value = json!({ "type": thing.kind, "uid": thing.id });
            if let Some(members) = value.as_object_mut() {
                if thing.id.is_empty() {
                    members.remove("uid");
                }
                let name = name.map_or(thing.kind.as_str(), String::as_str);
                members.insert("name".to_owned(), name.into());
                if let Some(workspace) = &thing.workspace {
                    members.insert("namespace".to_owned(), workspace.as_str().into());
                }
            }
            value
        }
        Place::File(file) => {
            let path = &file.path;
            let name = file
                .line
                .map_or_else(|| path.clone(), |line| format!("{path}:{line}"));
            json!({ "type": "file", "name": name })
        }
    }
}

const fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}
