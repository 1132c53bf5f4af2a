//! What leaves the house: one leaf of each kind in each format, held against what is in
//! `tests/ocsf`, where another implementation of the schema checks it.
//!
//! `DOORWARD_BLESS=1 cargo test -p doorward-audit --test export` writes those files anew.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_audit::{
    Audit, AuditOptions, Draft, Entry, Exporter, Filter, Format, Person, PersonKind, Show,
};
use doorward_ledger::log::Record;
use doorward_ledger::{
    Act, Actor, ActorKind, Body, Change, CommitmentKey, Decision, Door, Event, FindingState,
    KeyName, Leaf, LeafId, LocalSigner, Resource, RotationStep, Sealed, Severity, SubjectId,
    SubjectKey, Text, Verdict,
};
use doorward_policy::Timestamp;
use doorward_store::SqliteStore;

const SUBJECT: SubjectId = SubjectId::from_random([7; 16]);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sealed(leaf: LeafId, field: &str, value: &str) -> Sealed {
    SubjectKey::new(SUBJECT, &[8; 32])
        .seal(leaf, field, value.as_bytes(), [9; 12])
        .unwrap()
}

fn body() -> Body {
    let key = CommitmentKey::new("2027-01", &[5; 32]);
    Body {
        bytes: 57,
        commitment: Some(key.commit(LeafId::from_random([1; 16]), "body", b"x")),
    }
}

fn actor(kind: ActorKind) -> Option<Actor> {
    Some(Actor {
        kind,
        name: None,
        person: None,
        claimed: false,
    })
}

/// A call with all there is to say.
fn call(leaf: LeafId, operation: &str, path: &str, result: Verdict) -> Act {
    Act {
        actor: Some(Actor {
            kind: ActorKind::Client,
            name: Some("crm-sync".to_owned()),
            person: Some(sealed(leaf, "actor.person", "ann@example.com")),
            claimed: true,
        }),
        resource: Some(Resource {
            kind: "account".to_owned(),
            path: Some(path.to_owned()),
            ids: BTreeMap::from([
                (
                    "email".to_owned(),
                    Text::Sealed(sealed(leaf, "resource.email", "bob@example.com")),
                ),
                (
                    "id".to_owned(),
                    Text::Clear("019a0000-1111-7222-8333-444455556666".to_owned()),
                ),
            ]),
        }),
        client: Some("crm-sync".to_owned()),
        client_key: Some("3Nf0aQ9ZbX2k".to_owned()),
        environment: Some("production".to_owned()),
        workspace: Some("ws_1".to_owned()),
        sub_workspace: Some("019a0000-aaaa-7222-8333-444455556666".to_owned()),
        upstream_key: Some("uk_1".to_owned()),
        decision: Some(Decision::Allow),
        request_id: Some("req_000102030405060708090a0b0c0d0e0f".to_owned()),
        source: Some(sealed(leaf, "source", "203.0.113.7")),
        ..Act::new(operation, result)
    }
}

fn own(action: &str, kind: ActorKind) -> Act {
    Act {
        actor: actor(kind),
        resource: Some(Resource {
            kind: "client".to_owned(),
            path: None,
            ids: BTreeMap::from([("id".to_owned(), Text::Clear("cl_1".to_owned()))]),
        }),
        ..Act::new(action, Verdict::Success)
    }
}

/// Acts of each kind, in the order of `docs/formats/ledger.md`.
fn samples() -> Vec<(LeafId, Act, Event)> {
    let mut samples: Vec<(LeafId, Act, Event)> = Vec::new();
    let mut add = |make: &dyn Fn(LeafId) -> (Act, Event)| {
        let leaf = LeafId::from_random([u8::try_from(samples.len() + 1).unwrap(); 16]);
        let (act, event) = make(leaf);
        samples.push((leaf, act, event));
    };
    let operations = [
        ("createLead", "/api/v2/leads"),
        ("patchAccount", "/api/v2/accounts/{email}"),
        ("deleteAccount", "/api/v2/accounts/{email}"),
    ];
    for (operation, path) in operations {
        add(&|leaf| {
            let event = Event::Intent {
                operation: operation.to_owned(),
                body: Some(body()),
                inputs: Some(sealed(leaf, "inputs", "{\"rate\":3}")),
            };
            (call(leaf, operation, path, Verdict::Pending), event)
        });
    }
    for (result, status, reason) in [
        (Verdict::Success, Some(200), None),
        (Verdict::Failure, Some(502), Some("upstream_failed")),
        (Verdict::Unknown, None, Some("upstream_timeout")),
    ] {
        add(&|leaf| {
            let mut act = call(leaf, "listLeads", "/api/v2/leads/list", result);
            act.reason = reason.map(str::to_owned);
            let event = Event::Outcome {
                intent: Some(LeafId::from_random([1; 16])),
                operation: Some("listLeads".to_owned()),
                status,
                latency_us: 137_004,
                body: None,
                answer: Some(body()),
            };
            (act, event)
        });
    }
    for (operation, decision) in [
        (Some("deleteAccount"), Decision::Deny),
        (Some("activateCampaign"), Decision::NeedsApproval),
        (None, Decision::Deny),
    ] {
        add(&|leaf| {
            let mut act = call(
                leaf,
                operation.unwrap_or("unknown"),
                "/api/v2/accounts/{email}",
                Verdict::Refused,
            );
            act.decision = Some(decision);
            act.reason = Some("scope_missing".to_owned());
            if operation.is_none() {
                act.resource = None;
            }
            let event = Event::Decision {
                operation: operation.map(str::to_owned),
                status: Some(403),
                inputs: None,
            };
            (act, event)
        });
    }
    add(&|_| {
        let act = Act {
            actor: actor(ActorKind::Stranger),
            ..Act::new("stranger.refused", Verdict::Refused)
        };
        let event = Event::Refusals {
            door: Door::Out,
            since: "2027-01-15T08:00:00Z".to_owned(),
            count: 3,
            reasons: BTreeMap::from([("client_key_unknown".to_owned(), 3)]),
        };
        (act, event)
    });
    let admin = |leaf| Act {
        actor: Some(Actor {
            kind: ActorKind::Admin,
            name: None,
            person: Some(sealed(leaf, "actor.person", "root")),
            claimed: false,
        }),
        ..own("client.create", ActorKind::Admin)
    };
    for change in [Change::Created, Change::Misused, Change::Revoked] {
        add(&|leaf| (admin(leaf), Event::ClientKey { change }));
    }
    let two = ["a".to_owned(), "b".to_owned()];
    let plain: [(&str, ActorKind, Event); 20] = [
        (
            "client.update",
            ActorKind::Admin,
            Event::Client {
                change: Change::Updated,
            },
        ),
        (
            "upstream_key.expire",
            ActorKind::Doorward,
            Event::UpstreamKey {
                change: Change::Expired,
            },
        ),
        (
            "upstream_key.rotate",
            ActorKind::Doorward,
            Event::Rotation {
                rotation: "rot_1".to_owned(),
                step: RotationStep::Switched,
                from: Some("uk_1".to_owned()),
                to: Some("uk_2".to_owned()),
            },
        ),
        (
            "webhook.receive",
            ActorKind::Instantly,
            Event::WebhookReceived {
                webhook_source: "src_1".to_owned(),
                event: "evt_1".to_owned(),
                event_type: Some("reply_received".to_owned()),
                body: body(),
            },
        ),
        (
            "webhook.quarantine",
            ActorKind::Instantly,
            Event::WebhookQuarantined {
                webhook_source: "src_1".to_owned(),
                event: "evt_2".to_owned(),
                body: body(),
            },
        ),
        (
            "webhook.deliver",
            ActorKind::Doorward,
            Event::WebhookDelivered {
                event: "evt_1".to_owned(),
                destination: "dst_1".to_owned(),
                attempts: 2,
                status: Some(204),
            },
        ),
        (
            "webhook.give_up",
            ActorKind::Doorward,
            Event::WebhookGivenUp {
                event: "evt_1".to_owned(),
                destination: "dst_1".to_owned(),
                attempts: 12,
            },
        ),
        ("workspace.create", ActorKind::Admin, Event::Admin),
        ("mode.freeze", ActorKind::Admin, Event::Admin),
        (
            "approval.grant",
            ActorKind::Admin,
            Event::Approval {
                approval: "apr_1".to_owned(),
                change: Change::Granted,
            },
        ),
        (
            "configuration.load",
            ActorKind::Doorward,
            Event::Configuration {
                changed: two.to_vec(),
                commitment: None,
            },
        ),
        (
            "policy.load",
            ActorKind::Doorward,
            Event::Policy {
                version: "3".to_owned(),
                commitment: None,
            },
        ),
        (
            "secret.read",
            ActorKind::Doorward,
            Event::SecretRead {
                reference: "file:///etc/doorward/pepper".to_owned(),
            },
        ),
        (
            "check.run",
            ActorKind::Doorward,
            Event::Finding {
                check: "key-age".to_owned(),
                severity: Severity::High,
                state: FindingState::Open,
            },
        ),
        (
            "check.run",
            ActorKind::Doorward,
            Event::Finding {
                check: "key-age".to_owned(),
                severity: Severity::Info,
                state: FindingState::Mended,
            },
        ),
        (
            "subject.erase",
            ActorKind::Admin,
            Event::Erasure { subject: SUBJECT },
        ),
        (
            "audit.review",
            ActorKind::Admin,
            Event::Review {
                first: 0,
                last: 41,
                counts: BTreeMap::from([("refusals".to_owned(), 3)]),
                note: None,
            },
        ),
        (
            "ledger.state",
            ActorKind::Doorward,
            Event::State {
                state: "disk_full".to_owned(),
            },
        ),
        (
            "ledger_key.add",
            ActorKind::Doorward,
            Event::LedgerKey {
                change: Change::Created,
                verifier_key: "doorward.example/main+22044f0f+AQ".to_owned(),
            },
        ),
        (
            "webhook.receive",
            ActorKind::Instantly,
            Event::WebhooksReceived {
                webhook_source: "src_1".to_owned(),
                since: "2027-01-15T07:59:00Z".to_owned(),
                stored: 7,
                known: 2,
                quarantined: 1,
                digest: Some("ab".repeat(32)),
            },
        ),
    ];
    for (action, kind, event) in plain {
        add(&|_| (own(action, kind), event.clone()));
    }
    add(&|leaf| {
        let mut act = own("report.export", ActorKind::Client);
        act.client = Some("crm-sync".to_owned());
        let text = "{\"rows\":120,\"formula\":\"=1+1\"}";
        let claim = Some(sealed(leaf, "claim", text));
        (act, Event::Claim { claim })
    });
    samples
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
