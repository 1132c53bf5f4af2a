//! `up`: ready when it says so, kept across restarts, one at a time, and its advice works.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Demo, Server, call, doorward, run};

#[test]
fn the_first_line_tells_all_and_everything_answers() {
    let demo = Demo::up();
    let ready = &demo.server.ready;
    let gateway = demo.server.text("gateway_url");
    assert_eq!(
        call("GET", &format!("{gateway}/healthz"), None, None).status,
        200
    );
    let control = format!("{}/state", demo.server.text("sandbox_control_url"));
    assert_ne!(call("GET", &control, None, None).status, 502);
    assert!(demo.server.text("workspace_id").starts_with("ws_"));
    let data = std::path::PathBuf::from(demo.server.text("data_dir"));
    assert_eq!(data, demo.path().canonicalize().unwrap().join(".doorward"));

    let names: Vec<&str> = ready["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    for wanted in [
        "analytics-dashboard",
        "lead-import",
        "campaign-launcher",
        "full-automation",
    ] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    for client in ready["clients"].as_array().unwrap() {
        assert_eq!(client["use_case"], client["name"]);
        assert_eq!(client["environment"], "production");
        assert!(client["key"].as_str().unwrap().starts_with("dwk_p_"));
        assert!(!client["scopes"].as_array().unwrap().is_empty());
    }
    // Nobody else may look in.
    let mode = |path: &str| data.join(path).metadata().unwrap().permissions().mode() & 0o777;
    for (path, wanted) in [
        ("", 0o700),
        ("secrets", 0o700),
        ("admin.sock", 0o600),
        ("demo.json", 0o600),
        ("doorward.db", 0o600),
        ("ledger", 0o700),
        ("ledger.pub", 0o600),
        ("secrets/ledger-key", 0o600),
        ("secrets/pepper", 0o600),
        ("secrets/upstream-reader.key", 0o600),
    ] {
        assert_eq!(mode(path), wanted, "{path}");
    }
}

#[test]
fn a_restart_keeps_everything_and_each_signal_ends_it_well() {
    let demo = Demo::up();
    let key = demo.key("lead-import");
    let made = demo.call(
        "POST",
        "/api/v2/leads",
        &key,
        Some(json!({"email": "kept@example.com"})),
    );
    assert_eq!(made.status, 200, "{made:?}");
    let before = demo.server.ready.clone();
    let Demo { folder, server } = demo;
    assert_eq!(server.end(Signal::TERM).code(), Some(0));

    let demo = Demo {
        server: Server::start(folder.path(), &["up"]),
        folder,
    };
    assert_eq!(demo.server.ready["clients"], before["clients"]);
    assert_eq!(demo.server.ready["workspace_id"], before["workspace_id"]);
    let id = made.body["id"].as_str().unwrap();
    let found = demo.call("GET", &format!("/api/v2/leads/{id}"), &key, None);
    assert_eq!(
        (found.status, &found.body["email"]),
        (200, &json!("kept@example.com"))
    );
    assert_eq!(demo.server.end(Signal::INT).code(), Some(0));
    assert!(!folder_socket(&demo.folder).exists());
}

fn folder_socket(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join(".doorward/admin.sock")
}

#[test]
fn a_killed_demo_comes_back() {
    let Demo { folder, server } = Demo::up();
    let before = server.ready.clone();
    server.end(Signal::KILL);
    assert!(folder_socket(&folder).exists());
    let server = Server::start(folder.path(), &["up"]);
    assert_eq!(server.ready["clients"], before["clients"]);
}

#[test]
fn a_second_one_is_told_of_the_first() {
    let demo = Demo::up();
    let second = demo.run(&["up", "--json"]).ended(2);
    assert!(second.stdout.is_empty(), "{second:?}");
    assert!(second.stderr.contains("already"), "{second:?}");
    assert!(
        second.stderr.contains(&demo.server.text("gateway_url")),
        "{second:?}"
    );
    // In a folder of its own it is welcome.
    Server::start(demo.path(), &["up", "--data-dir", "another"]);
}

#[test]
fn given_ports_are_taken_and_taken_ones_are_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    for option in ["--listen", "--sandbox-listen"] {
        let ended = run(folder.path(), &["up", option, &address]).ended(2);
        assert!(
            ended.stderr.contains("another program listens there"),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(&address), "{ended:?}");
    }
    drop(taken);
    let server = Server::start(folder.path(), &["up", "--listen", &address]);
    assert_eq!(server.text("gateway_url"), format!("http://{address}"));
}

#[test]
fn the_commands_it_prints_work_when_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = doorward(folder.path());
    let mut up = up.arg("up").stdout(Stdio::piped()).spawn().unwrap();
    let stdout = up.stdout.take().unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        use std::io::BufRead;
        for line in std::io::BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
        {
            let last = line.contains("Ctrl-C ends it");
            let _ = send.send(line);
            if last {
                break;
            }
        }
    });
    let lines: Vec<String> = receive.iter().collect();
    let commands: Vec<&String> = lines
        .iter()
        .filter(|l| l.starts_with("  ") && !l.starts_with("  #"))
        .collect();
    assert_eq!(commands.len(), 4, "{lines:#?}");

    let paste = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder.path());
        let output = shell.output().unwrap();
        let body = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        body.unwrap_or_else(|error| panic!("{command}: {error}: {output:?}"))
    };
    if Command::new("curl").arg("--version").output().is_ok() {
        assert_eq!(paste(commands[0])["items"].as_array().unwrap().len(), 2);
        let refused = paste(commands[1]);
        assert_eq!(refused["statusCode"], 403);
        assert_eq!(refused["doorward"]["reason"], "scope_missing");
    }
    assert_eq!(paste(commands[2])["email"], "ada@example.com");
    if Command::new("curl").arg("--version").output().is_ok() {
        let arrived = paste(commands[3]);
        let reply = &arrived[0]["payload"];
        assert_eq!(reply["event_type"], "reply_received", "{arrived}");
    }
    up.kill().unwrap();
    up.wait().unwrap();
}

#[test]
fn the_state_of_a_server_is_not_made_a_demo_of() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ended(0);
    run(folder.path(), &["client", "list", "--all-workspaces"]).ended(0);
    let ended = run(folder.path(), &["up"]).ended(2);
    assert!(ended.stderr.contains("choose another folder"), "{ended:?}");

    let demo = Demo::up();
    let Demo { folder, server } = demo;
    server.end(Signal::TERM);
    let ended = run(folder.path(), &["serve"]).ended(2);
    assert!(ended.stderr.contains("doorward up"), "{ended:?}");
}
