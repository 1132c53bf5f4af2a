//! Policies, from the file to the refused call and the ledger.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use crate::harness::{Demo, Ran, doorward, run};

#[test]
fn a_policy_holds_from_the_next_call_on_and_is_told() {
    let demo = Demo::up();
    let (path, key) = (demo.path(), demo.key("campaign-launcher"));
    let campaigns = demo.call("GET", "/api/v2/campaigns?limit=2", &key, None);
    assert_eq!(campaigns.status, 200, "{campaigns:?}");
    let items = campaigns.body["items"].clone();
    let (own, other) = (
        items[0]["id"].as_str().unwrap(),
        items[1]["id"].as_str().unwrap(),
    );
    let get = |id: &str| demo.call("GET", &format!("/api/v2/campaigns/{id}"), &key, None);
    assert_eq!((get(own).status, get(other).status), (200, 200));

    let text = format!(
        "forbid (principal == Client::\"campaign-launcher\", action, resource)\n\
         unless {{ [\"{own}\"].containsAll(context.campaigns) }};\n"
    );
    fs::write(path.join("own.cedar"), text).unwrap();
    let added = demo.run(&["policy", "add", "own", "own.cedar"]).ended(0);
    assert!(
        added.stdout.contains("is saved") && added.stdout.contains("every operation"),
        "{added:?}"
    );
    assert_eq!(get(own).status, 200);
    let refused = get(other);
    assert_eq!(refused.status, 403);
    let said = refused.body;
    assert_eq!(said["doorward"]["reason"], "denied_by_policy");
    assert_eq!(said["doorward"]["policy"], "own");
    // Not named is not allowed: a filter reaches all.
    assert_eq!(
        demo.call("GET", "/api/v2/campaigns", &key, None).status,
        403
    );
    let lead = |body| demo.call("POST", "/api/v2/leads", &key, Some(body));
    assert_eq!(
        lead(json!({"campaign": other, "email": "a@example.org"})).body["doorward"]["policy"],
        "own"
    );
    assert_eq!(
        lead(json!({"campaign": 7, "email": "a@example.org"})).body["doorward"]["reason"],
        "policy_failed"
    );
    assert_eq!(
        lead(json!({"campaign": own, "campaign_id": other})).body["doorward"]["reason"],
        "policy_failed"
    );

    let listed = demo.run(&["policy", "list", "--json"]).ended(0).json();
    assert_eq!(listed[0]["rules"][0]["client"], "campaign-launcher");
    let shown = demo.run(&["policy", "show", "own"]).ended(0).stdout;
    assert!(shown.contains("containsAll"), "{shown}");
    demo.run(&["policy", "remove", "own"]).ended(0);
    assert_eq!(get(other).status, 200);
    let missing = demo.run(&["policy", "show", "own"]).ended(1);
    assert!(
        missing.stderr.contains("doorward policy list"),
        "{missing:?}"
    );

    let acts = demo.run(&["audit", "search", "--json"]).ended(0).stdout;
    for recorded in [
        "policy.add",
        "policy.remove",
        "\"denied_by_policy\"",
        "\"policy\":\"own\"",
    ] {
        assert!(acts.contains(recorded), "{recorded}: {acts}");
    }
}

#[test]
fn what_waits_for_a_person_says_so() {
    let demo = Demo::up();
    let key = demo.key("campaign-launcher");
    let preset = demo
        .run(&["policy", "presets", "dangerous-acts"])
        .ended(0)
        .stdout;
    fs::write(demo.path().join("acts.cedar"), preset).unwrap();
    demo.run(&["policy", "add", "acts", "acts.cedar"]).ended(0);
    let campaigns = demo
        .call("GET", "/api/v2/campaigns?limit=1", &key, None)
        .body;
    let id = campaigns["items"][0]["id"].as_str().unwrap();
    let held = demo.call(
        "POST",
        &format!("/api/v2/campaigns/{id}/activate"),
        &key,
        None,
    );
    assert_eq!(held.status, 403);
    assert_eq!(held.body["doorward"]["reason"], "approval_required");
    assert_eq!(held.body["doorward"]["policy"], "acts/send");
}

fn check(text: &str, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.cedar"), text).unwrap();
    run(
        folder.path(),
        &[&["policy", "check", "p.cedar"], more].concat(),
    )
}

#[test]
fn faults_are_shown_with_place_and_help_and_nothing_is_saved() {
    let wrong =
        "forbid (principal, action, resource)\nwhen { context.campagins.contains(\"x\") };\n";
    let told = check(wrong, &[]).ended(1).stdout;
    for line in [
        "2:8:",
        "2 | when { context.campagins",
        "^^^^",
        "did you mean",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let told = check(wrong, &["--json"]).ended(1).json();
    assert_eq!(told["faults"][0]["at"]["line"], 2);
    assert!(
        check("forbid (principal, action, resource);", &["--json"])
            .ended(0)
            .json()["fits"]
            == true
    );
    let permit = check("permit (principal, action, resource);", &[])
        .ended(1)
        .stdout;
    assert!(
        permit.contains("forbid (principal, action, resource) unless"),
        "{permit}"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("p.cedar"), wrong).unwrap();
    run(path, &["init"]).ended(0);
    let refused = run(path, &["policy", "add", "p", "p.cedar"]).ended(2);
    assert!(refused.stderr.contains("2:8:"), "{refused:?}");
    let refused = run(path, &["policy", "add", "p", "gone.cedar"]).ended(2);
    assert!(
        refused.stderr.contains("gone.cedar can't be read"),
        "{refused:?}"
    );
    assert_eq!(
        run(path, &["policy", "list", "--json"]).ended(0).json(),
        json!([])
    );
}

#[test]
fn presets_and_schema_need_no_state() {
    let folder = tempfile::tempdir().unwrap();
    let schema = run(folder.path(), &["policy", "schema"]).ended(0).stdout;
    assert!(schema.contains("action \"moveLeads\" in"));
    let presets = run(folder.path(), &["policy", "presets"]).ended(0).stdout;
    assert!(
        presets.contains("dangerous-acts") && presets.contains("put in names"),
        "{presets}"
    );
    run(folder.path(), &["policy", "presets", "nothing"]).ended(2);
    // From one into the other.
    let mut piped = doorward(folder.path());
    let piped = piped
        .args(["policy", "check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    let text = run(folder.path(), &["policy", "presets", "office-hours"])
        .ended(0)
        .stdout;
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap()).ended(0);
}
