//! A client key is replaced, and for a while both are valid.

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Demo, Server};

fn millis(value: &Value) -> i64 {
    let time: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

const HOUR: i64 = 3_600_000;

#[test]
fn both_keys_are_valid_for_the_overlap_and_the_last_use_of_each_is_shown() {
    let demo = Demo::up();
    demo.run(&["client", "create", "crm", "-u", "reader"])
        .ended(0);
    let issue = |arguments: &[&str]| {
        let all: Vec<&str> = ["key", "issue", "crm", "--json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        demo.run(&all).ended(0).json()
    };
    let (soon, old) = (issue(&["--expires-in=1h"]), issue(&["--expires-in=90d"]));
    let rotated = demo
        .run(&["key", "rotate", "crm", "--overlap=24h", "--json"])
        .ended(0)
        .json();
    let now = jiff::Timestamp::now().as_millisecond();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let status = |key: &str| demo.call("GET", "/api/v2/campaigns", key, None).status;
    for key in [&old, &rotated] {
        assert_eq!(status(&text(&key["key"])), 200);
    }
    // The old ones end with the overlap, or earlier if they did already.
    let replaced = rotated["replaced"].as_array().unwrap();
    assert_eq!(replaced.len(), 2, "{rotated}");
    for key in replaced {
        let left = millis(&key["expires_at"]) - now;
        let expected = if key["id"] == soon["id"] {
            HOUR
        } else {
            24 * HOUR
        };
        assert!(
            (expected - 60_000..=expected).contains(&left),
            "{key} {left}"
        );
        assert_eq!(key["status"], "active");
        assert!(key.get("key").is_none());
    }
    // The new one lasts as long as the one that it replaces.
    let left = millis(&rotated["expires_at"]) - now;
    assert!((90 * 24 * HOUR - 60_000..=90 * 24 * HOUR).contains(&left));

    // The last use outlives the server.
    let Demo { folder, server } = demo;
    server.end(Signal::TERM);
    let server = Server::start(folder.path(), &["up"]);
    let demo = Demo { folder, server };
    let listed = demo.run(&["key", "list", "crm", "--json"]).ended(0).json();
    let used = |id: &Value| {
        let all = listed.as_array().unwrap();
        let key = all.iter().find(|key| key["id"] == *id).unwrap();
        key["last_used_at"].is_string()
    };
    assert!(
        used(&old["id"]) && used(&rotated["id"]) && !used(&soon["id"]),
        "{listed}"
    );

    let status = |key: &str| demo.call("GET", "/api/v2/campaigns", key, None).status;
    // At once.
    let last = demo
        .run(&["key", "rotate", "crm", "--overlap", "0", "--json"])
        .ended(0)
        .json();
    for key in [&soon, &old, &rotated] {
        assert_eq!(status(&text(&key["key"])), 401);
    }
    assert_eq!(status(&text(&last["key"])), 200);
    assert_eq!(last["replaced"].as_array().unwrap().len(), 3);
    assert!(
        last["replaced"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["status"] == "revoked")
    );

    // For people the new key alone is on stdout, and the ledger tells it without a key.
    let plain = demo.run(&["key", "rotate", "crm"]).ended(0);
    assert_eq!(status(plain.stdout.trim_end()), 200);
    assert!(plain.stderr.contains("is valid until"), "{}", plain.stderr);
    let told = demo
        .run(&["audit", "search", "--action", "client_key.rotate", "--json"])
        .ended(0)
        .stdout;
    for secret in [&soon, &old, &rotated, &last].map(|key| text(&key["key"])) {
        let secret = secret.rsplit('_').next().unwrap().to_owned();
        assert!(!told.contains(&secret));
    }
    let done: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("\"success\""))
        .collect();
    assert_eq!(done.len(), 3, "{told}");
    assert!(
        done.iter().any(|line| line.contains(&text(&old["id"]))),
        "{told}"
    );
}

#[test]
fn one_key_alone_is_replaced_and_what_does_not_fit_changes_nothing() {
    let demo = Demo::up();
    demo.run(&["client", "create", "crm", "-u", "reader"])
        .ended(0);
    for (arguments, says) in [
        (&["crm"][..], "has no key in force; issue one"),
        (&["crm", "--overlap=31d"], "30 days at the most"),
        (&["crm", "--overlap=soon"], "90d"),
        (&["crm", "--key=short"], "12 letters and digits"),
        (
            &["crm", "--key=000000000000"],
            "has no key in force with the id 0",
        ),
    ] {
        let all: Vec<&str> = ["key", "rotate"].iter().chain(arguments).copied().collect();
        let refused = demo.run(&all).ended(2);
        assert!(refused.stderr.contains(says), "{says}: {refused:?}");
        assert!(refused.stdout.is_empty());
    }
    let issue = || demo.run(&["key", "issue", "crm", "--json"]).ended(0).json();
    let (one, two) = (issue(), issue());
    let id = one["id"].as_str().unwrap();
    let rotated = demo
        .run(&["key", "rotate", "crm", "--key", id, "--overlap=0", "--json"])
        .ended(0)
        .json();
    let status = |key: &Value| {
        let key = key["key"].as_str().unwrap();
        demo.call("GET", "/api/v2/campaigns", key, None).status
    };
    assert_eq!([&one, &two, &rotated].map(status), [401, 200, 200]);
    assert!(
        rotated["expires_at"].is_null(),
        "as the one before: {rotated}"
    );
    let ended = demo
        .run(&["key", "rotate", "crm", "--expires-in=7d", "--json"])
        .ended(0)
        .json();
    assert!(ended["expires_at"].is_string());
    // What was revoked is not brought back to life.
    assert_eq!(ended["replaced"].as_array().unwrap().len(), 2);
    assert_eq!([&one, &two, &rotated].map(status), [401, 200, 200]);
}
