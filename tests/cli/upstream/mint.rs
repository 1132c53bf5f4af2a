//! `doorward upstream mint`.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{MANAGER, World, row};
use crate::harness::{Server, call};

/// The names of the keys that the emulated API lists.
fn names(world: &World) -> Vec<String> {
    let key = world.seeded("full-automation")["key"].as_str().unwrap();
    let (status, page) = world.instantly(key, "GET", "/api-keys?limit=100", None);
    assert_eq!(status, 200);
    let keys = page["items"].as_array().unwrap().iter();
    keys.map(|key| key["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_key_is_made_with_the_least_scopes_kept_and_used() {
    let world = World::with(&[MANAGER]);
    let mint = [
        "upstream",
        "mint",
        "dashboard",
        "--use-case",
        "analytics-dashboard",
        "--env",
        "production",
        "--json",
    ];
    // Under a key that may do it, and under none that may not.
    world
        .run(&["upstream", "adopt", MANAGER, "--manages"])
        .ended(0);
    let before = names(&world);
    let dry: Vec<&str> = mint.iter().copied().chain(["--dry-run"]).collect();
    let plan = world.run(&dry).ended(0).json();
    let scopes: Vec<&str> = plan["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["scope"].as_str().unwrap())
        .collect();
    assert!(!scopes.is_empty() && scopes.iter().all(|scope| scope.ends_with(":read")));
    assert_eq!(plan["rotation"]["scopes"], json!(scopes));
    assert_eq!(names(&world), before, "a dry run makes nothing");

    let owned: Vec<&str> = mint.iter().copied().chain(["--owner", "Ann"]).collect();
    let ran = world.run(&owned).ended(0);
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["step"], &last["key"]),
        (&json!("done"), &json!("dashboard"))
    );
    let made: Vec<String> = names(&world)
        .into_iter()
        .filter(|name| !before.contains(name))
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(made[0].starts_with("dw-dashboard-"), "{made:?}");
    let found = world.inventory();
    let key = row(&found, "dashboard");
    assert_eq!(
        (&key["state"], &key["name_there"]),
        (&json!("active"), &json!(made[0]))
    );
    assert_eq!(key["api_key_id"], last["new_api_key_id"]);
    assert_eq!(key["owner"], "Ann");
    let mut have: Vec<&str> = key["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| scope.as_str().unwrap())
        .collect();
    have.sort_unstable();
    let mut want = scopes.clone();
    want.sort_unstable();
    assert_eq!(have, want);

    // Calls go out under it, and its value is in the encrypted file alone.
    let (server, client) = world.serve("analytics-dashboard");
    let url = format!("{}/api/v2/campaigns", server.text("gateway_url"));
    assert_eq!(call("GET", &url, Some(&client), None).status, 200);
    let place = "upstream/acme/dashboard";
    let value = world
        .run(&["secret", "get", place, "--reveal"])
        .ended(0)
        .stdout;
    world.holds_nowhere(value.trim_end(), "no such file");
    assert!(!ran.stdout.contains(value.trim_end()) && !ran.stderr.contains(value.trim_end()));

    let again = world.run(&mint).ended(2);
    assert!(again.stderr.contains("already"), "{again:?}");
    let acts = world.recorded("upstream_key.mint");
    assert!(
        acts.iter().any(|act| act["result"] == "success"),
        "{acts:?}"
    );
    let made = world.recorded("createAPIKey");
    let kinds: Vec<_> = made
        .iter()
        .map(|act| act["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["intent", "outcome"]);
}

#[test]
fn without_a_key_that_manages_it_says_what_to_do() {
    let world = World::with(&["lead-import"]);
    let mint = |more: &[&str]| {
        let mut all = vec!["upstream", "mint", "crm"];
        all.extend(more);
        world.run(&all)
    };
    let none = mint(&["-u", "crm-sync", "-e", "production"]).ended(2);
    assert!(none.stderr.contains("api_keys:create"), "{none:?}");
    let strange = mint(&["-u", "everything", "-e", "production"]).ended(2);
    assert!(strange.stderr.contains("everything"), "{strange:?}");
    assert_eq!(mint(&["-e", "production"]).code, 2);
    let taken = world
        .run(&[
            "upstream",
            "mint",
            "lead-import",
            "-u",
            "crm-sync",
            "-e",
            "production",
        ])
        .ended(2);
    assert!(taken.stderr.contains("lead-import"), "{taken:?}");
}

#[test]
fn a_crash_between_making_a_key_and_keeping_it_leaves_no_orphan() {
    let world = World::with(&[MANAGER]);
    world
        .run(&["upstream", "adopt", MANAGER, "--manages"])
        .ended(0);
    let ours = || {
        let all = names(&world).into_iter();
        all.filter(|name| name.starts_with("dw-crm-"))
            .collect::<Vec<_>>()
    };
    let wait_for = |what: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !what() {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", ours());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    // The answer, and with it the value, is on its way for long.
    world.fail(Some(json!({
        "kind": "latency", "ms": 20_000, "operation": "createAPIKey"
    })));
    let start = || Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let server = start();
    let mint = [
        "upstream",
        "mint",
        "crm",
        "-u",
        "crm-sync",
        "-e",
        "production",
        "--no-wait",
    ];
    world.run(&mint).ended(0);
    wait_for(&|| ours().len() == 1);
    let orphan = ours().remove(0);
    server.end(Signal::KILL);
    world.fail(None);

    let server = start();
    wait_for(&|| {
        let found = world.inventory();
        let rows = found["keys"].as_array().unwrap();
        rows.iter()
            .any(|key| key["name"] == "crm" && key["state"] == "active")
    });
    let left = ours();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_ne!(left[0], orphan);
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
}
