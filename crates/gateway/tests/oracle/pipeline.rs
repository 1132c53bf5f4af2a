//! The gateway under test, with the store and the ledger behind it, and how its records change.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_audit::{Audit, AuditOptions};
use doorward_catalog::UpstreamKeyFormat;
use doorward_gateway::{
    ApprovalDesk, ApprovalSettings, CallFacts, Clock, Ended, Gateway, GatewayConfig, Idempotency,
    IdempotencySettings, KeyRefusedUpstream, LedgerRecorder, Limits, Listener, Observer, Outcome,
    PaceSettings, Pacing, Past, RecordSettings, ScopeRequired, SnapshotBuilder, SnapshotHandle,
    Telemetry, UpstreamKeyPresented, serve_all,
};
use doorward_keys::Pepper;
use doorward_ledger::log::Tuning;
use doorward_ledger::{KeyName, LocalSigner};
use doorward_policy::Timestamp;
use doorward_secrets::{EnvProvider, Scheme, Secrets};
use doorward_store::{IdempotencyStore, SqliteStore, Store};
use tokio::net::TcpListener;

use crate::files::below;
use crate::world::BEGIN;

const AUDIT_KEY: &str = "audit-key-Canary-0123456789abcdef0123456789";

/// The value of the upstream key of a name, and its secret tail.
pub(crate) fn value_of(name: &str) -> (String, String) {
    let tail = format!("Canary{name:x>6}");
    let value = UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", &tail);
    (value, tail)
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Keeps what the gateway tells of calls.
#[derive(Default)]
pub(crate) struct Told(Mutex<String>);

impl Told {
    fn keep(&self, text: &str) {
        let mut told = self.0.lock().unwrap();
        told.push_str(text);
        told.push('\n');
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Told {
    fn upstream_key_refused(&self, seen: &KeyRefusedUpstream<'_>) {
        self.keep(&format!("{seen:?}"));
    }

    // It is given the key, so that its fingerprint can be taken: that is no output.
    fn upstream_key_presented(&self, seen: &UpstreamKeyPresented<'_>) {
        self.keep(&format!("presented from {}", seen.source));
    }

    fn scope_required(&self, seen: &ScopeRequired<'_>) {
        self.keep(&format!("{seen:?}"));
    }
}

impl Telemetry for Told {
    fn call_ended(&self, call: &CallFacts, outcome: &Outcome) {
        self.keep(&format!("{call:?} {outcome:?}"));
    }

    fn call_counted(&self, call: &CallFacts, reason: &'static str) {
        self.keep(&format!("{call:?} {reason}"));
    }
}

pub(crate) struct Pipeline {
    pub(crate) door: SocketAddr,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) pepper: Pepper,
    pub(crate) told: Arc<Told>,
    builder: SnapshotBuilder,
    snapshot: SnapshotHandle,
    audit: Arc<Audit>,
    desk: Arc<ApprovalDesk>,
    clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

impl Pipeline {
    pub(crate) async fn start() -> Self {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let pepper = Pepper::new(b"pepper-Canary-0123456789abcdef01").unwrap();
        let env = EnvProvider::with_lookup(|name| Some(value_of(name).0.into()));
        let secrets = Secrets::new().with(Scheme::Env, env);
        let limits = Limits {
            response_head: Duration::from_secs(2),
            ..Limits::default()
        };
        let builder = SnapshotBuilder::new(pepper.clone(), secrets, &limits);
        let (snapshot, _) = builder.build(store.load_snapshot(at(BEGIN)).unwrap());
        let snapshot = SnapshotHandle::new(snapshot);
        // In memory where there is such a folder: what a disk does to the ledger is tried elsewhere.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        let audit = Arc::new(open_audit(&folder.path().join("ledger"), &store));
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let tells = Arc::clone(&clock);
        let told = Arc::new(Told::default());
        let remembered = Arc::clone(&store) as Arc<dyn IdempotencyStore>;
        let settings = IdempotencySettings::default();
        let key = AUDIT_KEY.into();
        let waits = Arc::clone(&store) as Arc<dyn Store>;
        let desk = ApprovalDesk::open(waits, &key, ApprovalSettings::default()).unwrap();
        let desk = Arc::new(desk.telling(Arc::clone(&audit), |_| {}));
        let config = GatewayConfig {
            limits,
            clock: Clock::new(move || at(tells.load(Ordering::SeqCst))),
            idempotency: Some(Idempotency::new(remembered, &key, settings).unwrap()),
            approvals: Some(Arc::clone(&desk)),
            telemetry: Some(Arc::clone(&told) as Arc<dyn Telemetry>),
            pacing: Some(Pacing::new(wide(), Past::Nothing).unwrap()),
            ..GatewayConfig::default()
        };
        let recorder = LedgerRecorder::new(Arc::clone(&audit), RecordSettings::default());
        let observer = Arc::clone(&told) as Arc<dyn Observer>;
        let gateway = Gateway::new(config, snapshot.clone(), Arc::new(recorder), observer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = listener.local_addr().unwrap();
        let listeners = vec![Listener::plain(listener)];
        tokio::spawn(serve_all(
            listeners,
            gateway.unwrap(),
            std::future::pending(),
        ));
        Self {
            door,
            store,
            pepper,
            told,
            builder,
            snapshot,
            audit,
            desk,
            clock,
            folder,
        }
    }

    /// Puts in force what the store has.
    pub(crate) fn reload(&self) -> Result<(), String> {
        let now = at(self.clock.load(Ordering::SeqCst));
        let (snapshot, faults) = self.builder.build(self.store.load_snapshot(now).unwrap());
        self.snapshot.swap(snapshot);
        match faults.first() {
            Some(fault) => Err(fault.to_string()),
            None => Ok(()),
        }
    }

    pub(crate) fn set_time(&self, millis: i64) {
        self.clock.store(millis, Ordering::SeqCst);
    }

    /// Decides on an approval; whether it was still to be decided.
    pub(crate) fn decide(&self, id: &str, yes: bool) -> bool {
        let now = at(self.clock.load(Ordering::SeqCst));
        let ended = self.desk.decide(id, yes, "ann", None, now).unwrap();
        matches!(ended, Ended::Decided(_))
    }

    /// All that is left behind: the ledger's files, what was told, and what shows of the state.
    pub(crate) fn leavings(&self) -> Vec<(&'static str, Vec<u8>)> {
        self.audit.close().unwrap();
        vec![
            ("the ledger", below(&self.folder.path().join("ledger"))),
            ("what was told", self.told.text().into_bytes()),
            (
                "the snapshot shown",
                format!("{:?}", self.snapshot).into_bytes(),
            ),
        ]
    }
}

/// So wide that no call waits.
fn wide() -> PaceSettings {
    let mut settings = PaceSettings::default();
    for rate in &mut settings.pace.workspace {
        rate.calls = 100_000;
    }
    settings.pace.max_wait = Duration::from_millis(1);
    settings
}

fn open_audit(folder: &Path, store: &Arc<SqliteStore>) -> Audit {
    let name = KeyName::new("ledger.example/test").unwrap();
    let signer = LocalSigner::from_seed(name, &[7; 32]).unwrap();
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    let options = AuditOptions {
        tuning: Tuning {
            segment_bytes: 1 << 20,
            reserve_bytes: 4096,
            checkpoint_every: Duration::from_millis(20),
            ..Tuning::default()
        },
        clock: || at(BEGIN),
        ..AuditOptions::new(folder.to_owned(), Arc::new(signer), AUDIT_KEY.into(), store)
    };
    Audit::open(options).unwrap().0
}
