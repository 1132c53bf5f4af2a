//! A workspace in which all is well, for tests to break.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::people::Role;
use doorward_catalog::wire::GroupStatus;
use doorward_catalog::{Environment, Op, OpSet};
use doorward_keys::inventory::Uses;
use doorward_policy::Timestamp;

use crate::here::{
    Around, ClientFacts, Disk, Facts, FileFacts, Folder, HeldKey, KeyUses, LedgerFacts,
    PlainSecret, Quarantined, Repository, Review, SecretFacts, Server, SinkFacts, SourceFacts,
    WitnessFacts, WorkspaceFacts,
};
use crate::live::{
    Activity, BlockList, Deliveries, Group, KeyTraces, ListedKey, Live, Member, Membership, Seen,
    Subscription, Unsubscribed, UserTraces, WorkspaceRecord,
};
use crate::{DeclaredMember, Thresholds};

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(super) fn ago(days: i64) -> Timestamp {
    NOW.plus_millis(-days * 86_400_000)
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

pub(super) fn thresholds() -> Thresholds {
    let declared = |email: &str, role: Role| DeclaredMember {
        email: email.to_owned(),
        role,
        permissions: BTreeSet::new(),
    };
    Thresholds {
        email_domains: texts(&["acme.example"]),
        own_domains: texts(&["acme.example"]),
        competitors: texts(&["rival.example"]),
        do_not_contact: texts(&["press@paper.example"]),
        members: Some(vec![
            declared("ann@acme.example", Role::Owner),
            declared("bob@acme.example", Role::Editor),
        ]),
        ..Thresholds::default()
    }
}

pub(super) fn listed(id: &str, name: &str, scopes: &[&str]) -> ListedKey {
    ListedKey {
        id: id.to_owned(),
        name: name.to_owned(),
        scopes: texts(scopes),
        created_at: Some(ago(40)),
    }
}

fn held(id: &str, name: &str, listed: &ListedKey) -> HeldKey {
    let mut calls = Uses::default();
    calls.add(Op::ListCampaign, ago(1));
    HeldKey {
        id: id.to_owned(),
        name: name.to_owned(),
        api_key_id: Some(listed.id.clone()),
        scopes: Some(listed.scopes.clone()),
        manages: false,
        own_use: None,
        owner: Some("ann".to_owned()),
        made_at: ago(40),
        added_at: ago(40),
        rotate_every: Some(90 * 86_400_000),
        consumers: vec![],
        environments: BTreeSet::from([Environment::Production]),
        uses: Seen::Looked(KeyUses {
            calls,
            places: BTreeMap::from([(None, 12)]),
            clients: BTreeSet::from(["dashboard".to_owned()]),
        }),
    }
}

pub(super) fn subscription(id: &str, url: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        name: Some(format!("hook {id}")),
        url: url.to_owned(),
        event_type: Some("reply_received".to_owned()),
        custom_interest_value: None,
        campaign: None,
        headers: BTreeMap::from([("x-webhook-secret".to_owned(), "f1".to_owned())]),
        disabled: false,
        disabled_at: None,
        created_at: Some(ago(20)),
    }
}

pub(super) fn member(name: &str, role: Role) -> Member {
    Member {
        id: format!("m-{name}"),
        user_id: format!("u-{name}"),
        email: format!("{name}@acme.example"),
        name: Some(name.to_owned()),
        nickname: None,
        role,
        permissions: vec![],
        accepted: true,
        created_at: Some(ago(300)),
    }
}

fn live() -> Live {
    let traces = UserTraces {
        last_login: Some(ago(2)),
        mfa_on: Some(ago(2)),
        ..UserTraces::default()
    };
    let mut activity = Activity::since(ago(91));
    activity.whole = true;
    activity.entries = 9;
    activity.users = ["u-ann", "u-bob"]
        .map(|user| (user.to_owned(), traces.clone()))
        .into();
    activity.keys = BTreeMap::from([(
        "k1".to_owned(),
        KeyTraces {
            entries: 3,
            last: Some(ago(1)),
            programs: BTreeSet::from(["Mozilla".to_owned(), "node".to_owned()]),
        },
    )]);
    let mut deliveries = Deliveries {
        from: "2027-01-01".to_owned(),
        whole: true,
        ..Deliveries::default()
    };
    for _ in 0..30 {
        deliveries.add("https://hooks.acme.example/in/src_1", true);
    }
    Live {
        at: NOW,
        workspace: WorkspaceRecord {
            id: "w1".to_owned(),
            name: "Acme".to_owned(),
            owner: "u-ann".to_owned(),
            blocks_unsubscribed: true,
            removal_at: None,
        }
        .into(),
        keys: vec![
            listed("k1", "dashboard", &["campaigns:read"]),
            listed("k2", "key-manager", &["api_keys:all", "audit_logs:read"]),
        ]
        .into(),
        subscriptions: vec![subscription("s1", "https://hooks.acme.example/in/src_1")].into(),
        deliveries: deliveries.into(),
        members: vec![member("ann", Role::Owner), member("bob", Role::Editor)].into(),
        group: Group {
            admin: None,
            members: vec![Membership {
                id: "g1".to_owned(),
                workspace_id: "sub1".to_owned(),
                name: Some("Sub".to_owned()),
                status: GroupStatus::Accepted,
            }],
        }
        .into(),
        block_list: [
            ("acme.example", "1"),
            ("rival.example", "2"),
            ("paper.example", "3"),
            ("gone@lead.example", "4"),
        ]
        .into_iter()
        .collect::<BlockList>()
        .into(),
        unsubscribed: Unsubscribed {
            addresses: texts(&["gone@lead.example"]),
            whole: true,
        }
        .into(),
        sending_domains: BTreeSet::from(["acme.example".to_owned()]).into(),
        activity: activity.into(),
    }
}

fn workspace() -> WorkspaceFacts {
    let live = live();
    let keys = live.keys.looked().unwrap();
    let reader = held("uk_1", "dashboard", &keys[0]);
    let manager = HeldKey {
        manages: true,
        own_use: Some("lists, makes and deletes keys".to_owned()),
        uses: Seen::Looked(KeyUses::default()),
        ..held("uk_2", "manager", &keys[1])
    };
    let client = |name: &str, environment, granted: &[Op]| ClientFacts {
        id: format!("cl_{name}"),
        name: name.to_owned(),
        environment,
        granted: granted.iter().copied().collect(),
        wildcards: vec![],
        held_back: OpSet::EMPTY,
    };
    WorkspaceFacts {
        id: "ws_1".to_owned(),
        name: "acme".to_owned(),
        keys: vec![reader, manager],
        owed: vec![],
        clients: vec![
            client("dashboard", Environment::Production, &[Op::ListCampaign]),
            client("tryout", Environment::Development, &[Op::ListCampaign]),
        ],
        sources: vec![SourceFacts {
            id: "src_1".to_owned(),
            name: "replies".to_owned(),
            url: "https://hooks.acme.example/in/src_1".to_owned(),
            subscription: Some("s1".to_owned()),
            allow: texts(&["192.0.2.0/24"]),
            secret_made_at: Some(ago(10)),
            reconciled_to: Some(NOW).into(),
            quarantined: Quarantined::default().into(),
            used_types: None,
            created_at: ago(30),
        }],
        sub_workspaces: BTreeSet::from(["sub1".to_owned()]),
        around: Around {
            since: ago(7),
            records: 0,
            keys: vec![],
        }
        .into(),
        live,
    }
}

pub(super) fn secret(reference: &str, environment: Environment, print: &str) -> SecretFacts {
    SecretFacts {
        reference: reference.to_owned(),
        used_by: texts(&["upstream key of acme"]),
        fault: None,
        read_by_all: None,
        fingerprint: Some(print.to_owned()),
        environments: BTreeSet::from([environment]),
    }
}

pub(super) fn file(path: &str, environment: Option<Environment>) -> FileFacts {
    FileFacts {
        path: path.to_owned(),
        is_env: path.starts_with(".env"),
        read_by_all: false,
        environment,
        secrets: vec![PlainSecret {
            kind: "an upstream key".to_owned(),
            line: 3,
            fingerprint: "in-a-file".to_owned(),
            environment: None,
        }],
    }
}

/// All is well.
pub(super) fn well() -> Facts {
    let mut config = file("doorward.toml", None);
    config.secrets.clear();
    Facts {
        workspaces: vec![workspace()],
        server: Server {
            ledger: LedgerFacts {
                leaves: 100,
                fault: None,
            }
            .into(),
            review: Review {
                last: Some(ago(3)),
                due: ago(-4),
                waiting: 5,
            }
            .into(),
            witnesses: vec![WitnessFacts {
                name: "w".to_owned(),
                ..WitnessFacts::default()
            }]
            .into(),
            sinks: vec![SinkFacts {
                name: "siem".to_owned(),
                ..SinkFacts::default()
            }]
            .into(),
            disks: vec![Disk {
                what: "the data folder".to_owned(),
                free: 50 << 30,
                total: 100 << 30,
            }]
            .into(),
        },
        secrets: vec![
            secret("file:///run/reader", Environment::Production, "one"),
            secret("file:///run/other", Environment::Development, "two"),
        ]
        .into(),
        dangerous: [Op::ActivateCampaign].into_iter().collect(),
        folder: Folder {
            path: "/srv/acme".to_owned(),
            files: vec![
                config,
                file(".env.development", Some(Environment::Development)),
            ],
            cut_short: None,
            repository: Some(Repository::default()).into(),
        }
        .into(),
    }
}
