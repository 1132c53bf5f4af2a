//! How a client's controls are shown.

use doorward_store::Controls;
use doorward_veil::{Rule, Target};
use serde::Serialize;

use crate::output::Cell;

/// What is set, a line each.
pub(super) fn fields(controls: &Controls) -> Vec<(&'static str, Cell)> {
    let most = |limit: Option<u32>| limit.map(|most| most.to_string()).unwrap_or_default();
    let class = name(&controls.class);
    let pace = match (class.as_str(), controls.weight) {
        ("default", 1) => String::new(),
        (class, weight) => format!("class {class}, weight {weight}"),
    };
    let sources: Vec<_> = controls.sources.iter().map(ToString::to_string).collect();
    let redacted: Vec<_> = controls.redact.iter().map(rule).collect();
    vec![
        ("pace", Cell::from(pace)),
        ("calls a second", Cell::from(most(controls.per_second))),
        ("calls a day", Cell::from(most(controls.per_day))),
        ("leads a day", Cell::from(most(controls.leads_per_day))),
        ("calls at once", Cell::from(most(controls.concurrency))),
        ("sources", Cell::from(sources.join(", "))),
        ("redacted", Cell::from(redacted.join(", "))),
    ]
}

/// A rule as it is typed.
fn rule(rule: &Rule) -> String {
    let what = match &rule.target {
        Target::Pointer(pointer) => pointer.clone(),
        Target::Class(class) => name(class),
    };
    format!("{what}={}", name(&rule.action))
}

/// The name that a value has in JSON.
fn name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
