//! Nobody notices a rotation.

use serde_json::json;

use super::{Load, Stage};

#[test]
fn no_call_fails_while_a_key_is_rotated_under_load_and_the_old_one_is_proved_dead() {
    let stage = Stage::new();
    let server = stage.serve();
    // Some calls are under way for a while, so that the old key is waited for.
    let slow = json!({"kind": "latency", "ms": 400, "operation": "listCampaign", "count": 40});
    stage.fault(slow);
    let load = Load::on(&stage, &server, 4);
    let rotated = stage.run(&["upstream", "rotate", "reader", "--now", "--json"]);
    let lines = rotated.ended(0).stdout;
    let (well, badly) = load.end();
    assert!(badly.is_empty(), "{badly:?}");
    assert!(well > 40, "{well} calls");
    stage.is_replaced(&server);

    // Each step was told as it was done, and at last the whole.
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (last, moves) = lines.split_last().unwrap();
    assert_eq!(last["step"], "done");
    assert!(last["millis_to_death"].as_i64().unwrap() < 5_000, "{last}");
    let steps: Vec<_> = moves
        .iter()
        .map(|one| one["step"].as_str().unwrap())
        .collect();
    let whole = [
        "plan",
        "create",
        "store",
        "verify",
        "promote",
        "drain",
        "confirm",
        "revoke",
        "prove-dead",
        "forget",
        "tidy",
    ];
    assert_eq!(steps, whole);

    // The ledger tells the story, and nothing went around Doorward.
    let story = [
        "started",
        "created",
        "stored",
        "verified",
        "switched",
        "drained",
        "verified",
        "revoked",
        "confirmed",
        "forgotten",
        "finished",
    ];
    assert_eq!(stage.story(), story);
    let asked = stage.world.recorded("upstream_key.rotate.ask");
    assert_eq!(asked.len(), 2, "{asked:?}");
    for (operation, of) in [("createAPIKey", "manager"), ("deleteAPIKey", "manager")] {
        let calls = stage.world.recorded(operation);
        let kinds: Vec<_> = calls
            .iter()
            .map(|one| one["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["intent", "outcome"], "{operation} under {of}");
        assert!(
            calls.iter().all(|one| one["user_type"] == "doorward"),
            "{calls:?}"
        );
    }

    // And once more, back into the first slot.
    let again = stage.run(&["upstream", "rotate", "reader", "--now"]);
    let again = again.ended(0);
    assert!(
        again
            .stderr
            .contains("is replaced, and the old key is proved dead"),
        "{again:?}"
    );
    assert!(stage.value_at("reader.key").is_some());
    assert_eq!(stage.value_at("reader.key-b"), None);
    assert_eq!(stage.get(&server), 200);
}
