//! Which of a workspace's upstream keys a call goes out under: the narrowest healthy one that will do.

use std::sync::Arc;
use std::time::Instant;

use doorward_catalog::{Basis, Op, Scope, ScopeSet};
use doorward_store::UpstreamKeyState;

use crate::sending::keyhealth::KeyHealth;
use crate::sending::upstream::{Upstream, UpstreamKey};

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
/// and is tried when no other will do; one that was refused a moment ago comes after all others.
pub(crate) fn choose<'a>(
    upstream: &'a Upstream,
    op: Op,
    health: &KeyHealth,
) -> Option<&'a Arc<UpstreamKey>> {
    let now = Instant::now();
    let suspect = |key: &UpstreamKey| health.is_suspect(key, now);
    // Known scopes win over unknown ones even where the known key is on its way out.
    covering(upstream, op).min_by_key(|key| (suspect(key), key.scopes.is_none()))
}

/// The key that takes the place of one that the API took for dead: not refused itself, and one on its
/// way out only where no other will do.
pub(crate) fn successor<'a>(
    upstream: &'a Upstream,
    op: Op,
    dead: &UpstreamKey,
    health: &KeyHealth,
) -> Option<&'a Arc<UpstreamKey>> {
    let now = Instant::now();
    covering(upstream, op)
        .filter(|key| key.id != dead.id && key.print != dead.print)
        .filter(|key| !health.is_suspect(key, now))
        .min_by_key(|key| (key.state != UpstreamKeyState::Active, key.scopes.is_none()))
}

/// The keys that may cover the operation, in their order.
fn covering(upstream: &Upstream, op: Op) -> impl Iterator<Item = &Arc<UpstreamKey>> {
    // What the API itself asked for counts for more than what is assumed of it.
    let observed = match op.facts().basis {
        Basis::Assumed => upstream.observed.get(&op).map(Vec::as_slice),
        _ => None,
    };
    let covers = move |scopes: ScopeSet| match observed {
        Some(wanted) => wanted
            .iter()
            .any(|scope: &Scope| scopes.covers_scope(*scope)),
        None => scopes.covers(op),
    };
    upstream
        .keys
        .iter()
        .filter(|key| key.state != UpstreamKeyState::Retired)
        .filter(move |key| key.scopes.is_none_or(covers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::limits::Limits;
    use crate::sending::upstream::{BaseUrl, Pools};
    use UpstreamKeyState::{Active, Retired, Retiring};
    use doorward_policy::WorkspaceKind;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn upstream(keys: &[(&str, Option<&str>, UpstreamKeyState)]) -> Upstream {
        let base = BaseUrl::parse("http://127.0.0.1:1", WorkspaceKind::Live, false).unwrap();
        let key = |(id, scopes, state): &(&str, Option<&str>, UpstreamKeyState)| {
            let scopes = scopes.map(|scopes| scopes.parse().unwrap());
            let secret = format!("{id:_<20}");
            Arc::new(UpstreamKey::new(id, scopes, *state, secret.into()).unwrap())
        };
        let mut keys: Vec<_> = keys.iter().map(key).collect();
        order(&mut keys);
        Upstream {
            workspace: "ws_1".into(),
            pool: Pools::new(&Limits::default()).pool("ws_1", &base).unwrap(),
            pace: crate::pace::ids::PaceId::of(&doorward_store::Workspace {
                id: "ws_1".to_owned(),
                name: "acme".to_owned(),
                instantly_id: None,
                kind: doorward_policy::WorkspaceKind::Sandbox,
                base_url: "http://127.0.0.1:1".to_owned(),
                environments: Default::default(),
                upstream_keys: Vec::new(),
                created_at: doorward_policy::Timestamp::from_seconds(0),
            }),
            line: Arc::new(crate::pace::line::Line::new()),
            base,
            keys,
            aside: Vec::new(),
            observed: HashMap::new(),
        }
    }

    fn chosen(upstream: &Upstream, op: Op) -> Option<&str> {
        choose(upstream, op, &KeyHealth::default()).map(|key| &*key.id)
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

    fn key<'a>(upstream: &'a Upstream, id: &str) -> &'a UpstreamKey {
        upstream.keys.iter().find(|key| &*key.id == id).unwrap()
    }

    #[test]
    fn a_refused_key_comes_last_and_an_active_one_takes_its_place() {
        let all = upstream(&[
            ("narrow", Some("leads:all"), Active),
            ("wide", Some("all:all"), Active),
            ("old", Some("leads:create"), Retiring),
            ("unknown", None, Active),
        ]);
        let health = KeyHealth::default();
        let chosen = |op| choose(&all, op, &health).map(|key| &*key.id);
        let after =
            |dead| successor(&all, Op::CreateLead, key(&all, dead), &health).map(|key| &*key.id);
        assert_eq!(chosen(Op::CreateLead), Some("narrow"));
        assert_eq!(after("narrow"), Some("wide"));
        health.refused(key(&all, "narrow"), Instant::now());
        assert_eq!(chosen(Op::CreateLead), Some("wide"));
        assert_eq!(
            after("wide"),
            Some("unknown"),
            "not the refused one, not the old one"
        );
        health.refused(key(&all, "unknown"), Instant::now());
        assert_eq!(after("wide"), Some("old"), "better than none");
        for id in ["wide", "old"] {
            health.refused(key(&all, id), Instant::now());
        }
        assert_eq!(chosen(Op::CreateLead), Some("narrow"), "better than none");
        assert_eq!(after("narrow"), None);
    }

    /// What any choice must be, said without an order.
    fn better(a: &UpstreamKey, b: &UpstreamKey, health: &KeyHealth, now: Instant) -> bool {
        let rank = |key: &UpstreamKey| {
            (
                health.is_suspect(key, now),
                key.scopes.is_none(),
                key.state != Active,
                key.scopes.unwrap_or_default().allows().len(),
            )
        };
        rank(a) < rank(b)
    }

    proptest! {
        #[test]
        fn the_choice_covers_and_none_is_better(
            keys in prop::collection::vec((0..6_usize, 0..3_usize, any::<bool>()), 0..6),
            op in 0..Op::ALL.len(),
        ) {
            const SCOPES: [Option<&str>; 6] = [
                None, Some("all:all"), Some("all:read"), Some("leads:all"), Some("leads:create"),
                Some("campaigns:all,leads:read"),
            ];
            let op = Op::ALL[op];
            let ids: Vec<String> = (0..keys.len()).map(|n| format!("key{n}")).collect();
            let states = [Active, Retiring, Retired];
            let made: Vec<_> = keys.iter().zip(&ids)
                .map(|((scopes, state, _), id)| (id.as_str(), SCOPES[*scopes], states[*state]))
                .collect();
            let all = upstream(&made);
            let (health, now) = (KeyHealth::default(), Instant::now());
            for ((_, _, refused), id) in keys.iter().zip(&ids) {
                if *refused {
                    health.refused(key(&all, id), now);
                }
            }
            let fits = |key: &&Arc<UpstreamKey>| {
                key.state != Retired && key.scopes.is_none_or(|scopes| scopes.covers(op))
            };
            let chosen = choose(&all, op, &health);
            prop_assert_eq!(chosen.is_some(), all.keys.iter().any(|key| fits(&key)));
            let Some(chosen) = chosen else { return Ok(()) };
            prop_assert!(fits(&chosen));
            for other in all.keys.iter().filter(fits) {
                prop_assert!(!better(other, chosen, &health, now));
            }
            if let Some(next) = successor(&all, op, chosen, &health) {
                prop_assert!(fits(&next) && next.id != chosen.id);
                let active = |key: &&Arc<UpstreamKey>| {
                    fits(key) && key.state == Active && key.id != chosen.id
                        && key.print != chosen.print && !health.is_suspect(key, now)
                };
                prop_assert!(next.state == Active || !all.keys.iter().any(|key| active(&key)));
                prop_assert!(!health.is_suspect(next, now));
            }
        }
    }
}
