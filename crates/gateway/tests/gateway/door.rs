//! A gateway with a client or two, and a caller that speaks raw HTTP to it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use doorward_catalog::{Environment, UpstreamKeyFormat};
use doorward_gateway::{
    AuditLog, AuditSink, Clock, Gateway, GatewayConfig, Limits, Observer, Recorder, ScopeRequired,
    SnapshotBuilder, SnapshotHandle, serve,
};
use doorward_keys::{ClientKey, KeyId, Pepper};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_secrets::{EnvProvider, Scheme, Secrets};
use doorward_store::{NewClient, NewClientKey, NewUpstreamKey, NewWorkspace, SqliteStore, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::upstream::Upstream;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// In every secret of the tests.
pub(crate) const CANARY: &str = "Canary";
pub(crate) const AUDIT_KEY: &str = "audit-key-Canary-0123456789abcdef0123456789";

/// The value of the upstream key of a name, as the environment has it.
pub(crate) fn upstream_key(name: &str) -> String {
    let tail = format!("Canary{name:x>6.6}");
    UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", &tail)
}

/// Takes all that is written to it.
#[derive(Clone, Default)]
pub(crate) struct Written(pub(crate) Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
pub(crate) struct Learnt {
    pub(crate) used: Mutex<Vec<KeyId>>,
    pub(crate) scopes: Mutex<Vec<(String, Vec<String>)>>,
}

impl Observer for Learnt {
    fn client_key_used(&self, key: KeyId, _: Timestamp) {
        self.used.lock().unwrap().push(key);
    }

    fn scope_required(&self, seen: &ScopeRequired<'_>) {
        let required = seen
            .required
            .iter()
            .map(|&scope| scope.to_owned())
            .collect();
        self.scopes
            .lock()
            .unwrap()
            .push((seen.op.id().to_owned(), required));
    }
}

pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) store: SqliteStore,
    pub(crate) workspace: String,
    pub(crate) pepper: Pepper,
    pub(crate) snapshot: SnapshotHandle,
    pub(crate) builder: SnapshotBuilder,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) learnt: Arc<Learnt>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) stopped: tokio::task::JoinHandle<std::io::Result<()>>,
    written: Written,
    clock: Arc<AtomicI64>,
    issued: u8,
}

/// What a door may be opened with, beside what is usual.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) sink: Option<Box<dyn std::io::Write + Send>>,
    /// Names and scopes of the upstream keys; one of `all:all` unless given.
    pub(crate) upstream_keys: Vec<(&'static str, &'static str)>,
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
    /// Where the workspace is, if not at the upstream.
    pub(crate) base_url: Option<String>,
}

impl Door {
    pub(crate) async fn open(upstream: &Upstream) -> Self {
        Self::open_with(upstream, Setup::default()).await
    }

    pub(crate) async fn open_with(upstream: &Upstream, setup: Setup) -> Self {
        let store = SqliteStore::in_memory().unwrap();
        let base_url = setup
            .base_url
            .unwrap_or(format!("http://{}", upstream.address));
        let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, &base_url);
        let workspace = store.create_workspace(&new, NOW).unwrap().id;
        let keys = match setup.upstream_keys.as_slice() {
            [] => &[("wide", "all:all")],
            keys => keys,
        };
        for (name, scopes) in keys {
            let reference = format!("env://{name}");
            let scopes = Some(
                scopes
                    .split(',')
                    .map(|scope| scope.trim().to_owned())
                    .collect(),
            );
            let new = NewUpstreamKey {
                scopes,
                ..NewUpstreamKey::new(name, &reference)
            };
            store.add_upstream_key(&workspace, &new, NOW).unwrap();
        }
        let pepper = Pepper::new(b"pepper-Canary-0123456789abcdef01").unwrap();
        let env = EnvProvider::with_lookup(|name| Some(upstream_key(name).into()));
        let secrets = Secrets::new().with(Scheme::Env, env);
        let builder = SnapshotBuilder::new(pepper.clone(), secrets, &setup.limits);
        let (snapshot, faults) = builder.build(store.load_snapshot(NOW).unwrap());
        assert!(faults.is_empty(), "{faults:?}");
        let snapshot = SnapshotHandle::new(snapshot);

        let written = Written::default();
        let sink = setup.sink.unwrap_or_else(|| Box::new(written.clone()));
        let audit = AuditLog::open(AuditSink::Other(sink), &AUDIT_KEY.into()).unwrap();
        let (audit, learnt) = (Arc::new(audit), Arc::new(Learnt::default()));
        let clock = Arc::new(AtomicI64::new(NOW.millis()));
        let told = Arc::clone(&clock);
        let config = GatewayConfig {
            limits: setup.limits,
            clock: Clock::new(move || Timestamp::from_millis(told.load(Ordering::SeqCst))),
        };
        let recorder = setup.recorder.unwrap_or(audit.clone());
        let gateway = Gateway::new(config, snapshot.clone(), recorder, learnt.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, wait) = oneshot::channel::<()>();
        let stopped = tokio::spawn(serve(listener, gateway, async move {
            let _ = wait.await;
        }));
        Self {
            address,
            store,
            workspace,
            pepper,
            snapshot,
            builder,
            audit,
            learnt,
            stop: Some(stop),
            stopped,
            written,
            clock,
            issued: 0,
        }
    }

    /// Makes a client of that grant in production and gives its key.
    pub(crate) fn client(&mut self, name: &str, grant: Grant) -> String {
        let new = NewClient::new(&self.workspace, name, Environment::Production, grant);
        let client = self.store.create_client(&new, NOW).unwrap().id;
        self.key(&client, None)
    }

    /// Issues a key to a client.
    pub(crate) fn key(&mut self, client: &str, expires_at: Option<Timestamp>) -> String {
        self.issued += 1;
        let random = [self.issued; ClientKey::RANDOM_LEN];
        let key = ClientKey::generate(Environment::Production, &random);
        let new = NewClientKey::of(&key, &self.pepper).expiring(expires_at);
        self.store.add_client_key(client, &new, NOW).unwrap();
        self.refresh();
        key.expose().to_owned()
    }

    /// Puts in force what the store has.
    pub(crate) fn refresh(&self) {
        let (snapshot, faults) = self.builder.build(self.store.load_snapshot(NOW).unwrap());
        assert!(faults.is_empty(), "{faults:?}");
        self.snapshot.swap(snapshot);
    }

    pub(crate) fn set_time(&self, now: Timestamp) {
        self.clock.store(now.millis(), Ordering::SeqCst);
    }

    /// Sends bytes on a connection of their own and reads one answer.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Response {
        self.connect().await.send(bytes).await
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection {
            stream: TcpStream::connect(self.address).await.unwrap(),
            held: Vec::new(),
        }
    }

    /// The audit lines of calls so far, once `count` of them are there.
    pub(crate) async fn lines(&self, count: usize) -> Vec<serde_json::Value> {
        for _ in 0..500 {
            self.audit.flush().await.unwrap();
            let lines = self.parse_lines();
            if lines.len() >= count {
                assert_eq!(lines.len(), count, "{lines:#?}");
                return lines;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        panic!("{count} lines did not come: {:#?}", self.parse_lines());
    }

    /// All that was written to the audit log.
    pub(crate) fn audit_text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    fn parse_lines(&self) -> Vec<serde_json::Value> {
        let text = self.audit_text();
        let parse = |line: &str| serde_json::from_str(line.strip_prefix("[AUDIT] ").unwrap());
        text.lines().map(|line| parse(line).unwrap()).collect()
    }
}

/// A request's text.
pub(crate) fn request(method: &str, target: &str, key: &str, lines: &[&str], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: door\r\n");
    if !key.is_empty() {
        text += &format!("Authorization: Bearer {key}\r\n");
    }
    for line in lines {
        text += &format!("{line}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

pub(crate) fn get(target: &str, key: &str) -> String {
    request("GET", target, key, &[], "")
}

pub(crate) fn post(target: &str, key: &str, body: &str) -> String {
    request(
        "POST",
        target,
        key,
        &["Content-Type: application/json"],
        body,
    )
}

/// An answer as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(key, _)| key == name);
        let found = named.next().map(|(_, value)| value.as_str());
        assert!(named.next().is_none(), "{name} twice");
        found
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["doorward"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Asserts that it is a refusal, whole and in the envelope.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, reason: &str) {
        let body = self.json();
        assert_eq!(
            (self.status, self.reason().as_str()),
            (status, reason),
            "{body:#}"
        );
        assert_eq!(body["statusCode"], status);
        assert!(body["error"].is_string() && body["message"].is_string());
        assert_eq!(self.header("doorward-decision"), Some("denied"));
        assert_eq!(
            body["doorward"]["request_id"].as_str(),
            self.header("doorward-request-id")
        );
    }
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    held: Vec<u8>,
}

impl Connection {
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.write(bytes).await;
        self.read().await.unwrap()
    }

    /// Reads one answer; `None` when the connection is closed before its head.
    pub(crate) async fn read(&mut self) -> Option<Response> {
        loop {
            let end = self.until(b"\r\n\r\n").await?;
            let head = String::from_utf8(self.take(end)).unwrap();
            let mut lines = head.trim_end().split("\r\n");
            let status = lines
                .next()
                .unwrap()
                .split(' ')
                .nth(1)
                .unwrap()
                .parse()
                .unwrap();
            let headers: Vec<(String, String)> = lines
                .map(|line| {
                    let (name, value) = line.split_once(':').unwrap();
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                })
                .collect();
            if status < 200 {
                continue;
            }
            let named: HashMap<_, _> = headers.iter().cloned().collect();
            let body = if let Some(length) = named.get("content-length") {
                self.exactly(length.parse().unwrap()).await?
            } else if named
                .get("transfer-encoding")
                .is_some_and(|value| value == "chunked")
            {
                self.chunks().await?
            } else {
                Vec::new()
            };
            return Some(Response {
                status,
                headers,
                body,
            });
        }
    }

    /// Whether nothing more comes and the connection is closed.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.held.is_empty() && self.stream.read_buf(&mut self.held).await.unwrap_or(0) == 0
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.until(b"\r\n").await?;
            let line = String::from_utf8(self.take(end)).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            let chunk = self.exactly(size + 2).await?;
            if size == 0 {
                return Some(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = self.held.windows(mark.len()).position(|part| part == mark) {
                return Some(at + mark.len());
            }
            if self.stream.read_buf(&mut self.held).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.held.len() < length {
            if self.stream.read_buf(&mut self.held).await.ok()? == 0 {
                return None;
            }
        }
        Some(self.take(length))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.held.drain(..length).collect()
    }
}
