//! The pace and safe writes: their settings taken while the server runs, and what is told of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Server, call, run};
use crate::operate::until;

fn set(folder: &Path, from: &str, to: &str) {
    let path = folder.join("doorward.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

/// Puts a key of the sandbox's where Doorward reads it.
fn keep_key(folder: &Path, sandbox: &Value, workspace: usize) -> String {
    use std::os::unix::fs::PermissionsExt;
    let keys = sandbox["workspaces"][workspace]["keys"].as_array().unwrap();
    let wide = keys.iter().find(|key| key["name"] == "full-automation");
    let key = wide.or(keys.first());
    let path = folder.join(format!("upstream-{workspace}"));
    fs::write(&path, key.unwrap()["key"].as_str().unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("file://{}", path.display())
}

/// Writes a lead under an idempotency key; the answer's status.
fn write(gateway: &str, key: &str, email: &str) -> u16 {
    let address = gateway.strip_prefix("http://").unwrap();
    let body = json!({ "email": email }).to_string();
    let request = format!(
        "POST /api/v2/leads HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\nidempotency-key: \"one\"\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{text}"))
}

fn add(folder: &Path, name: &str, url: &str, reference: &str) {
    let add = ["workspace", "add", name, "--sandbox", "--base-url", url];
    let with = ["--key-from", reference];
    run(folder, &[&add[..], &with[..]].concat()).ended(0);
}

#[test]
fn other_limits_and_bounds_count_from_the_next_call_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sandbox = Server::start(path, &["sandbox", "--seed", "3"]);
    let url = sandbox.text("url");
    run(path, &["init"]).ended(0);
    set(path, "per_second = 100", "per_second = 50");
    set(path, "per_minute = 6000", "per_minute = 1000");
    set(path, "access = \"off\"", "access = \"open\"");
    add(path, "acme", &url, &keep_key(path, &sandbox.ready, 0));
    let create = ["client", "create", "one", "-e", "production"];
    let uses = ["-u", "lead-import", "-u", "analytics-dashboard"];
    run(path, &[&create[..], &uses[..]].concat()).ended(0);
    let key = run(path, &["key", "issue", "one"]).ended(0).stdout;
    let key = key.trim_end();
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let gateway = server.text("gateway_url");
    let campaigns = format!("{gateway}/api/v2/campaigns?limit=1");
    let metrics = || {
        let page = call("GET", &format!("{gateway}/metrics"), None, None);
        page.body.as_str().unwrap_or_default().to_owned()
    };

    let answer = call("GET", &campaigns, Some(key), None);
    let policy = "\"second\";q=45;w=1, \"minute\";q=900;w=60";
    assert_eq!(answer.header("ratelimit-policy"), policy, "{answer:?}");
    let status = run(path, &["status", "--json"]).json();
    let pace = &status["health"]["pace"];
    let acme = &pace["workspaces"][0];
    assert_eq!(acme["workspace"], "acme", "{status}");
    assert_eq!(acme["second"]["budget"], 45);
    assert_eq!(acme["minute"]["budget"], 900);
    assert!(acme["minute"]["used"].as_u64().unwrap() >= 1, "{acme}");
    assert_eq!(
        (&acme["waiting"], &acme["percent"]),
        (&json!(0), &json!(100))
    );
    let table = run(path, &["status"]).stdout;
    for told in ["PACE OF", "acme", "of 45", "of 900", "whole"] {
        assert!(table.contains(told), "{told}: {table}");
    }

    // A key that is tried waits for its turn as every call does.
    let turns = pace["at_once"].as_u64().unwrap();
    add(path, "other", &url, &keep_key(path, &sandbox.ready, 1));
    let status = run(path, &["status", "--json"]).json();
    let after = status["health"]["pace"]["at_once"].as_u64().unwrap();
    assert!(after > turns, "{turns} to {after}");

    // A write under a key, and what is told of it.
    let write = |email: &str| write(&gateway, key, email);
    assert_eq!(write("a@example.com"), 200);
    assert_eq!(write("a@example.com"), 200, "its answer again");
    assert_eq!(write("b@example.com"), 422);
    until(|| metrics().contains("idempotency_writes_total{what=\"kept\"} 1"));
    let told = metrics();
    for line in [
        "idempotency_writes_total{what=\"replayed\"} 1",
        "idempotency_writes_total{what=\"outcome_unknown\"} 0",
        "idempotency_in_flight 0",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }

    set(path, "per_second = 50", "per_second = 20");
    set(path, "as_workspace = \"both\"", "as_workspace = \"sub\"");
    set(
        path,
        "[idempotency]\nenabled = true",
        "[idempotency]\nenabled = false",
    );
    set(path, "\nhours = 24", "\nhours = 23");
    let taken = run(path, &["reload", "--json"]).ended(0).json();
    assert_eq!(
        taken,
        json!({"changed": ["pace", "idempotency.enabled"], "restart_needed": ["idempotency.hours"]})
    );
    let answer = call("GET", &campaigns, Some(key), None);
    let policy = "\"second\";q=18;w=1, \"minute\";q=900;w=60";
    assert_eq!(answer.header("ratelimit-policy"), policy);
    assert_eq!(write("b@example.com"), 200, "keys are passed over");
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    sandbox.end(Signal::TERM);
}
