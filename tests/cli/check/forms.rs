//! The forms that a run is written in, and how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{looked, open};
use crate::harness::{Demo, run};

#[test]
fn every_form_says_what_was_found_and_what_was_not_looked_at() {
    let demo = Demo::up();
    let whole = looked(&demo, &[]);
    let found = open(&whole);
    assert!(!found.is_empty(), "the seeded workspace has faults");
    let rules = whole["rules"].as_array().unwrap();
    let missed: Vec<&Value> = rules
        .iter()
        .filter(|rule| rule["outcome"].get("not_looked").is_some())
        .collect();
    let said = |format: &str| {
        let ran = demo
            .run(&["check", "--format", format, "--fail-on", "never"])
            .ended(0);
        assert!(
            !ran.stdout.contains('\u{1b}'),
            "no colour where there is no terminal"
        );
        ran.stdout
    };
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    for (format, escaped) in [
        ("text", false),
        ("html", true),
        ("junit", true),
        ("sarif", true),
    ] {
        let text = squeezed(&said(format));
        for finding in &found {
            let message = finding["message"].as_str().unwrap();
            // Escapes of each form aside.
            let plain = |c: char| c.is_ascii_alphanumeric() || " .:_-".contains(c);
            if !escaped || message.chars().all(plain) {
                assert!(text.contains(&squeezed(message)), "{format}: {message}");
            }
        }
        for rule in &missed {
            let id = rule["id"].as_str().unwrap();
            assert!(text.contains(id), "{format}: {id}");
        }
    }
    let ocsf = said("ocsf");
    let events: Vec<Value> = ocsf
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.iter().all(|event| event["class_uid"] == 2003));
    let failed = events
        .iter()
        .filter(|event| event["compliance"]["status_id"] == 3);
    assert_eq!(failed.count(), found.len());
    let unknown = events
        .iter()
        .filter(|event| event["compliance"]["status_id"] == 0);
    let not_looked = whole["score"]["not_looked"].as_u64().unwrap();
    assert_eq!(unknown.count() as u64, not_looked);
    let sarif: Value = serde_json::from_str(&said("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), found.len());
    assert!(said("markdown").contains("| **all** |"));
}

#[test]
fn how_it_ends_is_by_the_worst_that_counts() {
    let demo = Demo::up();
    let found = open(&looked(&demo, &[]));
    let has = |severity: &str| found.iter().any(|one| one["severity"] == severity);
    assert!(has("high"), "the seeded workspace has faults that are high");
    demo.run(&["check", "--fail-on", "high"]).ended(1);
    demo.run(&["check"]).ended(1);
    demo.run(&["check", "--fail-on", "critical"])
        .ended(i32::from(has("critical")));
    // A check that finds nothing, alone.
    let passed = looked(&demo, &[]);
    let rules = passed["rules"].as_array().unwrap();
    let good = rules
        .iter()
        .find(|rule| rule["outcome"] == "passed")
        .unwrap();
    let good = good["id"].as_str().unwrap();
    let one = demo.run(&["check", "--only", good]).ended(0);
    assert!(one.stdout.contains("nothing found"), "{one:?}");
    for usage in [
        vec!["check", "--only", "keyz"],
        vec!["check", "--skip", "keys.nothing"],
        vec!["check", "--fail-on", "bad"],
        vec!["check", "--format", "pdf"],
        vec!["check", "--yes"],
        vec!["check", "--repo", "/nowhere/at/all"],
    ] {
        demo.run(&usage).ended(2);
    }
}

#[test]
fn a_report_goes_into_a_file_that_only_its_owner_reads() {
    let demo = Demo::up();
    let file = demo.path().join("check.html");
    fs::write(&file, "old").unwrap();
    let asked = [
        "check",
        "--format",
        "html",
        "-o",
        "check.html",
        "--fail-on",
        "never",
    ];
    let ran = demo.run(&asked).ended(0);
    assert!(
        ran.stdout.is_empty() && ran.stderr.contains("wrote check.html"),
        "{ran:?}"
    );
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("default-src 'none'"));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = ["check", "--format", "html", "-o", "no/such/folder/x.html"];
    demo.run(&refused).ended(1);
}

#[test]
fn the_checks_themselves_are_told_with_no_server_and_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let all = run(folder.path(), &["check", "list", "--json"])
        .ended(0)
        .json();
    let all = all.as_array().unwrap();
    assert!(all.len() >= 45, "{}", all.len());
    for check in all {
        let id = check["id"].as_str().unwrap();
        let one = run(folder.path(), &["check", "show", id, "--json"])
            .ended(0)
            .json();
        assert_eq!(&one, check);
    }
    let keys = run(folder.path(), &["check", "list", "--area", "keys"]).ended(0);
    assert!(keys.stdout.contains("keys.wildcard") && !keys.stdout.contains("people."));
    run(folder.path(), &["check", "show", "keys.nothing"]).ended(2);
    run(folder.path(), &["check", "list", "--area", "nothing"]).ended(2);
    let shown = run(folder.path(), &["check", "show", "keys.wildcard"])
        .ended(0)
        .stdout;
    for said in ["OWASP API 2023", "CIS v8", "SOC 2", "$ doorward upstream"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}
