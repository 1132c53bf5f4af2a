//! The forms of a report.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{key, put, scan};

#[test]
fn every_form_names_the_place_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let key = key(20);
    // A name that a spreadsheet would calculate.
    let odd = "=cmd|'x'!A0,\"b\".js";
    put(path, odd, &format!("k('{key}')\n"));
    for form in ["text", "json", "jsonl", "sarif", "csv", "junit", "markdown"] {
        let told = scan(path, &["--format", form]).ended(1).stdout;
        assert!(!told.contains(&key), "{form}: {told}");
        assert!(told.contains("Instantly API key"), "{form}: {told}");
        // To a file it is the same, and stdout stays empty.
        let quiet = scan(
            path,
            &["--format", form, "-o", "out.txt", "--exclude", "out.txt"],
        )
        .ended(1);
        assert_eq!(quiet.stdout, "");
        let written = fs::read_to_string(path.join("out.txt")).unwrap();
        assert_eq!(written.lines().count(), told.lines().count(), "{form}");
        fs::remove_file(path.join("out.txt")).unwrap();
    }
    let sarif = scan(path, &["--format", "sarif"]).ended(1).json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(result["ruleId"], "instantly.upstream-key");
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("%3Dcmd%7C"), "{uri}");
    assert_eq!(place["region"]["startLine"], 1);

    let lines = scan(path, &["--format", "jsonl"]).ended(1).stdout;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["rule"], "instantly.upstream-key");
    let csv = scan(path, &["--format", "csv"]).ended(1).stdout;
    assert!(csv.contains("\"'=cmd|'x'!A0,\"\"b\"\".js\""), "{csv}");
    let junit = scan(path, &["--format", "junit"]).ended(1).stdout;
    assert!(junit.contains("failures=\"1\""), "{junit}");
}

#[test]
fn secrets_that_are_shown_go_into_a_file_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let key = key(21);
    put(path, "a.js", &format!("k('{key}')\n"));
    scan(
        path,
        &[
            "--reveal",
            "--json",
            "-o",
            "out.json",
            "--exclude",
            "out.json",
        ],
    )
    .ended(1);
    let file = path.join("out.json");
    assert!(fs::read_to_string(&file).unwrap().contains(&key));
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
