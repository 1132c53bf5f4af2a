//! Leaks of keys that can't be replaced, and keys that are not what they seem.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use super::{report, respond};
use crate::harness::{Server, call};
use crate::upstream::{MANAGER, World, row};

const MANAGING: [&str; 3] = ["api_keys:create", "api_keys:read", "api_keys:delete"];

/// A workspace with a key that manages, and another of these scopes: its id and value.
fn world(name: &str, scopes: &[&str]) -> (World, String, String) {
    let world = World::with(&[]);
    let (_, manager) = world.made_elsewhere("doorward manager", &MANAGING);
    let (id, value) = world.made_elsewhere("by hand", scopes);
    add(&world, name, &value, &[]);
    add(&world, "manager", &manager, &["--manages"]);
    world
        .run(&["upstream", "adopt", name, "--id", &id])
        .ended(0);
    (world, id, value)
}

fn add(world: &World, name: &str, value: &str, more: &[&str]) {
    let place = world.keep(name, value);
    let url = world.sandbox.text("url");
    let add = ["workspace", "add", "acme", "--sandbox", "--base-url", &url];
    let add = [&add[..], &["--key-from", &place], more].concat();
    world.run(&add).ended(0);
}

fn works(world: &World, value: &str) -> u16 {
    world.instantly(value, "GET", "/campaigns", None).0
}

#[test]
fn a_key_that_nothing_can_replace_is_revoked_when_that_is_wanted() {
    let (world, id, value) = world("wide", &["all:all"]);
    let arguments = ["--key", "wide", "--report", "out", "--json"];
    let kept = respond(world.path(), "", &arguments).ended(1);
    for says in ["never made with all:all", "--revoke-anyway"] {
        assert!(kept.stderr.contains(says), "{says}: {kept:?}");
    }
    let (incident, _) = report(world.path(), &kept.json(), &[&value]);
    assert_eq!(incident["dead"], false, "it is told all the same");
    assert_eq!(works(&world, &value), 200);

    let bare = [&arguments[..], &["--revoke-anyway"]].concat();
    let done = respond(world.path(), "", &bare).ended(0).json();
    assert_eq!(works(&world, &value), 401);
    let (incident, text) = report(world.path(), &done, &[&value]);
    assert_eq!(incident["subject"]["api_key_id"], *id);
    assert!(incident["proof"]["refusals"].as_u64().unwrap() >= 3);
    assert!(incident["revoked_at"].is_string(), "{incident:#}");
    assert!(text.contains("Nothing took its place"), "{text}");
    assert_eq!(row(&world.inventory(), "wide")["state"], "retired");
    let stops = world.recorded("leak.stop");
    let last = stops.last().unwrap();
    assert_eq!(last["metadata"]["bare"], true, "{last:#}");
}

#[test]
fn what_is_in_the_way_of_a_successor_can_be_said_away() {
    let (world, _, value) = world("wide", &["all:all"]);
    // Somebody's own secret lies where the new key would.
    world.keep("unused", "x");
    std::fs::copy(
        world.path().join("unused.key"),
        world.path().join("wide.key-b"),
    )
    .unwrap();
    let arguments = ["--key", "wide", "--scopes", "campaigns:read"];
    let kept = respond(world.path(), "", &arguments).ended(1);
    assert!(kept.stderr.contains("did not put there"), "{kept:?}");
    assert_eq!(works(&world, &value), 200);
    let to = format!("file://{}", world.path().join("next.key").display());
    let replaced = [&arguments[..], &["--to", &to, "--json"]].concat();
    let done = respond(world.path(), "", &replaced).ended(0).json();
    assert!(done["incident"]["rotation"].is_string(), "{done:#}");
    assert_eq!(works(&world, &value), 401);
    let new = std::fs::read_to_string(world.path().join("next.key")).unwrap();
    assert_eq!(works(&world, new.trim()), 200);
}

#[test]
fn a_rotation_that_goes_back_leaves_no_leaked_key_alive() {
    let (world, _, value) = world("reader", &["campaigns:read"]);
    world.fail(Some(json!({
        "kind": "status", "status": 400, "operation": "createAPIKey"
    })));
    let arguments = ["--key", "reader", "--revoke-anyway", "--json"];
    let done = respond(world.path(), "", &arguments).ended(0).json();
    let incident = &done["incident"];
    assert!(incident["rotation"].is_string(), "it was tried: {done:#}");
    assert_eq!(incident["dead"], true, "{incident:#}");
    assert_eq!(works(&world, &value), 401);
}

#[test]
fn a_key_that_is_being_rotated_is_revoked_by_force() {
    let (world, id, value) = world("reader", &["campaigns:read"]);
    world.fail(Some(json!({
        "kind": "status", "status": 500, "operation": "createAPIKey"
    })));
    let server = Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"]);
    world
        .run(&["upstream", "rotate", "reader", "--no-wait"])
        .ended(0);
    let refused = world.run(&["upstream", "revoke", &id, "-y"]).ended(2);
    assert!(refused.stderr.contains("being rotated"), "{refused:?}");
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    world
        .run(&["upstream", "revoke", &id, "-y", "--force"])
        .ended(0);
    assert_eq!(works(&world, &value), 401);
    drop(server);
}

#[test]
fn a_key_that_may_be_one_in_use_is_not_revoked_as_a_stranger() {
    let world = World::with(&[]);
    let (_, manager) = world.made_elsewhere("doorward manager", &MANAGING);
    let (id, value) = world.made_elsewhere("by hand", &["campaigns:read"]);
    add(&world, "manager", &manager, &["--manages"]);
    add(&world, "reader", &value, &[]);
    // Another of the same scopes, so that nobody can tell which is the reader.
    let (twin, other) = world.made_elsewhere("twin", &["campaigns:read"]);
    for id in [&id, &twin] {
        let refused = world.run(&["upstream", "revoke", id, "-y"]).ended(2);
        assert!(refused.stderr.contains("may be reader"), "{refused:?}");
        let refused = respond(world.path(), "", &["--key", id, "--wait", "1s"]).ended(1);
        let says = format!("upstream adopt reader --id {id}");
        assert!(refused.stderr.contains(&says), "{refused:?}");
    }
    assert_eq!((works(&world, &value), works(&world, &other)), (200, 200));
    world
        .run(&["upstream", "adopt", "reader", "--id", &id])
        .ended(0);
    world.run(&["upstream", "revoke", &twin, "-y"]).ended(0);
    assert_eq!((works(&world, &value), works(&world, &other)), (200, 401));
}

#[test]
fn a_key_that_manages_is_revoked_under_another_that_may() {
    let (world, _, _) = world("reader", &["campaigns:read"]);
    let (id, value) = world.made_elsewhere("second", &MANAGING);
    add(&world, "second", &value, &["--manages"]);
    world
        .run(&["upstream", "adopt", "second", "--id", &id])
        .ended(0);
    // The thief makes himself another.
    let body = json!({"name": "*mine*", "scopes": ["leads:read"]});
    let (status, made) = world.instantly(&value, "POST", "/api-keys", Some(body));
    assert_eq!(status, 200, "{made}");
    let arguments = ["--key", "second", "--report", "out", "--json"];
    let done = respond(world.path(), "", &arguments).ended(0).json();
    let list = || world.instantly(&value, "GET", "/api-keys", None).0;
    assert_eq!(list(), 401);
    let (incident, text) = report(world.path(), &done, &[&value]);
    assert_eq!(incident["subject"]["way"], "revoke");
    assert!(text.contains("could make keys"), "{text}");
}

#[test]
fn who_holds_a_key_does_not_pass_for_doorward_by_a_user_agent() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let id = world.seeded("lead-import")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let value = world.seeded("lead-import")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .run(&["upstream", "adopt", "lead-import", "--id", &id])
        .ended(0);
    let (server, client) = world.serve("lead-import");
    let url = format!("{}/api/v2/leads", server.text("gateway_url"));
    let lead = json!({ "email": "ada@example.com" });
    assert_eq!(call("POST", &url, Some(&client), Some(lead)).status, 200);
    let status = post_as(
        &world,
        &value,
        "doorward/0.1.0 req_00112233445566778899aabbccddeeff",
        "{\"email\":\"thief@example.com\"}",
    );
    assert!(status.contains("200"), "{status}");
    let arguments = ["--key", "lead-import", "--report", "out", "--json"];
    let done = respond(world.path(), "", &arguments).ended(0).json();
    let (incident, text) = report(world.path(), &done, &[&value]);
    let around = &incident["deeds"]["around"];
    assert_eq!(
        (&around["ours"], &around["others"], &around["forged"]),
        (&json!(1), &json!(1), &json!(1)),
        "{around:#}"
    );
    assert_eq!(around["records"][0]["forged_mark"], true);
    assert!(text.contains("pretend to be Doorward's"), "{text}");
    drop(server);
}

/// Adds a lead at Instantly itself, as a program of this name: the answer's first line.
pub(crate) fn post_as(world: &World, key: &str, agent: &str, body: &str) -> String {
    let url = world.sandbox.text("url");
    let place = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(place).unwrap();
    write!(
        stream,
        "POST /api/v2/leads HTTP/1.1\r\nhost: {place}\r\nauthorization: Bearer {key}\r\nuser-agent: \
         {agent}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n\
         {body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}
