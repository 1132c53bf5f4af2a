//! Leaves of every kind: written, read back, and free of people's data.

#![cfg(test)]

use std::collections::BTreeMap;

use doorward_ledger::{
    Act, Actor, ActorKind, Body, Change, CommitmentKey, Decision, Door, Event, FindingState, Leaf,
    LeafBytes, LeafId, ReadLeaf, Resource, RotationStep, Sealed, Severity, SubjectId, SubjectKey,
    Text, Verdict,
};
use doorward_policy::Timestamp;
use proptest::prelude::*;

const ID: LeafId = LeafId::from_random([0xab; 16]);
const SUBJECT: SubjectId = SubjectId::from_random([0xcd; 16]);
const CANARIES: [&str; 2] = ["ann.canary@example.com", "203.0.113.77"];

fn sealed(field: &str, value: &str) -> Sealed {
    SubjectKey::new(SUBJECT, &[1; 32])
        .seal(ID, field, value.as_bytes(), [2; 12])
        .unwrap()
}

fn body() -> Body {
    Body {
        bytes: 12,
        commitment: Some(CommitmentKey::new("2026-11", &[3; 32]).commit(ID, "body", b"hash")),
    }
}

fn events() -> Vec<Event> {
    let text = str::to_owned;
    let counts = BTreeMap::from([(text("client_key_unknown"), 7)]);
    vec![
        Event::Intent {
            operation: text("createLead"),
            body: Some(body()),
            inputs: Some(sealed("inputs", "{}")),
        },
        Event::Outcome {
            intent: Some(ID),
            operation: Some(text("createLead")),
            status: Some(200),
            latency_us: 1234,
            body: None,
            answer: Some(body()),
        },
        Event::Decision {
            operation: None,
            status: Some(403),
            inputs: None,
        },
        Event::Refusals {
            door: Door::Out,
            since: text("2026-11-22T18:00:00Z"),
            count: 7,
            reasons: counts.clone(),
        },
        Event::Client {
            change: Change::Created,
        },
        Event::ClientKey {
            change: Change::Revoked,
        },
        Event::UpstreamKey {
            change: Change::Created,
        },
        Event::Rotation {
            rotation: text("rot_1"),
            step: RotationStep::Switched,
            from: Some(text("uk_1")),
            to: Some(text("uk_2")),
        },
        Event::WebhookReceived {
            webhook_source: text("src_1"),
            event: text("evt_1"),
            event_type: Some(text("reply_received")),
            body: body(),
        },
        Event::WebhooksReceived {
            webhook_source: text("src_1"),
            since: text("2026-11-21T10:00:00Z"),
            stored: 7,
            known: 2,
            quarantined: 1,
            digest: Some("ab".repeat(32)),
        },
        Event::WebhookQuarantined {
            webhook_source: text("src_1"),
            event: text("evt_1"),
            body: body(),
        },
        Event::WebhookDelivered {
            event: text("evt_1"),
            destination: text("dst_1"),
            attempts: 2,
            status: Some(204),
        },
        Event::WebhookGivenUp {
            event: text("evt_1"),
            destination: text("dst_1"),
            attempts: 9,
        },
        Event::Admin,
        Event::Approval {
            approval: text("apr_1"),
            change: Change::Granted,
        },
        Event::Configuration {
            changed: vec![text("gateway.listen")],
            commitment: None,
        },
        Event::Policy {
            version: text("7"),
            commitment: None,
        },
        Event::SecretRead {
            reference: text("file:///etc/doorward/pepper"),
        },
        Event::Finding {
            check: text("keys.wildcard"),
            severity: Severity::High,
            state: FindingState::Open,
        },
        Event::Erasure { subject: SUBJECT },
        Event::Claim {
            claim: Some(sealed("claim", CANARIES[0])),
        },
        Event::Review {
            first: 0,
            last: 99,
            counts,
            note: None,
        },
        Event::State {
            state: text("disk_full"),
        },
        Event::LedgerKey {
            change: Change::Created,
            verifier_key: text("n+00000000+AQ=="),
        },
    ]
}

fn leaf(event: Event) -> Leaf {
    let mut act = Act::new("createLead", Verdict::Success);
    act.actor = Some(Actor {
        kind: ActorKind::Client,
        name: Some("crm-sync".to_owned()),
        person: Some(sealed("actor.person", CANARIES[0])),
        claimed: true,
    });
    act.resource = Some(Resource {
        kind: "account".to_owned(),
        path: Some("/accounts/{email}".to_owned()),
        ids: BTreeMap::from([
            (
                "email".to_owned(),
                Text::Sealed(sealed("resource.email", CANARIES[0])),
            ),
            ("campaign".to_owned(), Text::Clear("c-1".to_owned())),
        ]),
    });
    act.source = Some(sealed("source", CANARIES[1]));
    act.decision = Some(Decision::Allow);
    act.metadata.insert("retries".to_owned(), 3.into());
    Leaf::new(ID, Timestamp::from_millis(1_795_000_000_123), act, event)
}

#[test]
fn every_kind_is_written_and_read_back() {
    let mut kinds = Vec::new();
    for event in events() {
        let leaf = leaf(event);
        let bytes = leaf.to_bytes().unwrap();
        let text = String::from_utf8(bytes.as_bytes().to_vec()).unwrap();
        let ReadLeaf::Known(read) = ReadLeaf::from_bytes(bytes.as_bytes()).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(*read, leaf);
        for canary in CANARIES {
            assert!(!text.contains(canary), "{text}");
        }
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        kinds.push(value["kind"].as_str().unwrap().to_owned());
    }
    let written = kinds.len();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), written);
}

#[test]
fn members_of_one_part_do_not_hide_those_of_another() {
    // The act and the event are written side by side; a name in both would lose one of them.
    for event in events() {
        let of = |value: serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let leaf = leaf(event);
        let act = of(serde_json::to_value(&leaf.act).unwrap());
        let event = of(serde_json::to_value(&leaf.event).unwrap());
        let whole = of(serde_json::to_value(&leaf).unwrap());
        assert_eq!(whole.len(), act.len() + event.len() + 3, "{event:?}");
    }
}

#[test]
fn what_a_newer_version_says_is_kept_apart() {
    let newer = br#"{"at":"2030-01-01T00:00:00Z","kind":"intent","v":2}"#;
    assert!(matches!(
        ReadLeaf::from_bytes(newer).unwrap(),
        ReadLeaf::Other(_)
    ));
    let unknown = br#"{"action":"a","at":"2030-01-01T00:00:00Z","id":"leaf_00000000000000000000000000000000","kind":"dream","result":"success","v":1}"#;
    assert!(matches!(
        ReadLeaf::from_bytes(unknown).unwrap(),
        ReadLeaf::Other(_)
    ));
    let more = br#"{"action":"a","at":"2030-01-01T00:00:00Z","id":"leaf_00000000000000000000000000000000","kind":"admin","result":"success","v":1,"zzz":[1]}"#;
    assert!(matches!(
        ReadLeaf::from_bytes(more).unwrap(),
        ReadLeaf::Known(_)
    ));
}

#[test]
fn a_leaf_too_large_or_too_exact_is_refused() {
    let mut large = leaf(Event::Admin);
    large
        .act
        .metadata
        .insert("x".to_owned(), "y".repeat(65_535).into());
    assert!(large.to_bytes().is_err());
    let mut exact = leaf(Event::Admin);
    exact.act.metadata.insert("x".to_owned(), u64::MAX.into());
    assert!(exact.to_bytes().is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ReadLeaf::from_bytes(&bytes);
    }

    #[test]
    fn whatever_is_written_is_canonical(
        action in ".{1,20}", key in ".{0,10}", text in any::<String>(), number in -(1_i64 << 53) + 1..1 << 53,
        float in any::<f64>(),
    ) {
        let mut leaf = leaf(Event::Admin);
        leaf.act.action = action;
        leaf.act.metadata.insert(key.clone(), text.into());
        leaf.act.metadata.insert(format!("{key}1"), number.into());
        let whole_beyond_53_bits = float.fract() == 0.0 && float.abs() >= 9e15;
        if float.is_finite() && !whole_beyond_53_bits {
            leaf.act.metadata.insert(format!("{key}2"), float.into());
        }
        let bytes = leaf.to_bytes().unwrap();
        let again = LeafBytes::from_canonical(bytes.as_bytes().to_vec());
        prop_assert_eq!(again.unwrap(), bytes);
    }
}
