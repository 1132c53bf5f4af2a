//! Taking events in.

use std::sync::Arc;

use doorward_relay::events::{Body, NewEvent, Origin, Quarantine, TakeError, Taken};
use doorward_relay::{EventStore, StoreOptions};

use crate::common::{NOW, WORKSPACE, event, fill, folder, holds, key, on_disk, open, options};

#[tokio::test]
async fn what_was_taken_is_read_as_it_came() {
    let (_folder, path) = folder();
    let store = open(&path);
    let new = NewEvent {
        event_type: "My own label ✓".to_owned(),
        quarantined: Some(Quarantine::OtherWorkspace),
        origin: Origin::Backfill,
        campaign: None,
        event_ms: None,
        source: 7,
        ..event(&store.keys(), "{\"n\": 1.0}", Some("Ann@Example.com"))
    };
    let id = store.take(new).await.unwrap().id();
    let found = store.reader().event(&id).unwrap();
    assert_eq!((found.seq, found.id, found.source), (1, id, 7));
    assert_eq!(found.workspace, WORKSPACE);
    assert_eq!(found.event_type, "My own label ✓");
    assert_eq!((found.campaign, found.event_ms), (None, None));
    assert_eq!((found.received_ms, found.size), (NOW, 10));
    assert_eq!(found.origin, Origin::Backfill);
    assert_eq!(found.quarantined, Some(Quarantine::OtherWorkspace));
    assert!(found.subject.is_some());
    assert_eq!(found.body.bytes().unwrap().as_ref(), b"{\"n\": 1.0}");
    drop(store);
    let store = open(&path);
    let found = store.reader().event(&id).unwrap();
    assert_eq!(found.body.bytes().unwrap().as_ref(), b"{\"n\": 1.0}");
    assert_eq!(
        store.reader().subject_of(" ann@example.COM ").unwrap(),
        found.subject
    );
}

#[tokio::test]
async fn an_event_is_stored_once_however_often_it_comes() {
    let (_folder, path) = folder();
    let store = open(&path);
    let keys = store.keys();
    let first = store.take(event(&keys, "a", None)).await.unwrap();
    assert_eq!(
        store.take(event(&keys, "a", None)).await.unwrap(),
        Taken::Known(first.id())
    );
    // By another source, at another time, in another way: it is the same event.
    let other = NewEvent {
        source: 9,
        received_ms: NOW + 5,
        origin: Origin::Backfill,
        ..event(&keys, "a", Some("x@example.com"))
    };
    assert_eq!(store.take(other).await.unwrap(), Taken::Known(first.id()));
    drop(store);
    let store = open(&path);
    // The key of the store is kept: the id is the same for ever.
    let again = store.take(event(&store.keys(), "a", None)).await.unwrap();
    assert_eq!(again, Taken::Known(first.id()));
    assert_eq!(store.reader().ends().unwrap(), Some((1, 1)));
    let figures = store.figures();
    assert_eq!((figures.stored, figures.known), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_committed_together_and_none_is_stored_twice() {
    let (_folder, path) = folder();
    let store = Arc::new(open(&path));
    let callers = (0..64_u64).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut stored = 0;
            for n in 0..40 {
                // Each event comes from two callers.
                let payload = format!("{}/{n}", caller / 2);
                let lead = format!("{}@example.com", caller / 8);
                let event = event(&store.keys(), &payload, Some(&lead));
                match store.take(event).await.unwrap() {
                    Taken::Stored(_) => stored += 1,
                    Taken::Known(_) => {}
                }
            }
            stored
        })
    });
    let mut stored = 0;
    for caller in callers.collect::<Vec<_>>() {
        stored += caller.await.unwrap();
    }
    assert_eq!(stored, 32 * 40);
    let figures = store.figures();
    assert_eq!((figures.stored, figures.known), (32 * 40, 32 * 40));
    assert!(figures.commits < 2_560, "{figures:?}");
    assert_eq!(store.reader().ends().unwrap(), Some((1, 32 * 40)));
    assert_eq!(*store.newest().borrow(), 32 * 40);
}

#[tokio::test]
async fn nothing_of_a_person_or_a_payload_is_in_the_file_in_clear() {
    let (_folder, path) = folder();
    let store = open(&path);
    let keys = store.keys();
    for lead in [Some("canary-lead@example.com"), None] {
        let payload = format!("canary-payload {lead:?}");
        store.take(event(&keys, &payload, lead)).await.unwrap();
    }
    let bytes = on_disk(&path);
    assert!(
        holds(&bytes, b"reply_received"),
        "the test sees what is there"
    );
    for canary in ["canary-lead", "canary-payload"] {
        assert!(!holds(&bytes, canary.as_bytes()), "{canary}");
    }
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 1).await;
    drop(store);
    let other = "another key of thirty-two bytes!".into();
    let refused = EventStore::open(&path, &other, &options(), NOW).unwrap_err();
    assert!(refused.to_string().contains("another key"), "{refused}");
    let refused = EventStore::open(&path, &"short".into(), &options(), NOW).unwrap_err();
    assert!(refused.to_string().contains("32"), "{refused}");
    assert_eq!(open(&path).reader().ends().unwrap(), Some((1, 1)));
}

#[tokio::test]
async fn what_is_more_than_is_held_is_refused_and_taken_later() {
    let (_folder, path) = folder();
    let options = StoreOptions {
        waiting: 2,
        ..options()
    };
    let store = EventStore::open(&path, &key(), &options, NOW).unwrap();
    let keys = store.keys();
    // Somebody else holds the file: nothing is written meanwhile.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = Vec::new();
    let mut busy = 0;
    for n in 0..10 {
        let mut take = Box::pin(store.take(event(&keys, &format!("{n}"), None)));
        // Asked once, it is in the queue or refused.
        match futures_util::poll!(&mut take) {
            std::task::Poll::Ready(Err(TakeError::Busy)) => busy += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => waiting.push(take),
        }
    }
    assert!((5..=8).contains(&busy), "{busy}");
    other.execute_batch("ROLLBACK").unwrap();
    let accepted = waiting.len();
    for take in waiting {
        take.await.unwrap();
    }
    assert_eq!(store.figures().stored, accepted as u64);
    assert_eq!(store.figures().refused_busy, busy);
    store.take(event(&keys, "after", None)).await.unwrap();
}

#[tokio::test]
async fn long_texts_are_cut_and_never_refused() {
    let (_folder, path) = folder();
    let store = open(&path);
    let long = "é".repeat(1_000);
    let new = NewEvent {
        event_type: long.clone(),
        campaign: Some(long.clone()),
        workspace: long.clone(),
        lead: Some(long.clone()),
        ..event(&store.keys(), "x", None)
    };
    let id = store.take(new).await.unwrap().id();
    let found = store.reader().event(&id).unwrap();
    assert_eq!(found.event_type, "é".repeat(128));
    assert_eq!(found.campaign.unwrap(), "é".repeat(128));
    assert_eq!(found.body, Body::Whole("x".into()));
    assert_eq!(store.reader().subject_of(&long).unwrap(), found.subject);
}
