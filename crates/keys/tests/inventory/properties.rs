//! What holds whatever the sources say.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::{Op, OpSet, Scope, ScopeSet};
use doorward_keys::inventory::{
    Evidence, Held, HeldState, KeyState, Listed, Listing, Sighting, Standing, Uses, Wanted, Which,
    lost_without, narrow, rows, scope_uses, single_out,
};
use doorward_policy::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn any_scopes() -> impl Strategy<Value = Vec<String>> {
    let mut all: Vec<String> = Scope::assignable().map(|scope| scope.to_string()).collect();
    all.push("tomorrow:read".to_owned());
    subsequence(all, 0..12)
}

fn any_set() -> impl Strategy<Value = ScopeSet> {
    let all: Vec<Scope> = Scope::assignable().collect();
    subsequence(all, 0..10).prop_map(|scopes| scopes.into_iter().collect())
}

fn any_ops() -> impl Strategy<Value = Vec<Op>> {
    vec(select(Op::ALL.to_vec()), 0..12)
}

fn any_id() -> impl Strategy<Value = String> {
    "k[0-5]"
}

fn any_held() -> impl Strategy<Value = Vec<Held>> {
    let one = (
        prop::option::of(any_id()),
        prop::option::of(any_scopes()),
        0..3_u8,
        prop::option::of(any::<bool>()),
    );
    vec(one, 0..6).prop_map(|all| {
        let one = |(n, (id, scopes, state, alive)): (usize, (_, _, u8, _))| Held {
            key_id: format!("uk_{n}"),
            name: format!("key-{n}"),
            api_key_id: id,
            reference: "env://KEY".into(),
            scopes,
            state: match state {
                0 => HeldState::Active,
                1 => HeldState::Retiring,
                _ => HeldState::Retired,
            },
            alive,
            manages: n == 0,
            owner: None,
            own_use: None,
            since: Timestamp::from_seconds(1),
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

fn any_listing() -> impl Strategy<Value = Listing> {
    (btree_map(any_id(), any_scopes(), 0..6), any::<bool>()).prop_map(|(keys, whole)| Listing {
        keys: keys
            .into_iter()
            .map(|(id, scopes)| Listed {
                name: "same name".into(),
                api_key_id: id,
                scopes,
                created_at: None,
            })
            .collect(),
        whole,
    })
}

fn uses_of(ops: &[Op]) -> Uses {
    let mut uses = Uses::default();
    for (n, op) in ops.iter().enumerate() {
        uses.add(*op, Timestamp::from_seconds(n as i64));
    }
    uses
}

proptest! {
    #[test]
    fn every_key_is_there_once_and_none_is_called_gone_without_proof(
        held in any_held(),
        listing in prop::option::of(any_listing()),
        ops in any_ops(),
    ) {
        let uses = BTreeMap::from([("uk_0".to_owned(), uses_of(&ops))]);
        let mut sightings = BTreeMap::new();
        Sighting::add(&mut sightings, "k1", Timestamp::from_seconds(5), None);
        let rows = rows(&held, listing.as_ref(), &uses, &sightings);

        let ids: BTreeSet<_> = rows.iter().filter_map(|row| row.key_id.clone()).collect();
        prop_assert_eq!(ids.len(), held.len());
        let known: BTreeSet<_> = held.iter().filter_map(|key| key.api_key_id.clone()).collect();
        let unknown: Vec<_> = rows.iter().filter(|row| row.key_id.is_none()).collect();
        let listed: BTreeSet<String> = listing
            .iter()
            .flat_map(|listing| &listing.keys)
            .map(|key| key.api_key_id.clone())
            .collect();
        prop_assert_eq!(unknown.len(), listed.difference(&known).count());
        prop_assert_eq!(rows.len(), held.len() + unknown.len());
        for row in &rows {
            match row.state {
                KeyState::Unknown => prop_assert!(row.key_id.is_none() && row.used.is_none()),
                KeyState::Gone => {
                    let id = row.api_key_id.clone().unwrap();
                    prop_assert!(listing.as_ref().unwrap().whole && !listed.contains(&id));
                }
                _ => prop_assert!(row.key_id.is_some()),
            }
            let seen = row.api_key_id.as_deref() == Some("k1");
            prop_assert_eq!(row.seen.is_some(), seen);
            prop_assert!(row.scopes.is_some() || row.risk.is_none());
        }
    }

    #[test]
    fn calls_are_counted_once_each(granted in any_scopes(), ops in any_ops()) {
        let counted = scope_uses(&granted, &uses_of(&ops));
        prop_assert_eq!(counted.len(), granted.len());
        let set: ScopeSet = granted.iter().filter_map(|text| Scope::parse(text).ok()).collect();
        let covered = ops.iter().filter(|op| set.covers(**op)).count() as u64;
        prop_assert_eq!(counted.iter().map(|one| one.calls).sum::<u64>(), covered);
        for one in &counted {
            prop_assert_eq!(one.calls == 0, one.last.is_none());
        }
    }

    #[test]
    fn a_narrower_key_does_all_that_was_done_and_can_do_nothing_new(
        granted in any_set(),
        ops in any_ops(),
    ) {
        let evidence = Evidence { uses: uses_of(&ops), ..Evidence::default() };
        let before = granted.allows();
        let used: OpSet = ops.iter().copied().collect();
        match narrow(granted, &evidence) {
            Ok(found) => {
                prop_assert!(found.scopes.allows().is_subset(before));
                prop_assert!(found.scopes.iter().all(|scope| granted.covers_scope(scope)));
                prop_assert!(used.intersection(before).is_subset(found.scopes.allows()));
                prop_assert!(found.scopes.iter().all(Scope::is_assignable));
                let safe = found.kept.iter().any(|kept| kept.to_be_safe);
                // Nothing in it is without use.
                prop_assert!(safe || found.scopes.excess(used).is_empty(), "{}", found.scopes);
                prop_assert!(granted.iter().any(|scope| !found.scopes.covers_scope(scope)));
            }
            Err(_) => prop_assert!(
                used.is_empty() || granted.is_empty() || granted.allows() == before
            ),
        }
    }

    #[test]
    fn what_stays_covers_all_but_what_is_said_to_be_lost(
        keys in vec((prop::option::of(any_set()), any::<bool>()), 1..5),
        ops in any_ops(),
    ) {
        let keys: Vec<Standing> = keys
            .into_iter()
            .enumerate()
            .map(|(n, (scopes, works))| Standing { key_id: format!("uk_{n}"), scopes, works })
            .collect();
        let wanted: OpSet = ops.into_iter().collect();
        let lost = lost_without(&keys, "uk_0", wanted);
        prop_assert!(lost.is_subset(wanted));
        let known = |key: &Standing| key.scopes.unwrap_or_default().allows();
        let first = &keys[0];
        let mine = match (first.works, first.scopes) {
            (false, _) => OpSet::EMPTY,
            (true, None) => OpSet::all(),
            (true, Some(scopes)) => scopes.allows(),
        };
        for op in wanted.iter() {
            let stays = keys[1..].iter().any(|key| key.works && known(key).contains(op));
            prop_assert_eq!(lost.contains(op), mine.contains(op) && !stays);
        }
    }

    #[test]
    fn no_id_is_ever_guessed(
        listing in any_listing(),
        scopes in prop::option::of(any_scopes()),
        same_workspace in any::<bool>(),
        said in prop::option::of(any_id()),
        others in prop::collection::btree_set(any_id(), 0..3),
    ) {
        let wanted = Wanted {
            scopes: scopes.as_deref(),
            same_workspace,
            said: said.as_deref(),
            others: &others,
        };
        if let Which::This(key) = single_out(&wanted, &listing) {
            prop_assert!(!others.contains(&key.api_key_id));
            let set = |all: &[String]| all.iter().cloned().collect::<BTreeSet<_>>();
            match &said {
                Some(said) => prop_assert_eq!(&key.api_key_id, said),
                None => {
                    prop_assert!(same_workspace && listing.whole && scopes.is_some());
                    let alike = listing.keys.iter().filter(|other| {
                        !others.contains(&other.api_key_id) && set(&other.scopes) == set(&key.scopes)
                    });
                    prop_assert_eq!(alike.count(), 1);
                }
            }
            if let Some(scopes) = &scopes {
                prop_assert_eq!(set(&key.scopes), set(scopes));
            }
        }
    }
}
