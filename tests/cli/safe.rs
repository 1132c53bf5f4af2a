//! Safe writes: a repeated POST with an `Idempotency-Key` makes one lead, whatever is lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Server, call, run};

/// A sandbox, a workspace of it, and a client that may import leads.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    sandbox: Server,
    key: String,
    upstream_key: String,
}

/// An answer as it arrived; status 0 when the connection ended before one.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    idempotency: Option<String>,
    body: Value,
}

impl Place {
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let sandbox = Server::start(path, &["sandbox", "--seed", "5"]);
        run(path, &["init"]).ended(0);
        let config = path.join("doorward.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        // So that nobody waits for what can't be under way.
        let text = text.replace("settle_seconds = 60", "settle_seconds = 1");
        // After a crash a write may have waited so long for its turn before it was sent.
        let text = text.replace("max_wait_seconds = 10", "max_wait_seconds = 1");
        let text = text.replace("response_head = 30", "response_head = 1");
        assert!(text.contains("response_head = 1\n") && text.contains("settle_seconds = 1\n"));
        std::fs::write(&config, text).unwrap();
        let keys = sandbox.ready["workspaces"][0]["keys"].as_array().unwrap();
        let wide = keys.iter().find(|key| key["name"] == "full-automation");
        let upstream_key = wide.unwrap()["key"].as_str().unwrap().to_owned();
        let file = path.join("wide");
        std::fs::write(&file, &upstream_key).unwrap();
        let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, owner).unwrap();
        let reference = format!("file://{}", file.display());
        let url = sandbox.text("url");
        let add = [
            "workspace",
            "add",
            "acme",
            "--base-url",
            &url,
            "--sandbox",
            "--key-from",
        ];
        let add: Vec<&str> = add.into_iter().chain([reference.as_str()]).collect();
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
        Place {
            sandbox,
            key: key.trim().to_owned(),
            upstream_key,
            folder,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(self.path(), &["serve", "--listen", "127.0.0.1:0"])
    }

    pub(crate) fn break_once(&self, fault: &Value) {
        let url = format!("{}/_sandbox/faults", self.sandbox.text("url"));
        assert_eq!(call("POST", &url, None, Some(fault.clone())).status, 200);
    }

    /// The leads of an address, as the sandbox has them.
    fn leads(&self, email: &str) -> usize {
        let url = format!("{}/api/v2/leads/list", self.sandbox.text("url"));
        let body = json!({ "contacts": [email] });
        let answer = call("POST", &url, Some(&self.upstream_key), Some(body));
        answer.body["items"].as_array().unwrap().len()
    }

    /// The list that leads are put in.
    pub(crate) fn list(&self) -> String {
        let url = format!("{}/api/v2/lead-lists?limit=1", self.sandbox.text("url"));
        let answer = call("GET", &url, Some(&self.upstream_key), None);
        answer.body["items"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn post(&self, server: &Server, email: &str, list: &str, name: &str) -> Answer {
        let url = server.text("gateway_url");
        let address = url.strip_prefix("http://").unwrap();
        let body = json!({ "email": email, "list_id": list }).to_string();
        let request = format!(
            "POST /api/v2/leads HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\nidempotency-key: \"{name}\"\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let header = |name: &str| {
            let line = head
                .lines()
                .find(|line| line.to_ascii_lowercase().starts_with(name))?;
            Some(line.split_once(": ")?.1.to_owned())
        };
        // Scrubbed answers come in chunks; JSON of these has no such line within.
        let body: String = body.lines().filter(|line| line.starts_with('{')).collect();
        Answer {
            status: status.unwrap_or_default(),
            idempotency: header("doorward-idempotency:"),
            body: serde_json::from_str(&body).unwrap_or_default(),
        }
    }
}

#[test]
fn a_repeated_post_after_a_lost_answer_makes_one_lead() {
    let place = Place::new();
    let server = place.serve();
    let list = place.list();
    place.break_once(&json!({ "kind": "lost_response", "operation": "createLead", "count": 1 }));
    let post = || place.post(&server, "once@example.org", &list, "import-1");
    let lost = post();
    assert_eq!(lost.status, 502, "{lost:?}");
    assert_eq!(lost.body["doorward"]["reason"], "outcome_unknown");
    let path = place.path();
    let unknown = run(path, &["idempotency", "list", "--unknown", "--json"])
        .ended(0)
        .json();
    let id = unknown[0]["id"].as_str().unwrap();
    assert_eq!(unknown[0]["operation"], "createLead");

    let found = post();
    assert_eq!(
        (found.status, found.idempotency.as_deref()),
        (200, Some("reconciled")),
        "{found:?}"
    );
    assert_eq!(found.body["email"], "once@example.org");
    let again = post();
    assert_eq!(
        (again.status, again.idempotency.as_deref()),
        (200, Some("replayed"))
    );
    assert_eq!(again.body, found.body);
    assert_eq!(place.leads("once@example.org"), 1);

    let shown = run(path, &["idempotency", "show", id, "--json"])
        .ended(0)
        .json();
    assert_eq!(
        (&shown["state"], &shown["status"]),
        (&json!("answered"), &json!(200))
    );
    run(path, &["idempotency", "release", id]).ended(0);
    run(path, &["idempotency", "show", id]).ended(2);
    assert_eq!(server.end(Signal::TERM).code(), Some(0));

    // Neither the key nor the answer can be read from the files.
    let folder = path.join(".doorward");
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("once@example.org"), "{:?}", file.path());
            assert!(!text.contains("import-1"), "{:?}", file.path());
        }
    }
}

#[test]
fn killed_between_sending_and_answer_it_makes_one_lead_each_time() {
    let place = Place::new();
    let list = place.list();
    let mut server = place.serve();
    for round in 0..10_u64 {
        let email = format!("round{round}@example.org");
        let name = format!("round-{round}");
        // Killed at another point each time: before it is sent, under way, after the answer.
        place.break_once(
            &json!({ "kind": "latency", "operation": "createLead", "ms": 60, "count": 1 }),
        );
        std::thread::scope(|scope| {
            let posting = scope.spawn(|| place.post(&server, &email, &list, &name));
            std::thread::sleep(Duration::from_millis(4 + round * 12));
            server.signal(Signal::KILL);
            posting.join().unwrap();
        });
        drop(server);
        server = place.serve();
        let mut answer = place.post(&server, &email, &list, &name);
        for _ in 0..20 {
            if answer.status != 409 {
                break;
            }
            // It may still be under way.
            std::thread::sleep(Duration::from_millis(200));
            answer = place.post(&server, &email, &list, &name);
        }
        assert_eq!(answer.status, 200, "round {round}: {answer:?}");
        assert_eq!(place.leads(&email), 1, "round {round}: {answer:?}");
    }
}
