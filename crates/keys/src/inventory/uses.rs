//! Used scopes against granted ones.

use doorward_catalog::{Scope, ScopeSet};

use super::row::ScopeUse;
use super::sources::{Count, Uses};

/// How often each of the granted scopes was used, in the order given. A call counts for the narrowest
/// of them that covers its operation; one that none covers counts nowhere. A scope that the catalog
/// does not know has no counted use.
pub fn scope_uses(granted: &[String], uses: &Uses) -> Vec<ScopeUse> {
    let known: Vec<Option<Scope>> = granted.iter().map(|text| Scope::parse(text).ok()).collect();
    let mut counts: Vec<Option<Count>> = vec![None; granted.len()];
    for (op, count) in uses.iter() {
        let accepted = op.facts().scope.accepted();
        let place = accepted
            .iter()
            .find_map(|wanted| known.iter().position(|scope| *scope == Some(*wanted)));
        if let Some(slot) = place.and_then(|place| counts.get_mut(place)) {
            *slot = Some(slot.map_or(count, |before| before.and(count)));
        }
    }
    let both = granted.iter().zip(counts);
    both.map(|(scope, count)| ScopeUse {
        scope: scope.clone(),
        calls: count.map_or(0, |count| count.calls),
        last: count.map(|count| count.last),
    })
    .collect()
}

/// The scopes that the catalog knows.
pub(super) fn known(scopes: &[String]) -> ScopeSet {
    let known = scopes.iter().filter_map(|scope| Scope::parse(scope).ok());
    known.collect()
}

/// How many the catalog does not know.
pub(super) fn unknown(scopes: &[String]) -> usize {
    let unknown = scopes.iter().filter(|scope| Scope::parse(scope).is_err());
    unknown.count()
}
