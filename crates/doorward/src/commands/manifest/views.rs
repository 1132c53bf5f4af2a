//! From what the admin API shows to what a plan compares.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::Scope;
use doorward_policy::Grant;
use doorward_posture::manifest::ControlsSpec;
use doorward_posture::plan::{
    ClientNow, DestinationNow, KeyNow, MemberNow, SourceNow, StrangerSubscription,
};
use doorward_store::{Controls, KeyRole, UpstreamKeyState};
use doorward_veil::{Rule, Target};
use serde::Serialize;

use crate::admin::{
    ClientView, DestinationView, MemberView, SourceView, There, UpstreamKeyView, WorkspaceView,
};

/// The keys that are in force.
pub(super) fn keys(view: &WorkspaceView) -> BTreeMap<String, KeyNow> {
    let keys = view.upstream_keys.iter();
    let active = keys.filter(|key| key.state == UpstreamKeyState::Active);
    active
        .map(|key| (key.name.clone(), self::key(key)))
        .collect()
}

fn key(key: &UpstreamKeyView) -> KeyNow {
    let plain = |text: &String| Scope::parse(text).map_or(text.clone(), |scope| scope.to_string());
    let scopes = key.scopes.as_ref();
    KeyNow {
        scopes: scopes.map(|all| all.iter().map(plain).collect()),
        owner: key.owner.clone(),
        rotate_every: key.rotate_every,
        manages: key.role == KeyRole::Manages,
        kept_at: key.reference.clone(),
        api_key_id: key.api_key_id.clone(),
    }
}

pub(super) fn client(view: &ClientView) -> ClientNow {
    ClientNow {
        environment: view.environment,
        owner: view.owner.clone(),
        purpose: view.purpose.clone(),
        grant: Grant {
            break_glass: None,
            learning: None,
            ..view.grant.clone()
        },
        break_glass: view.grant.break_glass.clone(),
        learning: view.grant.learning.clone(),
        disabled: view.disabled_at.is_some(),
        controls: controls(&view.controls),
    }
}

fn controls(controls: &Controls) -> ControlsSpec {
    let limit = |limit: Option<u32>| Some(limit.unwrap_or_default());
    ControlsSpec {
        class: Some(word(&controls.class)),
        weight: Some(controls.weight),
        per_second: limit(controls.per_second),
        per_day: limit(controls.per_day),
        leads_per_day: limit(controls.leads_per_day),
        concurrency: limit(controls.concurrency),
        sources: Some(controls.sources.iter().map(ToString::to_string).collect()),
        redact: Some(controls.redact.iter().map(rule).collect()),
    }
}

/// As it is written in JSON.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn rule(rule: &Rule) -> String {
    let what = match &rule.target {
        Target::Pointer(pointer) => pointer.clone(),
        Target::Class(class) => word(class),
    };
    format!("{what}={}", word(&rule.action))
}

pub(super) fn source(view: &SourceView) -> SourceNow {
    let there = view.there.as_ref();
    let event = there.map_or_else(|| view.event.clone(), |there| there.event.clone());
    let known = doorward_catalog::event::EVENT_TYPES.iter();
    let known: BTreeSet<&str> = known.filter_map(|known| known.subscribed).collect();
    SourceNow {
        event: event.filter(|event| known.contains(event.as_str())),
        campaign: view.campaign.clone(),
        proof: view.proof.clone(),
        allow: view.allow.iter().map(|net| network(net)).collect(),
        url: view.url.clone(),
        kept_at: view
            .secrets
            .first()
            .map(|secret| secret.reference.clone())
            .unwrap_or_default(),
        subscribed: there.is_some_and(|there| there.leads_here) && view.subscription.is_some(),
        off: there.is_some_and(|there| there.disabled) || view.state != "active",
    }
}

/// A network, written in full.
fn network(text: &str) -> String {
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return ipnet::IpNet::from(address).to_string();
    }
    let net = text.parse::<ipnet::IpNet>();
    net.map_or_else(|_| text.to_owned(), |net| net.trunc().to_string())
}

pub(super) fn stranger(there: &There) -> StrangerSubscription {
    StrangerSubscription {
        id: there.id.clone(),
        name: there.name.clone().unwrap_or_default(),
        target: there.url.clone(),
    }
}

pub(super) fn destination(view: &DestinationView) -> DestinationNow {
    let set = |list: &Vec<String>| list.iter().cloned().collect();
    DestinationNow {
        url: view.url.clone(),
        events: set(&view.events),
        campaigns: set(&view.campaigns),
        workspaces: set(&view.workspaces),
        form: view.form.clone(),
        headers: view.headers.clone(),
        in_order: view.in_order,
        concurrency: view.concurrency,
        rate: view.rate.unwrap_or_default(),
        timeout_ms: view.timeout_ms,
        paused: view.state == "paused",
        kept_at: view
            .secrets
            .first()
            .map(|secret| secret.reference.clone())
            .unwrap_or_default(),
    }
}

pub(super) fn member(view: &MemberView) -> MemberNow {
    MemberNow {
        id: view.id.clone(),
        role: view.role.clone(),
        permissions: view.permissions.iter().cloned().collect(),
        nickname: view.nickname.clone().unwrap_or_default(),
        accepted: view.accepted,
    }
}
