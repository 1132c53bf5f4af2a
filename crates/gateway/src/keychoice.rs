//! Which of a workspace's upstream keys a call goes out under: the narrowest that will do.

use std::sync::Arc;

use doorward_catalog::{Basis, Op, Scope, ScopeSet};
use doorward_store::UpstreamKeyState;

use crate::upstream::{Upstream, UpstreamKey};

/// Puts keys in the order in which they are tried: active before retiring, those whose scopes are
/// known before the others, those that allow fewer operations first; then by id, so that the
/// choice is the same each time.
pub(crate) fn order(keys: &mut [Arc<UpstreamKey>]) {
    keys.sort_by_cached_key(|key| {
        let scopes = key.scopes.unwrap_or_default();
        (
            key.state != UpstreamKeyState::Active,
            key.scopes.is_none(),
            scopes.allows().len(),
            scopes.len(),
            Arc::clone(&key.id),
        )
    });
}

/// The first key that covers the operation. A key whose scopes are not known may cover anything,
/// and is tried when no other will do.
pub(crate) fn choose(upstream: &Upstream, op: Op) -> Option<&Arc<UpstreamKey>> {
    // What the API itself asked for counts for more than what is assumed of it.
    let observed = match op.facts().basis {
        Basis::Assumed => upstream.observed.get(&op).map(Vec::as_slice),
        _ => None,
    };
    let covers = |scopes: ScopeSet| match observed {
        Some(wanted) => wanted
            .iter()
            .any(|scope: &Scope| scopes.covers_scope(*scope)),
        None => scopes.covers(op),
    };
    upstream
        .keys
        .iter()
        .filter(|key| key.state != UpstreamKeyState::Retired)
        .filter(|key| key.scopes.is_none_or(covers))
        // Known scopes win over unknown ones even where the known key is on its way out.
        .min_by_key(|key| key.scopes.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::upstream::{BaseUrl, Pools};
    use UpstreamKeyState::{Active, Retired, Retiring};
    use std::collections::HashMap;

    fn upstream(keys: &[(&str, Option<&str>, UpstreamKeyState)]) -> Upstream {
        let base = BaseUrl::parse("http://127.0.0.1:1", false).unwrap();
        let key = |(id, scopes, state): &(&str, Option<&str>, UpstreamKeyState)| {
            let scopes = scopes.map(|scopes| scopes.parse().unwrap());
            Arc::new(UpstreamKey::new(id, scopes, *state, "0123456789abcdef".into()).unwrap())
        };
        let mut keys: Vec<_> = keys.iter().map(key).collect();
        order(&mut keys);
        Upstream {
            workspace: "ws_1".into(),
            client: Pools::new(&Limits::default())
                .client("ws_1", &base)
                .unwrap(),
            base,
            keys,
            observed: HashMap::new(),
        }
    }

    fn chosen(upstream: &Upstream, op: Op) -> Option<&str> {
        choose(upstream, op).map(|key| &*key.id)
    }

    #[test]
    fn the_narrowest_key_that_covers_is_chosen() {
        let all = upstream(&[
            ("everything", Some("all:all"), Active),
            ("reads", Some("all:read"), Active),
            ("leads", Some("leads:all, lead_lists:read"), Active),
            ("one", Some("leads:read"), Active),
            ("old", Some("campaigns:create"), Retiring),
            ("gone", Some("campaigns:delete"), Retired),
            ("unknown", None, Active),
        ]);
        assert_eq!(chosen(&all, Op::GetLead), Some("one"));
        assert_eq!(chosen(&all, Op::CreateLead), Some("leads"));
        assert_eq!(chosen(&all, Op::ListCampaign), Some("reads"));
        assert_eq!(chosen(&all, Op::CreateCampaign), Some("everything"));
        assert_eq!(chosen(&all, Op::DeleteCampaign), Some("everything"));
    }

    #[test]
    fn a_retiring_key_serves_where_no_other_does_and_an_unknown_one_last() {
        let some = upstream(&[
            ("old", Some("campaigns:create"), Retiring),
            ("gone", Some("all:all"), Retired),
            ("unknown", None, Active),
        ]);
        assert_eq!(chosen(&some, Op::CreateCampaign), Some("old"));
        assert_eq!(chosen(&some, Op::CreateLead), Some("unknown"));
        let none = upstream(&[("leads", Some("leads:read"), Active)]);
        assert_eq!(chosen(&none, Op::CreateLead), None);
    }

    #[test]
    fn what_the_api_asked_for_corrects_what_is_assumed() {
        let assumed = Op::ALL
            .into_iter()
            .find(|op| op.facts().basis.is_assumed())
            .unwrap();
        let as_assumed = assumed.facts().scope.to_string();
        let mut both = upstream(&[
            ("assumed", Some(&as_assumed), Active),
            ("asked", Some("crm_actions:delete"), Active),
        ]);
        assert_eq!(chosen(&both, assumed), Some("assumed"));
        both.observed
            .insert(assumed, vec![Scope::parse("crm_actions:delete").unwrap()]);
        assert_eq!(chosen(&both, assumed), Some("asked"));
    }
}
