//! `run` and `env`: what programs get, and what is kept from them.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Demo, Ran, doorward};

fn upstream_key(demo: &Demo) -> String {
    fs::read_to_string(demo.path().join(".doorward/secrets/upstream-wide.key")).unwrap()
}

#[test]
fn a_command_gets_the_client_key_and_no_real_one() {
    let demo = Demo::up();
    let real = upstream_key(&demo);
    let mut command = doorward(demo.path());
    command
        .args(["run", "--as", "lead-import", "--", "env"])
        .env("INSTANTLY_API_KEY", &real)
        .env("HEADER", format!("Authorization: Bearer {real}"))
        .env("CONFIG", format!("{{\"key\":\"{real}\"}}"))
        .env("UNRELATED", "kept");
    let ran = Ran::of(command.output().unwrap()).ended(0);
    assert!(!ran.stdout.contains(&real) && !ran.stderr.contains(&real));
    let gateway = demo.server.text("gateway_url");
    for line in [
        format!("INSTANTLY_API_KEY={}", demo.key("lead-import")),
        format!("INSTANTLY_BASE_URL={gateway}/api/v2"),
        format!("INSTANTLY_API_URL={gateway}/api/v2"),
        format!("DOORWARD_GATEWAY_URL={gateway}"),
        "UNRELATED=kept".to_owned(),
    ] {
        assert!(
            ran.stdout.lines().any(|found| found == line),
            "{line}: {}",
            ran.stdout
        );
    }
    assert!(!ran.stdout.contains("HEADER=") && !ran.stdout.contains("CONFIG="));
    // That it was handed a key is on record.
    let search = ["audit", "search", "--action", "run.start", "--json"];
    let entries = demo.run(&search).ended(0).stdout;
    let begun = entries.lines().find(|line| line.contains("\"pending\""));
    let begun = begun.unwrap_or_else(|| panic!("{entries}"));
    for told in ["lead-import", "\"program\":\"env\""] {
        assert!(begun.contains(told), "{told}: {begun}");
    }
    assert!(!entries.contains(&demo.key("lead-import")));
}

/// What the operator's shell has, and what the configuration takes from it, is none of the command's.
#[test]
fn nothing_of_doorwards_own_is_left_in_the_environment() {
    let demo = Demo::up();
    let workspaces = demo.run(&["workspace", "list", "--json"]).ended(0).json();
    let config = r#"
[audit]
[[audit.sink]]
to = "https"
url = "env://SINK_URL"
secret = "env://SINK_SECRET"
[ledger]
pages_token = "env://PAGES_TOKEN"
[ledger.transit]
url = "https://vault.example"
key = "k"
token = "env://TRANSIT_TOKEN"
[[alerts.channel]]
to = "slack"
url = "env://CHAT_URL"
[metrics]
token = "env://METRICS_TOKEN"
[traces]
authorization = "env://TRACES_AUTHORIZATION"
"#;
    let file = demo.path().join("other.toml");
    fs::write(&file, config).unwrap();
    let token = demo.path().join("token");
    let made = demo.run(&["admin", "token", "create", "ann", "--json"]);
    let held = made.ended(0).json()["token"].as_str().unwrap().to_owned();
    fs::write(&token, &held).unwrap();
    let referred = [
        "SINK_URL",
        "SINK_SECRET",
        "PAGES_TOKEN",
        "TRANSIT_TOKEN",
        "CHAT_URL",
        "METRICS_TOKEN",
        "TRACES_AUTHORIZATION",
    ];
    let mut command = doorward(demo.path());
    command
        .args(["run", "--as", "lead-import", "--", "env"])
        .env("DOORWARD_CONFIG", &file)
        .env("DOORWARD_DATA_DIR", demo.path().join(".doorward"))
        .env(
            "DOORWARD_WORKSPACE",
            workspaces[0]["name"].as_str().unwrap(),
        )
        .env("DOORWARD_GATEWAY_URL", demo.server.text("gateway_url"))
        .env("DOORWARD_LOG", "warn")
        .env("DOORWARD_ADMIN_TOKEN_FILE", &token)
        .env("DOORWARD_CLIENT_KEY", "canary")
        .env("DOORWARD_OF_A_LATER_VERSION", "canary")
        .env("UNRELATED", "kept");
    for name in referred {
        command.env(name, "canary");
    }
    for token in [None, Some(&held)] {
        if let Some(token) = token {
            command.env("DOORWARD_ADMIN_TOKEN", token);
        }
        let ran = Ran::of(command.output().unwrap()).ended(0);
        assert!(!ran.stdout.contains("canary") && !ran.stdout.contains(&held));
        let of_doorward = ran
            .stdout
            .lines()
            .filter(|line| line.starts_with("DOORWARD_"));
        let gateway = format!("DOORWARD_GATEWAY_URL={}", demo.server.text("gateway_url"));
        assert_eq!(of_doorward.collect::<Vec<_>>(), [gateway.as_str()]);
        assert!(ran.stdout.lines().any(|line| line == "UNRELATED=kept"));
        for name in referred {
            assert!(!ran.stdout.contains(&format!("{name}=")), "{name}");
        }
    }
}

#[test]
fn the_end_of_the_command_is_passed_on_and_its_key_revoked() {
    let demo = Demo::up();
    demo.run(&["client", "create", "worker", "-u", "reader"])
        .ended(0);
    let script = "echo $INSTANTLY_API_KEY; exit 42";
    let ran = demo
        .run(&["run", "--as", "worker", "--", "sh", "-c", script])
        .ended(42);
    let key = ran.stdout.trim_end();
    assert!(key.starts_with("dwk_d_"), "{ran:?}");
    assert_eq!(demo.call("GET", "/api/v2/campaigns", key, None).status, 401);
    demo.run(&["run", "--as", "worker", "--", "sh", "-c", "kill -9 $$"])
        .ended(128 + 9);
    demo.run(&["run", "--as", "worker", "--", "/nowhere/command"])
        .ended(2);
    let keys = demo
        .run(&["key", "list", "worker", "--json"])
        .ended(0)
        .json();
    let active = keys
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["status"] == "active")
        .count();
    assert_eq!((keys.as_array().unwrap().len(), active), (3, 0));
}

#[test]
fn signals_reach_the_command() {
    let demo = Demo::up();
    let ready = demo.path().join("ready");
    let script = format!(
        "trap 'kill $sleep; exit 33' TERM; sleep 60 & sleep=$!; : > {}; wait",
        ready.display()
    );
    let mut command = doorward(demo.path());
    command.args(["run", "--as", "lead-import", "--", "sh", "-c", &script]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !ready.exists() {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(33));
}

#[test]
fn settings_are_written_for_where_they_are_used() {
    let demo = Demo::up();
    let (key, gateway) = (demo.key("lead-import"), demo.server.text("gateway_url"));
    let real = upstream_key(&demo);
    for (format, wanted) in [
        ("dotenv", format!("INSTANTLY_BASE_URL={gateway}/api/v2")),
        (
            "shell",
            format!("export INSTANTLY_BASE_URL='{gateway}/api/v2'"),
        ),
        (
            "compose",
            "INSTANTLY_BASE_URL: \"http://host.docker.internal:".to_owned(),
        ),
        ("k8s", "name: INSTANTLY_BASE_URL".to_owned()),
    ] {
        let known = demo
            .run(&["env", "lead-import", "--format", format])
            .ended(0);
        assert!(known.stdout.contains(&wanted), "{known:?}");
        assert!(known.stdout.contains(&key), "{known:?}");
        assert!(!known.stdout.contains(&real));
    }
    // The shell's form does what it says.
    let mut shell = std::process::Command::new("sh");
    let script = "eval \"$($0 env lead-import --format shell)\"; echo $INSTANTLY_API_KEY";
    shell
        .args(["-c", script, env!("CARGO_BIN_EXE_doorward")])
        .current_dir(demo.path());
    assert_eq!(
        String::from_utf8(shell.output().unwrap().stdout)
            .unwrap()
            .trim_end(),
        key
    );

    // Of another client the key is not known.
    demo.run(&["client", "create", "other", "-u", "reader"])
        .ended(0);
    let unknown = demo.run(&["env", "other"]).ended(0);
    assert!(
        unknown.stdout.contains("INSTANTLY_API_KEY=<client key>"),
        "{unknown:?}"
    );
    assert!(
        unknown.stderr.contains("doorward key issue other"),
        "{unknown:?}"
    );
    let json = demo.run(&["env", "other", "--json"]).ended(0).json();
    assert_eq!(json["key_known"], false);
}
