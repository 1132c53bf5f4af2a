//! Operating a server: its configuration read again, whether it is ready, its metrics and spans.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Server, call, run};

/// Waits until something is so.
pub(crate) fn until(so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never is");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Replaces a line of the configuration.
pub(crate) fn set(folder: &Path, from: &str, to: &str) {
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

/// A gateway before a sandbox, with one client.
pub(crate) struct Stage {
    folder: TempDir,
    sandbox: Server,
    key: String,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let sandbox = Server::start(path, &["sandbox"]);
        run(path, &["init"]).ended(0);
        let keys = sandbox.ready["workspaces"][0]["keys"].as_array().unwrap();
        let wide = keys
            .iter()
            .find(|key| key["name"] == "full-automation")
            .unwrap();
        let file = path.join(".doorward/secrets/upstream");
        fs::write(&file, wide["key"].as_str().unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let url = sandbox.text("url");
        let add = ["workspace", "add", "acme", "--sandbox", "--base-url", &url];
        let add = [&add[..], &["--key-from", "file:secrets/upstream"]].concat();
        run(path, &add).ended(0);
        let create = [
            "client",
            "create",
            "importer",
            "-u",
            "lead-import",
            "-e",
            "production",
        ];
        run(path, &create).ended(0);
        let key = run(path, &["key", "issue", "importer"]).ended(0).stdout;
        Stage {
            key: key.trim_end().to_owned(),
            folder,
            sandbox,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(self.path(), &["serve", "--listen", "127.0.0.1:0"])
    }

    /// Has the sandbox go wrong in this way, and in no other.
    pub(crate) fn go_wrong(&self, fault: Value) {
        let url = format!("{}/_sandbox/faults", self.sandbox.text("url"));
        call("DELETE", &url, None, None);
        assert_eq!(call("POST", &url, None, Some(fault)).status, 200);
    }

    /// Ends the sandbox.
    pub(crate) fn go_down(&self) {
        self.sandbox.signal(Signal::KILL);
    }

    fn get(&self, server: &Server, path: &str, key: bool) -> Answer {
        let url = format!("{}{path}", server.text("gateway_url"));
        call("GET", &url, key.then_some(&*self.key), None)
    }

    pub(crate) fn create_lead(&self, server: &Server, email: &str) -> u16 {
        let url = format!("{}/api/v2/leads", server.text("gateway_url"));
        call("POST", &url, Some(&self.key), Some(json!({"email": email}))).status
    }
}

#[test]
fn whether_it_is_ready_is_told_to_anybody_and_while_it_ends() {
    let stage = Stage::new();
    let path = stage.path();
    let off = run(path, &["ready", "--json"]).ended(1).json();
    assert_eq!(off["ready"], false);
    set(path, "announce = 0", "announce = 2");
    let server = stage.serve();
    assert_eq!(stage.get(&server, "/healthz", false).status, 200);
    let ready = stage.get(&server, "/readyz", false);
    assert_eq!(ready.status, 200);
    let well = json!({"ready": true, "reasons": [], "warnings": []});
    assert_eq!(ready.body, well);
    assert_eq!(run(path, &["ready", "--json"]).ended(0).json(), well);

    // Without its key no call can be carried out.
    let file = path.join(".doorward/secrets/upstream");
    fs::rename(&file, path.join("aside")).unwrap();
    run(path, &["reload"]).ended(0);
    let not = stage.get(&server, "/readyz", false);
    assert_eq!(not.status, 503);
    let why = not.body["reasons"][0].as_str().unwrap().to_owned();
    assert!(
        why.contains("upstream key") && !why.contains("acme"),
        "{why}"
    );
    fs::rename(path.join("aside"), &file).unwrap();
    run(path, &["reload"]).ended(0);
    assert_eq!(stage.get(&server, "/readyz", false).status, 200);

    // It is told that it ends, and takes calls until then.
    server.signal(Signal::TERM);
    until(|| stage.get(&server, "/readyz", false).status == 503);
    let last = stage.get(&server, "/readyz", false);
    assert_eq!(last.header("connection"), "close");
    assert_eq!(stage.create_lead(&server, "last@example.com"), 200);
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    drop(stage.sandbox);
}

/// Reads a page of metrics as strictly as Prometheus does: heads before values, one head a name,
/// values that are numbers, labels that are quoted, no line twice.
fn parse(page: &str) -> HashMap<String, f64> {
    let (mut kinds, mut values) = (HashMap::new(), HashMap::new());
    let mut current = String::new();
    for line in page.lines() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let (name, help) = head.split_once(' ').unwrap();
            assert!(!help.is_empty(), "{line}");
            current = name.to_owned();
            continue;
        }
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            assert_eq!(name, current, "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(
                kinds.insert(name.to_owned(), kind.to_owned()).is_none(),
                "{line}"
            );
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let name = series.split('{').next().unwrap();
        let of_histogram = kinds[&current] == "histogram"
            && ["_bucket", "_sum", "_count"]
                .iter()
                .any(|end| name == format!("{current}{end}"));
        assert!(name == current || of_histogram, "{line} below {current}");
        if let Some(labels) = series
            .strip_prefix(name)
            .filter(|labels| !labels.is_empty())
        {
            let labels = labels
                .strip_prefix('{')
                .unwrap()
                .strip_suffix("\"}")
                .unwrap();
            for label in labels.split("\",") {
                let (label, _) = label.split_once("=\"").unwrap();
                assert!(
                    label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                    "{line}"
                );
            }
        }
        let value: f64 = value.parse().unwrap();
        assert!(
            values.insert(series.to_owned(), value).is_none(),
            "twice: {line}"
        );
    }
    values
}

#[test]
fn metrics_tell_of_calls_and_of_nobody() {
    let stage = Stage::new();
    set(stage.path(), "access = \"off\"", "access = \"open\"");
    let server = stage.serve();
    assert_eq!(stage.create_lead(&server, "canary.person@example.com"), 200);
    assert_eq!(stage.get(&server, "/api/v2/accounts", true).status, 403);
    assert_eq!(stage.get(&server, "/api/v2/campaigns", false).status, 401);
    let mut page = String::new();
    // An answer's end is counted when it was passed on, which may be after the caller has it.
    until_some(|| {
        page = stage
            .get(&server, "/metrics", false)
            .body
            .as_str()?
            .to_owned();
        page.contains("createLead").then_some(())
    });
    let values = parse(&page);
    let counted = |needles: &[&str]| -> f64 {
        let all = values
            .iter()
            .filter(|(name, _)| name.starts_with("doorward_calls_total{"));
        all.filter(|(name, _)| needles.iter().all(|needle| name.contains(needle)))
            .map(|(_, value)| value)
            .sum()
    };
    let carried = [
        "client=\"importer\"",
        "operation=\"createLead\"",
        "decision=\"allowed\"",
    ];
    assert_eq!(counted(&carried), 1.0, "{page}");
    let refused = [
        "client=\"importer\"",
        "operation=\"listAccount\"",
        "decision=\"denied\"",
    ];
    assert_eq!(counted(&refused), 1.0, "{page}");
    assert_eq!(counted(&["client=\"\"", "status=\"4xx\""]), 1.0, "{page}");
    for name in ["call", "upstream", "added"] {
        let count = format!("doorward_{name}_seconds_count{{kind=\"write\"}}");
        assert_eq!(values[&count], 1.0, "{page}");
    }
    assert!(values["doorward_connections"] >= 1.0, "{page}");
    assert!(!page.contains("canary") && !page.contains("dwk_"), "{page}");
}

/// Waits until there is something.
fn until_some(mut some: impl FnMut() -> Option<()>) {
    let began = Instant::now();
    while some().is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never is");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes one request, answers it and gives its head and body.
fn receive(listener: &TcpListener) -> (String, Vec<u8>) {
    let (stream, head, body) = take(listener);
    answer(stream);
    (head, body)
}

/// Answers a request that was taken with 200.
pub(crate) fn answer(mut stream: TcpStream) {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).unwrap();
}

/// Takes one request, which waits for its answer, and gives its head and body.
pub(crate) fn take(listener: &TcpListener) -> (TcpStream, String, Vec<u8>) {
    let (mut stream, _) = listener.accept().unwrap();
    let (head, body) = request(&mut stream);
    (stream, head, body)
}

/// Reads one request: its head and body.
pub(crate) fn request(stream: &mut impl Read) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 64 * 1024];
    loop {
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "the request ended early");
        bytes.extend_from_slice(&piece[..length]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().unwrap())
        });
        if bytes.len() >= end + 4 + length.unwrap() {
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

#[test]
fn spans_of_calls_are_sent_with_nobodys_data() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("endpoint = \"http://{}\"", listener.local_addr().unwrap());
    set(
        stage.path(),
        "#endpoint = \"http://127.0.0.1:4318\"",
        &endpoint,
    );
    let server = stage.serve();
    assert_eq!(stage.create_lead(&server, "canary.person@example.com"), 200);
    let (head, body) = receive(&listener);
    assert!(head.starts_with("POST /v1/traces "), "{head}");
    assert!(
        head.to_lowercase().contains("application/x-protobuf"),
        "{head}"
    );
    let text = String::from_utf8_lossy(&body);
    for told in [
        "createLead",
        "importer",
        "doorward.decision",
        "allowed",
        "createLead at the API",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(
        !text.contains("canary") && !text.contains("127.0.0.1"),
        "{text}"
    );
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
}
