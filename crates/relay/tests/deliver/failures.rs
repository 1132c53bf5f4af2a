//! Destinations that fail: when it is tried again, and when not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use doorward_relay::deliver::{Destination, Scrub};
use doorward_relay::{DeliveryState, Lane, Outcome};
use doorward_webhook::BreakerSettings;

use crate::common::{NOW, Relay, destination, state};
use crate::server::{Reply, Server, nobody};
use DeliveryState::{Dead, Delivered, Retry};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn until_state(relay: &Relay, seq: i64, wanted: DeliveryState, attempts: u32) {
    let what = format!("{seq} is {wanted:?} after {attempts}");
    relay
        .until(&what, |store| {
            let found = store.reader().deliveries_of(seq).unwrap();
            found
                .iter()
                .any(|one| one.state == wanted && one.attempts == attempts)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_tried_again_by_the_plan_with_the_same_id_and_then_given_up() {
    let server = Server::new(|_, _| Reply::Status(500)).await;
    let relay = Relay::new();
    relay.set(vec![destination(1, server.url())]);
    let id = relay.take("{}").await;
    until_state(&relay, 1, Retry, 1).await;
    let found = relay.store.reader().deliveries_of(1).unwrap().remove(0);
    assert_eq!(found.next_ms, Some(NOW + 5_000));
    assert_eq!(found.note.as_deref(), Some("it answered 500"));
    relay.later(seconds(4));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.arrived().len(), 1, "not before its time");
    relay.later(seconds(1));
    until_state(&relay, 1, Retry, 2).await;
    relay.later(seconds(300));
    until_state(&relay, 1, Dead, 3).await;
    let arrived = server.arrived();
    assert!(arrived.iter().all(|one| one.id() == id.to_string()));
    let stamps: Vec<&str> = arrived
        .iter()
        .map(|one| one.headers["webhook-timestamp"].as_str())
        .collect();
    assert_eq!(stamps, ["1800000000", "1800000005", "1800000305"]);
    assert_eq!(relay.dispatcher.figures()[0].dead, 1);
    // A dead letter that is tried again begins anew.
    relay.store.revive(1, None, relay.now()).await.unwrap();
    relay.dispatcher.look();
    until_state(&relay, 1, Retry, 1).await;
    assert_eq!(server.arrived().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_destination_asks_for_is_waited_for_with_all_of_it() {
    let server = Server::new(|number, _| match number {
        0 => Reply::With(429, vec![("retry-after", "90".into())], Vec::new()),
        _ => Reply::Status(200),
    })
    .await;
    let relay = Relay::new();
    relay.set(vec![destination(1, server.url())]);
    relay.take("1").await;
    until_state(&relay, 1, Retry, 1).await;
    relay.take("2").await;
    relay.later(seconds(89));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.arrived().len(), 1, "it is left alone");
    relay.later(seconds(1));
    until_state(&relay, 1, Delivered, 2).await;
    until_state(&relay, 2, Delivered, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_gone_gets_nothing_more_until_it_is_set_anew() {
    let gone = Arc::new(AtomicBool::new(true));
    let server = Server::new({
        let gone = Arc::clone(&gone);
        move |_, _| match gone.load(Ordering::SeqCst) {
            true => Reply::Status(410),
            false => Reply::Status(200),
        }
    })
    .await;
    let relay = Relay::new();
    let of = |version| Destination {
        version,
        concurrency: 1,
        ..destination(1, server.url())
    };
    relay.set(vec![of(1)]);
    relay.take("1").await;
    until_state(&relay, 1, Retry, 1).await;
    assert_eq!(*relay.told.gone.lock().unwrap(), [1]);
    relay.take("2").await;
    relay.later(seconds(1_000));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.arrived().len(), 1);
    assert!(relay.dispatcher.figures()[0].gone);
    gone.store(false, Ordering::SeqCst);
    relay.set(vec![of(2)]);
    until_state(&relay, 1, Delivered, 2).await;
    until_state(&relay, 2, Delivered, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_for_good_is_not_tried_again() {
    let server = Server::new(|_, _| Reply::Status(422)).await;
    let relay = Relay::new();
    relay.set(vec![Destination {
        permanent: vec![422],
        ..destination(1, server.url())
    }]);
    relay.take("1").await;
    until_state(&relay, 1, Dead, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_destination_is_left_alone_and_costs_the_backlog_nothing() {
    let port = nobody().await;
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let relay = Relay::new();
    relay.set(vec![Destination {
        breaker: BreakerSettings {
            failures: 3,
            first: seconds(5),
            longest: seconds(60),
            patience: seconds(60),
        },
        concurrency: 1,
        ..destination(1, url)
    }]);
    for n in 0..500 {
        relay.take(&n.to_string()).await;
    }
    relay
        .until("the breaker opens", |_| {
            relay.told.breaker.lock().unwrap().contains(&(1, true))
        })
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let tried = relay.told.tried.lock().unwrap().len();
    assert_eq!(tried, 3);
    let backlog = relay.store.reader().backlog(1).unwrap().unwrap();
    assert_eq!((backlog.retry, backlog.cursor), (3, 3));
    assert!(relay.dispatcher.figures()[0].open);

    // It is back: one is tried, and then all the rest goes.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    let (server, unused) = Server::bound(|_, _| Reply::Status(200)).await;
    drop(unused);
    let serving = server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serving.clone().serve(stream));
        }
    });
    relay.later(seconds(5));
    relay.until_cursor(1, 500).await;
    relay
        .until("what failed has arrived", |store| {
            (1..=3).all(|seq| state(store, 1, seq) == Some(Delivered))
        })
        .await;
    assert!(relay.told.breaker.lock().unwrap().contains(&(1, false)));
    assert_eq!(server.arrived().len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_delays_no_other() {
    let hangs = Server::new(|_, _| Reply::Hang).await;
    let fast = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    relay.set(vec![
        Destination {
            timeout: seconds(60),
            ..destination(1, hangs.url())
        },
        destination(2, fast.url()),
    ]);
    for n in 0..300 {
        relay.take(&n.to_string()).await;
    }
    let since = Instant::now();
    fast.wait(300).await;
    relay.until_cursor(2, 300).await;
    assert!(since.elapsed() < seconds(5), "{:?}", since.elapsed());
    assert_eq!(relay.store.reader().cursor(1).unwrap(), Some(0));
    assert_eq!(hangs.arrived().len(), 16, "as many as may be under way");
}

struct NoTokens;

impl Scrub for NoTokens {
    fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(bytes);
        text.replace("tok_of_somebody_else", "[gone]").into_bytes()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_answer_the_beginning_is_kept_without_secrets() {
    let secret = "s3cret-of-the-destination";
    let server = Server::new(move |_, _| {
        // The second one begins within what is kept and ends beyond it.
        let mut body = format!("you sent {secret} and tok_of_somebody_else ").into_bytes();
        body.resize(4_090, b'.');
        body.extend_from_slice(secret.as_bytes());
        body.resize(9_000, b'.');
        Reply::With(500, Vec::new(), body)
    })
    .await;
    let relay = Relay::with(|options| options.scrub = Some(Arc::new(NoTokens)));
    relay.set(vec![Destination {
        secrets: vec![secret.into()],
        ..destination(1, server.url())
    }]);
    relay.take("1").await;
    until_state(&relay, 1, Retry, 1).await;
    let kept = relay
        .store
        .reader()
        .answer(Lane::of(1), 1)
        .unwrap()
        .unwrap();
    assert!(kept.len() <= 4_096);
    let text = String::from_utf8(kept).unwrap();
    assert!(
        text.starts_with("you sent [removed] and [gone] ..."),
        "{text}"
    );
    assert!(!text.contains("s3cret"), "{text}");
}

/// What an erased person was owed is not sent, and is not tried for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_an_erased_person_is_not_sent() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    relay.take_of("1", Some("ann@example.com")).await;
    relay.take_of("2", Some("bob@example.com")).await;
    relay.store.begin(1, Some(0), NOW).await.unwrap();
    let told = Outcome {
        lane: Lane::of(1),
        seq: 1,
        state: Retry,
        attempts: 1,
        lead: None,
        first_ms: None,
        last_ms: None,
        next_ms: Some(NOW),
        status: None,
        note: None,
        answer: Vec::new(),
    };
    relay.store.settle(vec![told], vec![]).await.unwrap();
    relay.take_of("3", Some("ann@example.com")).await;
    relay.store.erase("ann@example.com").await.unwrap();
    relay.set(vec![destination(1, server.url())]);
    relay.until_cursor(1, 3).await;
    let texts: Vec<String> = server.arrived().iter().map(|one| one.text()).collect();
    assert_eq!(texts, ["2"]);
    assert_eq!(state(&relay.store, 1, 1), Some(DeliveryState::Discarded));
    assert_eq!(state(&relay.store, 1, 3), Some(DeliveryState::Discarded));
}
