//! A revocation that fails is owed.

use serde_json::json;

use super::{Load, Stage};

#[test]
fn a_revocation_that_fails_is_tried_until_it_is_done() {
    let stage = Stage::new();
    let server = stage.serve();
    stage.fault(json!({"kind": "status", "status": 500, "operation": "deleteAPIKey"}));
    let load = Load::on(&stage, &server, 1);
    stage.begin(&["--now"]);
    // The new key carries calls, the old one is owed, and somebody is told.
    let owed = stage.until("owed for long", |one| {
        one["owed"] == true && one["tries"].as_u64().unwrap() >= 3
    });
    assert!(
        owed["trouble"].as_str().unwrap().contains("500"),
        "{owed:#}"
    );
    assert_eq!(stage.status_under(&stage.old.1), 200);
    let alerts = stage.run(&["alert", "list", "--json"]).ended(0).stdout;
    assert!(alerts.contains("rotation_debt"), "{alerts}");
    let refused = stage.run(&["upstream", "rollback"]).ended(2);
    assert!(
        refused.stderr.contains("abort does not fit"),
        "{}",
        refused.stderr
    );

    stage.no_faults();
    let done = stage.run(&["upstream", "resume"]).ended(0);
    assert!(done.stderr.contains("proved dead"), "{done:?}");
    let (_, badly) = load.end();
    assert!(badly.is_empty(), "{badly:?}");
    stage.is_replaced(&server);
}

#[test]
fn a_revoked_key_that_lives_on_for_a_while_is_waited_for() {
    let stage = Stage::new();
    let server = stage.serve();
    stage.world.set(json!({"revocation_delay_ms": 3_000}));
    stage
        .run(&["upstream", "rotate", "reader", "--now"])
        .ended(0);
    stage.is_replaced(&server);
    let took = stage.rotation()["millis_to_death"].as_i64().unwrap();
    assert!((2_500..6_000).contains(&took), "{took} ms");
}
