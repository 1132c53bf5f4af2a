//! Plans: what is to be done, in which order, what is never done; and that nothing is left when it is
//! done.

mod model;
mod props;

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::{Environment, Risk};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};

use super::*;
use crate::live::{Cause, Seen};
use crate::manifest::{ControlsSpec, Kind, Manifest, MemberSpec, Source, WorkspaceSpec, read};

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
fn many_entries_are_planned_in_one_pass() {
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
