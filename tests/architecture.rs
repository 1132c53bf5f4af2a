//! The crates' order, held against the tree of real dependencies.

#![cfg(test)]

use std::path::Path;
use std::process::Command;

/// Crates that decide and do nothing: no runtime, no HTTP, no database beneath them.
const PURE: [&str; 10] = [
    "doorward-catalog",
    "doorward-policy",
    "doorward-condition",
    "doorward-pace",
    "doorward-keys",
    "doorward-veil",
    "doorward-webhook",
    "doorward-ledger",
    "doorward-finding",
    "doorward-scan",
];

/// What a pure crate must not link.
const IMPURE: [&str; 9] = [
    "tokio",
    "hyper",
    "hyper-util",
    "reqwest",
    "axum",
    "rusqlite",
    "libsqlite3-sys",
    "rustls",
    "mio",
];

/// The arrows: a crate may use those before it, never those after it.
const ORDER: [&str; 21] = [
    "doorward-catalog",
    "doorward-policy",
    "doorward-condition",
    "doorward-pace",
    "doorward-keys",
    "doorward-veil",
    "doorward-webhook",
    "doorward-ledger",
    "doorward-finding",
    "doorward-scan",
    "doorward-secrets",
    "doorward-upstream",
    "doorward-store",
    "doorward-audit",
    "doorward-alert",
    "doorward-wire",
    "doorward-gateway",
    "doorward-relay",
    "doorward-posture",
    "doorward-sandbox",
    "doorward",
];

fn linked_by(package: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--all-features",
            "-p",
            package,
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(names.first().map(String::as_str), Some(package));
    names
}

#[test]
fn pure_crates_link_no_runtime() {
    for package in PURE {
        let linked = linked_by(package);
        for impure in IMPURE {
            assert!(
                !linked.iter().any(|name| name == impure),
                "{package} links {impure}"
            );
        }
    }
    // The test can fail: the gateway links what the pure crates must not.
    assert!(
        linked_by("doorward-gateway")
            .iter()
            .any(|name| name == "tokio")
    );
}

#[test]
fn arrows_go_down_the_list() {
    for (at, package) in ORDER.iter().enumerate() {
        let linked = linked_by(package);
        for later in &ORDER[at + 1..] {
            assert!(
                !linked.iter().any(|name| name == later),
                "{package} uses {later}"
            );
        }
    }
}

#[test]
fn every_crate_is_in_the_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for entry in std::fs::read_dir(folder).expect("crates/") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let package = if name == "doorward" {
            name
        } else {
            format!("doorward-{name}")
        };
        assert!(
            ORDER.contains(&package.as_str()),
            "{package} has no place in the order"
        );
    }
}

#[test]
fn the_sandbox_does_not_decide_by_the_policy() {
    let linked = linked_by("doorward-sandbox");
    assert!(!linked.iter().any(|name| name == "doorward-policy"));
}
