//! Steps for destinations: there before anything is sent to them.

use std::collections::BTreeSet;

use doorward_catalog::Risk;

use super::make::{Draft, Making, differ, quoted, shown, shown_set};
use super::present::{DestinationNow, Present};
use super::step::{Act, Changed, Sign};
use crate::manifest::{DestinationSpec, Kind, Manifest, lasting_text};

const ADD: u16 = 20;
const SET: u16 = 22;
const REMOVE: u16 = 74;
const KIND: Kind = Kind::Destination;

pub(super) fn plan(making: &mut Making<'_>, manifest: &Manifest, present: &Present) {
    for (name, spec) in &manifest.destinations {
        let workspaces = ids(spec, present);
        match present.destinations.get(name) {
            None => add(making, name, spec),
            Some(there) => set(making, name, spec, (there, workspaces.as_ref())),
        }
    }
    for (name, there) in &present.destinations {
        if manifest.destinations.contains_key(name) {
            continue;
        }
        if !manifest.prune_destinations {
            making.unmanaged(KIND);
            continue;
        }
        making.step(
            None,
            Draft {
                kind: KIND,
                name: name.clone(),
                sign: Sign::Remove,
                risk: Risk::High,
                rank: REMOVE,
                changes: Vec::new(),
                told: vec![format!(
                    "what {} is owed is not delivered any more",
                    there.url
                )],
                act: Act::DestinationRemove,
            },
        );
    }
}

/// The declared workspaces by Instantly's ids, where they are known.
fn ids(spec: &DestinationSpec, present: &Present) -> Option<BTreeSet<String>> {
    let id = |name: &String| {
        let known = present.workspaces.get(name);
        let id = known.and_then(|known| known.instantly_id.clone());
        id.unwrap_or_else(|| name.clone())
    };
    Some(spec.workspaces.as_ref()?.iter().map(id).collect())
}

fn add(making: &mut Making<'_>, name: &str, spec: &DestinationSpec) {
    making.step(
        None,
        Draft {
            kind: KIND,
            name: name.to_owned(),
            sign: Sign::Make,
            risk: Risk::Medium,
            rank: ADD,
            changes: vec![Changed {
                field: "url",
                from: String::new(),
                to: spec.url.clone(),
            }],
            told: vec!["it gets every event from then on that its filters let through".to_owned()],
            act: Act::DestinationAdd(spec.clone()),
        },
    );
}

fn set(
    making: &mut Making<'_>,
    name: &str,
    spec: &DestinationSpec,
    (there, workspaces): (&DestinationNow, Option<&BTreeSet<String>>),
) {
    let mut changes = Vec::new();
    let all = &mut changes;
    let elsewhere = differ(all, "url", &there.url, Some(&spec.url), quoted);
    differ(
        all,
        "events",
        &there.events,
        spec.events.as_ref(),
        shown_set,
    );
    differ(
        all,
        "campaigns",
        &there.campaigns,
        spec.campaigns.as_ref(),
        shown_set,
    );
    differ(all, "workspaces", &there.workspaces, workspaces, shown_set);
    differ(all, "form", &there.form, spec.form.as_ref(), quoted);
    differ(
        all,
        "headers",
        &there.headers,
        spec.headers.as_ref(),
        |all| shown(all.keys()),
    );
    differ(
        all,
        "in_order",
        &there.in_order,
        spec.in_order.as_ref(),
        ToString::to_string,
    );
    let concurrency = spec.concurrency.as_ref();
    differ(
        all,
        "concurrency",
        &there.concurrency,
        concurrency,
        ToString::to_string,
    );
    differ(
        all,
        "rate",
        &there.rate,
        spec.rate.as_ref(),
        ToString::to_string,
    );
    differ(
        all,
        "timeout",
        &there.timeout_ms,
        spec.timeout_ms.as_ref(),
        |millis| lasting_text(i64::try_from(*millis).unwrap_or(i64::MAX)),
    );
    differ(
        all,
        "paused",
        &there.paused,
        spec.paused.as_ref(),
        ToString::to_string,
    );
    if changes.is_empty() {
        return;
    }
    making.step(
        None,
        Draft {
            kind: KIND,
            name: name.to_owned(),
            sign: Sign::Change,
            risk: if elsewhere { Risk::High } else { Risk::Low },
            rank: SET,
            changes,
            told: Vec::new(),
            act: Act::DestinationSet(spec.clone()),
        },
    );
}
