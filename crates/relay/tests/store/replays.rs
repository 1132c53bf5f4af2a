//! Replays.

use doorward_relay::{
    DeliveryState, EventStore, Lane, NewReplay, Outcome, RelayError, Replay, ReplayState,
};

use crate::common::{NOW, fill, folder, open, outcome};
use DeliveryState::{Dead, Delivered, Discarded, Retry};

fn new(first_seq: i64, last_seq: i64) -> NewReplay {
    NewReplay {
        destination: 1,
        filter: "{\"types\":[]}".into(),
        first_seq,
        last_seq,
        rate: 50.0,
    }
}

fn along(replay: i64, seq: i64, state: DeliveryState, attempts: u32) -> Outcome {
    Outcome {
        lane: Lane {
            destination: 1,
            replay,
        },
        attempts,
        ..outcome(1, seq, state)
    }
}

fn counts(replay: &Replay) -> (u64, u64, u64, u64) {
    (
        replay.matched,
        replay.delivered,
        replay.dead,
        replay.discarded,
    )
}

#[tokio::test]
async fn a_replay_goes_on_where_it_was_and_counts_each_event_once() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 6).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    // What was delivered as it came stays as it was.
    store
        .settle(vec![outcome(1, 2, Delivered)], vec![])
        .await
        .unwrap();
    let id = store.replay(new(2, 99), NOW).await.unwrap();
    let lane = Lane {
        destination: 1,
        replay: id,
    };
    let begun = store.reader().replay(id).unwrap();
    assert_eq!(
        (begun.cursor, begun.asked.last_seq),
        (1, 6),
        "no event of later"
    );
    let outcomes = vec![along(id, 2, Delivered, 1), along(id, 3, Retry, 1)];
    store.settle(outcomes, vec![(lane, 3)]).await.unwrap();
    drop(store);
    let store = open(&path);
    let found = store.reader().replay(id).unwrap();
    assert_eq!((found.cursor, found.state), (3, ReplayState::Running));
    assert_eq!(counts(&found), (2, 1, 0, 0));
    assert_eq!(
        found.asked,
        NewReplay {
            last_seq: 6,
            ..new(2, 6)
        }
    );
    let outcomes = vec![
        along(id, 3, Retry, 2),
        along(id, 4, Dead, 1),
        along(id, 5, Discarded, 1),
    ];
    store.settle(outcomes, vec![(lane, 5)]).await.unwrap();
    assert_eq!(counts(&store.reader().replay(id).unwrap()), (4, 1, 1, 1));
    // An outcome that is written twice counts once.
    let again = vec![along(id, 4, Dead, 1), along(id, 3, Delivered, 3)];
    store.settle(again, vec![]).await.unwrap();
    assert_eq!(counts(&store.reader().replay(id).unwrap()), (4, 2, 1, 1));
    store
        .end_replay(id, ReplayState::Done, NOW + 9)
        .await
        .unwrap();
    let done = store.reader().replay(id).unwrap();
    assert_eq!(
        (done.state, done.ended_ms),
        (ReplayState::Done, Some(NOW + 9))
    );
    assert!(store.reader().replays(Some(1), true).unwrap().is_empty());
    assert_eq!(store.reader().replays(None, false).unwrap().len(), 1);

    // A dead letter of it that is tried again makes it go on.
    assert_eq!(store.revive(1, Some(4), NOW).await.unwrap(), 1);
    let on = store.reader().replay(id).unwrap();
    assert_eq!(
        (on.state, counts(&on)),
        (ReplayState::Running, (4, 2, 0, 1))
    );
    let refused = store.end_replay(id + 1, ReplayState::Done, NOW).await;
    assert!(matches!(refused, Err(RelayError::NoReplay(_))));
}

#[tokio::test]
async fn a_replay_that_is_cancelled_owes_nothing() {
    let (_folder, path) = folder();
    let store: EventStore = open(&path);
    fill(&store, 0, 3).await;
    let id = store.replay(new(1, 3), NOW).await.unwrap();
    let outcomes = vec![along(id, 1, Delivered, 1), along(id, 2, Retry, 1)];
    store.settle(outcomes, vec![]).await.unwrap();
    let end = |state| store.end_replay(id, state, NOW);
    end(ReplayState::Cancelled).await.unwrap();
    let found = store.reader().replay(id).unwrap();
    assert_eq!(counts(&found), (2, 1, 0, 1));
    let lane = Lane {
        destination: 1,
        replay: id,
    };
    assert_eq!(store.reader().next_due(lane).unwrap(), None);
    assert!(end(ReplayState::Done).await.is_err(), "it is over");
}
