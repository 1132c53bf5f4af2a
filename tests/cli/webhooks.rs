//! Webhooks from the emulated Instantly to a destination, through everything.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Demo, Server, call};
use crate::upstream::World;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

fn within<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the demo's inbox has verified.
fn arrived(demo: &Demo) -> Vec<Value> {
    let inbox = call("GET", &demo.server.text("destination_url"), None, None);
    inbox.body.as_array().unwrap().clone()
}

#[test]
fn the_demo_takes_events_in_and_delivers_them_signed() {
    let demo = Demo::up();
    let control = demo.server.text("sandbox_control_url");
    let told = json!({ "event_type": "reply_received", "lead_email": "ada@example.com" });
    call("POST", &format!("{control}/events"), None, Some(told));
    let reply = within("the reply does not arrive", || {
        let all = arrived(&demo);
        all.into_iter()
            .find(|one| one["payload"]["event_type"] == "reply_received")
    });
    assert_eq!(reply["payload"]["lead_email"], "ada@example.com");
    let id = reply["id"].as_str().unwrap();
    assert!(id.starts_with("evt_"), "{id}");

    // What is kept of it, without the person's address.
    let listed = demo
        .run(&["events", "list", "--type", "reply_received", "--json"])
        .ended(0);
    assert!(listed.stdout.contains(id) && !listed.stdout.contains("ada@example.com"));
    let delivered = demo
        .run(&["deliveries", "list", "--destination", "inbox", "--json"])
        .ended(0);
    assert!(delivered.stdout.contains(id), "{delivered:?}");

    // Once more, on request.
    let replay = ["replay", id, "--to", "inbox", "--wait", "--json"];
    demo.run(&replay).ended(0);
    within("the replay does not arrive", || {
        let all = arrived(&demo);
        (all.iter().filter(|one| one["id"] == id).count() == 2).then_some(())
    });

    let shown = demo
        .run(&["webhook", "show", "demo", "--json"])
        .ended(0)
        .json();
    assert_eq!(shown["there"]["secret_fits"], true, "{shown}");
    assert!(shown["secrets"][0]["last_used"].is_string(), "{shown}");
    let tested = demo
        .run(&["webhook", "test", "demo", "--json"])
        .ended(0)
        .json();
    assert_eq!(tested["status"], 200, "{tested}");
}

#[test]
fn a_forged_delivery_is_refused_and_told() {
    let demo = Demo::up();
    let source = demo.server.text("source_url");
    let forged = json!({ "event_type": "reply_received" });
    for key in [None, Some("not-the-secret")] {
        assert_eq!(call("POST", &source, key, Some(forged.clone())).status, 401);
    }
    assert_eq!(
        arrived(&demo)
            .iter()
            .filter(|one| one["payload"] == forged)
            .count(),
        0
    );
    // It is counted at once, and in the ledger by the minute or when the server ends.
    let page = demo.run(&["events", "list", "--json"]).ended(0);
    assert!(!page.stdout.contains("reply_received"));
    let Demo { folder, server } = demo;
    server.end(Signal::TERM);
    let tail = crate::harness::run(folder.path(), &["audit", "tail", "--json", "-n", "50"]);
    let told = tail
        .stdout
        .lines()
        .find(|line| line.contains("webhook.refuse"));
    assert!(
        told.is_some_and(|line| line.contains("missing")),
        "{tail:?}"
    );
}

#[test]
fn a_secret_is_rotated_while_events_come_in() {
    let demo = Demo::up();
    let control = demo.server.text("sandbox_control_url");
    let tell = |n: u32| {
        let told = json!({ "event_type": "email_opened", "lead_email": "ada@example.com",
            "fields": { "n": n } });
        call("POST", &format!("{control}/events"), None, Some(told));
    };
    for n in 0..20 {
        tell(n);
        if n == 10 {
            let rotated = demo
                .run(&["webhook", "rotate-secret", "demo", "--json"])
                .ended(0)
                .json();
            let secrets = rotated["source"]["secrets"].as_array().unwrap();
            assert_eq!(secrets.len(), 2, "{rotated}");
            assert!(secrets[1]["until"].is_string() && secrets[0]["until"].is_null());
        }
    }
    within("not all arrive", || {
        let all = arrived(&demo);
        let found: BTreeSet<u64> = all
            .iter()
            .filter_map(|one| one["payload"]["n"].as_u64())
            .collect();
        (found.len() == 20).then_some(())
    });
    // Both are taken, and there is no third before the older one has ended.
    let again = demo.run(&["webhook", "rotate-secret", "demo"]).ended(2);
    assert!(again.stderr.contains("two secrets"), "{again:?}");
}

/// A server with a relay and a source of everything, and where the source is.
fn relayed(world: &World) -> Server {
    let config = world.path().join("doorward.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let text = text.replacen(
        "[relay]\n",
        &format!("[relay]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n"),
        1,
    );
    std::fs::write(&config, text).unwrap();
    let server = serve(world);
    // The scopes of a key that may read everything can't be found out.
    let adopt = [
        "upstream",
        "adopt",
        "full-automation",
        "--scopes",
        "all:all",
        "--without-id",
    ];
    world.run(&adopt).ended(0);
    world
        .run(&[
            "webhook",
            "create",
            "all",
            "--event",
            "all_events",
            "--json",
        ])
        .ended(0);
    server
}

fn serve(world: &World) -> Server {
    Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"])
}

#[test]
fn what_was_sent_while_nobody_listened_is_fetched_back_once() {
    let world = World::with(&["full-automation"]);
    let server = relayed(&world);
    let control = world.sandbox.text("control_url");
    let settings = json!({ "record_events_while_disabled": true, "webhook_clock_factor": 0.0 });
    call(
        "PATCH",
        &format!("{control}/settings"),
        None,
        Some(settings),
    );
    server.end(Signal::KILL);
    for n in 0..500 {
        let told = json!({ "event_type": "email_opened", "lead_email": format!("{n}@example.com"),
            "fields": { "n": n } });
        call("POST", &format!("{control}/events"), None, Some(told));
    }
    within("the sandbox does not come to an end", || {
        let deliveries = call("GET", &format!("{control}/deliveries"), None, None);
        (deliveries.body["pending"] == 0).then_some(())
    });
    let _server = serve(&world);
    let all = within("not all events are fetched back", || {
        let listed = world
            .run(&[
                "events",
                "list",
                "--type",
                "email_opened",
                "--limit",
                "1000",
                "--json",
            ])
            .ended(0)
            .json();
        let events = listed["events"].as_array().unwrap().clone();
        (events.len() >= 500).then_some(events)
    });
    let ids: BTreeSet<&str> = all.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!((all.len(), ids.len()), (500, 500));
    assert!(all.iter().all(|one| one["origin"] == "backfill"));
    // The subscription is on again, and works.
    within("the subscription stays off", || {
        let shown = world.run(&["webhook", "show", "all", "--json"]);
        (shown.json()["there"]["disabled"] == false).then_some(())
    });
    world.run(&["webhook", "test", "all"]).ended(0);
}
