//! A ledger to take from, and what is asked of sinks.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_audit::{
    Audit, AuditOptions, Draft, Entry, HttpsSink, Person, PersonKind, Retry, SinkConfig, SinkKind,
    SinkMetrics, Sinks,
};
use doorward_ledger::{Act, Actor, ActorKind, Event, KeyName, LocalSigner, Verdict};
use doorward_policy::Timestamp;
use doorward_store::SqliteStore;

use crate::receivers::HttpReceiver;

pub(crate) fn open(dir: &Path) -> Arc<Audit> {
    let name = KeyName::new("doorward.example/test").unwrap();
    let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
    let store = Arc::new(SqliteStore::open(&dir.join("doorward.db")).unwrap());
    let key = "an audit key of thirty-two bytes and more".into();
    let options = AuditOptions::new(dir.join("ledger"), signer, key, store);
    Arc::new(Audit::open(options).unwrap().0)
}

pub(crate) fn act(audit: &Audit) {
    let act = Act {
        actor: Some(Actor {
            kind: ActorKind::Client,
            name: None,
            person: None,
            claimed: true,
        }),
        ..Act::new("listLeads", Verdict::Success)
    };
    let event = Event::Outcome {
        intent: None,
        operation: Some("listLeads".to_owned()),
        status: Some(200),
        latency_us: 1,
        body: None,
        answer: None,
    };
    let person = Person::new(PersonKind::Email, "ann@example.com");
    audit.note(Draft::new(Timestamp::from_seconds(1_800_000_000), act, event).person(person));
}

/// Makes the ledger have `size` leaves.
pub(crate) fn fill(audit: &Audit, size: u64) {
    for _ in audit.reader().size()..size {
        act(audit);
    }
    audit.flush();
    assert_eq!(audit.reader().size(), size);
}

pub(crate) fn config(name: &str, kind: SinkKind) -> SinkConfig {
    SinkConfig {
        retry: Retry {
            first: Duration::from_millis(2),
            most: Duration::from_millis(20),
        },
        ..SinkConfig::new(name, kind)
    }
}

pub(crate) fn https(receiver: &HttpReceiver) -> HttpsSink {
    HttpsSink {
        max_entries: 32,
        linger: Duration::ZERO,
        ca: receiver.ca.clone(),
        ..HttpsSink::new(receiver.url.clone())
    }
}

pub(crate) fn start(audit: &Arc<Audit>, config: SinkConfig) -> Sinks {
    Sinks::start(audit, vec![config]).unwrap()
}

pub(crate) fn metrics(sinks: &Sinks) -> SinkMetrics {
    sinks.metrics().remove(0)
}

/// Waits, ten seconds at most.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(10), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn sequences(text: &str) -> Vec<u64> {
    text.lines()
        .map(|line| serde_json::from_str::<Entry>(line).unwrap().seq)
        .collect()
}

/// Each at least once; and after each, either the next or one that came before.
pub(crate) fn assert_all_in_order(found: &[u64], all: std::ops::Range<u64>) {
    let mut next = all.start;
    for seq in found {
        assert!(*seq <= next, "{seq} came before {next}: {found:?}");
        next = next.max(seq + 1);
    }
    assert_eq!(next, all.end);
}
