//! A sandbox in Instantly's place, and a record of acts before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use doorward_audit::instantly::{PullOptions, Source};
use doorward_audit::{Audit, AuditOptions, Draft};
use doorward_ledger::{Act, Actor, ActorKind, Event, KeyName, LeafId, LocalSigner, Verdict};
use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_sandbox::{Clock, Incoming, Running, Sandbox, Settings};
use doorward_store::{NewWorkspace, SqliteStore, Store};
use doorward_upstream::Client;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue};
use serde_json::Value;

/// 2026-03-02T10:00:00Z.
pub(crate) const NOW: i64 = 1_772_445_600_000;
/// Where Doorward's calls come from.
pub(crate) const EGRESS: &str = "203.0.113.7";
/// Doorward's id of the upstream key.
pub(crate) const OWN: &str = "uk_0123456789abcdef";

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) running: Running,
    pub(crate) audit: Arc<Audit>,
    pub(crate) store: Arc<dyn Store>,
    /// Doorward's id of the workspace.
    pub(crate) workspace: String,
    /// The widest key.
    pub(crate) key: String,
    _folder: tempfile::TempDir,
}

/// A call that somebody makes.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Stage {
    /// A stage whose record says that it is the beginning.
    pub(crate) async fn new(change: impl FnOnce(&mut Settings)) -> Stage {
        Self::with_clock(change, || Timestamp::from_millis(NOW)).await
    }

    pub(crate) async fn with_clock(
        change: impl FnOnce(&mut Settings),
        clock: fn() -> Timestamp,
    ) -> Stage {
        let mut settings = Settings {
            rate_limits: false,
            ..Settings::default()
        };
        change(&mut settings);
        let builder = Sandbox::builder()
            .seed(7)
            .clock(Clock::frozen(NOW))
            .settings(settings);
        let running = builder.build().unwrap().spawn("127.0.0.1:0").await.unwrap();
        let sandbox = running.sandbox.clone();
        let key = sandbox.summary("").workspaces[0].keys[0].key.clone();

        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("doorward.db")).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let name = KeyName::new("doorward.example/test").unwrap();
        let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
        let audit_key = "an audit key of thirty-two bytes and more".into();
        let ledger = folder.path().join("ledger");
        let mut options = AuditOptions::new(ledger, signer, audit_key, Arc::clone(&store));
        options.clock = clock;
        let (audit, _) = Audit::open(options).unwrap();
        let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, &running.url);
        let workspace = store
            .create_workspace(&new, Timestamp::from_millis(NOW))
            .unwrap()
            .id;
        Stage {
            sandbox,
            running,
            audit: Arc::new(audit),
            store,
            workspace,
            key,
            _folder: folder,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.sandbox.now())
    }

    /// A source that reads with a key.
    pub(crate) fn source(&self, key: &str) -> Source {
        let client = Client::builder()
            .base_url(self.running.url.clone())
            .key(key.to_owned().into())
            .retries(doorward_upstream::RetryPolicy::NONE)
            .build()
            .unwrap();
        Source {
            workspace: self.workspace.clone(),
            sub_workspace: None,
            client,
        }
    }

    /// The key of that name.
    pub(crate) fn key_named(&self, name: &str) -> String {
        let summary = self.sandbox.summary("");
        let mut keys = summary.workspaces[0].keys.iter();
        keys.find(|key| key.name == name).unwrap().key.clone()
    }

    /// Calls the sandbox from an address, with a key and under a name; status and answer.
    pub(crate) async fn call(
        &self,
        ask: &Ask,
        key: &str,
        agent: Option<&str>,
        address: &str,
    ) -> (u16, Value) {
        let mut incoming = Incoming {
            method: ask.method.to_owned(),
            target: format!("/api/v2{}", ask.path),
            address: address.to_owned(),
            ..Incoming::default()
        };
        let mut put = |name: HeaderName, value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            incoming.headers.insert(name, value);
        };
        put(AUTHORIZATION, &format!("Bearer {key}"));
        if let Some(agent) = agent {
            put(USER_AGENT, agent);
        }
        if let Some(body) = &ask.body {
            put(CONTENT_TYPE, "application/json");
            incoming.body = body.to_string().into();
        }
        let answer = self.sandbox.handle(incoming).await;
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    /// The same with the widest key, from Doorward's address.
    pub(crate) async fn ask(&self, method: &'static str, path: &str, body: Option<Value>) -> Value {
        let ask = Ask {
            method,
            path: path.to_owned(),
            body,
        };
        let (status, answer) = self.call(&ask, &self.key, None, EGRESS).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    /// Every record of the workspace's log, newest first.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let (mut all, mut path) = (Vec::new(), "/audit-logs?limit=1000".to_owned());
        loop {
            let page = self.ask("GET", &path, None).await;
            let items = page["items"].as_array().unwrap();
            if items.is_empty() {
                return all;
            }
            all.extend(items.iter().cloned());
            let cursor = page["next_starting_after"].as_str().unwrap();
            path = format!("/audit-logs?limit=1000&starting_after={cursor}");
        }
    }

    /// The leaf that the gateway writes before a call.
    pub(crate) fn intent(
        &self,
        operation: &str,
        id: (&str, &str),
        name: &str,
        at: Timestamp,
    ) -> Draft {
        let event = Event::Intent {
            operation: operation.to_owned(),
            body: None,
            inputs: None,
        };
        let act = self.act(operation, name, Verdict::Pending);
        Draft::new(at, act, event)
            .id(id.0, id.1)
            .source("192.0.2.55".parse().unwrap())
    }

    /// The leaf that it writes after.
    pub(crate) fn outcome(
        &self,
        intent: LeafId,
        operation: &str,
        name: &str,
        (at, latency_ms): (Timestamp, u64),
        (status, result): (Option<u16>, Verdict),
    ) -> Draft {
        let event = Event::Outcome {
            intent: Some(intent),
            operation: Some(operation.to_owned()),
            status,
            latency_us: latency_ms * 1_000,
            body: None,
            answer: None,
        };
        Draft::new(at, self.act(operation, name, result), event)
    }

    fn act(&self, operation: &str, name: &str, result: Verdict) -> Act {
        Act {
            actor: Some(Actor {
                kind: ActorKind::Client,
                name: Some("crm".to_owned()),
                person: None,
                claimed: false,
            }),
            client: Some("crm".to_owned()),
            workspace: Some(self.workspace.clone()),
            upstream_key: Some(OWN.to_owned()),
            request_id: Some(name.to_owned()),
            ..Act::new(operation, result)
        }
    }
}

pub(crate) fn quickly() -> PullOptions {
    PullOptions {
        // All that there is.
        first_ms: 400 * 86_400_000,
        pause: Duration::ZERO,
        ..PullOptions::default()
    }
}

/// How often each comes.
pub(crate) fn tally<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut tally = BTreeMap::new();
    for one in all {
        *tally.entry(one).or_default() += 1;
    }
    tally
}
