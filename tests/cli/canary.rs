//! Upstream keys are in the files they are kept in, and nowhere else.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::Demo;

/// Every file below a folder with its content, but for the folders left out.
pub(crate) fn files(folder: &Path, left_out: &[&str], found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = entry.path();
        if path.is_dir() && !left_out.contains(&name.as_str()) {
            files(&path, left_out, found);
        } else if path.is_file() {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

pub(crate) fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[test]
fn no_upstream_key_is_written_shown_or_logged() {
    let demo = Demo::up();
    let mut secrets = Vec::new();
    files(&demo.path().join(".doorward/secrets"), &[], &mut secrets);
    let upstream: Vec<String> = secrets
        .into_iter()
        .filter(|(path, _)| path.contains("upstream-"))
        .map(|(_, text)| String::from_utf8(text).unwrap().trim_end().to_owned())
        .collect();
    assert_eq!(upstream.len(), 6);

    // Use every key, and every command that could show one.
    let mut written = Vec::new();
    let mut keep = |arguments: &[&str]| {
        let ran = demo.run(arguments);
        written.push((
            format!("{arguments:?}"),
            (ran.stdout + &ran.stderr).into_bytes(),
        ));
    };
    keep(&[
        "api",
        "GET",
        "campaigns",
        "--as",
        "analytics-dashboard",
        "--include",
    ]);
    keep(&[
        "api",
        "POST",
        "leads",
        "-F",
        "email=a@example.com",
        "--as",
        "lead-import",
    ]);
    keep(&[
        "api",
        "POST",
        "campaigns",
        "-F",
        "name=x",
        "--as",
        "campaign-launcher",
        "--json",
    ]);
    keep(&["api", "GET", "webhooks", "--as", "full-automation"]);
    keep(&["api", "GET", "api-keys", "--as", "full-automation"]);
    keep(&["workspace", "list", "--json"]);
    keep(&["workspace", "show", "demo"]);
    keep(&["workspace", "show", "demo", "--json"]);
    keep(&[
        "workspace",
        "add",
        "demo",
        "--key-from",
        "file:secrets/upstream-reader.key",
    ]);
    keep(&["client", "list", "--json"]);
    keep(&["client", "show", "full-automation", "--json"]);
    keep(&["env", "lead-import", "--format", "k8s"]);
    keep(&["run", "--as", "lead-import", "--", "env"]);
    // An answer that echoes its request's key comes through without harm too.
    let key = demo.key("full-automation");
    let echoed = demo.call(
        "PATCH",
        "/api/v2/workspaces/current",
        &key,
        Some(json!({"name": upstream[0]})),
    );
    assert!(echoed.status < 500, "{echoed:?}");
    let control = demo.server.text("sandbox_control_url");

    let mut found = written;
    found.push((
        "ready".to_owned(),
        demo.server.ready.to_string().into_bytes(),
    ));
    let log = demo.server.log.clone();
    let Demo { folder, server } = demo;
    server.end(rustix::process::Signal::TERM);
    assert!(
        fs::read(&log).unwrap().len() > 100,
        "the log of {control} is empty"
    );
    // The sandbox's own folder is Instantly's side: it knows its keys.
    files(folder.path(), &["secrets", "sandbox"], &mut found);
    assert!(
        found.iter().any(|(path, _)| path.ends_with("doorward.db")),
        "nothing was looked at"
    );
    for (place, content) in &found {
        for (n, key) in upstream.iter().enumerate() {
            // Nor any part of it that would be worth having.
            let tail = &key[key.len() - 24..];
            assert!(
                !holds(content, key) && !holds(content, tail),
                "key {n} is in {place}"
            );
        }
    }
    // The client keys are in the demo's notes alone.
    for (place, content) in &found {
        if place.ends_with(".db") || place.contains("ledger") {
            assert!(!holds(content, &key), "a client key is in {place}");
        }
    }
}
