//! The checklist by a server's schedule: told when something is new, and only then.

use std::fs;

use serde_json::Value;

use crate::harness::{Demo, Server};
use crate::operate::until;

fn told(demo: &Demo) -> Vec<Value> {
    let list = demo.run(&["alert", "list", "--json"]).ended(0).json();
    let list = list.as_array().unwrap().iter();
    list.filter(|one| one["kind"] == "check_found")
        .cloned()
        .collect()
}

fn runs(demo: &Demo) -> Vec<Value> {
    let runs = demo.run(&["check", "history", "--json"]).ended(0).json();
    let runs = runs.as_array().unwrap().iter();
    runs.filter(|run| run["scheduled"] == true)
        .cloned()
        .collect()
}

#[test]
fn a_server_runs_it_alerts_on_what_is_new_and_is_silent_about_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[check]\nevery = \"2s\"\nalert_from = \"low\"\n[metrics]\naccess = \"open\"\n";
    fs::write(folder.path().join("doorward.toml"), config).unwrap();
    let server = Server::start(folder.path(), &["up"]);
    let demo = Demo { folder, server };
    until(|| runs(&demo).len() >= 3);
    let first = told(&demo);
    assert_eq!(first.len(), 1, "what stays is told once: {first:?}");
    let text = first[0].to_string();
    assert!(
        text.contains("doorward check") && text.contains("score"),
        "{text}"
    );
    assert!(!text.contains('@'), "an alert names no people: {text}");
    // In the ledger, as Doorward's own doing.
    let found = super::leaves(&demo, "check.finding");
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|leaf| leaf["user_type"] == "doorward"),
        "{found:?}"
    );
    let url = format!("{}/metrics", demo.server.text("gateway_url"));
    let page = crate::harness::call("GET", &url, None, None).body;
    let page = page.as_str().unwrap();
    for name in [
        "doorward_check_findings{workspaces=",
        "severity=\"high\"",
        "doorward_check_score{",
        "doorward_check_not_looked{",
        "doorward_check_last_run_timestamp_seconds{",
    ] {
        assert!(page.contains(name), "{name}:\n{page}");
    }
}
