//! The checklist from outside.

mod forms;
mod kept;
mod mutes;
mod schedule;

use serde_json::Value;

use crate::harness::{Demo, Ran};

/// A run as JSON that fails for nothing.
pub(super) fn looked(demo: &Demo, more: &[&str]) -> Value {
    let base = ["check", "--format", "json", "--fail-on", "never"];
    demo.run(&[&base[..], more].concat()).ended(0).json()
}

/// The findings that count.
pub(super) fn open(run: &Value) -> Vec<Value> {
    let all = run["findings"].as_array().unwrap().iter();
    all.filter(|finding| finding["standing"] == "open")
        .cloned()
        .collect()
}

/// The leaves of an action, the newest last.
pub(super) fn leaves(demo: &Demo, action: &str) -> Vec<Value> {
    let asked = ["audit", "search", "--action", action, "--json"];
    lines(&demo.run(&asked).ended(0))
}

pub(super) fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
