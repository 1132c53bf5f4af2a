//! Steps for upstream keys: those to be made come before all else, those to go after all else.

use std::collections::BTreeSet;

use doorward_catalog::{Risk, Scope, ScopeSet};

use super::make::{Draft, Of, differ, quoted, shown};
use super::present::KeyNow;
use super::step::{Act, Changed, Sign};
use crate::manifest::{KeySpec, Kind, lasting_text};

const MAKE: u16 = 10;
const NOTE: u16 = 15;
const WIDEN: u16 = 12;
const NARROW: u16 = 86;
const REVOKE: u16 = 90;

pub(super) fn plan(of: &mut Of<'_, '_, '_>) {
    for (name, spec) in &of.spec.upstream_keys {
        match of.there.keys.get(name) {
            None => make(of, name, spec),
            Some(there) => change(of, name, spec, there),
        }
    }
    for (name, there) in &of.there.keys {
        if of.spec.upstream_keys.contains_key(name) || !of.prunes(Kind::UpstreamKey) {
            continue;
        }
        if there.manages {
            let why = "it manages the workspace's keys, and is never removed because it is not declared; \
                       declare it, or revoke it with `doorward upstream revoke`";
            of.cannot(Kind::UpstreamKey, name, why);
            continue;
        }
        revoke(
            of,
            name,
            there.api_key_id.clone(),
            "clients' calls no longer go out under it",
        );
    }
    let wanted = of.spec.prune.contains(&Kind::UpstreamKey);
    let strangers = of.looked(Kind::UpstreamKey, &of.there.stranger_keys, wanted);
    for stranger in strangers.into_iter().flatten() {
        if of.prunes(Kind::UpstreamKey) {
            let name = format!("{} ({})", stranger.name, stranger.api_key_id);
            let id = Some(stranger.api_key_id.clone());
            revoke(
                of,
                &name,
                id,
                "Doorward does not hold it: whoever does is cut off",
            );
        }
    }
}

fn make(of: &mut Of<'_, '_, '_>, name: &str, spec: &KeySpec) {
    if spec.manages == Some(true) {
        let why = "the key that manages the others is made by a person in Instantly's settings; then \
                   `doorward upstream adopt` with --manages";
        return of.cannot(Kind::UpstreamKey, name, why);
    }
    let Some(scopes) = &spec.scopes else {
        let why = "there is no such key, and its scopes are not declared; say them, or take the key in \
                   with `doorward upstream adopt`";
        return of.cannot(Kind::UpstreamKey, name, why);
    };
    let made = Changed {
        field: "scopes",
        from: String::new(),
        to: shown(scopes),
    };
    of.step(Draft {
        kind: Kind::UpstreamKey,
        name: name.to_owned(),
        sign: Sign::Make,
        risk: risk_of(scopes),
        rank: MAKE,
        changes: vec![made],
        told: Vec::new(),
        act: Act::KeyMake(spec.clone()),
    });
}

fn change(of: &mut Of<'_, '_, '_>, name: &str, spec: &KeySpec, there: &KeyNow) {
    match (&spec.scopes, &there.scopes) {
        (Some(_), None) => {
            let why = "its scopes are not known; `doorward upstream probe` looks for them, or say them \
                       with `doorward upstream adopt`";
            of.cannot(Kind::UpstreamKey, name, why);
        }
        (Some(declared), Some(known)) if declared != known => {
            let wider = !set(declared).difference(set(known)).is_empty();
            let told =
                "it is replaced by a new key: whoever holds it outside Doorward needs the new one";
            of.step(Draft {
                kind: Kind::UpstreamKey,
                name: name.to_owned(),
                sign: Sign::Change,
                risk: if wider {
                    risk_of(declared).max(Risk::High)
                } else {
                    Risk::High
                },
                rank: if wider { WIDEN } else { NARROW },
                changes: vec![Changed {
                    field: "scopes",
                    from: shown(known),
                    to: shown(declared),
                }],
                told: vec![told.to_owned()],
                act: Act::KeyReplace {
                    scopes: declared.clone(),
                },
            });
        }
        _ => {}
    }
    let mut changes = Vec::new();
    differ(
        &mut changes,
        "owner",
        &there.owner,
        spec.owner.as_ref(),
        quoted,
    );
    let every = |every: &Option<i64>| every.map_or("(as configured)".to_owned(), lasting_text);
    let declared = spec.rotate_every.map(Some);
    differ(
        &mut changes,
        "rotate_every",
        &there.rotate_every,
        declared.as_ref(),
        every,
    );
    let manages = spec.manages.as_ref();
    let role = differ(
        &mut changes,
        "manages",
        &there.manages,
        manages,
        ToString::to_string,
    );
    if !changes.is_empty() {
        of.step(Draft {
            kind: Kind::UpstreamKey,
            name: name.to_owned(),
            sign: Sign::Change,
            risk: if role { Risk::Medium } else { Risk::Low },
            rank: NOTE,
            changes,
            told: Vec::new(),
            act: Act::KeyNote(spec.clone()),
        });
    }
}

fn revoke(of: &mut Of<'_, '_, '_>, name: &str, api_key_id: Option<String>, told: &str) {
    of.step(Draft {
        kind: Kind::UpstreamKey,
        name: name.to_owned(),
        sign: Sign::Remove,
        risk: Risk::Critical,
        rank: REVOKE,
        changes: Vec::new(),
        told: vec![format!("it is revoked at Instantly for good; {told}")],
        act: Act::KeyRevoke { api_key_id },
    });
}

fn set(scopes: &BTreeSet<String>) -> ScopeSet {
    scopes
        .iter()
        .filter_map(|text| Scope::parse(text).ok())
        .collect()
}

fn risk_of(scopes: &BTreeSet<String>) -> Risk {
    set(scopes).risk().map_or(Risk::Medium, |worst| worst.risk)
}
