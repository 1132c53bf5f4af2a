//! A person is erased.

use doorward_relay::events::{Body, Taken};
use doorward_relay::{DeliveryState, EventFilter, Lane, Order, Outcome};

use crate::common::{NOW, event, folder, holds, on_disk, open, outcome};

fn wrapped_key(path: &std::path::Path, subject: i64) -> Vec<u8> {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .query_row(
            "SELECT wrapped_key FROM subjects WHERE id = ?1",
            [subject],
            |row| row.get(0),
        )
        .unwrap()
}

#[tokio::test]
async fn a_person_who_is_erased_is_gone_from_every_body_and_every_file() {
    let (_folder, path) = folder();
    let store = open(&path);
    let keys = store.keys();
    let mut ids = Vec::new();
    for (payload, lead) in [
        ("a1", Some("ann@example.com")),
        ("b1", Some("bob@example.com")),
        ("a2", Some("Ann@Example.com")),
        ("n1", None),
    ] {
        ids.push(store.take(event(&keys, payload, lead)).await.unwrap().id());
    }
    store.begin(1, Some(0), NOW).await.unwrap();
    let told = Outcome {
        answer: b"thanks for ann".to_vec(),
        ..outcome(1, 1, DeliveryState::Retry)
    };
    store.settle(vec![told], vec![]).await.unwrap();
    let subject = store
        .reader()
        .subject_of("ann@example.com")
        .unwrap()
        .unwrap();
    let key = wrapped_key(&path, subject);
    assert!(holds(&on_disk(&path), &key));

    let erased = store.erase(" ANN@example.com").await.unwrap();
    assert_eq!((erased.found, erased.events, erased.given_up), (true, 2, 1));
    assert!(!holds(&on_disk(&path), &key), "its bytes are in no file");
    assert!(!holds(&on_disk(&path), &key[..16]));
    let bodies: Vec<Body> = ids
        .iter()
        .map(|id| store.reader().event(id).unwrap().body)
        .collect();
    assert_eq!(
        bodies,
        [
            Body::Erased,
            Body::Whole("b1".into()),
            Body::Erased,
            Body::Whole("n1".into())
        ]
    );
    assert_eq!(store.reader().answer(Lane::of(1), 1).unwrap(), None);
    assert_eq!(store.reader().next_due(Lane::of(1)).unwrap(), None);
    assert_eq!(store.reader().subject_of("ann@example.com").unwrap(), None);
    let filter = EventFilter {
        lead: Some("ann@example.com".into()),
        ..EventFilter::default()
    };
    let order = Order::OldestFirst;
    let list = || store.reader().list(&filter, order, None, 9, true).unwrap();
    assert!(list().events.is_empty());
    assert!(!store.erase("ann@example.com").await.unwrap().found);
    assert!(!store.erase("nobody@example.com").await.unwrap().found);

    // The same event is known still; another of the same lead is under a new key.
    let lead = Some("ann@example.com");
    let again = store.take(event(&keys, "a1", lead)).await.unwrap();
    assert_eq!(again, Taken::Known(ids[0]));
    assert_eq!(store.reader().subject_of("ann@example.com").unwrap(), None);
    store.take(event(&keys, "a3", lead)).await.unwrap();
    let found = list().events;
    assert_eq!(
        (found.len(), &found[0].body),
        (1, &Body::Whole("a3".into()))
    );
}

/// A reader holds a moment of before the erasure: nobody is given the key any more, whoever erased is
/// told, and to ask again, or to open the store again, mends it.
#[tokio::test]
async fn an_erasure_that_a_reader_hinders_is_told_and_finished_later() {
    let (_folder, path) = folder();
    for mended_by_opening in [false, true] {
        let store = open(&path);
        let lead = format!("{mended_by_opening}@example.com");
        let new = event(&store.keys(), &lead, Some(&lead));
        let id = store.take(new).await.unwrap().id();
        let subject = store.reader().subject_of(&lead).unwrap().unwrap();
        let key = wrapped_key(&path, subject);
        let reader = rusqlite::Connection::open(&path).unwrap();
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM subjects")
            .unwrap();
        let told = store.erase(&lead).await.unwrap_err();
        assert!(told.to_string().contains("erase it again"), "{told}");
        assert_eq!(store.reader().event(&id).unwrap().body, Body::Erased);
        assert!(holds(&on_disk(&path), &key), "the reader's moment has it");
        drop(reader);
        if mended_by_opening {
            drop(store);
            drop(open(&path));
        } else {
            assert!(!store.erase(&lead).await.unwrap().found);
        }
        assert!(!holds(&on_disk(&path), &key));
    }
}

#[tokio::test]
async fn a_key_that_somebody_changed_costs_what_was_sealed_and_nothing_that_comes() {
    let (_folder, path) = folder();
    let store = open(&path);
    let lead = Some("ann@example.com");
    let before = store.take(event(&store.keys(), "1", lead)).await.unwrap();
    drop(store);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("UPDATE subjects SET wrapped_key = randomblob(60)", [])
        .unwrap();
    let store = open(&path);
    let reader = store.reader();
    assert_eq!(
        reader.event(&before.id()).unwrap().body,
        Body::Unreadable,
        "it was not erased"
    );
    let after = store.take(event(&store.keys(), "2", lead)).await.unwrap();
    assert_eq!(
        reader.event(&after.id()).unwrap().body,
        Body::Whole("2".into())
    );
    let again = store.take(event(&store.keys(), "1", lead)).await.unwrap();
    assert_eq!(again, Taken::Known(before.id()));
}
