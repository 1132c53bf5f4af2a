//! Keys as they are met.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::{Op, OpSet, Risk, ScopeSet};
use doorward_keys::inventory::{
    Count, Held, HeldState, KeyState, Listed, Listing, Sighting, Standing, Uses, Wanted, Which,
    lost_without, rows, scope_uses, single_out,
};
use doorward_policy::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn texts(scopes: &str) -> Vec<String> {
    scopes.split(' ').map(str::to_owned).collect()
}

fn held(name: &str, id: Option<&str>, scopes: &str) -> Held {
    Held {
        key_id: format!("uk_{name}"),
        name: name.into(),
        api_key_id: id.map(str::to_owned),
        reference: format!("file:///keys/{name}"),
        scopes: Some(texts(scopes)),
        state: HeldState::Active,
        alive: Some(true),
        manages: false,
        owner: None,
        own_use: None,
        since: at(500),
    }
}

fn listed(id: &str, name: &str, scopes: &str) -> Listed {
    Listed {
        api_key_id: id.into(),
        name: name.into(),
        scopes: texts(scopes),
        created_at: Some(at(100)),
    }
}

#[test]
fn a_workspace_as_it_is_found() {
    let held = [
        held("reader", Some("k1"), "leads:read campaigns:read"),
        held("writer", Some("k2"), "leads:create"),
        held("legacy", None, "all:all"),
        Held {
            state: HeldState::Retired,
            ..held("old", Some("k9"), "leads:read")
        },
    ];
    let listing = Listing {
        keys: vec![
            listed("k1", "dw-reader", "campaigns:read leads:read"),
            listed("k3", "zapier", "all:all"),
            listed("k4", "n8n", "leads:read leads:fly"),
        ],
        whole: true,
    };
    let mut reader = Uses::default();
    for n in 0..3 {
        reader.add(Op::ListLeads, at(1_000 + n));
    }
    let uses = BTreeMap::from([("uk_reader".to_owned(), reader)]);
    let mut sightings = BTreeMap::new();
    let could: OpSet = [Op::CreateLead].into_iter().collect();
    Sighting::add(&mut sightings, "k3", at(900), None);
    Sighting::add(
        &mut sightings,
        "k3",
        at(950),
        Some(("Lead added", could, "203.0.113.9")),
    );

    let rows = rows(&held, Some(&listing), &uses, &sightings);
    let states: Vec<_> = rows
        .iter()
        .map(|row| (row.name.as_str(), row.state))
        .collect();
    assert_eq!(
        states,
        [
            ("legacy", KeyState::Active),
            ("old", KeyState::Retired),
            ("reader", KeyState::Active),
            ("writer", KeyState::Gone),
            ("n8n", KeyState::Unknown),
            ("zapier", KeyState::Unknown),
        ]
    );
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();

    let reader = row("reader");
    assert_eq!(
        reader.used,
        Some(Count {
            calls: 3,
            last: at(1_002)
        })
    );
    assert_eq!(reader.unused().collect::<Vec<_>>(), ["campaigns:read"]);
    assert_eq!(reader.created_at, Some(at(100)));
    assert!(reader.remarks.is_empty() && reader.seen.is_none());

    let zapier = row("zapier");
    assert_eq!(zapier.may_be, ["legacy"]);
    assert_eq!(zapier.risk, Some(Risk::Critical));
    let seen = zapier.seen.as_ref().unwrap();
    assert_eq!((seen.records, seen.around, seen.last), (2, 1, at(950)));
    assert_eq!(seen.addresses, ["203.0.113.9"]);
    assert!(zapier.used.is_none() && zapier.reference.is_none());

    assert_eq!(row("legacy").remarks, ["its id at Instantly is not known"]);
    assert_eq!(row("n8n").remarks, ["one of its scopes is new to Doorward"]);
    assert_eq!(row("writer").created_at, Some(at(500)));
}

#[test]
fn what_can_not_be_told_is_not_told() {
    let key = held("reader", Some("k1"), "leads:read");
    let all = |listing: Option<&Listing>, key: &Held| {
        let mut rows = rows(
            std::slice::from_ref(key),
            listing,
            &BTreeMap::new(),
            &BTreeMap::new(),
        );
        rows.remove(0)
    };
    // No list, or a part of one, says of no key that it is gone.
    let part = Listing {
        keys: vec![],
        whole: false,
    };
    assert_eq!(all(None, &key).state, KeyState::Active);
    assert_eq!(all(Some(&part), &key).state, KeyState::Active);
    let dead = Held {
        alive: Some(false),
        ..key.clone()
    };
    assert_eq!(all(None, &dead).state, KeyState::Dead);
    let retired = Held {
        state: HeldState::Retired,
        ..key
    };
    let still = Listing {
        keys: vec![listed("k1", "x", "leads:read leads:create")],
        whole: true,
    };
    let row = all(Some(&still), &retired);
    assert_eq!(row.state, KeyState::Retired);
    assert_eq!(
        row.remarks,
        [
            "Instantly lists other scopes than Doorward knew",
            "it is retired, and still in force at Instantly"
        ]
    );
    assert_eq!(row.scopes, Some(texts("leads:read leads:create")));
}

#[test]
fn a_call_counts_for_the_narrowest_scope() {
    let mut uses = Uses::default();
    uses.add(Op::ListLeads, at(1));
    uses.add(Op::ListLeads, at(3));
    uses.add(Op::ListCampaign, at(2));
    let used = scope_uses(&texts("all:read leads:all leads:read new:thing"), &uses);
    let calls: Vec<_> = used
        .iter()
        .map(|one| (one.scope.as_str(), one.calls))
        .collect();
    assert_eq!(
        calls,
        [
            ("all:read", 1),
            ("leads:all", 0),
            ("leads:read", 2),
            ("new:thing", 0)
        ]
    );
    assert_eq!(used[2].last, Some(at(3)));
}

#[test]
fn what_would_be_lost_is_what_no_other_working_key_is_known_to_cover() {
    let key = |id: &str, scopes: Option<&str>, works| Standing {
        key_id: id.into(),
        scopes: scopes.map(|scopes| scopes.parse::<ScopeSet>().unwrap()),
        works,
    };
    let wanted: OpSet = [Op::ListLeads, Op::ListCampaign, Op::CreateLead]
        .into_iter()
        .collect();
    let lost = |keys: &[Standing]| lost_without(keys, "a", wanted).iter().collect::<Vec<_>>();
    let a = key("a", Some("leads:read,campaigns:read"), true);
    assert_eq!(
        lost(&[a.clone(), key("b", Some("leads:all"), true)]),
        [Op::ListCampaign]
    );
    assert_eq!(lost(&[a.clone(), key("b", Some("all:all"), true)]), []);
    // Neither a dead key nor one of unknown scopes stands in.
    let both = [Op::ListCampaign, Op::ListLeads];
    let mut found = lost(&[
        a.clone(),
        key("b", Some("all:all"), false),
        key("c", None, true),
    ]);
    found.sort_by_key(|op| op.id());
    assert_eq!(found, both);
    // Nothing is lost with a key that is dead already.
    assert_eq!(lost(&[key("a", Some("all:all"), false)]), []);
    assert_eq!(lost(&[key("a", None, true)]).len(), 3);
}

#[test]
fn an_id_is_taken_when_it_is_certain_and_asked_for_otherwise() {
    let listing = Listing {
        keys: vec![
            listed("k1", "reader", "leads:read"),
            listed("k2", "writer", "leads:create"),
            listed("k3", "writer", "leads:create"),
        ],
        whole: true,
    };
    let none = BTreeSet::new();
    let (reader, writer) = (texts("leads:read"), texts("leads:create"));
    let wanted = |scopes: &'static str| match scopes {
        "reader" => Some(reader.as_slice()),
        _ => Some(writer.as_slice()),
    };
    let of = |scopes: Option<_>, same_workspace, said, others| {
        let wanted = Wanted {
            scopes,
            same_workspace,
            said,
            others,
        };
        match single_out(&wanted, &listing) {
            Which::This(key) => key.api_key_id.clone(),
            Which::OneOf(keys) => format!("{} candidates", keys.len()),
            Which::None => "none".to_owned(),
            Which::NotThat(why) => why.to_owned(),
        }
    };
    assert_eq!(of(wanted("reader"), true, None, &none), "k1");
    // Another workspace's key may have the same scopes.
    assert_eq!(of(wanted("reader"), false, None, &none), "1 candidates");
    assert_eq!(of(wanted("writer"), true, None, &none), "2 candidates");
    let taken = BTreeSet::from(["k2".to_owned()]);
    assert_eq!(of(wanted("writer"), true, None, &taken), "k3");
    assert_eq!(of(None, true, None, &none), "3 candidates");
    assert_eq!(of(wanted("writer"), false, Some("k2"), &none), "k2");
    for (said, why) in [("k1", "other scopes"), ("k9", "lists no key")] {
        assert!(of(wanted("writer"), true, Some(said), &none).contains(why));
    }
    assert!(of(wanted("writer"), true, Some("k2"), &taken).contains("another key"));
    let fresh = texts("leads:delete");
    assert_eq!(of(Some(fresh.as_slice()), true, None, &none), "none");
    let part = Listing {
        whole: false,
        ..listing.clone()
    };
    let part_wanted = Wanted {
        scopes: wanted("reader"),
        same_workspace: true,
        said: None,
        others: &none,
    };
    assert!(matches!(single_out(&part_wanted, &part), Which::OneOf(_)));
}
