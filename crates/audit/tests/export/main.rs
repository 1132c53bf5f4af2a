//! What leaves the house: one leaf of each kind in each format, held against what is in
//! `tests/ocsf`, where another implementation of the schema checks it.
//!
//! `DOORWARD_BLESS=1 cargo test -p doorward-audit --test export` writes those files anew.

#![cfg(test)]

mod samples;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_audit::{
    Audit, AuditOptions, Draft, Entry, Exporter, Filter, Format, Person, PersonKind, Show,
};
use doorward_ledger::log::Record;
use doorward_ledger::{
    Act, ActorKind, Event, KeyName, Leaf, LocalSigner, Sealed, SubjectKey, Verdict,
};
use doorward_policy::Timestamp;
use doorward_store::SqliteStore;

use crate::samples::{SUBJECT, actor, samples};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn records() -> Vec<Record> {
    let at = Timestamp::from_seconds(1_800_000_000);
    let mut records: Vec<_> = samples()
        .into_iter()
        .zip(0..)
        .map(|((leaf, act, event), sequence)| Record {
            sequence,
            leaf: Leaf::new(leaf, at.plus_millis(250), act, event)
                .to_bytes()
                .unwrap()
                .as_bytes()
                .to_vec(),
        })
        .collect();
    // And one of a version that is not known yet.
    records.push(Record {
        sequence: u64::try_from(records.len()).unwrap(),
        leaf: br#"{"at":"2030-01-01T00:00:00Z","kind":"not-known-yet","v":2}"#.to_vec(),
    });
    records
}

fn entries(show: Show) -> Vec<Entry> {
    let key = SubjectKey::new(SUBJECT, &[8; 32]);
    let open = |leaf, field: &str, sealed: &Sealed| match show {
        Show::Subjects => Ok(sealed.subject.to_string()),
        Show::People => {
            let value = key.open(leaf, field, sealed)?;
            Ok(String::from_utf8(value.to_vec()).unwrap())
        }
    };
    records()
        .iter()
        .map(|record| Entry::of(record, open).unwrap())
        .collect()
}

fn written(entries: &[Entry], format: Format) -> String {
    let mut exporter = Exporter::new(Vec::new(), format).unwrap();
    for entry in entries {
        exporter.write(entry).unwrap();
    }
    assert_eq!(exporter.entries(), entries.len() as u64);
    String::from_utf8(exporter.finish().unwrap()).unwrap()
}

#[test]
fn each_kind_of_leaf_has_a_sample() {
    let text = std::fs::read_to_string(root().join("docs/formats/ledger.md")).unwrap();
    let kinds = text.split("### Kinds").nth(1).unwrap();
    let kinds = kinds.split("###").next().unwrap();
    let rows = kinds.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<_> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert!(told.len() > 20, "{told:?}");
    let sampled: BTreeSet<_> = entries(Show::Subjects)
        .into_iter()
        .map(|entry| entry.kind)
        .filter(|kind| kind != "not-known-yet")
        .collect();
    assert_eq!(sampled, told);
}

#[test]
fn every_format_is_as_it_was() {
    let mut wrong = Vec::new();
    for (show, name) in [(Show::Subjects, "subjects"), (Show::People, "people")] {
        for format in Format::ALL {
            let path = root().join(format!("tests/ocsf/{name}.{format}"));
            let now = written(&entries(show), format).replace(env!("CARGO_PKG_VERSION"), "VERSION");
            if std::env::var_os("DOORWARD_BLESS").is_some() {
                std::fs::write(&path, &now).unwrap();
            }
            if std::fs::read_to_string(&path).unwrap_or_default() != now {
                wrong.push(path);
            }
        }
    }
    assert!(wrong.is_empty(), "other than before: {wrong:?}");
}

#[test]
fn nobody_is_named_unless_people_are_asked_for() {
    for format in Format::ALL {
        let people = written(&entries(Show::People), format);
        let subjects = written(&entries(Show::Subjects), format);
        for value in ["ann@example.com", "bob@example.com", "203.0.113.7"] {
            let escaped = value.replace('=', "\\=");
            assert!(people.contains(&escaped), "{format} {value}");
            assert!(!subjects.contains(value), "{format} {value}");
        }
    }
}

#[test]
fn a_format_is_found_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
    }
    let error = "xml".parse::<Format>().unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no format `xml`: use jsonl, ocsf, csv or cef"
    );
}

#[test]
fn a_ledger_is_exported_from_a_time_to_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let name = KeyName::new("doorward.example/test").unwrap();
    let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let key = "an audit key of thirty-two bytes and more".into();
    let (audit, _) = Audit::open(AuditOptions::new(
        dir.path().join("ledger"),
        signer,
        key,
        store,
    ))
    .unwrap();
    let begin = Timestamp::from_seconds(1_800_000_000);
    for second in 0..3_000 {
        let act = Act {
            actor: actor(ActorKind::Client),
            ..Act::new("listLeads", Verdict::Success)
        };
        let event = Event::Outcome {
            intent: None,
            operation: Some("listLeads".to_owned()),
            status: Some(200),
            latency_us: second,
            body: None,
            answer: None,
        };
        let at = begin.plus_millis(i64::try_from(second).unwrap() * 1_000);
        let person = Person::new(PersonKind::Email, "ann@example.com");
        audit.note(Draft::new(at, act, event).person(person));
    }
    audit.flush();
    let filter = Filter {
        since: Some(begin.plus_millis(1_000_000)),
        until: Some(begin.plus_millis(2_000_000)),
        ..Filter::default()
    };
    let mut exporter = Exporter::new(Vec::new(), Format::Jsonl).unwrap();
    let mut last = (0, 0);
    audit
        .export(&filter, Show::People, &mut exporter, |at, of| {
            assert!(at >= last.0 && at <= of);
            last = (at, of);
        })
        .unwrap();
    assert_eq!(exporter.entries(), 1_000);
    // What is far from that time was not read.
    assert!(last.0 == last.1 && last.1 < 3_000, "{last:?}");
    let text = String::from_utf8(exporter.finish().unwrap()).unwrap();
    let seconds: Vec<_> = text
        .lines()
        .map(|line| {
            let entry: Entry = serde_json::from_str(line).unwrap();
            assert_eq!(entry.user.as_deref(), Some("ann@example.com"));
            entry.metadata["latency_us"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(seconds, (1_000..2_000).collect::<Vec<_>>());
}
