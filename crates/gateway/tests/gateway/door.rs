//! A gateway with a client or two, and a caller that speaks raw HTTP to it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_audit::{Audit, AuditOptions, Entry, Filter, Show, find};
use doorward_catalog::{Environment, UpstreamKeyFormat};
use doorward_gateway::{
    Beside, Clock, Gateway, GatewayConfig, Idempotency, IdempotencySettings, KeyRefusedUpstream,
    LedgerRecorder, Limits, Listener, Names, Observer, PaceSettings, Pacing, Past, RecordSettings,
    Recorder, ScopeRequired, SnapshotBuilder, SnapshotHandle, Tls, UpstreamKeyPresented, serve_all,
};
use doorward_keys::{ClientKey, KeyId, Pepper};
use doorward_ledger::log::Tuning;
use doorward_ledger::{KeyName, LocalSigner};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_secrets::{EnvProvider, Scheme, Secrets};
use doorward_store::{
    IdempotencyStore, NewClient, NewClientKey, NewUpstreamKey, NewWorkspace, SqliteStore, Store,
};
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

/// The ledger's signer.
pub(crate) fn signer() -> LocalSigner {
    let name = KeyName::new("ledger.example/test").unwrap();
    LocalSigner::from_seed(name, &[7; 32]).unwrap()
}

fn open_audit(folder: &Path, store: &Arc<SqliteStore>) -> Audit {
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    let options = AuditOptions {
        tuning: Tuning {
            segment_bytes: 1 << 20,
            reserve_bytes: 4096,
            checkpoint_every: Duration::from_millis(20),
            ..Tuning::default()
        },
        clock: || NOW,
        ..AuditOptions::new(
            folder.to_owned(),
            Arc::new(signer()),
            AUDIT_KEY.into(),
            store,
        )
    };
    Audit::open(options).unwrap().0
}

#[derive(Default)]
pub(crate) struct Learnt {
    pub(crate) used: Mutex<Vec<KeyId>>,
    pub(crate) scopes: Mutex<Vec<(String, Vec<String>)>>,
    /// Of upstream keys: whether it was news, and whether there was a successor.
    pub(crate) refused: Mutex<Vec<(bool, bool)>>,
    pub(crate) presented: Mutex<Vec<String>>,
}

impl Observer for Learnt {
    fn client_key_used(&self, key: KeyId, _: Timestamp) {
        self.used.lock().unwrap().push(key);
    }

    fn upstream_key_refused(&self, seen: &KeyRefusedUpstream<'_>) {
        let told = (seen.news, seen.successor.is_some());
        self.refused.lock().unwrap().push(told);
    }

    fn upstream_key_presented(&self, seen: &UpstreamKeyPresented<'_>) {
        self.presented.lock().unwrap().push(seen.key.to_owned());
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
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) workspace: String,
    pub(crate) pepper: Pepper,
    pub(crate) snapshot: SnapshotHandle,
    pub(crate) builder: SnapshotBuilder,
    pub(crate) audit: Arc<Audit>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) learnt: Arc<Learnt>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) stopped: tokio::task::JoinHandle<std::io::Result<()>>,
    clock: Arc<AtomicI64>,
    issued: u8,
}

/// Makes what is served beside the API.
pub(crate) type MakeBeside = Box<dyn FnOnce(Arc<Audit>, &Path) -> Arc<dyn Beside>>;

/// What a door may be opened with, beside what is usual.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) record: RecordSettings,
    /// Names and scopes of the upstream keys; one of `all:all` unless given.
    pub(crate) upstream_keys: Vec<(&'static str, &'static str)>,
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
    /// What is served beside the API, of the record and its folder.
    pub(crate) beside: Option<MakeBeside>,
    /// What the door serves TLS with, if it does.
    pub(crate) tls: Option<Tls>,
    /// Where the workspace is, if not at the upstream.
    pub(crate) base_url: Option<String>,
    /// Whether it is a live one.
    pub(crate) live: bool,
    /// What hosts are looked up by, if not by the system.
    pub(crate) names: Option<Arc<dyn Names>>,
    /// How writes under idempotency keys are remembered.
    pub(crate) remember: IdempotencySettings,
    /// What calls are paced by.
    pub(crate) pace: PaceSettings,
}

impl Door {
    pub(crate) async fn open(upstream: &Upstream) -> Self {
        Self::open_with(upstream, Setup::default()).await
    }

    pub(crate) async fn open_with(upstream: &Upstream, setup: Setup) -> Self {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let base_url = setup
            .base_url
            .unwrap_or(format!("http://{}", upstream.address));
        let kind = match setup.live {
            true => WorkspaceKind::Live,
            false => WorkspaceKind::Sandbox,
        };
        let new = NewWorkspace::new("acme", kind, &base_url);
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
        let builder = match setup.names {
            Some(names) => builder.names(names),
            None => builder,
        };
        let (snapshot, faults) = builder.build(store.load_snapshot(NOW).unwrap());
        assert!(faults.is_empty(), "{faults:?}");
        let snapshot = SnapshotHandle::new(snapshot);

        let folder = tempfile::tempdir().unwrap();
        let audit = Arc::new(open_audit(&folder.path().join("ledger"), &store));
        let learnt = Arc::new(Learnt::default());
        let clock = Arc::new(AtomicI64::new(NOW.millis()));
        let told = Arc::clone(&clock);
        let make = setup.beside;
        let beside = make.map(|make| make(Arc::clone(&audit), &folder.path().join("ledger")));
        let remembered = Arc::clone(&store) as Arc<dyn IdempotencyStore>;
        let idempotency = Idempotency::new(remembered, &AUDIT_KEY.into(), setup.remember).unwrap();
        let config = GatewayConfig {
            beside: beside.into_iter().collect(),
            limits: setup.limits,
            idempotency: Some(idempotency),
            clock: Clock::new(move || Timestamp::from_millis(told.load(Ordering::SeqCst))),
            pacing: Some(Pacing::new(setup.pace, Past::Nothing).unwrap()),
            ..GatewayConfig::default()
        };
        let recorder = LedgerRecorder::new(Arc::clone(&audit), setup.record);
        let recorder = setup.recorder.unwrap_or(Arc::new(recorder));
        let gateway = Gateway::new(config, snapshot.clone(), recorder, learnt.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = match setup.tls {
            Some(tls) => Listener::tls(listener, tls),
            None => Listener::plain(listener),
        };
        let (stop, wait) = oneshot::channel::<()>();
        let stopped = tokio::spawn(serve_all(vec![listener], gateway, async move {
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
            folder,
            clock,
            issued: 0,
        }
    }

    /// Makes a client of that grant in production and gives its key.
    pub(crate) fn client(&mut self, name: &str, grant: Grant) -> String {
        self.client_in(Environment::Production, name, grant)
    }

    /// Makes a client of that grant and gives its key.
    pub(crate) fn client_in(
        &mut self,
        environment: Environment,
        name: &str,
        grant: Grant,
    ) -> String {
        let new = NewClient::new(&self.workspace, name, environment, grant);
        let client = self.store.create_client(&new, NOW).unwrap().id;
        self.key_in(environment, &client, None)
    }

    /// Issues a key to a client.
    pub(crate) fn key(&mut self, client: &str, expires_at: Option<Timestamp>) -> String {
        self.key_in(Environment::Production, client, expires_at)
    }

    fn key_in(
        &mut self,
        environment: Environment,
        client: &str,
        expires_at: Option<Timestamp>,
    ) -> String {
        self.issued += 1;
        let random = [self.issued; ClientKey::RANDOM_LEN];
        let key = ClientKey::generate(environment, &random);
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

    /// The entries of calls so far, once `count` of them are there; people in clear.
    pub(crate) async fn entries(&self, count: usize) -> Vec<Entry> {
        for _ in 0..500 {
            let entries = self.entries_now();
            if entries.len() >= count {
                assert_eq!(entries.len(), count, "{entries:#?}");
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{count} entries did not come: {:#?}", self.entries_now());
    }

    /// The entries of calls so far.
    pub(crate) fn entries_now(&self) -> Vec<Entry> {
        self.audit.flush();
        let found = find(&self.audit.reader(), &Filter::default(), 0, 10_000, 10_000).unwrap();
        let entries = found
            .records
            .iter()
            .map(|record| self.audit.entry(record, Show::People));
        entries
            .map(Result::unwrap)
            .filter(|entry| entry.kind != "state")
            .collect()
    }

    /// Ends the record and gives what it counted of strangers, by reason.
    pub(crate) fn strangers(&self) -> BTreeMap<String, u64> {
        self.audit.close().unwrap();
        let entries = self.entries_now();
        let refusals: Vec<_> = entries
            .iter()
            .filter(|entry| entry.is_strangers())
            .collect();
        // Two, when a minute ended meanwhile.
        assert!(matches!(refusals.len(), 1 | 2), "{entries:#?}");
        let mut counts = BTreeMap::new();
        for leaf in refusals {
            for (reason, count) in leaf.metadata["reasons"].as_object().unwrap() {
                *counts.entry(reason.clone()).or_default() += count.as_u64().unwrap();
            }
        }
        counts
    }

    /// Every byte in the ledger's folder.
    pub(crate) fn ledger_bytes(&self) -> Vec<u8> {
        fn below(dir: &Path) -> Vec<u8> {
            let mut bytes = Vec::new();
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                bytes.extend(if path.is_dir() {
                    below(&path)
                } else {
                    // What was being written when it was listed may have its own name by now.
                    std::fs::read(path).unwrap_or_default()
                });
            }
            bytes
        }
        below(&self.ledger())
    }

    /// The ledger's folder.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
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
