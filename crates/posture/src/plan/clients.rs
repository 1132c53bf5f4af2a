//! Steps for clients: made and changed once their keys are there.

use doorward_catalog::Risk;
use doorward_policy::Grant;

use super::make::{Draft, Of, differ, quoted, shown};
use super::present::ClientNow;
use super::step::{Act, Changed, Sign};
use crate::manifest::{ClientSpec, ControlsSpec, Kind};

const CREATE: u16 = 40;
const CHANGE: u16 = 42;
const DELETE: u16 = 70;

pub(super) fn plan(of: &mut Of<'_, '_, '_>) {
    for (name, spec) in &of.spec.clients {
        let resolved = spec
            .grant
            .resolve(spec.environment, of.there.kind, of.now());
        let risk = match &resolved {
            Ok(grant) => grant.operations(of.now()).risk(),
            Err(refused) => {
                of.cannot(Kind::Client, name, refused.to_string());
                continue;
            }
        };
        let risk = risk.map_or(Risk::Low, |worst| worst.risk);
        match of.there.clients.get(name) {
            None => create(of, name, spec, risk),
            Some(there) => change(of, name, spec, (there, risk)),
        }
    }
    for name in of.there.clients.keys() {
        if of.spec.clients.contains_key(name) || !of.prunes(Kind::Client) {
            continue;
        }
        of.step(Draft {
            kind: Kind::Client,
            name: name.clone(),
            sign: Sign::Remove,
            risk: Risk::High,
            rank: DELETE,
            changes: Vec::new(),
            told: vec!["its keys are refused from then on".to_owned()],
            act: Act::ClientDelete,
        });
    }
}

fn create(of: &mut Of<'_, '_, '_>, name: &str, spec: &ClientSpec, risk: Risk) {
    let new = |field, to: String| Changed {
        field,
        from: String::new(),
        to,
    };
    let mut told = Vec::new();
    if spec.disabled != Some(true) {
        told.push(format!(
            "a key for it is issued by a person: doorward key issue {name}"
        ));
    }
    of.step(Draft {
        kind: Kind::Client,
        name: name.to_owned(),
        sign: Sign::Make,
        risk,
        rank: CREATE,
        changes: vec![
            new("environment", spec.environment.to_string()),
            new("grant", granted(&spec.grant)),
        ],
        told,
        act: Act::ClientCreate(spec.clone()),
    });
}

fn change(
    of: &mut Of<'_, '_, '_>,
    name: &str,
    spec: &ClientSpec,
    (there, risk): (&ClientNow, Risk),
) {
    if spec.environment != there.environment {
        let why = format!(
            "its environment is {} and can't be changed; delete it first (`doorward client delete {name}`), \
             which ends its keys",
            there.environment
        );
        return of.cannot(Kind::Client, name, why);
    }
    let mut changes = Vec::new();
    let wider = differ(
        &mut changes,
        "grant",
        &there.grant,
        Some(&spec.grant),
        granted,
    );
    differ(
        &mut changes,
        "owner",
        &there.owner,
        spec.owner.as_ref(),
        quoted,
    );
    differ(
        &mut changes,
        "purpose",
        &there.purpose,
        spec.purpose.as_ref(),
        quoted,
    );
    let disabled = spec.disabled.as_ref();
    differ(
        &mut changes,
        "disabled",
        &there.disabled,
        disabled,
        ToString::to_string,
    );
    controls(&mut changes, &there.controls, &spec.controls);
    if changes.is_empty() {
        return;
    }
    // What is for a limited time goes on.
    let grant = wider.then(|| Grant {
        break_glass: there.break_glass.clone(),
        learning: there.learning.clone(),
        ..spec.grant.clone()
    });
    of.step(Draft {
        kind: Kind::Client,
        name: name.to_owned(),
        sign: Sign::Change,
        risk: if wider { risk } else { Risk::Low },
        rank: CHANGE,
        changes,
        told: Vec::new(),
        act: Act::ClientChange {
            spec: spec.clone(),
            grant,
        },
    });
}

/// Notes what differs of what is set beside the grant.
fn controls(changes: &mut Vec<Changed>, there: &ControlsSpec, declared: &ControlsSpec) {
    let word = |text: &Option<String>| text.clone().unwrap_or_default();
    let limit = |limit: &Option<u32>| match limit {
        None | Some(0) => "(none)".to_owned(),
        Some(most) => most.to_string(),
    };
    let class = declared.class.clone().map(Some);
    differ(changes, "limits.class", &there.class, class.as_ref(), word);
    for (field, there, declared) in [
        ("limits.weight", there.weight, declared.weight),
        ("limits.per_second", there.per_second, declared.per_second),
        ("limits.per_day", there.per_day, declared.per_day),
        (
            "limits.leads_per_day",
            there.leads_per_day,
            declared.leads_per_day,
        ),
        (
            "limits.concurrency",
            there.concurrency,
            declared.concurrency,
        ),
    ] {
        let declared = declared.map(Some);
        differ(changes, field, &there, declared.as_ref(), limit);
    }
    let sources = declared.sources.clone().map(Some);
    differ(
        changes,
        "limits.sources",
        &there.sources,
        sources.as_ref(),
        |all| shown(all.iter().flatten()),
    );
    let redact = declared.redact.clone().map(Some);
    differ(
        changes,
        "limits.redact",
        &there.redact,
        redact.as_ref(),
        |all| shown(all.iter().flatten()),
    );
}

fn granted(grant: &Grant) -> String {
    let lists = [&grant.use_cases, &grant.operations, &grant.scopes];
    let mut all: Vec<String> = lists.into_iter().flatten().cloned().collect();
    let subs = grant.sub_workspaces.iter();
    all.extend(subs.map(|id| format!("as {id}")));
    if grant.audit {
        all.push("ledger entries".to_owned());
    }
    shown(&all)
}
