//! The things that are declared: keys, clients, subscriptions, destinations, members.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use doorward_catalog::event::EVENT_TYPES;
use doorward_catalog::limits::NICKNAME_MAX;
use doorward_catalog::people::{PERMISSIONS, Role};
use doorward_catalog::{Environment, Op, Scope, UseCase};
use doorward_keys::rotation::schedule::Every;
use doorward_policy::Grant;
use doorward_veil::{Action, DataClass, Rule, Target};
use ipnet::IpNet;
use serde::de::DeserializeOwned;

use super::lasting;
use super::read::Reading;
use super::reader::Table;
use super::sections::name;
use super::types::{
    ClientSpec, ControlsSpec, DestinationSpec, KeySpec, Kind, MemberSpec, SubscriptionSpec,
    WorkspaceSpec,
};
use crate::block::BlockValue;

/// What a reference to a secret begins with.
const REFERENCES: [&str; 9] = [
    "env:", "dotenv:", "file:", "age:", "keyring:", "gcp-sm:", "aws-sm:", "vault:", "exec:",
];
/// Most characters of a text that people write.
const WORDS_MAX: usize = 500;

fn words(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= WORDS_MAX && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("write at most {WORDS_MAX} characters, on one line"))
}

pub(super) fn uuid(text: &str) -> Result<String, String> {
    let fits = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    fits.then(|| text.to_ascii_lowercase())
        .ok_or_else(|| "write Instantly's id of it, a uuid".to_owned())
}

fn reference(text: &str) -> Result<String, String> {
    let known = REFERENCES.iter().any(|begins| text.starts_with(begins));
    known
        .then(|| text.to_owned())
        .ok_or_else(|| "write a reference such as age://… or file:name, never a secret".to_owned())
}

fn scope(text: &str) -> Result<String, String> {
    match Scope::parse(text) {
        Ok(scope) if scope.is_assignable() => Ok(scope.to_string()),
        _ => Err("no key can be given that; `doorward scopes list` shows the scopes".to_owned()),
    }
}

/// The name of a thing, noted as declared.
fn named(
    reading: &mut Reading<'_>,
    table: &mut Table<'_, '_>,
    workspace: &str,
    kind: Kind,
) -> Option<String> {
    let Some(name) = table.text("name", name) else {
        table.missing("name", "give it a name");
        return None;
    };
    reading
        .declare(table, workspace, kind, &name)
        .then_some(name)
}

pub(super) fn upstream_key(
    reading: &mut Reading<'_>,
    table: &mut Table<'_, '_>,
    workspace: &str,
    spec: &mut WorkspaceSpec,
) {
    let name = named(reading, table, workspace, Kind::UpstreamKey);
    let key = KeySpec {
        scopes: table.texts("scopes", scope),
        owner: table.text("owner", words),
        rotate_every: table.text("rotate_every", |text| {
            let every = lasting::parse(text).and_then(Every::millis);
            every
                .map(Every::as_millis)
                .ok_or_else(|| "write a time from an hour to ten years, like 90d".to_owned())
        }),
        manages: table.flag("manages"),
        kept_at: table.text("kept_at", reference),
    };
    if key.scopes.as_ref().is_some_and(BTreeSet::is_empty) {
        let help = "a key has a scope at least; leave `scopes` out to leave them as they are";
        table.fault(table.span(), "scopes is empty", help);
    }
    if let Some(name) = name {
        spec.upstream_keys.insert(name, key);
    }
}

pub(super) fn client(
    reading: &mut Reading<'_>,
    table: &mut Table<'_, '_>,
    workspace: &str,
    spec: &mut WorkspaceSpec,
) {
    let name = named(reading, table, workspace, Kind::Client);
    let environment = table.text("environment", |text| {
        Environment::from_str(text)
            .map_err(|_| "choose development, staging or production".to_owned())
    });
    let use_case = |text: &str| {
        let case = UseCase::from_str(text).map(|case| case.as_str().to_owned());
        case.map_err(|_| "`doorward scopes list --use-cases` shows the use cases".to_owned())
    };
    let operation = |text: &str| {
        let op = Op::from_id(text).map(|op| op.id().to_owned());
        op.ok_or_else(|| "there is no operation of this operationId".to_owned())
    };
    let known = |text: &str| match Scope::parse(text) {
        Ok(scope) => Ok(scope.to_string()),
        Err(_) => Err("`doorward scopes list` shows the scopes".to_owned()),
    };
    let grant = Grant {
        use_cases: table.texts("use_cases", use_case).unwrap_or_default(),
        operations: table.texts("operations", operation).unwrap_or_default(),
        scopes: table.texts("scopes", known).unwrap_or_default(),
        sub_workspaces: table.texts("sub_workspaces", uuid).unwrap_or_default(),
        audit: table.flag("audit").unwrap_or_default(),
        ..Grant::default()
    };
    let owner = table.text("owner", words);
    let purpose = table.text("purpose", words);
    let disabled = table.flag("disabled");
    let mut controls = ControlsSpec::default();
    table.table("limits", |table| controls = self::controls(table));
    let Some(environment) = environment else {
        table.missing("environment", "choose development, staging or production");
        return;
    };
    if let Some(name) = name {
        let client = ClientSpec {
            environment,
            owner,
            purpose,
            grant,
            disabled,
            controls,
        };
        spec.clients.insert(name, client);
    }
}

fn controls(table: &mut Table<'_, '_>) -> ControlsSpec {
    let mut count = |name, most| {
        let number = table.number(name, 0..=most)?;
        u32::try_from(number).ok()
    };
    let limits = [
        count("weight", 1_000),
        count("per_second", u64::from(u32::MAX)),
        count("per_day", u64::from(u32::MAX)),
        count("leads_per_day", u64::from(u32::MAX)),
        count("concurrency", u64::from(u32::MAX)),
    ];
    let [weight, per_second, per_day, leads_per_day, concurrency] = limits;
    ControlsSpec {
        class: table.text("class", |text| {
            one_of(text, &["interactive", "default", "batch"])
        }),
        weight: weight.map(|weight| weight.max(1)),
        per_second,
        per_day,
        leads_per_day,
        concurrency,
        sources: table.texts("sources", network),
        redact: table.texts("redact", |text| rule(text).map(|_| text.to_owned())),
    }
}

fn one_of(text: &str, names: &[&str]) -> Result<String, String> {
    match names.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("choose {}", names.join(", "))),
    }
}

/// A network, written in full.
fn network(text: &str) -> Result<String, String> {
    let net: Option<IpNet> = match text.parse::<std::net::IpAddr>() {
        Ok(address) => Some(address.into()),
        Err(_) => text.parse().ok(),
    };
    let net = net.filter(|net| *net == net.trunc());
    net.map(|net| net.to_string())
        .ok_or_else(|| "write a network like 10.0.0.0/8, or an address".to_owned())
}

/// A rule of redaction, as it is typed: `email=mask`, `/items/*/phone=drop`.
///
/// # Errors
/// What there is to choose from.
pub fn rule(text: &str) -> Result<Rule, String> {
    fn known<T: DeserializeOwned>(name: &str) -> Option<T> {
        serde_json::from_value(name.into()).ok()
    }
    let help = "write WHAT=HOW: a class (email, name, phone, message, work, ip-address, variables) or \
                a JSON pointer, and hash, mask, blank or drop";
    let (what, how) = text.rsplit_once('=').ok_or(help)?;
    let target = match what.is_empty() || what.starts_with('/') {
        true => Target::Pointer(what.to_owned()),
        false => Target::Class(known::<DataClass>(what).ok_or(help)?),
    };
    let action = known::<Action>(how).ok_or(help)?;
    Ok(Rule { target, action })
}

fn url(text: &str) -> Result<String, String> {
    let plain =
        !text.contains(|c: char| c.is_whitespace() || c.is_control()) && text.len() <= 2_048;
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    match host {
        Some(host) if plain && !host.is_empty() && !host.contains('@') => Ok(text.to_owned()),
        _ => Err("write an address like https://crm.example.com/hooks, without a user".to_owned()),
    }
}

pub(super) fn subscription(
    reading: &mut Reading<'_>,
    table: &mut Table<'_, '_>,
    spec: &mut WorkspaceSpec,
) {
    // Sources have one name each among all workspaces.
    let name = named(reading, table, "", Kind::Subscription);
    let known = EVENT_TYPES.iter().filter_map(|known| known.subscribed);
    let event = |text: &str| match known.clone().any(|known| known == text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "choose of {}",
            known.clone().collect::<Vec<_>>().join(", ")
        )),
    };
    let subscription = SubscriptionSpec {
        event: table.text("event", event),
        label: table.float("label"),
        campaign: table.text("campaign", uuid),
        proof: table.text("proof", |text| {
            let kind = text.split(':').next().unwrap_or_default();
            one_of(kind, &["header", "basic", "bearer"]).map(|_| text.to_owned())
        }),
        allow: table.texts("allow", network),
        public_url: table.text("public_url", url),
        kept_at: table.text("kept_at", reference),
    };
    let help = "say either an `event` or the number of a custom `label`";
    match (&subscription.event, subscription.label) {
        (None, None) => table.missing("event", help),
        (Some(_), Some(_)) => table.fault(table.span(), "event and label are both there", help),
        _ => {}
    }
    if let Some(name) = name {
        spec.subscriptions.insert(name, subscription);
    }
}

pub(super) fn destination(reading: &mut Reading<'_>, table: &mut Table<'_, '_>) {
    let name = named(reading, table, "", Kind::Destination);
    let url = table.text("url", url);
    let count = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    let headers = table.named_texts("headers").map(|headers| {
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        headers.into_iter().map(lower).collect::<BTreeMap<_, _>>()
    });
    for (header, value) in headers.iter().flatten() {
        let secret = ["authorization", "cookie", "x-api-key"].contains(&header.as_str());
        if secret && reference(value).is_err() {
            table.missing(
                &format!("headers.{header}"),
                "its value is a secret: keep it (`doorward secret set`) and write a reference to it",
            );
        }
    }
    let destination = DestinationSpec {
        url: url.clone().unwrap_or_default(),
        events: table.texts("events", words),
        campaigns: table.texts("campaigns", uuid),
        workspaces: table.texts("workspaces", words),
        form: table.text("form", |text| one_of(text, &["received", "normalised"])),
        headers,
        in_order: table.flag("in_order"),
        concurrency: count(table.number("concurrency", 1..=256)),
        rate: count(table.number("rate", 0..=10_000)),
        timeout_ms: table.text("timeout", |text| {
            let millis = lasting::parse(text).and_then(|millis| u64::try_from(millis).ok());
            millis
                .filter(|millis| (100..=120_000).contains(millis))
                .ok_or_else(|| "write a time up to two minutes, like 15s".to_owned())
        }),
        paused: table.flag("paused"),
        kept_at: table.text("kept_at", reference),
    };
    if url.is_none() {
        table.missing("url", "say where events are sent");
    }
    if let Some(name) = name {
        reading.manifest.destinations.insert(name, destination);
    }
}

pub(super) fn member(
    reading: &mut Reading<'_>,
    table: &mut Table<'_, '_>,
    workspace: &str,
    spec: &mut WorkspaceSpec,
) {
    let email = table.text("email", |text| match BlockValue::parse(text) {
        Ok(value) if !value.is_domain() => Ok(value.into_string()),
        _ => Err("write an address like ann@example.com".to_owned()),
    });
    let known = [Role::Owner, Role::Admin, Role::Editor, Role::View];
    let known = known.map(|role| role.as_str().to_owned());
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let role = table.text("role", |text| one_of(text, &names));
    let permissions = table.texts("permissions", |text| one_of(text, &PERMISSIONS));
    let nickname = table.text("nickname", |text| match text.chars().count() {
        ..=NICKNAME_MAX => words(text),
        _ => Err(format!("write at most {NICKNAME_MAX} characters")),
    });
    let (Some(email), Some(role)) = (email, role) else {
        table.missing("email", "say who it is");
        table.missing("role", "say as what: owner, admin, editor or view");
        return;
    };
    if reading.declare(table, workspace, Kind::Member, &email) {
        let member = MemberSpec {
            role,
            permissions,
            nickname,
        };
        spec.members.insert(email, member);
    }
}
