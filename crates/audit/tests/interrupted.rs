//! What was under way when the machine died is told at the next start.

#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use doorward_audit::{Audit, AuditOptions, Draft, Entry, Filter, Person, Show, find};
use doorward_ledger::{Act, Actor, ActorKind, Event, KeyName, LeafId, LocalSigner, Verdict};
use doorward_store::{SqliteStore, Store};

fn open(dir: &Path, store: &Arc<dyn Store>) -> Audit {
    let name = KeyName::new("doorward.example/test").unwrap();
    let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
    let key = "an audit key of thirty-two bytes and more".into();
    let options = AuditOptions::new(dir.join("ledger"), signer, key, Arc::clone(store));
    Audit::open(options).unwrap().0
}

fn intent(audit: &Audit) -> LeafId {
    let act = Act {
        actor: Some(Actor {
            kind: ActorKind::Client,
            name: Some("crm".to_owned()),
            person: None,
            claimed: true,
        }),
        client: Some("crm".to_owned()),
        ..Act::new("createLead", Verdict::Pending)
    };
    let event = Event::Intent {
        operation: "createLead".to_owned(),
        body: None,
        inputs: None,
    };
    let draft = Draft::new(audit.now(), act, event)
        .person(Person::named("ann@example.com"))
        .source("203.0.113.7".parse().unwrap());
    audit.record_blocking(draft).unwrap().leaf
}

fn outcome(audit: &Audit, intent: LeafId) {
    let event = Event::Outcome {
        intent: Some(intent),
        operation: Some("createLead".to_owned()),
        status: Some(200),
        latency_us: 1,
        body: None,
        answer: None,
    };
    let act = Act::new("createLead", Verdict::Success);
    let draft = Draft::new(audit.now(), act, event);
    audit.record_blocking(draft).unwrap();
}

fn outcomes(audit: &Audit) -> Vec<Entry> {
    let filter = Filter {
        kind: Some("outcome".to_owned()),
        ..Filter::default()
    };
    let found = find(&audit.reader(), &filter, 0, 100, 10_000).unwrap();
    let show = |record| audit.entry(record, Show::People).unwrap();
    found.records.iter().map(show).collect()
}

#[test]
fn a_call_that_was_interrupted_gets_an_end_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("doorward.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
    let audit = open(dir.path(), &store);
    let whole = intent(&audit);
    outcome(&audit, whole);
    let dangling = intent(&audit);
    // As a machine that dies: the folder as it is on disk now.
    let copy = dir.path().join("after");
    std::fs::create_dir(&copy).unwrap();
    copy_folder(&dir.path().join("ledger"), &copy.join("ledger"));
    audit.close().unwrap();
    drop(audit);
    std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    std::fs::rename(copy.join("ledger"), dir.path().join("ledger")).unwrap();
    drop(store);
    // The store's anchor went on; a machine that dies leaves both as they were.
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("doorward.db{end}")));
    }
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
    let adopted = |store: &Arc<dyn Store>| {
        let name = KeyName::new("doorward.example/test").unwrap();
        let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
        let key = "an audit key of thirty-two bytes and more".into();
        let folder = dir.path().join("ledger");
        let mut options = AuditOptions::new(folder, signer, key, Arc::clone(store));
        options.adopt = true;
        Audit::open(options).unwrap().0
    };
    let audit = adopted(&store);
    let ends = outcomes(&audit);
    assert_eq!(ends.len(), 2, "{ends:?}");
    let end = &ends[1];
    assert_eq!(end.result, "unknown");
    assert_eq!(end.reason.as_deref(), Some("interrupted"));
    assert_eq!(end.metadata["intent"], dangling.to_string());
    assert_eq!(end.client.as_deref(), Some("crm"));
    assert_eq!(end.source_ip, None);
    audit.close().unwrap();
    drop(audit);

    // Neither told again, nor made up after an orderly end.
    let audit = open(dir.path(), &store);
    assert_eq!(outcomes(&audit).len(), 2);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
