//! Somebody else writes where the old key is kept while it is replaced.

use serde_json::json;

use super::Stage;

#[test]
fn a_value_that_is_not_the_old_keys_is_no_reason_to_go_back() {
    let stage = Stage::new();
    let server = stage.serve();
    stage.begin(&[]);
    stage.until("at drain", |one| one["step"] == "drain");
    // As a consumer would that is given the new key and keeps it in the same place.
    let new = stage.value_at("reader.key-b").unwrap();
    stage.world.keep("reader", &new);
    let back = stage.run(&["upstream", "rollback"]).ended(1);
    assert!(back.stderr.contains("neither going on"), "{}", back.stderr);
    let rotation = stage.rotation();
    assert_eq!(rotation["step"], "stuck", "{rotation:#}");
    let trouble = rotation["trouble"].as_str().unwrap();
    assert!(trouble.contains("somebody wrote it"), "{trouble}");
    // The key that works was not taken away.
    assert_eq!(stage.made().len(), 1, "{:?}", stage.made());
    assert_eq!(stage.status_under(&new), 200);
    assert_eq!(stage.get(&server), 200);
}

#[test]
fn what_somebody_wrote_in_the_old_keys_place_is_left_there_and_the_death_is_not_called_proved() {
    let stage = Stage::new();
    let server = stage.serve();
    stage.fault(json!({"kind": "status", "status": 500, "operation": "deleteAPIKey"}));
    stage.begin(&["--now"]);
    stage.until("owed", |one| one["owed"] == true);
    let (_, stranger) = stage
        .world
        .made_elsewhere("somebody else's", &["campaigns:read"]);
    stage.world.keep("reader", &stranger);
    stage.no_faults();
    let done = stage.run(&["upstream", "resume"]).ended(1);
    assert!(done.stderr.contains("not proved dead"), "{}", done.stderr);
    let rotation = stage.rotation();
    assert_eq!(rotation["step"], "done", "{rotation:#}");
    assert_eq!(
        (&rotation["unproved"], &rotation["refusals"]),
        (&json!(true), &json!(null))
    );
    let history = stage.run(&["upstream", "history"]).ended(0).stdout;
    assert!(history.contains("done, not proved"), "{history}");
    assert_eq!(stage.status_under(&stage.old.1), 401);
    assert_eq!(stage.get(&server), 200);
    // Nobody loses what is theirs.
    assert_eq!(stage.value_at("reader.key"), Some(stranger.clone()));
    assert_eq!(stage.status_under(&stranger), 200);
    // It is in the record, and told.
    let alerts = stage.run(&["alert", "list", "--json"]).ended(0).stdout;
    assert!(alerts.contains("is not proved dead"), "{alerts}");
    let found = stage.run(&["audit", "search", "--kind", "rotation", "--json"]);
    let unknown = found
        .ended(0)
        .stdout
        .lines()
        .filter(|line| line.contains("\"unknown\""))
        .count();
    assert_eq!(unknown, 2, "the proof that is none, and the end");
}
