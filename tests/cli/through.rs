//! The way through: what a run's command is told, where it gets to, and the local authority.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Demo, Ran, Server, doorward, run};

fn value<'r>(ran: &'r Ran, name: &str) -> Option<&'r str> {
    let start = format!("{name}=");
    ran.stdout
        .lines()
        .find_map(|line| line.strip_prefix(&start))
}

#[test]
fn a_command_is_led_through_a_proxy_of_its_own() {
    let demo = Demo::up();
    let mut command = doorward(demo.path());
    command
        .args([
            "run",
            "--as",
            "lead-import",
            "--key-variable",
            "OTHER_KEY",
            "--",
        ])
        .args(["sh", "-c", "env; cat $SSL_CERT_FILE >&2"])
        .env("NO_PROXY", "*")
        .env("no_proxy", "api.instantly.ai")
        .env("NODE_OPTIONS", "--no-warnings");
    let ran = Ran::of(command.output().unwrap()).ended(0);
    let proxy = value(&ran, "HTTPS_PROXY").unwrap();
    assert!(
        proxy.starts_with("http://run:") && proxy.contains("@127.0.0.1:"),
        "{proxy}"
    );
    assert_eq!(value(&ran, "https_proxy"), Some(proxy));
    assert_eq!(value(&ran, "OTHER_KEY"), value(&ran, "INSTANTLY_API_KEY"));
    for name in ["NO_PROXY", "no_proxy", "HTTP_PROXY"] {
        assert_eq!(value(&ran, name), None, "{name}");
    }
    let options = value(&ran, "NODE_OPTIONS").unwrap();
    assert!(
        options.starts_with("--no-warnings --require \"/"),
        "{options}"
    );
    let ours = demo.run(&["ca", "export"]).ended(0).stdout;
    let body: String = ours.lines().filter(|line| !line.starts_with('-')).collect();
    let trusted: String = ran.stderr.lines().collect();
    assert!(trusted.contains(&body), "{}", ran.stderr);
    // The files are gone with the run.
    assert!(!fs::exists(value(&ran, "SSL_CERT_FILE").unwrap()).unwrap());

    let without = demo
        .run(&["run", "--as", "lead-import", "--no-proxy", "--", "env"])
        .ended(0);
    assert_eq!(value(&without, "HTTPS_PROXY"), None);
    assert!(value(&without, "INSTANTLY_API_KEY").is_some());
}

#[test]
fn the_authority_is_shown_exported_and_kept_for_its_owner() {
    let demo = Demo::up();
    let shown = demo.run(&["ca", "show", "--json"]).ended(0).json();
    assert_eq!(shown["hosts"], serde_json::json!(["api.instantly.ai"]));
    let path = demo.run(&["ca", "path"]).ended(0).stdout;
    let exported = demo.run(&["ca", "export"]).ended(0).stdout;
    assert_eq!(fs::read_to_string(path.trim_end()).unwrap(), exported);
    assert!(!exported.contains("PRIVATE"));
    let key = demo.path().join(".doorward/ca/authority.json");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = demo
        .run(&["run", "--as", "lead-import", "--", "true"])
        .ended(2);
    assert!(refused.stderr.contains("chmod 600"), "{refused:?}");
}

#[test]
fn a_run_without_a_server_brings_one() {
    let sandbox_folder = tempfile::tempdir().unwrap();
    let sandbox = Server::start(sandbox_folder.path(), &["sandbox"]);
    let folder = tempfile::tempdir().unwrap();
    let here = |arguments: &[&str]| run(folder.path(), arguments);
    here(&["init"]).ended(0);
    let key = sandbox.ready["workspaces"][0]["keys"][0]["key"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", sandbox.ready));
    let file = folder.path().join("upstream.key");
    fs::write(&file, key).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let reference = format!("file://{}", file.display());
    let url = sandbox.text("url");
    here(&[
        "workspace",
        "add",
        "acme",
        "--key-from",
        &reference,
        "--base-url",
        &url,
        "--sandbox",
    ])
    .ended(0);
    here(&["client", "create", "reader", "-u", "reader"]).ended(0);
    let script = "curl -s -w ' %{http_code}' -H \"Authorization: Bearer $INSTANTLY_API_KEY\" \
                  https://api.instantly.ai/api/v2/campaigns";
    let ran = here(&["run", "--as", "reader", "--", "sh", "-c", script]).ended(0);
    assert!(
        ran.stdout.contains("\"items\"") && ran.stdout.ends_with(" 200"),
        "{ran:?}"
    );
    let keys = here(&["key", "list", "reader", "--json"]).ended(0).json();
    assert!(
        keys.as_array()
            .unwrap()
            .iter()
            .all(|key| key["status"] != "active"),
        "{keys}"
    );
    assert!(sandbox.end(Signal::TERM).success());
}

#[test]
fn a_real_key_at_the_door_is_a_finding() {
    let demo = Demo::up();
    let real = fs::read_to_string(demo.path().join(".doorward/secrets/upstream-wide.key")).unwrap();
    for _ in 0..3 {
        let answer = demo.call("GET", "/api/v2/campaigns", real.trim_end(), None);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.body["doorward"]["reason"], "upstream_key_presented");
        assert!(!answer.body.to_string().contains(real.trim_end()));
    }
    // It is recorded in the background.
    let mut found = demo.run(&["audit", "search", "--json"]).ended(0);
    for _ in 0..100 {
        if found.stdout.contains("\"gateway.upstream_key_presented\"") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        found = demo.run(&["audit", "search", "--json"]).ended(0);
    }
    assert!(!found.stdout.contains(real.trim_end()));
    let entries: Vec<Value> = found
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let entries = entries.iter().flat_map(|entry| match entry {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    });
    let kinds = entries.filter(|entry| entry["kind"] == "finding").count();
    assert_eq!(kinds, 1, "told once: {}", found.stdout);
}
