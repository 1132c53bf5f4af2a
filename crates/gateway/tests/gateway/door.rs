//! A gateway with a client or two.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_audit::{Audit, AuditOptions, Entry, Filter, Show, find};
use doorward_catalog::{Environment, UpstreamKeyFormat};
use doorward_gateway::{
    ApprovalDesk, ApprovalSettings, Beside, Clock, Gateway, GatewayConfig, Idempotency,
    IdempotencySettings, KeyRefusedUpstream, LedgerRecorder, Limits, Listener, Names, Observer,
    PaceSettings, Pacing, Past, RecordSettings, Recorder, ScopeRequired, SnapshotBuilder,
    SnapshotHandle, Tls, UpstreamKeyPresented, Uses, serve_all,
};
use doorward_keys::{ClientKey, KeyId, Pepper};
use doorward_ledger::log::Tuning;
use doorward_ledger::{KeyName, LocalSigner};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_secrets::{EnvProvider, Scheme, Secrets};
use doorward_store::{
    ClientChange, Controls, IdempotencyStore, NewClient, NewClientKey, NewUpstreamKey,
    NewWorkspace, PolicyStore, SqliteStore, Store,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub(crate) use crate::caller::{Connection, Response, get, post, request};
use crate::files::below;
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
    /// Where approvals are asked for, if anywhere.
    pub(crate) desk: Option<Arc<ApprovalDesk>>,
    pub(crate) uses: Arc<Uses>,
    pub(crate) clock: Arc<AtomicI64>,
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
    /// Whether approvals can be asked for.
    pub(crate) approvals: bool,
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
        let desk = setup.approvals.then(|| {
            let store = Arc::clone(&store) as Arc<dyn Store>;
            let desk = ApprovalDesk::open(store, &AUDIT_KEY.into(), ApprovalSettings::default());
            Arc::new(desk.unwrap())
        });
        let uses = Arc::new(Uses::default());
        let config = GatewayConfig {
            approvals: desk.clone(),
            uses: Arc::clone(&uses),
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
            desk,
            uses,
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

    /// Puts a policy in force.
    pub(crate) fn policy(&self, name: &str, text: &str) {
        let schema = doorward_condition::schema_digest();
        self.store.save_policy(name, text, schema, NOW).unwrap();
        self.refresh();
    }

    /// Changes a client, by its name.
    pub(crate) fn change(&self, client: &str, change: &ClientChange) {
        let id = self.store.client(&self.workspace, client).unwrap().id;
        self.store.change_client(&id, change, NOW).unwrap();
        self.refresh();
    }

    /// Sets a client's limits and the like.
    pub(crate) fn control(&self, client: &str, controls: Controls) {
        self.change(
            client,
            &ClientChange {
                controls: Some(controls),
                ..ClientChange::default()
            },
        );
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
        Connection::to(self.address).await
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
        below(&self.ledger())
    }

    /// The ledger's folder.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }
}
