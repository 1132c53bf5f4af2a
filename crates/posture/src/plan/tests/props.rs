//! What holds of every plan: exported, nothing is to be done; carried out, nothing is left.

use std::collections::{BTreeMap, BTreeSet};

use doorward_policy::Grant;
use proptest::prelude::*;

use super::model::carry_out;
use super::{NOW, client, parse, present, seen};
use crate::live::Seen;
use crate::manifest::{Kind, write};
use crate::plan::*;

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
