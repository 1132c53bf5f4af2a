//! The record as its users see it: what goes in comes out, people are sealed, and forgotten.

#![cfg(test)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use doorward_audit::{
    Audit, AuditError, AuditOptions, Claim, Claimant, Draft, Entry, Filter, Person, PersonKind,
    Show, find, find_last, system_time,
};
use doorward_ledger::{Act, Actor, ActorKind, Door, Event, KeyName, LocalSigner, Verdict};
use doorward_policy::Timestamp;
use doorward_store::{SqliteStore, Store};

const KEY: &str = "an audit key of thirty-two bytes and more";

fn store(dir: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&dir.join("doorward.db")).unwrap())
}

fn options(dir: &Path, store: &Arc<dyn Store>, key: &str) -> AuditOptions {
    let name = KeyName::new("doorward.example/test").unwrap();
    let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
    AuditOptions::new(dir.join("ledger"), signer, key.into(), Arc::clone(store))
}

fn try_open(dir: &Path, store: &Arc<dyn Store>, key: &str) -> Result<Audit, AuditError> {
    Audit::open(options(dir, store, key)).map(|(audit, _)| audit)
}

fn open(dir: &Path, store: &Arc<dyn Store>) -> Audit {
    try_open(dir, store, KEY).unwrap()
}

fn call(action: &str) -> Draft {
    let act = Act {
        actor: Some(Actor {
            kind: ActorKind::Client,
            name: Some("crm".to_owned()),
            person: None,
            claimed: true,
        }),
        client: Some("crm".to_owned()),
        ..Act::new(action, Verdict::Pending)
    };
    let event = Event::Intent {
        operation: action.to_owned(),
        body: None,
        inputs: None,
    };
    Draft::new(Timestamp::from_seconds(1_800_000_000), act, event)
}

fn whole(draft: Draft) -> Draft {
    draft
        .person(Person::named("Canary.Person@example.com"))
        .source("203.0.113.77".parse().unwrap())
        .id("email", "canary.account@example.com")
        .body([9; 32], 12)
        .sealed(
            &serde_json::json!({"inputs": "canary-inputs"}),
            Person::new(PersonKind::Client, "crm"),
        )
}

fn all_entries(audit: &Audit, show: Show) -> Vec<Entry> {
    let found = find(&audit.reader(), &Filter::default(), 0, 10_000, 10_000).unwrap();
    found
        .records
        .iter()
        .map(|record| audit.entry(record, show).unwrap())
        .collect()
}

fn every_byte_below(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(every_byte_below(&path));
        } else {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|at| at == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_is_shown_and_people_are_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let first = audit.record(whole(call("deleteAccount"))).await.unwrap();
    audit.note(whole(call("addLeads")));
    audit.flush();

    let entries = all_entries(&audit, Show::People);
    let entry = &entries[usize::try_from(first.sequence).unwrap()];
    assert_eq!(entry.id, Some(first.leaf));
    assert_eq!(entry.user.as_deref(), Some("canary.person@example.com"));
    assert!(entry.user_claimed);
    assert_eq!(entry.source_ip.as_deref(), Some("203.0.113.77"));
    assert_eq!(entry.resource_ids["email"], "canary.account@example.com");
    assert_eq!(entry.metadata["inputs"]["inputs"], "canary-inputs");
    assert_eq!(entry.metadata["body"]["bytes"], 12);
    assert_eq!(entries.last().unwrap().action, "addLeads");

    let hidden = serde_json::to_string(&all_entries(&audit, Show::Subjects)).unwrap();
    assert!(!hidden.contains("canary") && !hidden.contains("203.0.113"));
    audit.close().unwrap();
    drop(audit);
    drop(store);
    let bytes = every_byte_below(dir.path());
    assert!(contains(&bytes, "deleteAccount"));
    for canary in ["anary", "203.0.113.77"] {
        assert!(!contains(&bytes, canary), "{canary}");
    }
}

#[test]
fn a_person_is_found_until_erased_and_then_the_record_still_holds() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let person = Person::named("Canary.Person@example.com");
    assert_eq!(audit.find(&person).unwrap(), None);
    let before = audit.record_blocking(whole(call("deleteAccount"))).unwrap();
    audit.record_blocking(call("listLeads")).unwrap();

    let subject = audit
        .find(&Person::named("canary.person@EXAMPLE.com"))
        .unwrap();
    let filter = Filter {
        subject,
        ..Filter::default()
    };
    let of_person = |audit: &Audit| find_last(&audit.reader(), &filter, 10, 10_000).unwrap();
    assert_eq!(of_person(&audit)[0].sequence, before.sequence);

    let tombstone = audit
        .erase(
            subject.unwrap(),
            Some(Person::new(PersonKind::Admin, "uid 0")),
        )
        .unwrap()
        .unwrap();
    assert_eq!(audit.find(&person).unwrap(), None);
    assert_eq!(audit.erase(subject.unwrap(), None).unwrap(), None);
    let record = &of_person(&audit)[0];
    let shown = audit.entry(record, Show::People).unwrap();
    assert!(shown.user.unwrap().ends_with("(erased)"));
    // Others in the same leaf are still there.
    assert_eq!(shown.source_ip.as_deref(), Some("203.0.113.77"));
    assert_eq!(of_person(&audit)[1].sequence, tombstone.sequence);
    // The person who comes back is somebody new.
    audit.record_blocking(whole(call("deleteAccount"))).unwrap();
    assert_ne!(audit.find(&person).unwrap(), subject);
    assert!(
        audit
            .log()
            .wait_signed(tombstone.sequence, Duration::from_secs(5))
    );
}

#[test]
fn bodies_are_held_against_their_commitments_until_the_month_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let mut draft = whole(call("addLeads"));
    draft.at = Timestamp::from_seconds(1_700_000_000);
    let recorded = audit.record_blocking(draft).unwrap();
    let record = find_last(&audit.reader(), &Filter::default(), 1, 10).unwrap();
    let leaf: serde_json::Value = serde_json::from_slice(&record[0].leaf).unwrap();
    let found = serde_json::from_value(leaf["body"]["commitment"].clone()).unwrap();
    let check = |sha256| {
        audit
            .verify_commitment(recorded.leaf, "body", &sha256, &found)
            .unwrap()
    };
    assert_eq!(check([9; 32]), Some(true));
    assert_eq!(check([8; 32]), Some(false));
    assert!(audit.erase_month("2023-11", None).unwrap().is_some());
    assert_eq!(check([9; 32]), None);
    assert_eq!(audit.erase_month("2023-11", None).unwrap(), None);
}

#[test]
fn the_key_of_a_month_that_is_not_over_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let month: String = audit.now().to_string().chars().take(7).collect();
    let refused = audit.erase_month(&month, None);
    assert!(matches!(refused, Err(AuditError::Setting { .. })));
    assert!(store.commitment_key(&month).unwrap().is_some());
}

/// Held by whoever wants time to stand still, and the background with it.
static TIME: std::sync::RwLock<()> = std::sync::RwLock::new(());

fn time_if_it_goes_on() -> Timestamp {
    let _goes_on = TIME.read().unwrap();
    system_time()
}

#[test]
fn who_notes_more_than_is_kept_up_with_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let mut options = options(dir.path(), &store, KEY);
    options.clock = time_if_it_goes_on;
    let (audit, _) = Audit::open(options).unwrap();
    assert!(audit.keeps_up());
    let stands_still = TIME.write().unwrap();
    let mut noted = 0;
    while audit.keeps_up() {
        audit.note(call("listLeads").person(Person::named("ann@example.com")));
        noted += 1;
        assert!(noted < 1_000_000, "nobody says that it is too much");
    }
    drop(stands_still);
    audit.flush();
    assert!(audit.keeps_up());
    assert_eq!(audit.lost(), 0, "told before anything is lost");
    let named = |name| std::iter::once(Person::named(name));
    assert!(audit.knows(named("Ann@example.com")) && !audit.knows(named("nobody")));
    audit.expect(named("nobody"));
    assert!(audit.knows(named("nobody")) && !audit.knows(named("no one")));
    audit.close().unwrap();
    assert!(!audit.keeps_up(), "what is noted after the end is lost");
}

#[test]
fn strangers_are_one_leaf_and_it_is_there_after_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let at = audit.now();
    for _ in 0..1_000 {
        audit.stranger(Door::Out, at, "unknown_key");
    }
    audit.close().unwrap();
    drop(audit);
    let audit = open(dir.path(), &store);
    let entries = all_entries(&audit, Show::People);
    let refusals: Vec<_> = entries.iter().filter(|e| e.is_strangers()).collect();
    // Two, if the minute ended meanwhile.
    assert!(matches!(refusals.len(), 1 | 2), "{refusals:?}");
    let count: u64 = refusals
        .iter()
        .map(|entry| entry.metadata["count"].as_u64().unwrap())
        .sum();
    assert_eq!(count, 1_000);
    assert!(refusals.iter().all(|entry| entry.is_refused()));
}

#[test]
fn the_wrong_audit_key_or_an_older_folder_refuses_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    open(dir.path(), &store).close().unwrap();
    let other = "another audit key of thirty-two bytes";
    assert!(matches!(
        try_open(dir.path(), &store, other),
        Err(AuditError::OtherKey)
    ));
    std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    let behind = try_open(dir.path(), &store, KEY).err().unwrap();
    assert!(behind.to_string().contains("turned back"), "{behind}");
}

#[test]
fn a_claim_is_the_clients_word_and_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let claim = br#"{"action":"report.export","result":"success","user":"ann@example.com",
        "resource":{"type":"report","id":"Q3 of Ann"},"metadata":{"canary":"x"}}"#;
    let by = Claimant {
        workspace: Some("ws_1".to_owned()),
        client: Some("crm".to_owned()),
        client_key: None,
        environment: Some("production".to_owned()),
        request_id: None,
        source: Some("203.0.113.77".parse().unwrap()),
    };
    let draft = Claim::parse(claim)
        .unwrap()
        .into_draft(&by, audit.now())
        .unwrap();
    audit.record_blocking(draft).unwrap();
    let record = find_last(&audit.reader(), &Filter::default(), 1, 10).unwrap();
    let text = String::from_utf8_lossy(&record[0].leaf).into_owned();
    assert!(!text.contains("ann@") && !text.contains("canary") && !text.contains("of Ann"));
    let entry = audit.entry(&record[0], Show::People).unwrap();
    assert_eq!(
        (entry.kind.as_str(), entry.user.as_deref()),
        ("claim", Some("ann@example.com"))
    );
    assert!(entry.user_claimed);
    assert_eq!(entry.metadata["claim"]["metadata"]["canary"], "x");
}

#[test]
fn entries_are_found_by_what_they_say_and_when() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let start = Timestamp::from_seconds(1_700_000_000);
    for n in 0..2_000 {
        let mut draft = call(if n % 10 == 0 {
            "deleteLead"
        } else {
            "addLeads"
        });
        draft.at = start.plus_millis(n * 60_000);
        audit.note(draft);
    }
    audit.flush();
    let filter = Filter {
        action: Some("deleteLead".to_owned()),
        since: Some(start.plus_millis(1_000 * 60_000)),
        until: Some(start.plus_millis(1_100 * 60_000)),
        ..Filter::default()
    };
    let found = find(&audit.reader(), &filter, 0, 100, 10_000).unwrap();
    assert_eq!(found.records.len(), 10);
    assert!(found.looked_at < 200, "{}", found.looked_at);
    let page = find(&audit.reader(), &filter, 0, 4, 10_000).unwrap();
    let rest = find(&audit.reader(), &filter, page.next.unwrap(), 100, 10_000).unwrap();
    assert_eq!((page.records.len(), rest.records.len()), (4, 6));
    let last = find_last(
        &audit.reader(),
        &Filter {
            until: None,
            ..filter
        },
        3,
        10_000,
    )
    .unwrap();
    assert_eq!(last.len(), 3);
    assert!(last[0].sequence < last[2].sequence && last[2].sequence > 1_900);
}

#[test]
fn a_clock_that_was_ahead_or_went_back_hides_nothing() {
    const HOUR: i64 = 3_600_000;
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let audit = open(dir.path(), &store);
    let start = Timestamp::from_seconds(1_900_000_000);
    // A leaf a minute for ten hours; a day ahead for a while in the third, set back by two hours
    // after the sixth.
    let minutes = (0..600).map(|minute| match minute {
        150..170 => minute + 24 * 60,
        360.. => minute - 120,
        _ => minute,
    });
    let times: Vec<_> = minutes
        .map(|minute| start.plus_millis(minute * HOUR / 60))
        .collect();
    for at in &times {
        let mut draft = call("listLeads");
        draft.at = *at;
        audit.note(draft);
    }
    audit.flush();
    for (from, to) in [(0, 2), (1, 4), (3, 5), (4, 6), (5, 8), (6, 9), (40, 50)] {
        let (since, until) = (start.plus_millis(from * HOUR), start.plus_millis(to * HOUR));
        let filter = Filter {
            since: Some(since),
            until: Some(until),
            ..Filter::default()
        };
        let found = find(&audit.reader(), &filter, 0, 10_000, 10_000).unwrap();
        let wanted = times.iter().filter(|at| (since..until).contains(*at));
        assert_eq!(found.records.len(), wanted.count(), "from {from} to {to}");
    }
}
