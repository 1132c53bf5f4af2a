//! What goes by age and by size.

use doorward_relay::events::{Body, Taken};
use doorward_relay::{DeliveryState, Lane, NewReplay, Outcome, RelayError, Retention};

use crate::common::{NOW, event, fill, folder, number, open, outcome};

const FOREVER: Retention = Retention {
    max_age_ms: i64::MAX,
    max_bytes: u64::MAX,
};

fn by_age(ms: i64) -> Retention {
    Retention {
        max_age_ms: ms,
        ..FOREVER
    }
}

#[tokio::test]
async fn what_is_too_old_goes_whole_and_no_number_is_given_again() {
    let (_folder, path) = folder();
    let store = open(&path);
    let ids = fill(&store, 0, 250).await;
    let kept = store.retain(FOREVER, NOW * 2).await.unwrap();
    assert_eq!(kept, doorward_relay::Retained::default());
    let done = store.retain(by_age(1_000), NOW + 1_200).await.unwrap();
    assert_eq!((done.removed, done.undelivered), (200, 0));
    assert_eq!(store.reader().ends().unwrap(), Some((201, 250)));
    assert!(matches!(
        store.reader().event(&ids[199]),
        Err(RelayError::NoEvent(_))
    ));
    for table in ["events", "bodies", "subjects"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&path, &sql), 50, "{table}");
    }
    store.retain(by_age(0), NOW * 2).await.unwrap();
    assert_eq!(store.reader().ends().unwrap(), None);
    drop(store);
    let store = open(&path);
    assert_eq!(*store.newest().borrow(), 250);
    fill(&store, 0, 1).await;
    assert_eq!(store.reader().ends().unwrap(), Some((251, 251)));
    // A lead of whom nothing was left is a new one.
    let subject = store.reader().subject_of("lead0@example.com").unwrap();
    assert!(subject.unwrap() > 250);
}

#[tokio::test]
async fn what_was_owed_goes_by_age_too_and_is_told() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 6).await;
    store.begin(1, Some(4), NOW).await.unwrap();
    store.begin(2, Some(6), NOW).await.unwrap();
    let outcomes = vec![
        outcome(1, 1, DeliveryState::Delivered),
        outcome(1, 2, DeliveryState::Dead),
        Outcome {
            lead: Some(77),
            answer: b"no".to_vec(),
            ..outcome(1, 3, DeliveryState::Retry)
        },
        Outcome {
            lead: Some(77),
            ..outcome(1, 6, DeliveryState::Held)
        },
    ];
    store.settle(outcomes, vec![]).await.unwrap();
    let done = store.retain(by_age(0), NOW + 5).await.unwrap();
    // Of events 1 to 5: the dead letter, the one to be tried again, and the one after the cursor.
    assert_eq!((done.removed, done.undelivered), (5, 3));
    assert_eq!(number(&path, "SELECT count(*) FROM deliveries"), 1);
    assert_eq!(number(&path, "SELECT count(*) FROM answers"), 0);
    // What waited for one that is gone is due.
    let due = store.reader().due(Lane::of(1), NOW + 5, 9).unwrap();
    assert_eq!((due.len(), due[0].seq), (1, 6));
}

#[tokio::test]
async fn by_size_only_bodies_go_and_none_that_is_owed() {
    let (_folder, path) = folder();
    let store = open(&path);
    let keys = store.keys();
    let big = "x".repeat(8_000);
    let mut ids = Vec::new();
    for n in 0..300 {
        let mut new = event(&keys, &format!("{n}{big}"), None);
        new.received_ms = NOW + n;
        ids.push(store.take(new).await.unwrap().id());
    }
    store.begin(1, Some(250), NOW).await.unwrap();
    let dead = outcome(1, 3, DeliveryState::Dead);
    store.settle(vec![dead], vec![]).await.unwrap();
    let replay = NewReplay {
        destination: 1,
        filter: String::new(),
        first_seq: 20,
        last_seq: 29,
        rate: 1.0,
    };
    store.replay(replay, NOW).await.unwrap();
    let limits = Retention {
        max_bytes: 1_000_000,
        ..FOREVER
    };
    let done = store.retain(limits, NOW).await.unwrap();
    assert_eq!((done.removed, done.undelivered), (0, 0));
    assert!((150..250).contains(&done.bodies), "{done:?}");
    let body = |seq: usize| store.reader().event(&ids[seq - 1]).unwrap().body;
    for gone in [1, 2, 4, 19, 30] {
        assert_eq!(body(gone), Body::Removed, "{gone}");
    }
    for kept in [3, 20, 29, 251, 300] {
        assert!(matches!(body(kept), Body::Whole(_)), "{kept}");
    }
    // It is known still.
    let again = event(&keys, &format!("0{big}"), None);
    assert_eq!(store.take(again).await.unwrap(), Taken::Known(ids[0]));
    // All that is left is owed: that it is too much is told.
    let limits = Retention {
        max_bytes: 100_000,
        ..FOREVER
    };
    let done = store.retain(limits, NOW).await.unwrap();
    assert!(done.over > 300_000, "{done:?}");
    assert!(matches!(body(300), Body::Whole(_)));
}
