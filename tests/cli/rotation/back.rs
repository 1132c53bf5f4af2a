//! The way back.

use serde_json::json;

use super::Stage;

#[test]
fn a_rotation_is_taken_back_until_the_old_key_is_revoked() {
    let stage = Stage::new();
    let server = stage.serve();
    stage.begin(&[]);
    stage.until("at drain", |one| one["step"] == "drain");
    assert_eq!(stage.made().len(), 1);
    let again = stage.run(&["upstream", "rotate", "reader"]).ended(2);
    assert!(
        again.stderr.contains("is being rotated already"),
        "{}",
        again.stderr
    );
    let removed = stage
        .run(&["workspace", "remove-key", "acme", "manager"])
        .ended(1);
    assert!(
        removed.stderr.contains("part of a rotation"),
        "{}",
        removed.stderr
    );

    let back = stage.run(&["upstream", "rollback"]).ended(0);
    assert!(back.stderr.contains("as it was before"), "{}", back.stderr);
    let rotation = stage.rotation();
    assert_eq!(rotation["step"], "rolled-back");
    assert!(
        rotation["back"].as_str().unwrap().contains("asked for it"),
        "{rotation:#}"
    );
    assert!(stage.made().is_empty(), "{:?}", stage.made());
    assert_eq!(stage.value_at("reader.key").as_deref(), Some(&*stage.old.1));
    assert_eq!(stage.value_at("reader.key-b"), None);
    assert_eq!(stage.status_under(&stage.old.1), 200);
    assert_eq!(stage.get(&server), 200);
    let story = stage.story();
    let ends = ["turned_back", "verified", "switched_back"];
    assert!(story.windows(3).any(|three| three == ends), "{story:?}");
    assert_eq!(story.last().map(String::as_str), Some("rolled_back"));

    // What is over can't be taken back.
    let id = rotation["id"].as_str().unwrap();
    let refused = stage.run(&["upstream", "rollback", id]).ended(2);
    assert!(refused.stderr.contains("is over"), "{}", refused.stderr);
}

#[test]
fn a_key_that_was_made_with_other_scopes_is_not_used() {
    let stage = Stage::new();
    let server = stage.serve();
    // Instantly does not take what is asked for.
    let refused = json!({"kind": "status", "status": 400, "operation": "createAPIKey"});
    stage.fault(refused);
    let rotated = stage
        .run(&["upstream", "rotate", "reader", "--now"])
        .ended(1);
    assert!(rotated.stderr.contains("as it was before"), "{rotated:?}");
    let rotation = stage.rotation();
    assert_eq!(rotation["step"], "rolled-back", "{rotation:#}");
    assert_eq!(stage.status_under(&stage.old.1), 200);
    assert_eq!(stage.get(&server), 200);
    let alerts = stage.run(&["alert", "list", "--json"]).ended(0).stdout;
    assert!(alerts.contains("rotation_trouble"), "{alerts}");
}
