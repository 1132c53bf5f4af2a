//! Destinations that want to do harm.

use std::time::{Duration, Instant};

use doorward_relay::deliver::Destination;
use doorward_relay::{DeliveryState, Lane};

use crate::common::{Relay, destination, state};
use crate::server::{Reply, Server};
use DeliveryState::{Delivered, Retry};

async fn after_one(reply: Reply, timeout: Duration) -> (Relay, Duration, DeliveryState) {
    let server = Server::new(move |_, _| reply.clone()).await;
    let relay = Relay::new();
    relay.set(vec![Destination {
        timeout,
        ..destination(1, server.url())
    }]);
    let since = Instant::now();
    relay.take("1").await;
    relay
        .until("something came of it", |store| state(store, 1, 1).is_some())
        .await;
    let found = state(&relay.store, 1, 1).unwrap();
    (relay, since.elapsed(), found)
}

fn note(relay: &Relay) -> String {
    let found = relay.store.reader().deliveries_of(1).unwrap();
    found[0].note.clone().unwrap_or_default()
}

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_ends_with_the_time_of_an_attempt() {
    let (relay, took, found) = after_one(Reply::Hang, SHORT).await;
    assert_eq!((found, note(&relay).as_str()), (Retry, "no answer in time"));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_and_garbage_are_failures_without_an_answer() {
    for reply in [Reply::Reset, Reply::Garbage] {
        let (relay, _, found) = after_one(reply.clone(), Duration::from_secs(5)).await;
        assert_eq!(found, Retry, "{reply:?}");
        assert!(note(&relay).contains("broke off"), "{}", note(&relay));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_an_end_is_not_read_to_it() {
    let (_, took, found) = after_one(Reply::EndlessHead, Duration::from_secs(20)).await;
    assert_eq!(found, Retry);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// The event has arrived; how the destination goes on is no matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_cut_and_the_event_has_arrived() {
    for (reply, letter) in [(Reply::Endless, b'e'), (Reply::Drip, b'd')] {
        let (relay, took, found) = after_one(reply, SHORT).await;
        assert_eq!(found, Delivered);
        assert!(took < Duration::from_secs(5), "{took:?}");
        let kept = relay
            .store
            .reader()
            .answer(Lane::of(1), 1)
            .unwrap()
            .unwrap();
        assert!(kept.len() <= 4_096 && kept.iter().all(|byte| *byte == letter));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_the_metadata_service_is_not_followed() {
    let inside = Server::new(|_, _| Reply::Status(200)).await;
    let to = [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        inside.url().to_string(),
    ];
    for to in to {
        for status in [301, 302, 303, 307, 308] {
            let reply = Reply::With(status, vec![("location", to.clone())], Vec::new());
            let (relay, _, found) = after_one(reply, Duration::from_secs(5)).await;
            assert_eq!(found, Retry, "{status}");
            assert!(note(&relay).contains("not followed"), "{}", note(&relay));
        }
    }
    assert!(inside.arrived().is_empty());
}
