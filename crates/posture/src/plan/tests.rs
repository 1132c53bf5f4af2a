//! Plans: what is to be done, in which order, what is never done; and that nothing is left when it is
//! done.

mod model;

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::{Environment, Risk};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use proptest::prelude::*;

use super::*;
use crate::live::{Cause, Seen};
use crate::manifest::{
    ControlsSpec, Kind, Manifest, MemberSpec, Source, WorkspaceSpec, read, write,
};
use model::carry_out;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn parse(text: &str) -> Manifest {
    let source = Source {
        name: "workspace.toml".to_owned(),
        text: text.to_owned(),
    };
    let files = |_: &str, path: &str| Err(path.to_owned());
    read(&[source], &files).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

fn member(role: &str) -> MemberNow {
    MemberNow {
        id: format!("id-{role}"),
        role: role.to_owned(),
        permissions: BTreeSet::new(),
        nickname: String::new(),
        accepted: true,
    }
}

fn seen() -> WorkspaceNow {
    WorkspaceNow {
        stranger_keys: Vec::new().into(),
        sources: BTreeMap::new().into(),
        stranger_subscriptions: Vec::new().into(),
        members: BTreeMap::from([("o@a.example".to_owned(), member("owner"))]).into(),
        group: BTreeMap::new().into(),
        block_list: Vec::new().into(),
        ..WorkspaceNow::unseen(WorkspaceKind::Sandbox)
    }
}

fn present(there: WorkspaceNow) -> Present {
    Present {
        workspaces: BTreeMap::from([("acme".to_owned(), there)]),
        destinations: BTreeMap::new(),
    }
}

fn plan(text: &str, there: WorkspaceNow) -> Plan {
    make(&parse(text), &present(there), &[], NOW)
}

const WHOLE: &str = r#"
[[workspace]]
name = "acme"
prune = true
competitor_domains = ["rival.example"]
[[workspace.upstream_key]]
name = "reader"
scopes = ["campaigns:read"]
[[workspace.upstream_key]]
name = "wide"
scopes = ["leads:read"]
[[workspace.client]]
name = "new"
environment = "production"
use_cases = ["analytics-dashboard"]
[[workspace.subscription]]
name = "replies"
event = "reply_received"
[[workspace.member]]
email = "o@a.example"
role = "owner"
[[workspace.member]]
email = "n@a.example"
role = "view"
[[destination]]
name = "crm"
url = "https://crm.example/x"
"#;

#[test]
fn keys_come_before_grants_and_removals_last() {
    let mut there = seen();
    let scopes = |text: &str| Some(BTreeSet::from([text.to_owned()]));
    let key = |text| KeyNow {
        scopes: scopes(text),
        ..KeyNow::default()
    };
    there.keys.insert("old".to_owned(), key("leads:read"));
    let wide = KeyNow {
        scopes: Some(["leads:read", "leads:update"].map(str::to_owned).into()),
        ..KeyNow::default()
    };
    there.keys.insert("wide".to_owned(), wide);
    there.clients.insert("gone".to_owned(), client());
    let mut members = there.members.looked().unwrap().clone();
    members.insert("x@a.example".to_owned(), member("editor"));
    there.members = members.into();
    let entry = BlockedNow {
        id: "b1".to_owned(),
        value: "Old.example".to_owned(),
    };
    there.block_list = vec![entry].into();
    let plan = plan(WHOLE, there);
    let order: Vec<String> = plan
        .steps
        .iter()
        .map(|one| format!("{}{}", one.sign.as_str(), one.id()))
        .collect();
    assert_eq!(
        order,
        [
            "+acme/upstream_key/reader",
            "+destination/crm",
            "+acme/subscription/replies",
            "+acme/client/new",
            "+acme/member/n@a.example",
            "+acme/block_list/block",
            "-acme/client/gone",
            "-acme/member/x@a.example",
            "-acme/block_list/unblock",
            "~acme/upstream_key/wide",
            "-acme/upstream_key/old",
        ]
    );
    assert_eq!(plan.steps.last().unwrap().risk, Risk::Critical);
    assert!(plan.cannot.is_empty() && plan.blind.is_empty());
}

fn client() -> ClientNow {
    ClientNow {
        environment: Environment::Production,
        owner: String::new(),
        purpose: String::new(),
        grant: Grant::default(),
        break_glass: None,
        learning: None,
        disabled: false,
        controls: ControlsSpec {
            class: Some("default".to_owned()),
            weight: Some(1),
            per_second: Some(0),
            per_day: Some(0),
            leads_per_day: Some(0),
            concurrency: Some(0),
            sources: Some(BTreeSet::new()),
            redact: Some(Vec::new()),
        },
    }
}

fn people(text: &str, members: &[(&str, MemberNow)]) -> Plan {
    let mut there = seen();
    let members = members
        .iter()
        .map(|(email, one)| ((*email).to_owned(), one.clone()));
    there.members = members.collect::<BTreeMap<_, _>>().into();
    plan(
        &format!("[[workspace]]\nname = \"acme\"\nprune = [\"member\"]\n{text}"),
        there,
    )
}

#[test]
fn no_owner_is_ever_touched_and_nobody_becomes_one() {
    let declared = |email: &str, role: &str, more: &str| {
        format!("[[workspace.member]]\nemail = \"{email}\"\nrole = \"{role}\"\n{more}\n")
    };
    let owner = [("o@a.example", member("owner"))];
    for text in [
        String::new(),
        declared("o@a.example", "view", ""),
        declared("o@a.example", "owner", "permissions = [\"crm.view\"]"),
        declared("n@a.example", "owner", ""),
    ] {
        let plan = people(&text, &owner);
        let touches = plan.steps.iter().any(|step| step.name == "o@a.example");
        assert!(!touches && !plan.cannot.is_empty(), "{text}: {plan:#?}");
        assert!(plan.steps.is_empty(), "{plan:#?}");
    }
    let promoted = people(
        &declared("x@a.example", "owner", ""),
        &[("x@a.example", member("admin"))],
    );
    assert!(promoted.steps.is_empty() && promoted.cannot.len() == 1);
    // A nickname may be given to an owner.
    let named = people(
        &declared("o@a.example", "owner", "nickname = \"Boss\""),
        &owner,
    );
    assert!(matches!(named.steps.as_slice(), [step] if step.risk == Risk::Low));
}

#[test]
fn permissions_change_by_removing_and_inviting_again_and_that_is_said_before() {
    let text = "[[workspace.member]]\nemail = \"x@a.example\"\nrole = \"editor\"\npermissions = [\"crm.view\"]\n";
    let there = MemberNow {
        nickname: "Ex".to_owned(),
        ..member("editor")
    };
    let plan = people(text, &[("x@a.example", there.clone())]);
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:#?}")
    };
    assert!(step.sign == Sign::Anew && step.is_dangerous());
    assert!(
        step.told[0].contains("removed and invited again"),
        "{step:#?}"
    );
    let Act::MemberAnew { spec, .. } = &step.act else {
        panic!("{step:#?}")
    };
    assert_eq!(spec.nickname.as_deref(), Some("Ex"));
    // A role alone is changed in place.
    let role = "[[workspace.member]]\nemail = \"x@a.example\"\nrole = \"view\"\n";
    let plan = people(role, &[("x@a.example", there)]);
    assert!(matches!(plan.steps.as_slice(), [step] if step.sign == Sign::Change));
}

#[test]
fn what_is_not_declared_stays_unless_it_is_pruned() {
    let mut there = seen();
    there.clients.insert("other".to_owned(), client());
    there.keys.insert("k".to_owned(), KeyNow::default());
    there.block_list = vec![BlockedNow {
        id: "1".into(),
        value: "a.example".into(),
    }]
    .into();
    let text = "[[workspace]]\nname = \"acme\"\n[workspace.block_list]\nvalues = []\n";
    let plan = plan(text, there);
    assert!(plan.is_empty(), "{plan:#?}");
    assert_eq!(plan.unmanaged[&Kind::Client], 1);
    assert_eq!(plan.unmanaged[&Kind::BlockList], 1);
}

#[test]
fn a_key_that_manages_is_not_pruned_and_unknown_scopes_are_not_guessed() {
    let mut there = seen();
    let manager = KeyNow {
        manages: true,
        ..KeyNow::default()
    };
    there.keys.insert("manager".to_owned(), manager);
    there.keys.insert("odd".to_owned(), KeyNow::default());
    let text = "[[workspace]]\nname = \"acme\"\nprune = [\"upstream_key\"]\n\
                [[workspace.upstream_key]]\nname = \"odd\"\nscopes = [\"leads:read\"]\n";
    let plan = plan(text, there);
    assert!(plan.steps.is_empty(), "{plan:#?}");
    assert_eq!(plan.cannot.len(), 2);
}

#[test]
fn what_could_not_be_looked_at_is_told_where_it_is_declared() {
    let mut there = seen();
    there.members = Seen::not(Cause::Scope, "no key may");
    there.group = Seen::not(Cause::Scope, "no key may");
    let text = "[[workspace]]\nname = \"acme\"\n[[workspace.member]]\nemail = \"a@b.example\"\nrole = \"view\"\n";
    let plan = plan(text, there);
    assert!(plan.steps.is_empty());
    assert!(matches!(plan.blind.as_slice(), [one] if one.kind == Kind::Member));
}

#[test]
fn an_unknown_workspace_a_ceiling_and_another_environment_are_told() {
    let mut there = seen();
    there.kind = WorkspaceKind::Live;
    there.clients.insert("c".to_owned(), client());
    let text = "[[workspace]]\nname = \"acme\"\n\
        [[workspace.client]]\nname = \"c\"\nenvironment = \"staging\"\nuse_cases = [\"reader\"]\n\
        [[workspace.client]]\nname = \"dev\"\nenvironment = \"development\"\noperations = [\"createLead\"]\n\
        [[workspace]]\nname = \"other\"\nown_domains = [\"x.example\"]\n";
    let plan = plan(text, there);
    assert!(plan.steps.is_empty(), "{plan:#?}");
    assert_eq!(plan.cannot.len(), 3, "{plan:#?}");
}

#[test]
fn targets_leave_the_rest_out() {
    let manifest = parse(WHOLE);
    let made = |target: &str| {
        let plan = make(&manifest, &present(seen()), &[target.parse().unwrap()], NOW);
        plan.steps.iter().map(Step::id).collect::<Vec<_>>()
    };
    assert_eq!(made("member/n@a.example"), ["acme/member/n@a.example"]);
    assert_eq!(made("destination"), ["destination/crm"]);
    assert_eq!(made("other:member"), [""; 0]);
    assert_eq!(made("acme:client/new"), ["acme/client/new"]);
    assert!("nothing/x".parse::<Target>().is_err());
}

#[test]
fn a_value_that_goes_goes_with_all_its_entries() {
    let entry = |id: &str, value: &str| BlockedNow {
        id: id.to_owned(),
        value: value.to_owned(),
    };
    let mut there = seen();
    there.block_list = vec![
        entry("1", "Rival.com"),
        entry("2", "rival.com"),
        entry("3", "keep.example"),
        entry("4", "KEEP.example"),
    ]
    .into();
    let text = "[[workspace]]\nname = \"acme\"\nprune = true\n[[workspace.member]]\nemail = \"o@a.example\"\nrole = \"owner\"\n[workspace.block_list]\nvalues = [\"keep.example\"]\n";
    let plan = plan(text, there);
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:#?}")
    };
    assert_eq!(
        step.act,
        Act::Unblock {
            ids: vec!["1".to_owned(), "2".to_owned()]
        }
    );
}

#[test]
fn a_million_entries_are_planned_in_no_time() {
    let there: Vec<BlockedNow> = (0..200_000)
        .map(|n| BlockedNow {
            id: n.to_string(),
            value: format!("lead{n}@x.example"),
        })
        .collect();
    let mut now = seen();
    now.block_list = there.into();
    let values: Vec<String> = (1..200_001).map(|n| format!("lead{n}@x.example")).collect();
    let mut values = values;
    values.sort();
    let spec = WorkspaceSpec {
        block_list: Some(values),
        ..WorkspaceSpec::default()
    };
    let manifest = Manifest {
        workspaces: BTreeMap::from([("acme".to_owned(), spec)]),
        ..Manifest::default()
    };
    let plan = make(&manifest, &present(now), &[], NOW);
    assert!(
        matches!(&plan.steps[..], [step] if step.act == Act::Block { values: vec!["lead200000@x.example".to_owned()] })
    );
}

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned)
}

fn scope_set() -> impl Strategy<Value = BTreeSet<String>> {
    let scopes = [
        "leads:read",
        "leads:update",
        "campaigns:read",
        "accounts:read",
    ];
    prop::collection::btree_set(
        prop::sample::select(scopes.map(str::to_owned).to_vec()),
        1..4,
    )
}

prop_compose! {
    fn any_member(owner: bool)(
        role in prop::sample::select(vec!["admin", "editor", "view"]),
        permissions in prop::collection::btree_set(prop::sample::select(vec!["crm.view".to_owned(), "leads.move".to_owned()]), 0..2),
        nickname in "[A-Z]{0,2}",
        accepted: bool,
    ) -> MemberNow {
        MemberNow {
            id: "id".to_owned(),
            role: if owner { "owner".to_owned() } else { role.to_owned() },
            permissions,
            nickname,
            accepted: accepted || owner,
        }
    }
}

prop_compose! {
    fn any_client()(
        cases in prop::collection::btree_set(prop::sample::select(vec!["reader".to_owned(), "lead-import".to_owned()]), 1..3),
        scopes in scope_set(),
        owner in "[a-z]{0,3}",
        purpose in "[a-z \"\\\\']{0,6}",
        disabled: bool,
        audit: bool,
        per_second in 0..3_u32,
        weight in 1..4_u32,
        batch: bool,
    ) -> ClientNow {
        let mut made = client();
        made.grant = Grant { use_cases: cases, scopes, audit, ..Grant::default() };
        made.owner = owner;
        made.purpose = purpose;
        made.disabled = disabled;
        made.controls.per_second = Some(per_second);
        made.controls.weight = Some(weight);
        if batch {
            made.controls.class = Some("batch".to_owned());
            made.controls.redact = Some(vec!["email=mask".to_owned()]);
            made.controls.sources = Some(BTreeSet::from(["10.0.0.0/8".to_owned()]));
        }
        made
    }
}

prop_compose! {
    fn any_source()(
        event in prop::sample::select(vec!["reply_received", "email_sent"]),
        allow in prop::collection::btree_set(prop::sample::select(vec!["10.0.0.0/8".to_owned()]), 0..2),
        subscribed: bool,
        off: bool,
    ) -> SourceNow {
        SourceNow {
            event: Some(event.to_owned()),
            campaign: None,
            proof: "header:X-Webhook-Secret".to_owned(),
            allow,
            url: "https://hooks.example/in/s".to_owned(),
            kept_at: String::new(),
            subscribed,
            off,
        }
    }
}

prop_compose! {
    fn any_destination()(
        url in "https://[a-z]{1,3}\\.example/x",
        events in prop::collection::btree_set(prop::sample::select(vec!["reply_received".to_owned(), "my label".to_owned()]), 0..2),
        in_order: bool,
        rate in 0..3_u32,
        seconds in 1..9_u64,
        paused: bool,
    ) -> DestinationNow {
        DestinationNow {
            url,
            events,
            form: "received".to_owned(),
            headers: BTreeMap::from([("x-tenant".to_owned(), "a".to_owned())]),
            in_order,
            concurrency: 8,
            rate,
            timeout_ms: seconds * 1_000,
            paused,
            ..DestinationNow::default()
        }
    }
}

prop_compose! {
    fn any_present()(
        keys in prop::collection::btree_map(names(), (scope_set(), "[a-z]{0,2}", prop::option::of(1..90_i64)), 0..4),
        clients in prop::collection::btree_map(names(), any_client(), 0..4),
        sources in prop::collection::btree_map(names(), any_source(), 0..4),
        members in prop::collection::btree_map(names(), any_member(false), 0..4),
        owner in any_member(true),
        blocked in prop::collection::btree_set("[a-c]{1,2}\\.example", 0..6),
        group in prop::collection::btree_set(0..3_u32, 0..3),
        destinations in prop::collection::btree_map(names(), any_destination(), 0..4),
    ) -> Present {
        let mut there = seen();
        there.keys = keys.into_iter().map(|(name, (scopes, owner, days))| (name, KeyNow {
            scopes: Some(scopes),
            owner,
            rotate_every: days.map(|days| days * 86_400_000),
            ..KeyNow::default()
        })).collect();
        there.clients = clients;
        there.sources = sources.into();
        let mut people: BTreeMap<String, MemberNow> = members.into_iter()
            .map(|(name, one)| (format!("{name}@a.example"), one)).collect();
        people.insert("o@a.example".to_owned(), owner);
        there.members = people.into();
        there.block_list = blocked.into_iter().map(|value| BlockedNow { id: format!("id-{value}"), value }).collect::<Vec<_>>().into();
        there.group = group.into_iter().map(|n| (format!("019b76da-a800-7e55-b2fb-eea293f80bc{n}"), MembershipNow {
            id: format!("m{n}"),
            name: "Sub".to_owned(),
            status: "accepted".to_owned(),
        })).collect::<BTreeMap<_, _>>().into();
        Present { destinations, ..present(there) }
    }
}

proptest! {
    /// What is exported of a workspace is what is there: planned, nothing is to be done, pruning or not.
    #[test]
    fn an_export_planned_is_empty(mut there in any_present(), prune: bool) {
        // A source without a subscription, or one that is switched off, is drift, and is told so.
        let acme = there.workspaces.get_mut("acme").unwrap();
        if let Seen::Looked(sources) = &mut acme.sources {
            for one in sources.values_mut() {
                (one.subscribed, one.off) = (true, false);
            }
        }
        let written = write(&there, false);
        let mut manifest = parse(&written.text);
        if prune {
            manifest.prune_destinations = true;
            manifest.workspaces.get_mut("acme").unwrap().prune = Kind::ALL.into();
        }
        let plan = make(&manifest, &there, &[], NOW);
        prop_assert!(plan.is_empty() && plan.blind.is_empty(), "{plan:#?}\n{}", written.text);
    }

    /// Carried out, a plan leaves nothing to do, and what it says can't be done stays said; each step
    /// that was left out is planned again.
    #[test]
    fn a_plan_carried_out_leaves_nothing(
        declared in any_present(),
        mut there in any_present(),
        prune: bool,
        stop in 0..12_usize,
    ) {
        let mut manifest = parse(&write(&declared, false).text);
        manifest.prune_destinations = prune;
        if prune {
            manifest.workspaces.get_mut("acme").unwrap().prune = Kind::ALL.into();
        }
        let plan = make(&manifest, &there, &[], NOW);
        // Cut off after some steps, and planned again: as after a crash.
        for step in plan.steps.iter().take(stop) {
            carry_out(&mut there, step);
        }
        let rest = make(&manifest, &there, &[], NOW);
        prop_assert!(rest.steps.len() <= plan.steps.len().saturating_sub(stop.min(plan.steps.len())));
        for step in &rest.steps {
            carry_out(&mut there, step);
        }
        let after = make(&manifest, &there, &[], NOW);
        prop_assert!(after.steps.is_empty(), "{after:#?}");
        prop_assert_eq!(after.cannot, plan.cannot);
        let acme = &there.workspaces["acme"];
        let owners = acme.members.looked().unwrap().values().filter(|one| one.role == "owner");
        prop_assert_eq!(owners.count(), 1);
    }
}

#[test]
fn member_specs_are_what_they_are_read_as() {
    let manifest = parse(
        "[[workspace]]\nname = \"acme\"\n[[workspace.member]]\nemail = \"a@b.example\"\nrole = \"view\"\n",
    );
    let spec = MemberSpec {
        role: "view".to_owned(),
        permissions: None,
        nickname: None,
    };
    assert_eq!(manifest.workspaces["acme"].members["a@b.example"], spec);
}
