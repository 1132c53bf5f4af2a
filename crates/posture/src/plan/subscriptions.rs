//! Steps for sources and their subscriptions.

use doorward_catalog::Risk;

use super::make::{Draft, Of, differ, shown_set};
use super::present::SourceNow;
use super::step::{Act, Changed, Sign};
use crate::manifest::{Kind, SubscriptionSpec};

const MAKE: u16 = 30;
const CHANGE: u16 = 32;
const REMOVE: u16 = 72;
const KIND: Kind = Kind::Subscription;

pub(super) fn plan(of: &mut Of<'_, '_, '_>) {
    let prunes = of.spec.prune.contains(&KIND);
    let wanted = prunes || !of.spec.subscriptions.is_empty();
    let Some(there) = of.looked(KIND, &of.there.sources, wanted) else {
        return;
    };
    for (name, spec) in &of.spec.subscriptions {
        match there.get(name) {
            None => make(of, name, spec),
            Some(there) => change(of, name, spec, there),
        }
    }
    for name in there.keys() {
        if of.spec.subscriptions.contains_key(name) || !of.prunes(KIND) {
            continue;
        }
        let told = "its events come in no more; those that came stay";
        remove(of, name, Act::SubscriptionRemove, told);
    }
    let strangers = of.looked(KIND, &of.there.stranger_subscriptions, prunes);
    for stranger in strangers.into_iter().flatten() {
        if of.prunes(KIND) {
            let name = format!("{} ({})", stranger.name, stranger.id);
            let told = format!(
                "it does not lead to Doorward: {} hears no more",
                stranger.target
            );
            let act = Act::SubscriptionEnd {
                id: stranger.id.clone(),
            };
            remove(of, &name, act, &told);
        }
    }
}

fn make(of: &mut Of<'_, '_, '_>, name: &str, spec: &SubscriptionSpec) {
    of.step(Draft {
        kind: KIND,
        name: name.to_owned(),
        sign: Sign::Make,
        risk: Risk::Medium,
        rank: MAKE,
        changes: vec![Changed {
            field: "event",
            from: String::new(),
            to: event(spec),
        }],
        told: Vec::new(),
        act: Act::SubscriptionMake(spec.clone()),
    });
}

fn event(spec: &SubscriptionSpec) -> String {
    let label = || spec.label.map(|label| format!("the custom label {label}"));
    spec.event.clone().or_else(label).unwrap_or_default()
}

/// Headers' names are the same in any case.
fn plain(proof: &str) -> String {
    let default = match proof {
        "header" => SubscriptionSpec::PROOF,
        "basic" => "basic:instantly",
        other => other,
    };
    match default.split_once(':') {
        Some(("header", name)) => format!("header:{}", name.to_ascii_lowercase()),
        _ => default.to_owned(),
    }
}

fn change(of: &mut Of<'_, '_, '_>, name: &str, spec: &SubscriptionSpec, there: &SourceNow) {
    let again = format!("`doorward webhook delete {name}` and apply again makes it anew");
    if let Some(proof) = &spec.proof
        && plain(proof) != plain(&there.proof)
    {
        let why = format!("its proof is {} and can't be changed; {again}", there.proof);
        of.cannot(KIND, name, why);
    }
    if let Some(url) = &spec.public_url
        && !there.url.starts_with(url.trim_end_matches('/'))
    {
        let why = format!(
            "it is reached at {}, which can't be changed; {again}",
            there.url
        );
        of.cannot(KIND, name, why);
    }
    let mut changes = Vec::new();
    if !there.subscribed {
        changes.push(Changed {
            field: "subscription",
            from: "(none)".to_owned(),
            to: event(spec),
        });
    } else {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "(any)".to_owned());
        differ(&mut changes, "event", &there.event, Some(&spec.event), text);
        differ(
            &mut changes,
            "campaign",
            &there.campaign,
            Some(&spec.campaign),
            text,
        );
        if there.off {
            changes.push(Changed {
                field: "state",
                from: "switched off".to_owned(),
                to: "active".to_owned(),
            });
        }
    }
    let mut step = |changes, act| {
        of.step(Draft {
            kind: KIND,
            name: name.to_owned(),
            sign: Sign::Change,
            risk: Risk::Medium,
            rank: CHANGE,
            changes,
            told: Vec::new(),
            act,
        });
    };
    if !changes.is_empty() {
        step(changes, Act::SubscriptionAlign(spec.clone()));
    }
    let mut changes = Vec::new();
    if differ(
        &mut changes,
        "allow",
        &there.allow,
        spec.allow.as_ref(),
        shown_set,
    ) && let Some(allow) = &spec.allow
    {
        let allow = allow.clone();
        step(changes, Act::SubscriptionAllow { allow });
    }
}

fn remove(of: &mut Of<'_, '_, '_>, name: &str, act: Act, told: &str) {
    of.step(Draft {
        kind: KIND,
        name: name.to_owned(),
        sign: Sign::Remove,
        risk: Risk::High,
        rank: REMOVE,
        changes: Vec::new(),
        told: vec![told.to_owned()],
        act,
    });
}
