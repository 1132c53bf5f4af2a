//! Those outside who only fall silent: the old key is revoked once it is not used any more.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Server;
use crate::leak::hard::post_as;
use crate::operate::{set, until};
use crate::schedule::add;
use crate::upstream::{MANAGER, World};

const KEY: &str = "lead-import";
/// How long it must be silent, as in the configuration below.
const WAIT: Duration = Duration::from_secs(5);

fn rotation(world: &World) -> Value {
    let all = world
        .run(&["upstream", "history", "--json"])
        .ended(0)
        .json();
    all[0].clone()
}

#[test]
fn the_old_key_is_revoked_when_its_last_use_outside_is_long_enough_ago() {
    let world = World::with(&[MANAGER, KEY]);
    let path = world.path();
    let text = |field: &str| world.seeded(KEY)[field].as_str().unwrap().to_owned();
    let (id, old) = (text("id"), text("key"));
    world.run(&["upstream", "adopt", KEY, "--id", &id]).ended(0);
    set(path, "overlap = \"1m\"", "overlap = \"0\"");
    set(path, "pull_seconds = 60", "pull_seconds = 1");
    fs::create_dir(path.join("crm")).unwrap();
    add(
        path,
        &format!(
            "[[rotation.consumer]]\nname = \"crm\"\nkey = \"{KEY}\"\nwrite = \
             [\"file://{}/crm/key\"]\nreads_unseen = true\nwait = \"5s\"\n",
            path.display()
        ),
    );
    let _server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    // Silence is waited for where it can be seen: the log must have been read.
    until(|| {
        let begun = world.run(&["upstream", "rotate", KEY, "--now", "--no-wait"]);
        assert!(
            begun.code == 0 || begun.stderr.contains("silence can't be seen"),
            "{begun:?}"
        );
        begun.code == 0
    });
    until(|| rotation(&world)["step"] == "drain");
    let new = fs::read_to_string(path.join("crm/key")).unwrap();
    assert_ne!(new.trim(), old);

    // The consumer has not read its file yet: it goes on with the old key for three times as long as it
    // would have to be silent, and calls itself what it likes.
    let (began, mut used) = (Instant::now(), 0);
    while began.elapsed() < WAIT * 3 {
        used += 1;
        let agent = format!("doorward/0.1.0 req_{used:032x}");
        let lead = format!("{{\"email\":\"lead-{used}@example.com\"}}");
        let status = post_as(&world, &old, &agent, &lead);
        assert!(status.contains("200"), "use {used}: {status}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let last = Instant::now();
    assert_eq!(rotation(&world)["step"], "drain");
    let waiting = world.run(&["upstream", "status"]).ended(0).stdout;
    assert!(waiting.contains("drain"), "{waiting}");

    // It changes over, and falls silent.
    let works = |key: &str| world.instantly(key, "GET", "/lead-lists", None).0;
    let until_revoked = Instant::now() + Duration::from_secs(60);
    while rotation(&world)["revoked_at"].is_null() {
        assert!(Instant::now() < until_revoked, "{:#}", rotation(&world));
        std::thread::sleep(Duration::from_millis(100));
    }
    // It was used half a second before.
    assert!(
        last.elapsed() + Duration::from_secs(1) >= WAIT,
        "{:?}",
        last.elapsed()
    );
    until(|| rotation(&world)["step"] == "done");
    assert_eq!(rotation(&world)["refusals"], json!(3));
    assert_eq!((works(&old), works(new.trim())), (401, 200));
    world.holds_nowhere(&old, "nothing");
    world.holds_nowhere(new.trim(), "nothing");
}
