//! Three sources joined.

use std::collections::{BTreeMap, BTreeSet};

use super::row::{KeyState, Row, Seen};
use super::sources::{Held, HeldState, Listed, Listing, Sighting, Uses};
use super::uses::{known, scope_uses, unknown};

/// A row for each key there is: those that are held, by name, then those that Instantly lists and
/// Doorward does not hold. `uses` is by Doorward's ids, `sightings` by Instantly's.
///
/// Keys are joined by Instantly's id alone. One that is held and whose id is not known stays without
/// what Instantly says, and the listed keys that it may be say so.
pub fn rows(
    held: &[Held],
    listing: Option<&Listing>,
    uses: &BTreeMap<String, Uses>,
    sightings: &BTreeMap<String, Sighting>,
) -> Vec<Row> {
    let none = Uses::default();
    let listed = |id: &str| listing?.keys.iter().find(|key| key.api_key_id == id);
    let seen = |id: Option<&str>| id.and_then(|id| sightings.get(id)).map(seen);
    let mut rows: Vec<Row> = held
        .iter()
        .map(|key| {
            let there = key.api_key_id.as_deref().and_then(listed);
            let uses = uses.get(&key.key_id).unwrap_or(&none);
            let mut row = of_held(key, there, listing, uses);
            row.seen = seen(key.api_key_id.as_deref());
            row
        })
        .collect();
    rows.sort_by(|a, b| (&a.name, &a.key_id).cmp(&(&b.name, &b.key_id)));

    let ids: BTreeSet<&str> = held
        .iter()
        .filter_map(|key| key.api_key_id.as_deref())
        .collect();
    let others = listing.into_iter().flat_map(|listing| &listing.keys);
    let mut others: Vec<Row> = others
        .filter(|key| !ids.contains(key.api_key_id.as_str()))
        .map(|key| {
            let mut row = of_listed(key, held);
            row.seen = seen(Some(&key.api_key_id));
            row
        })
        .collect();
    others.sort_by(|a, b| (&a.name, &a.api_key_id).cmp(&(&b.name, &b.api_key_id)));
    rows.extend(others);
    rows
}

fn of_held(key: &Held, there: Option<&Listed>, listing: Option<&Listing>, uses: &Uses) -> Row {
    let mut remarks = Vec::new();
    let scopes = match there {
        Some(there) => Some(there.scopes.clone()),
        None => key.scopes.clone(),
    };
    let as_set = |scopes: &[String]| scopes.iter().cloned().collect::<BTreeSet<_>>();
    if let (Some(there), Some(here)) = (there, &key.scopes)
        && as_set(&there.scopes) != as_set(here)
    {
        remarks.push("Instantly lists other scopes than Doorward knew".to_owned());
    }
    let whole = listing.is_some_and(|listing| listing.whole);
    let missing = there.is_none() && whole && key.api_key_id.is_some();
    let state = match (key.state, key.alive) {
        (HeldState::Retired, _) => KeyState::Retired,
        _ if missing => KeyState::Gone,
        (_, Some(false)) => KeyState::Dead,
        (HeldState::Active, _) => KeyState::Active,
        (HeldState::Retiring, _) => KeyState::Retiring,
    };
    match (state, there) {
        (KeyState::Retired, Some(_)) => {
            remarks.push("it is retired, and still in force at Instantly".to_owned());
        }
        (KeyState::Dead, Some(_)) => {
            remarks.push("it was not accepted when it was probed, and is listed".to_owned());
        }
        (KeyState::Gone, _) => remarks.push("Instantly does not list it any more".to_owned()),
        _ => {}
    }
    if key.api_key_id.is_none() && key.state != HeldState::Retired {
        remarks.push("its id at Instantly is not known".to_owned());
    }
    finish(Row {
        name: key.name.clone(),
        key_id: Some(key.key_id.clone()),
        api_key_id: key.api_key_id.clone(),
        name_there: there.map(|there| there.name.clone()),
        state,
        manages: key.manages,
        own_use: key.own_use.clone(),
        scope_uses: scope_uses(scopes.as_deref().unwrap_or_default(), uses),
        scopes,
        risk: None,
        risk_reason: None,
        created_at: there.and_then(|there| there.created_at).or(Some(key.since)),
        owner: key.owner.clone(),
        reference: Some(key.reference.clone()),
        used: uses.total(),
        seen: None,
        may_be: vec![],
        remarks,
    })
}

fn of_listed(key: &Listed, held: &[Held]) -> Row {
    let mine: BTreeSet<&String> = key.scopes.iter().collect();
    let may_be = held
        .iter()
        .filter(|held| held.api_key_id.is_none() && held.state != HeldState::Retired)
        .filter(|held| {
            let scopes = held.scopes.as_ref();
            scopes.is_none_or(|scopes| scopes.iter().collect::<BTreeSet<_>>() == mine)
        });
    finish(Row {
        name: key.name.clone(),
        key_id: None,
        api_key_id: Some(key.api_key_id.clone()),
        name_there: Some(key.name.clone()),
        state: KeyState::Unknown,
        manages: false,
        own_use: None,
        scopes: Some(key.scopes.clone()),
        risk: None,
        risk_reason: None,
        created_at: key.created_at,
        owner: None,
        reference: None,
        used: None,
        seen: None,
        scope_uses: vec![],
        may_be: may_be.map(|held| held.name.clone()).collect(),
        remarks: vec![],
    })
}

/// The risk, and what can't be said of it.
fn finish(mut row: Row) -> Row {
    let Some(scopes) = &row.scopes else {
        row.remarks.push("its scopes are not known".to_owned());
        return row;
    };
    if let Some(worst) = known(scopes).risk() {
        row.risk = Some(worst.risk);
        row.risk_reason = Some(worst.reason.to_owned());
    }
    match unknown(scopes) {
        0 => {}
        1 => row
            .remarks
            .push("one of its scopes is new to Doorward".to_owned()),
        count => row
            .remarks
            .push(format!("{count} of its scopes are new to Doorward")),
    }
    row
}

fn seen(sighting: &Sighting) -> Seen {
    Seen {
        records: sighting.records.calls,
        last: sighting.records.last,
        around: sighting.around(),
        addresses: sighting.addresses.iter().cloned().collect(),
    }
}
