//! A revocation that is asked for is owed until the key is proved dead, whatever happens.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{MANAGER, World, row};
use crate::harness::{Server, call, doorward};
use crate::operate::set;

const KEY: &str = "lead-import";

/// A workspace with a key that manages and one that is to go: its id and value.
fn world() -> (World, String, String) {
    let world = World::with(&[MANAGER, KEY]);
    let text = |field: &str| world.seeded(KEY)[field].as_str().unwrap().to_owned();
    let (id, value) = (text("id"), text("key"));
    world.run(&["upstream", "adopt", KEY, "--id", &id]).ended(0);
    (world, id, value)
}

fn serve(world: &World) -> Server {
    Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"])
}

fn no_deletion() -> Value {
    json!({"kind": "status", "status": 500, "operation": "deleteAPIKey"})
}

fn alive(world: &World, value: &str) -> bool {
    match world.instantly(value, "GET", "/lead-lists", None).0 {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    }
}

/// The only revocation there is.
#[track_caller]
fn only(world: &World) -> Value {
    let all = world
        .run(&["upstream", "history", "--json"])
        .ended(0)
        .json();
    let revocations: Vec<_> = all.as_array().unwrap().iter().collect();
    assert_eq!(revocations.len(), 1, "{all:#}");
    assert_eq!(revocations[0]["kind"], "revocation");
    revocations[0].clone()
}

/// Waits until the revocation is so.
#[track_caller]
fn until(world: &World, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let one = only(world);
        if so(&one) {
            return one;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "not {what}: {one:#}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the ledger has of it, in order.
fn story(world: &World) -> Vec<String> {
    let found = world.run(&["audit", "search", "--kind", "upstream_key", "--json"]);
    let lines = found.ended(0).stdout;
    let steps = lines.lines().filter_map(|line| {
        let leaf: Value = serde_json::from_str(line).unwrap();
        let action = leaf["action"].as_str().unwrap().to_owned();
        if action.starts_with("revocation.") {
            let id = leaf["metadata"]["revocation"].as_str();
            assert!(id.is_some_and(|id| id.starts_with("rv-")), "{leaf:#}");
        }
        action.strip_prefix("revocation.").map(str::to_owned)
    });
    steps.collect()
}

#[track_caller]
fn is_over(world: &World, value: &str) {
    let done = until(world, "done", |one| one["step"] == "done");
    assert_eq!(
        (&done["open"], &done["refusals"]),
        (&json!(false), &json!(3))
    );
    assert!(!alive(world, value));
    let found = world.inventory();
    assert_eq!(row(&found, KEY)["state"], "retired");
    assert_eq!(found["owed"], json!([]), "{found:#}");
    let open = world.run(&["upstream", "status", "--json"]).ended(0).json();
    assert_eq!(open, json!([]));
    assert_eq!(story(world).last().unwrap(), "proved");
    world.holds_nowhere(value, "no such file");
}

#[test]
fn a_deletion_that_fails_is_owed_shown_and_done_after_a_crash() {
    let (world, id, value) = world();
    set(world.path(), "access = \"off\"", "access = \"open\"");
    let server = serve(&world);
    world.fail(Some(no_deletion()));
    let revoke = world.run(&["upstream", "revoke", &id, "--yes", "--force"]);
    let revoke = revoke.ended(1);
    for says in ["not dead yet", "could not be deleted", "500"] {
        assert!(revoke.stdout.contains(says), "{says}: {revoke:?}");
    }
    assert!(revoke.stderr.contains("tried again"), "{revoke:?}");
    assert!(alive(&world, &value));

    // No call goes out under it, and all who look are told.
    let owed = only(&world);
    let rv = owed["id"].as_str().unwrap().to_owned();
    let found = world.inventory();
    assert_eq!(row(&found, KEY)["state"], "retired");
    assert_eq!(found["owed"][0]["id"], *rv, "{found:#}");
    let listed = world.run(&["upstream", "list"]).ended(0).stdout;
    assert!(listed.contains("to be dead and not yet"), "{listed}");
    let status = world.run(&["upstream", "status"]).ended(0).stdout;
    assert!(
        status.contains(&rv) && status.contains("revoke"),
        "{status}"
    );
    let status = world.run(&["status", "--json"]).ended(1).json();
    let owed = &status["health"]["owed"][0];
    assert_eq!(
        (&owed["id"], &owed["by"]),
        (&json!(rv), &json!("revocation"))
    );
    assert!(owed["tries"].as_u64().unwrap() >= 3, "{owed:#}");
    let page = format!("{}/metrics", server.text("gateway_url"));
    let page = call("GET", &page, None, None).body;
    let gauge = "doorward_keys_owed{by=\"revocation\"} 1";
    assert!(page.as_str().unwrap().contains(gauge), "{page}");
    let alerts = world.run(&["alert", "list", "--json"]).ended(0).stdout;
    assert!(
        alerts.contains("rotation_debt") && alerts.contains(&rv),
        "{alerts}"
    );
    let remove: [&[&str]; 2] = [
        &["workspace", "remove-key", "acme", KEY],
        &["workspace", "remove", "acme"],
    ];
    for kept in remove {
        let kept = world.run(kept);
        assert_ne!(kept.code, 0, "{kept:?}");
        assert!(kept.stderr.contains("being revoked"), "{kept:?}");
    }

    // Asking again is no second one.
    world
        .run(&["upstream", "revoke", &id, "--yes", "--force"])
        .ended(1);
    only(&world);

    server.end(Signal::KILL);
    assert_eq!(only(&world)["step"], "revoke");
    let _server = serve(&world);
    until(&world, "tried again", |one| {
        story(&world).contains(&"resumed".to_owned()) && one["step"] == "revoke"
    });
    world.fail(None);
    world.run(&["upstream", "resume", &rv]).ended(0);
    is_over(&world, &value);
    let story = story(&world);
    assert_eq!(story[0], "begun");
    for step in ["failed", "resumed", "revoked"] {
        assert!(story.contains(&step.to_owned()), "{step}: {story:?}");
    }
}

#[test]
fn killed_while_it_is_deleted_and_while_it_is_proved_it_goes_on() {
    let (world, id, value) = world();
    let server = serve(&world);
    // It is deleted, works for a while, and the answer takes longer than the program lives.
    world.set(json!({"revocation_delay_ms": 4_000}));
    world.fail(Some(json!({
        "kind": "latency", "ms": 3_000, "operation": "deleteAPIKey", "count": 1
    })));
    let mut asking = doorward(world.path())
        .args(["upstream", "revoke", &id, "--yes", "--force"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while world.recorded("deleteAPIKey").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    server.end(Signal::KILL);
    assert!(!asking.wait().unwrap().success());
    let server = serve(&world);
    until(&world, "at the proof", |one| one["step"] == "prove-dead");
    server.end(Signal::KILL);
    assert_eq!(only(&world)["step"], "prove-dead");
    let _server = serve(&world);
    is_over(&world, &value);
}

#[test]
fn without_a_server_it_is_left_to_the_next_one() {
    let (world, id, value) = world();
    world.fail(Some(no_deletion()));
    let revoke = world.run(&["upstream", "revoke", &id, "--yes", "--force"]);
    let revoke = revoke.ended(1);
    assert!(revoke.stderr.contains("a server goes on"), "{revoke:?}");
    world.fail(None);
    assert!(alive(&world, &value));
    let _server = serve(&world);
    is_over(&world, &value);
}

#[test]
fn a_person_may_delete_it_or_leave_it() {
    let (world, id, value) = world();
    let _server = serve(&world);
    world.fail(Some(no_deletion()));
    world
        .run(&["upstream", "revoke", &id, "--yes", "--force"])
        .ended(1);
    let rv = only(&world)["id"].as_str().unwrap().to_owned();
    // Deletions go on failing: in the settings it is deleted all the same, and that is seen.
    world.fail(None);
    let wide = world.seeded("full-automation")["key"].as_str().unwrap();
    let (gone, _) = world.instantly(wide, "DELETE", &format!("/api-keys/{id}"), None);
    assert_eq!(gone, 200);
    world.fail(Some(no_deletion()));
    world.run(&["upstream", "resume", &rv]).ended(0);
    is_over(&world, &value);

    let (other, value) = world.made_elsewhere("zapier", &["lead_lists:read"]);
    world.run(&["upstream", "revoke", &other, "--yes"]).ended(1);
    let open = world.run(&["upstream", "status", "--json"]).ended(0).json();
    let rv = open[0]["id"].as_str().unwrap();
    let refused = world.run(&["upstream", "rollback", rv]).ended(2);
    assert!(refused.stderr.contains("--abandon"), "{refused:?}");
    world
        .run(&["upstream", "rollback", rv, "--abandon"])
        .ended(0);
    let open = world.run(&["upstream", "status", "--json"]).ended(0).json();
    assert_eq!(open, json!([]));
    assert!(alive(&world, &value), "it was left as it is");
    assert_eq!(story(&world).last().unwrap(), "abandoned");
}

#[test]
fn a_leaked_key_that_nothing_replaces_dies_after_a_crash_all_the_same() {
    let (world, id, value) = world();
    let server = serve(&world);
    world.fail(Some(no_deletion()));
    let (stranger, other) = world.made_elsewhere("zapier", &["lead_lists:read"]);
    let mut answer = vec!["leak", "respond", "--key", &stranger, "--id", &stranger];
    answer.extend(["--yes", "--wait", "3s", "--report", "out"]);
    let told = world.run(&answer).ended(1);
    assert!(told.stderr.contains("tried again and again"), "{told:?}");
    assert!(alive(&world, &other) && alive(&world, &value));
    server.end(Signal::KILL);
    world.fail(None);
    let _server = serve(&world);
    let done = until(&world, "done", |one| one["step"] == "done");
    assert_eq!(
        (&done["why"], &done["api_key_id"]),
        (&json!("leak"), &json!(stranger))
    );
    assert!(!alive(&world, &other) && alive(&world, &value), "{id}");
}
