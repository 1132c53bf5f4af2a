//! One act of each kind.

use std::collections::BTreeMap;

use doorward_ledger::{
    Act, Actor, ActorKind, Body, Change, CommitmentKey, Decision, Door, Event, FindingState,
    LeafId, Resource, RotationStep, Sealed, Severity, SubjectId, SubjectKey, Text, Verdict,
};

pub(crate) const SUBJECT: SubjectId = SubjectId::from_random([7; 16]);

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

pub(crate) fn actor(kind: ActorKind) -> Option<Actor> {
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
pub(crate) fn samples() -> Vec<(LeafId, Act, Event)> {
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
