//! Replays that are delivered.

use std::time::Duration;

use doorward_relay::deliver::{Destination, ReplayFilter, count_replay};
use doorward_relay::{NewReplay, ReplayState};
use doorward_webhook::Filter;

use crate::common::{NOW, Relay, destination, event};
use crate::server::{Reply, Server};

fn replay(filter: &ReplayFilter, rate: f64) -> NewReplay {
    NewReplay {
        destination: 1,
        filter: serde_json::to_string(filter).unwrap(),
        first_seq: 1,
        last_seq: i64::MAX,
        rate,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_sends_what_it_says_once_more_with_the_same_ids() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    for n in 0..20 {
        let mut new = event(&relay.store, &n.to_string(), None, NOW + n);
        if n % 2 == 0 {
            new.event_type = "email_sent".into();
        }
        relay.store.take(new).await.unwrap();
    }
    let one = destination(1, server.url());
    relay.set(vec![one.clone()]);
    let first = server.wait(20).await;
    relay.until_cursor(1, 20).await;
    let filter = ReplayFilter {
        filter: Filter {
            types: vec!["email_sent".into()],
            ..Filter::default()
        },
        since_ms: Some(NOW + 4),
        until_ms: Some(NOW + 15),
        unwanted: false,
    };
    let reader = relay.store.reader();
    assert_eq!(count_replay(reader, &one, &filter, 1, 99).unwrap(), 6);
    assert_eq!(count_replay(reader, &one, &filter, 6, 9).unwrap(), 2);
    let id = relay.store.replay(replay(&filter, 1e6), NOW).await.unwrap();
    relay.dispatcher.look();
    relay
        .until("it is done", |store| {
            store.reader().replay(id).unwrap().state == ReplayState::Done
        })
        .await;
    let again = server.arrived().split_off(20);
    let mut texts: Vec<u64> = again
        .iter()
        .map(|one| one.text().parse().unwrap())
        .collect();
    texts.sort_unstable();
    assert_eq!(texts, [4, 6, 8, 10, 12, 14]);
    for one in &again {
        let before = first.iter().find(|before| before.body == one.body).unwrap();
        assert_eq!(before.id(), one.id());
    }
    let done = reader.replay(id).unwrap();
    assert_eq!((done.matched, done.delivered, done.dead), (6, 6, 0));
    assert_eq!(*relay.told.replayed.lock().unwrap(), [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_keeps_its_rate_goes_on_after_a_stop_and_ends_when_it_is_cancelled() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    for n in 0..30 {
        relay.take(&n.to_string()).await;
    }
    let of = |version| Destination {
        version,
        begin_after: Some(30),
        ..destination(1, server.url())
    };
    relay.set(vec![of(1)]);
    relay
        .until("it has begun", |store| {
            store.reader().cursor(1).unwrap().is_some()
        })
        .await;
    let filter = ReplayFilter::default();
    let id = relay
        .store
        .replay(replay(&filter, 10.0), NOW)
        .await
        .unwrap();
    relay.dispatcher.look();
    server.wait(1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        server.arrived().len(),
        1,
        "ten a second, by a clock that stands"
    );
    for n in 2..=5 {
        relay.later(Duration::from_millis(100));
        server.wait(n).await;
    }
    // It goes on where it was.
    relay
        .until("the outcomes are written", |store| {
            store.reader().replay(id).unwrap().delivered == 5
        })
        .await;
    relay.set(vec![of(2)]);
    server.wait(6).await;
    let mut texts: Vec<String> = server.arrived().iter().map(|one| one.text()).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 6, "none twice");
    // What comes meanwhile is delivered beside it.
    relay.take("new").await;
    server.wait(7).await;
    relay
        .store
        .end_replay(id, ReplayState::Cancelled, NOW)
        .await
        .unwrap();
    relay.dispatcher.look();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let sent = server.arrived().len();
    for _ in 0..10 {
        relay.later(Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.arrived().len(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_waits_for_what_failed_and_then_is_done() {
    let server = Server::new(|number, _| match number {
        1 => Reply::Status(500),
        _ => Reply::Status(200),
    })
    .await;
    let relay = Relay::new();
    for n in 0..3 {
        relay.take(&n.to_string()).await;
    }
    relay.set(vec![Destination {
        begin_after: Some(3),
        concurrency: 1,
        ..destination(1, server.url())
    }]);
    let filter = ReplayFilter::default();
    let id = relay.store.replay(replay(&filter, 1e6), NOW).await.unwrap();
    relay.dispatcher.look();
    server.wait(3).await;
    relay
        .until("what came of it is written", |store| {
            store.reader().replay(id).unwrap().matched == 3
        })
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let state = |relay: &Relay| relay.store.reader().replay(id).unwrap().state;
    assert_eq!(state(&relay), ReplayState::Running);
    relay.later(Duration::from_secs(5));
    relay
        .until("it is done", |store| {
            store.reader().replay(id).unwrap().state == ReplayState::Done
        })
        .await;
    let done = relay.store.reader().replay(id).unwrap();
    assert_eq!((done.matched, done.delivered), (3, 3));
}
