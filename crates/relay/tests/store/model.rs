//! The store held against a simple one in memory, under random histories with reopening.

use std::collections::{BTreeMap, BTreeSet};

use doorward_relay::events::{Body, EventId, Taken};
use doorward_relay::{DeliveryState, EventFilter, EventStore, Lane, Order, Outcome, Retention};
use proptest::prelude::*;

use crate::common::{NOW, event, folder, open, outcome};
use DeliveryState::{Dead, Delivered, Discarded, Held, Retry};

const DESTINATIONS: [i64; 2] = [1, 2];

#[derive(Debug, Clone)]
enum Act {
    Take {
        payload: u8,
        lead: Option<u8>,
    },
    Settle {
        destination: usize,
        nth: usize,
        state: DeliveryState,
    },
    Advance {
        destination: usize,
        nth: usize,
    },
    Revive {
        destination: usize,
    },
    Discard {
        destination: usize,
    },
    Erase {
        lead: u8,
    },
    Age {
        keep: i64,
    },
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let state = prop::sample::select(vec![Delivered, Retry, Held, Dead]);
    prop_oneof![
        8 => (0..40_u8, prop::option::of(0..4_u8))
            .prop_map(|(payload, lead)| Act::Take { payload, lead }),
        6 => (0..2_usize, 0..40_usize, state)
            .prop_map(|(destination, nth, state)| Act::Settle { destination, nth, state }),
        2 => (0..2_usize, 0..40_usize)
            .prop_map(|(destination, nth)| Act::Advance { destination, nth }),
        1 => (0..2_usize).prop_map(|destination| Act::Revive { destination }),
        1 => (0..2_usize).prop_map(|destination| Act::Discard { destination }),
        1 => (0..4_u8).prop_map(|lead| Act::Erase { lead }),
        1 => (0..40_i64).prop_map(|keep| Act::Age { keep }),
        1 => Just(Act::Reopen),
    ]
}

#[derive(Debug, Clone)]
struct Stored {
    id: EventId,
    payload: u8,
    lead: Option<u8>,
    at: i64,
    erased: bool,
}

/// What should be in the store.
#[derive(Debug, Default)]
struct Model {
    next: i64,
    clock: i64,
    events: BTreeMap<i64, Stored>,
    deliveries: BTreeMap<(i64, i64), (DeliveryState, Option<i64>)>,
    cursors: BTreeMap<i64, i64>,
}

impl Model {
    fn blocked(&self, destination: i64, lead: i64, before: i64) -> bool {
        self.open(destination, lead).any(|seq| seq < before)
    }

    fn open(&self, destination: i64, lead: i64) -> impl Iterator<Item = i64> {
        self.deliveries
            .iter()
            .filter(move |((to, _), (state, of))| {
                *to == destination && state.is_open() && *of == Some(lead)
            })
            .map(|((_, seq), _)| *seq)
    }

    fn release(&mut self, destination: i64, lead: i64) {
        let first = self.open(destination, lead).min();
        if let Some(seq) = first
            && let Some((state, _)) = self.deliveries.get_mut(&(destination, seq))
        {
            *state = Retry;
        }
    }

    fn settle(&mut self, destination: i64, seq: i64, mut state: DeliveryState, lead: i64) {
        if state == Held && !self.blocked(destination, lead, seq) {
            state = Retry;
        }
        self.deliveries
            .insert((destination, seq), (state, Some(lead)));
        if !state.is_open() {
            self.release(destination, lead);
        }
    }
}

fn address(lead: u8) -> String {
    format!("lead{lead}@example.com")
}

async fn apply(store: &EventStore, model: &mut Model, act: Act) {
    model.clock += 1;
    let now = NOW + model.clock;
    let nth = |nth: usize| -> Option<i64> {
        let seqs: Vec<i64> = model.events.keys().copied().collect();
        (!seqs.is_empty()).then(|| seqs[nth % seqs.len()])
    };
    match act {
        Act::Take { payload, lead } => {
            let address = lead.map(address);
            let mut new = event(&store.keys(), &payload.to_string(), address.as_deref());
            new.received_ms = now;
            let id = new.key.id();
            let known = model
                .events
                .values()
                .any(|stored| stored.payload == payload);
            let taken = store.take(new).await.unwrap();
            if known {
                assert_eq!(taken, Taken::Known(id));
                return;
            }
            assert_eq!(taken, Taken::Stored(id));
            model.next += 1;
            let stored = Stored {
                id,
                payload,
                lead,
                at: now,
                erased: false,
            };
            model.events.insert(model.next, stored);
        }
        Act::Settle {
            destination,
            nth: n,
            state,
        } => {
            let Some(seq) = nth(n) else { return };
            let destination = DESTINATIONS[destination];
            let lead = i64::from(model.events[&seq].lead.unwrap_or(9));
            let told = Outcome {
                lead: Some(lead),
                last_ms: Some(now),
                ..outcome(destination, seq, state)
            };
            store.settle(vec![told], vec![]).await.unwrap();
            model.settle(destination, seq, state, lead);
        }
        Act::Advance {
            destination,
            nth: n,
        } => {
            let Some(seq) = nth(n) else { return };
            let destination = DESTINATIONS[destination];
            let done = vec![(Lane::of(destination), seq)];
            store.settle(vec![], done).await.unwrap();
            let cursor = model.cursors.entry(destination).or_default();
            *cursor = seq.max(*cursor);
        }
        Act::Revive { destination } | Act::Discard { destination } => {
            let revive = matches!(act, Act::Revive { .. });
            let to = DESTINATIONS[destination];
            let changed = if revive {
                store.revive(to, None, now).await.unwrap()
            } else {
                store.discard(to, None, now).await.unwrap()
            };
            let mut expected = 0;
            for ((_, _), (state, _)) in model.deliveries.iter_mut().filter(|((of, _), _)| *of == to)
            {
                if *state == Dead {
                    *state = if revive { Retry } else { Discarded };
                    expected += 1;
                }
            }
            assert_eq!(changed, expected);
        }
        Act::Erase { lead } => {
            let erased = store.erase(&address(lead)).await.unwrap();
            let mut about = BTreeSet::new();
            for (seq, stored) in &mut model.events {
                if stored.lead == Some(lead) && !stored.erased {
                    stored.erased = true;
                    about.insert(*seq);
                }
            }
            assert_eq!(
                (erased.found, erased.events),
                (!about.is_empty(), about.len() as u64)
            );
            for ((_, seq), (state, _)) in &mut model.deliveries {
                if about.contains(seq) && state.is_open() {
                    *state = Discarded;
                }
            }
        }
        Act::Age { keep } => {
            let limits = Retention {
                max_age_ms: keep,
                max_bytes: u64::MAX,
            };
            let done = store.retain(limits, now).await.unwrap();
            let old = |stored: &Stored| stored.at < now - keep;
            let gone: Vec<i64> = model
                .events
                .iter()
                .filter(|(_, stored)| old(stored))
                .map(|(seq, _)| *seq)
                .collect();
            assert_eq!(done.removed, gone.len() as u64);
            let mut leads = BTreeSet::new();
            for seq in gone {
                model.events.remove(&seq);
                for destination in DESTINATIONS {
                    if let Some((_, lead)) = model.deliveries.remove(&(destination, seq)) {
                        leads.extend(lead.map(|lead| (destination, lead)));
                    }
                }
            }
            for (destination, lead) in leads {
                model.release(destination, lead);
            }
        }
        Act::Reopen => {}
    }
}

fn compare(store: &EventStore, model: &Model) {
    let reader = store.reader();
    let filter = EventFilter::default();
    let page = reader.list(&filter, Order::OldestFirst, None, 1_000, true);
    let found = page.unwrap().events;
    let seqs: Vec<i64> = found.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, model.events.keys().copied().collect::<Vec<_>>());
    for event in found {
        let stored = &model.events[&event.seq];
        assert_eq!((event.id, event.received_ms), (stored.id, stored.at));
        let body = match stored.erased {
            true => Body::Erased,
            false => Body::Whole(stored.payload.to_string().into()),
        };
        assert_eq!(event.body, body);
        for destination in DESTINATIONS {
            let found = reader.deliveries_of(event.seq).unwrap();
            let found = found.iter().find(|one| one.lane.destination == destination);
            let expected = model.deliveries.get(&(destination, event.seq));
            assert_eq!(found.map(|one| one.state), expected.map(|one| one.0));
        }
    }
    for destination in DESTINATIONS {
        let cursor = model.cursors.get(&destination).copied().unwrap_or(0);
        assert_eq!(reader.cursor(destination).unwrap(), Some(cursor));
        let count = |wanted| {
            let all = model.deliveries.iter();
            all.filter(|((to, _), (state, _))| *to == destination && *state == wanted)
                .count() as u64
        };
        let backlog = reader.backlog(destination).unwrap().unwrap();
        assert_eq!(
            (backlog.retry, backlog.held, backlog.dead),
            (count(Retry), count(Held), count(Dead))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_what_a_simple_one_would_be(acts in prop::collection::vec(act(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, path) = folder();
            let mut store = open(&path);
            let mut model = Model::default();
            for destination in DESTINATIONS {
                store.begin(destination, Some(0), NOW).await.unwrap();
            }
            for act in acts {
                if matches!(act, Act::Reopen) {
                    drop(store);
                    store = open(&path);
                }
                apply(&store, &mut model, act).await;
            }
            compare(&store, &model);
            drop(store);
            compare(&open(&path), &model);
        });
    }
}
