//! Lists, pages and what events are found by.

use doorward_relay::events::{Body, EventId, NewEvent, Origin, Quarantine};
use doorward_relay::{EventFilter, EventReader, Order, RelayError};

use crate::common::{NOW, event, fill, folder, key, open};

/// All pages of a list.
fn all(reader: &EventReader, filter: &EventFilter, order: Order, most: usize) -> Vec<i64> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = reader.list(filter, order, after, most, false).unwrap();
        assert!(page.events.len() <= most);
        found.extend(page.events.iter().map(|event| event.seq));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

#[tokio::test]
async fn pages_hold_each_event_once_in_both_orders() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 25).await;
    let reader = store.reader();
    let forward: Vec<i64> = (1..=25).collect();
    let back: Vec<i64> = forward.iter().rev().copied().collect();
    let filter = EventFilter::default();
    for most in [1, 4, 5, 24, 25, 26, 5_000] {
        assert_eq!(all(reader, &filter, Order::OldestFirst, most), forward);
        assert_eq!(all(reader, &filter, Order::NewestFirst, most), back);
    }
}

/// The clock went back while events came in: the list is by time, and none is passed over.
#[tokio::test]
async fn a_clock_that_went_back_hides_nothing() {
    let (_folder, path) = folder();
    let store = open(&path);
    let keys = store.keys();
    for (n, at) in [50, 60, 70, 20, 30, 60, 60].into_iter().enumerate() {
        let mut new = event(&keys, &n.to_string(), None);
        new.received_ms = NOW + at;
        store.take(new).await.unwrap();
    }
    let filter = EventFilter {
        since_ms: Some(NOW + 30),
        until_ms: Some(NOW + 70),
        ..EventFilter::default()
    };
    for most in [1, 2, 100] {
        let found = all(store.reader(), &filter, Order::OldestFirst, most);
        assert_eq!(found, [5, 1, 2, 6, 7]);
        let found = all(store.reader(), &filter, Order::NewestFirst, most);
        assert_eq!(found, [7, 6, 2, 1, 5]);
    }
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let (_folder, path) = folder();
    let store = open(&path);
    let keys = store.keys();
    let base = |n: &str| event(&keys, n, None);
    let news = [
        base("1"),
        NewEvent {
            event_type: "email_sent".into(),
            ..base("2")
        },
        NewEvent {
            campaign: None,
            ..base("3")
        },
        NewEvent {
            source: 2,
            ..base("4")
        },
        NewEvent {
            lead: Some("Ann@example.com".into()),
            ..base("5")
        },
        NewEvent {
            origin: Origin::Reconstructed,
            ..base("6")
        },
        NewEvent {
            quarantined: Some(Quarantine::NoType),
            workspace: "other".into(),
            ..base("7")
        },
    ];
    for new in news {
        store.take(new).await.unwrap();
    }
    let of = |filter: EventFilter| all(store.reader(), &filter, Order::OldestFirst, 3);
    let any = EventFilter::default;
    let types = |types: &[&str]| EventFilter {
        types: types.iter().map(|&text| text.to_owned()).collect(),
        ..any()
    };
    assert_eq!(of(types(&["email_sent"])), [2]);
    assert_eq!(of(types(&["email_sent", "reply_received"])).len(), 7);
    assert_eq!(of(types(&["nothing"])).len(), 0);
    let campaign = Some("autumn".to_owned());
    assert_eq!(of(EventFilter { campaign, ..any() }), [1, 2, 4, 5, 6, 7]);
    let source = Some(2);
    assert_eq!(of(EventFilter { source, ..any() }), [4]);
    for (lead, found) in [("ann@EXAMPLE.com", vec![5]), ("bob@example.com", vec![])] {
        let lead = Some(lead.to_owned());
        assert_eq!(of(EventFilter { lead, ..any() }), found);
    }
    let origin = Some(Origin::Reconstructed);
    assert_eq!(of(EventFilter { origin, ..any() }), [6]);
    for (wanted, found) in [(true, vec![7]), (false, vec![1, 2, 3, 4, 5, 6])] {
        let quarantined = Some(wanted);
        assert_eq!(
            of(EventFilter {
                quarantined,
                ..any()
            }),
            found
        );
    }
    let workspace = Some("other".to_owned());
    assert_eq!(of(EventFilter { workspace, ..any() }), [7]);
}

#[tokio::test]
async fn bodies_come_when_they_are_asked_for() {
    let (_folder, path) = folder();
    let store = open(&path);
    let ids = fill(&store, 0, 3).await;
    let reader = EventReader::open(&path, &key()).unwrap();
    let list = |bodies| {
        let page = reader.list(
            &EventFilter::default(),
            Order::OldestFirst,
            None,
            10,
            bodies,
        );
        page.unwrap().events
    };
    assert!(list(false).iter().all(|event| event.body == Body::NotRead));
    let bodies = list(true);
    assert_eq!(bodies[1].body, Body::Whole("{\"n\":1}".into()));
    assert_eq!(bodies[1], reader.event(&ids[1]).unwrap());

    // In the order of their numbers, as who delivers reads them: bounded in number and in bytes.
    let after = |seq, most, bytes| -> Vec<i64> {
        let events = reader.after(seq, most, bytes).unwrap();
        events.iter().map(|event| event.seq).collect()
    };
    assert_eq!(after(0, 10, 1_000), [1, 2, 3]);
    assert_eq!(after(0, 2, 1_000), [1, 2]);
    assert_eq!(after(0, 10, 8), [1, 2]);
    assert_eq!(after(0, 10, 0), [1]);
    assert_eq!(after(2, 10, 1_000), [3]);
    assert_eq!(after(3, 10, 1_000), [0_i64; 0]);

    let nobody: EventId = "evt_00000000000000000000000000000000".parse().unwrap();
    assert!(matches!(reader.event(&nobody), Err(RelayError::NoEvent(_))));
    assert_eq!(reader.event_at(9).unwrap(), None);
    assert_eq!(reader.event_at(2).unwrap().unwrap().id, ids[1]);
}
