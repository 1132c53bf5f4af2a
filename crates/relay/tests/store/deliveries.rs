//! What is owed to destinations.

use doorward_relay::{
    DeliveryFilter, DeliveryPlace, DeliveryState, EventStore, Lane, Outcome, RelayError,
};

use crate::common::{NOW, fill, folder, holds, on_disk, open, outcome};
use DeliveryState::{Dead, Delivered, Discarded, Held, Retry};

fn state(store: &EventStore, destination: i64, seq: i64) -> Option<DeliveryState> {
    let found = store.reader().deliveries_of(seq).unwrap();
    found
        .into_iter()
        .find(|one| one.lane.destination == destination)
        .map(|one| one.state)
}

#[tokio::test]
async fn a_destination_begins_at_the_newest_or_where_it_is_told() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 5).await;
    assert_eq!(store.begin(1, None, NOW).await.unwrap(), 5);
    assert_eq!(store.begin(2, Some(2), NOW).await.unwrap(), 2);
    assert_eq!(
        store.begin(2, Some(4), NOW).await.unwrap(),
        2,
        "it has begun"
    );
    fill(&store, 5, 2).await;
    assert_eq!(store.begin(1, None, NOW).await.unwrap(), 5);
    let backlog = store.reader().backlog(2).unwrap().unwrap();
    assert_eq!((backlog.cursor, backlog.behind), (2, 5));
    assert_eq!(backlog.oldest_ms, Some(NOW + 2));
    assert_eq!(store.reader().backlog(3).unwrap(), None);
}

#[tokio::test]
async fn outcomes_and_cursor_are_there_after_reopening() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 6).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    let outcomes = vec![
        outcome(1, 1, Delivered),
        outcome(1, 2, Retry),
        outcome(1, 3, Dead),
        outcome(1, 5, Delivered),
    ];
    store
        .settle(outcomes, vec![(Lane::of(1), 3)])
        .await
        .unwrap();
    drop(store);
    let store = open(&path);
    let reader = store.reader();
    assert_eq!(reader.cursor(1).unwrap(), Some(3));
    assert_eq!(reader.settled_after(Lane::of(1), 3, 10).unwrap(), [5]);
    assert_eq!(reader.settled_after(Lane::of(1), 0, 2).unwrap(), [1, 2]);
    assert_eq!(reader.next_due(Lane::of(1)).unwrap(), Some(NOW + 5_000));
    assert!(reader.due(Lane::of(1), NOW + 4_999, 9).unwrap().is_empty());
    let due = reader.due(Lane::of(1), NOW + 5_000, 9).unwrap();
    assert_eq!((due[0].seq, due[0].attempts, due.len()), (2, 1, 1));
    let backlog = reader.backlog(1).unwrap().unwrap();
    assert_eq!((backlog.retry, backlog.held, backlog.dead), (1, 0, 1));
    // A cursor never goes back.
    store.settle(vec![], vec![(Lane::of(1), 2)]).await.unwrap();
    assert_eq!(store.reader().cursor(1).unwrap(), Some(3));
    // The second try takes the first one's place.
    let again = Outcome {
        attempts: 2,
        ..outcome(1, 2, Delivered)
    };
    store.settle(vec![again], vec![]).await.unwrap();
    assert_eq!(store.reader().next_due(Lane::of(1)).unwrap(), None);
    assert_eq!(state(&store, 1, 2), Some(Delivered));
}

#[tokio::test]
async fn a_leads_events_are_released_in_their_order() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 6).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    let of_lead = |seq, state, lead| Outcome {
        lead: Some(lead),
        ..outcome(1, seq, state)
    };
    let first = vec![
        of_lead(1, Retry, 7),
        of_lead(2, Held, 7),
        of_lead(3, Held, 7),
        of_lead(4, Retry, 8),
    ];
    assert_eq!(store.settle(first, vec![]).await.unwrap(), 0);
    let blocked = store.reader().blocked(Lane::of(1), &[7, 8, 9]).unwrap();
    assert_eq!(blocked, [7, 8]);
    // Another failure of the first releases nothing.
    let again = of_lead(1, Retry, 7);
    assert_eq!(store.settle(vec![again], vec![]).await.unwrap(), 0);
    assert_eq!(state(&store, 1, 2), Some(Held));
    // What ends it releases the next alone, be it by success or for good.
    let done = of_lead(1, Delivered, 7);
    assert_eq!(store.settle(vec![done], vec![]).await.unwrap(), 1);
    assert_eq!(
        (state(&store, 1, 2), state(&store, 1, 3)),
        (Some(Retry), Some(Held))
    );
    let due = store.reader().due(Lane::of(1), NOW, 9).unwrap();
    assert_eq!((due.len(), due[0].seq, due[0].lead), (1, 2, Some(7)));
    let dead = of_lead(2, Dead, 7);
    assert_eq!(store.settle(vec![dead], vec![]).await.unwrap(), 1);
    assert_eq!(state(&store, 1, 3), Some(Retry));
    // One that is to be held though nothing is in its way any more is due at once.
    let done = of_lead(3, Delivered, 7);
    let late = of_lead(5, Held, 7);
    assert_eq!(store.settle(vec![done, late], vec![]).await.unwrap(), 1);
    assert_eq!(state(&store, 1, 5), Some(Retry));
}

#[tokio::test]
async fn dead_letters_are_tried_again_or_given_up() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 4).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    let dead = (1..=4).map(|seq| Outcome {
        attempts: 9,
        status: Some(500),
        note: Some("answered 500".into()),
        ..outcome(1, seq, Dead)
    });
    store
        .settle(dead.collect(), vec![(Lane::of(1), 4)])
        .await
        .unwrap();
    let page = store.reader().dead(1, None, 3).unwrap();
    let seqs: Vec<i64> = page.deliveries.iter().map(|one| one.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(page.deliveries[0].status, Some(500));
    let page = store.reader().dead(1, page.next, 3).unwrap();
    assert_eq!((page.deliveries.len(), page.next), (1, None));

    assert_eq!(store.discard(1, Some(2), NOW).await.unwrap(), 1);
    assert_eq!(store.revive(1, Some(3), NOW).await.unwrap(), 1);
    for refused in [
        store.revive(1, Some(2), NOW).await,
        store.discard(1, Some(9), NOW).await,
        store.discard(2, Some(1), NOW).await,
    ] {
        assert!(
            matches!(refused, Err(RelayError::NoDelivery)),
            "{refused:?}"
        );
    }
    let due = store.reader().due(Lane::of(1), NOW, 9).unwrap();
    assert_eq!((due.len(), due[0].seq, due[0].attempts), (1, 3, 0));
    assert_eq!(store.revive(1, None, NOW).await.unwrap(), 2);
    assert_eq!(store.revive(1, None, NOW).await.unwrap(), 0);
    assert_eq!(state(&store, 1, 2), Some(Discarded));
}

#[tokio::test]
async fn deliveries_are_listed_in_pages_by_state() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 10).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    let outcomes = (1..=10).map(|seq| {
        let state = if seq % 3 == 0 { Retry } else { Delivered };
        outcome(1, seq, state)
    });
    store.settle(outcomes.collect(), vec![]).await.unwrap();
    let list = |state, most, after| {
        let filter = DeliveryFilter {
            state,
            replay: None,
        };
        let page = store.reader().deliveries(1, &filter, after, most).unwrap();
        let seqs: Vec<i64> = page.deliveries.iter().map(|one| one.seq).collect();
        (seqs, page.next)
    };
    assert_eq!(list(Some(Retry), 9, None), (vec![9, 6, 3], None));
    let (first, next) = list(None, 4, None);
    assert_eq!(first, [10, 9, 8, 7]);
    assert_eq!(next, Some(DeliveryPlace { replay: 0, seq: 7 }));
    assert_eq!(list(None, 9, next), (vec![6, 5, 4, 3, 2, 1], None));
}

#[tokio::test]
async fn answers_are_kept_sealed_and_only_the_last() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 1).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    let told = |attempts, answer: &[u8]| Outcome {
        attempts,
        answer: answer.to_vec(),
        ..outcome(1, 1, Retry)
    };
    let answer = |store: &EventStore| store.reader().answer(Lane::of(1), 1).unwrap();
    store
        .settle(vec![told(1, b"canary-answer-1")], vec![])
        .await
        .unwrap();
    assert_eq!(answer(&store).unwrap(), b"canary-answer-1");
    store
        .settle(vec![told(2, b"canary-answer-2")], vec![])
        .await
        .unwrap();
    assert_eq!(answer(&store).unwrap(), b"canary-answer-2");
    assert!(!holds(&on_disk(&path), b"canary-answer"));
    store.settle(vec![told(3, b"")], vec![]).await.unwrap();
    assert_eq!(answer(&store), None);
}

#[tokio::test]
async fn a_destination_that_is_deleted_leaves_nothing() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 3).await;
    for destination in [1, 2] {
        store.begin(destination, Some(0), NOW).await.unwrap();
        let outcomes = (1..=3).map(|seq| Outcome {
            answer: b"ok".to_vec(),
            ..outcome(destination, seq, Retry)
        });
        store.settle(outcomes.collect(), vec![]).await.unwrap();
    }
    store.forget_destination(1).await.unwrap();
    let reader = store.reader();
    assert_eq!(reader.cursor(1).unwrap(), None);
    assert_eq!(reader.next_due(Lane::of(1)).unwrap(), None);
    assert_eq!(reader.answer(Lane::of(1), 1).unwrap(), None);
    assert_eq!(reader.deliveries_of(1).unwrap().len(), 1);
    assert_eq!(reader.answer(Lane::of(2), 1).unwrap().unwrap(), b"ok");
}
