//! Operating a server: reading the configuration again while it runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Server, call, run};

/// Waits until something is so.
fn until(so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never is");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Replaces a line of the configuration.
fn set(folder: &Path, from: &str, to: &str) {
    let path = folder.join("doorward.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_configuration_is_taken_while_the_server_runs_or_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let none = run(path, &["reload"]).ended(1);
    assert!(none.stderr.contains("no server runs"), "{none:?}");
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let page = |path: &str| {
        call(
            "GET",
            &format!("{}{path}", server.text("gateway_url")),
            None,
            None,
        )
    };
    assert_ne!(page("/metrics").status, 200, "it is off");

    let log = || fs::read_to_string(&server.log).unwrap();
    // A fault refuses what is right beside it.
    set(path, "access = \"off\"", "access = \"open\"");
    set(path, "connections = 1024", "conections = 1024");
    set(path, "drain = 30", "drain = 0");
    let refused = run(path, &["reload"]).ended(2);
    for told in ["doorward.toml:", "conections", "gateway.seconds.drain"] {
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    assert_ne!(page("/metrics").status, 200, "what was in force stays");
    server.signal(Signal::HUP);
    until(|| log().contains("what was in force stays"));

    set(path, "conections = 1024", "connections = 1025");
    set(path, "drain = 0", "drain = 3");
    let taken = run(path, &["reload", "--json"]).ended(0).json();
    assert_eq!(
        taken,
        json!({
            "changed": ["gateway.seconds.drain", "metrics"],
            "restart_needed": ["gateway.connections"],
        })
    );
    assert_eq!(page("/metrics").status, 200);
    // SIGHUP does the same.
    set(path, "access = \"open\"", "access = \"off\"");
    server.signal(Signal::HUP);
    until(|| page("/metrics").status != 200);
    assert!(log().contains("gateway.connections"), "{}", log());

    // Who did it is on record, with what was changed and what came of what was refused.
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    let shown = run(
        path,
        &["audit", "search", "--operation", "server.reload", "--json"],
    );
    let shown = shown.ended(0).stdout;
    assert!(shown.contains("\"configuration\""), "{shown}");
    assert!(shown.contains("gateway.seconds.drain"), "{shown}");
    assert!(shown.contains("refused"), "{shown}");
}
