//! The detectors, shown and checked.

use super::{put, scan};

const OWN: &str = r#"
id = "acme.token"
title = "Acme token"
severity = "high"
why = "It opens Acme."
remedy = "Revoke it at Acme."
keywords = ["acme_"]
pattern = '''(?<secret>acme_[0-9a-z]{20})'''
examples = ["token = acme_{rand:lower36:20}"]
negatives = ["acme_short"]
"#;

#[test]
fn detectors_are_listed_shown_and_hold_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let listed = scan(folder.path(), &["rules", "list"]).ended(0).stdout;
    assert!(listed.contains("instantly.upstream-key"), "{listed}");
    let as_json = scan(folder.path(), &["rules", "list", "--json"])
        .ended(0)
        .json();
    let count = as_json.as_array().unwrap().len();
    let shown = scan(folder.path(), &["rules", "show", "instantly.upstream-key"])
        .ended(0)
        .stdout;
    for part in ["critical", "leak respond", "finds nothing in"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    scan(folder.path(), &["rules", "show", "no.such"]).ended(2);
    let checked = scan(folder.path(), &["rules", "check", "--json"])
        .ended(0)
        .json();
    assert_eq!(checked["detectors"], count);
    assert_eq!(checked["faults"].as_array().unwrap().len(), 0);
}

#[test]
fn detectors_of_one_s_own_are_checked_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    put(path, "detectors/acme.toml", OWN);
    scan(path, &["rules", "check", "--rules", "detectors"]).ended(0);
    put(path, "src/a.py", "TOKEN = 'acme_q7w2x9t4v6k1z8p3m5n0'\n");
    scan(path, &["src"]).ended(0);
    let told = scan(path, &["src", "--rules", "detectors"]).ended(1).stdout;
    assert!(told.contains("Acme token"), "{told}");
    // One that finds nothing in its own example.
    put(
        path,
        "detectors/acme.toml",
        &OWN.replace("acme_{rand:lower36:20}", "acme_tooshort"),
    );
    let told = scan(path, &["rules", "check", "--rules", "detectors"])
        .ended(1)
        .stdout;
    assert!(told.contains("acme.token"), "{told}");
    // One that is no detector, and one that has the id of another.
    put(path, "detectors/acme.toml", "id = 1");
    scan(path, &["src", "--rules", "detectors"]).ended(2);
    put(
        path,
        "detectors/acme.toml",
        &OWN.replace("acme.token", "instantly.upstream-key"),
    );
    let told = scan(path, &["src", "--rules", "detectors"]).ended(2).stderr;
    assert!(told.contains("instantly.upstream-key"), "{told}");
}
