//! The record of calls: there before a write is, and without anybody's data.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doorward_gateway::{AuditLog, AuditSink, CallFacts, NotRecorded, Outcome, Recorder, Recording};
use doorward_policy::Grant;

use crate::door::{AUDIT_KEY, CANARY, Door, Setup, Written, get, post, request};
use crate::upstream::Upstream;

const BODY: &str = r#"{"email":"Canary@b.org"}"#;

#[tokio::test]
async fn each_call_has_its_lines() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let read = door
        .send(get("/api/v2/leads/Canary%40b.org?email=Canary", &key))
        .await;
    let write = door.send(post("/api/v2/leads", &key, BODY)).await;
    let denied = door
        .send(request(
            "DELETE",
            "/api/v2/leads/Canary@b.org",
            &key,
            &[],
            "",
        ))
        .await;
    assert_eq!((read.status, write.status, denied.status), (200, 200, 403));
    let lines = door.lines(4).await;
    let id =
        |answer: &crate::door::Response| answer.header("doorward-request-id").unwrap().to_owned();

    let line = &lines[0];
    assert_eq!(line["timestamp"], "2027-01-15T08:00:00Z");
    for (name, value) in [
        ("phase", "outcome"),
        ("action", "getLead"),
        ("client", "importer"),
        ("client_key_id", &key[6..18]),
        ("environment", "production"),
        ("workspace", &door.workspace),
        ("operation", "getLead"),
        ("method", "GET"),
        ("resource", "/api/v2/leads/{id}"),
        ("decision", "allowed"),
        ("result", "success"),
        ("request_id", &id(&read)),
        ("source_ip", "127.0.0.1"),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["status"], 200);
    assert_eq!(
        (
            &line["metadata"]["bytes_in"],
            &line["metadata"]["bytes_out"]
        ),
        (&0.into(), &2.into())
    );
    assert!(line["metadata"]["latency_us"].as_u64().unwrap() > 0);

    assert_eq!(
        (&lines[1]["phase"], &lines[1]["result"]),
        (&"intent".into(), &"pending".into())
    );
    assert_eq!(
        (&lines[2]["phase"], &lines[2]["result"]),
        (&"outcome".into(), &"success".into())
    );
    for line in &lines[1..3] {
        assert_eq!(line["request_id"], id(&write));
        assert_eq!(line["metadata"]["bytes_in"], BODY.len());
        let commitment = line["metadata"]["body_commitment"].as_str().unwrap();
        assert_eq!(commitment, commitment_to(BODY.as_bytes()));
    }
    assert_eq!(lines[3]["reason"], "scope_missing");
    assert_eq!(
        (&lines[3]["decision"], &lines[3]["result"]),
        (&"denied".into(), &"failure".into())
    );
    assert!(!door.audit_text().contains(CANARY), "{}", door.audit_text());
    assert!(!door.audit_text().contains(&key));
}

/// As it is documented, by other code than the gateway's.
fn commitment_to(body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, AUDIT_KEY.as_bytes());
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    let message = [b"doorward body 1\0", digest.as_ref()].concat();
    let tag = ring::hmac::sign(&key, &message);
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("hmac-sha256:{hex}")
}

/// Writes until it is told to fail.
#[derive(Clone, Default)]
struct Flaky {
    failing: Arc<AtomicBool>,
    written: Written,
}

impl Write for Flaky {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(io::Error::other("no room"));
        }
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn writes_stop_when_they_can_not_be_recorded_and_reads_go_on() {
    let upstream = Upstream::plain().await;
    let sink = Flaky::default();
    let setup = Setup {
        sink: Some(Box::new(sink.clone())),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    sink.failing.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = door.send(post("/api/v2/leads", &key, BODY)).await;
        refused.refused(503, "audit_unavailable");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    assert_eq!(door.send(get("/api/v2/campaigns", &key)).await.status, 200);
    assert_eq!(upstream.seen().len(), 1);

    sink.failing.store(false, Ordering::SeqCst);
    assert_eq!(
        door.send(post("/api/v2/leads", &key, BODY)).await.status,
        200
    );
    assert_eq!(upstream.seen().len(), 2);
    door.audit.flush().await.unwrap();
    let text = String::from_utf8(sink.written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line.strip_prefix("[AUDIT] ").unwrap()).unwrap())
        .collect();
    let reasons: Vec<_> = lines
        .iter()
        .map(|line| line["reason"].as_str().unwrap_or("-"))
        .collect();
    assert_eq!(
        reasons[..3],
        ["audit_unavailable"; 3],
        "what was refused is told afterwards"
    );
    let phases: Vec<_> = lines[3..]
        .iter()
        .map(|line| line["phase"].as_str().unwrap())
        .collect();
    assert_eq!(phases[..2], ["outcome", "intent"]);
}

/// Takes nothing.
struct Refusing;

impl Recorder for Refusing {
    fn intent<'a>(&'a self, call: &'a CallFacts) -> Recording<'a> {
        assert!(call.client.is_some() && call.op.is_some());
        Box::pin(std::future::ready(Err(NotRecorded)))
    }

    fn outcome(&self, _: &CallFacts, outcome: &Outcome) {
        assert!(!outcome.success);
    }
}

#[tokio::test]
async fn a_recorder_may_refuse_reads_too() {
    let upstream = Upstream::plain().await;
    let setup = Setup {
        recorder: Some(Arc::new(Refusing)),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    door.send(get("/api/v2/campaigns", &key))
        .await
        .refused(503, "audit_unavailable");
    assert!(upstream.seen().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_appended_to_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    for _ in 0..2 {
        let log = AuditLog::open(AuditSink::File(path.clone()), &AUDIT_KEY.into()).unwrap();
        let upstream = Upstream::plain().await;
        let setup = Setup {
            recorder: Some(Arc::new(log)),
            ..Setup::default()
        };
        let door = Door::open_with(&upstream, setup).await;
        door.send(get("/api/v2/campaigns", ""))
            .await
            .refused(401, "unauthorized");
    }
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    while lines() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(lines(), 2);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let missing = AuditSink::File(dir.path().join("no/such/folder"));
    assert!(AuditLog::open(missing, &AUDIT_KEY.into()).is_err());
    assert!(AuditLog::open(AuditSink::Stderr, &"short".into()).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let log = AuditLog::open(AuditSink::File(path.clone()), &AUDIT_KEY.into()).unwrap();
    let upstream = Upstream::plain().await;
    let setup = Setup {
        recorder: Some(Arc::new(log)),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let lead = post("/api/v2/leads", &key, "{}");
    assert_eq!(door.send(&lead).await.status, 200);
    std::fs::rename(&path, dir.path().join("audit.log.1")).unwrap();
    assert_eq!(door.send(&lead).await.status, 200);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"phase\":\"intent\""), "{text}");
    // With nowhere to write to, writes stop.
    std::fs::remove_dir_all(dir.path()).unwrap();
    door.send(&lead).await.refused(503, "audit_unavailable");
}
