//! A rotation that was killed in the middle goes on.

use rustix::process::Signal;
use serde_json::json;

use super::Stage;

#[test]
fn killed_while_the_key_is_made_it_leaves_no_orphan() {
    let stage = Stage::new();
    let server = stage.serve();
    // It is made, and the answer takes longer than the program lives.
    stage.fault(json!({"kind": "latency", "ms": 3_000, "operation": "createAPIKey", "count": 1}));
    stage.begin(&["--now"]);
    stage.until("at create", |one| one["step"] == "create");
    server.end(Signal::KILL);
    assert_eq!(stage.rotation()["step"], "create");
    let server = stage.serve();
    stage.until("done", |one| one["step"] == "done");
    stage.is_replaced(&server);
    assert!(stage.story().contains(&"resumed".to_owned()));
}

#[test]
fn killed_while_both_keys_are_in_force_it_goes_on_and_calls_do_too() {
    let stage = Stage::new();
    let server = stage.serve();
    // Both are in force for a minute: this is where it is killed.
    stage.begin(&[]);
    stage.until("at drain", |one| one["step"] == "drain");
    server.end(Signal::KILL);
    let server = stage.serve();
    assert_eq!(stage.get(&server), 200);
    let open = stage.run(&["upstream", "status", "--json"]).ended(0).json();
    assert_eq!(open[0]["step"], "drain", "{open:#}");
    // A server that is told to end leaves it as it is, and the next one takes it back.
    assert!(server.end(Signal::TERM).success());
    let server = stage.serve();
    let back = stage.run(&["upstream", "rollback", "--json"]);
    let last = back.ended(0).stdout.lines().last().unwrap().to_owned();
    assert!(last.contains("\"rolled-back\""), "{last}");
    assert!(stage.made().is_empty(), "{:?}", stage.made());
    assert_eq!(stage.status_under(&stage.old.1), 200);
    assert_eq!(stage.get(&server), 200);
}

#[test]
fn killed_while_the_old_key_is_proved_dead_it_is_proved_anew() {
    let stage = Stage::new();
    let server = stage.serve();
    stage.begin(&["--now"]);
    stage.until("at prove-dead", |one| one["step"] == "prove-dead");
    server.end(Signal::KILL);
    let server = stage.serve();
    stage.until("done", |one| one["step"] == "done");
    stage.is_replaced(&server);
}

#[test]
fn without_a_server_the_command_carries_it_out() {
    let stage = Stage::new();
    let rotated = stage.run(&["upstream", "rotate", "reader", "--now"]);
    assert!(rotated.ended(0).stderr.contains("proved dead"));
    let server = stage.serve();
    stage.is_replaced(&server);
}
