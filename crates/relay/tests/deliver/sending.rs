//! What is sent, and to whom.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use doorward_relay::deliver::{Destination, HeaderTemplate, Want};
use doorward_relay::events::{Event, NewEvent, Quarantine};
use doorward_relay::{DeliveryState, Lane};
use doorward_webhook::{Filter, Signer, WebhookSecret, verify};

use crate::common::{NOW, Relay, WORKSPACE, destination, event, state};
use crate::server::{Reply, Server};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_signed_with_both_secrets_byte_for_byte() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    let (old, new) = (
        WebhookSecret::symmetric(&[1; 32]),
        WebhookSecret::asymmetric(&[2; 32]),
    );
    let new = new.unwrap();
    let secrets = vec![
        WebhookSecret::parse(&new).unwrap(),
        WebhookSecret::parse(&old).unwrap(),
    ];
    let public = secrets[0].public().unwrap();
    let header = HeaderTemplate::parse("X-About", &"{type} {attempt}".into()).unwrap();
    relay.set(vec![Destination {
        signer: Some(Signer::new(secrets).unwrap()),
        headers: vec![header],
        ..destination(1, server.url())
    }]);
    let payload = "{\"event_type\" : \"reply_received\",\n\"n\":1.0e3}";
    let id = relay.take(payload).await;
    let arrived = server.wait(1).await.remove(0);
    assert_eq!(
        (arrived.path.as_str(), arrived.text().as_str()),
        ("/in?x=1", payload)
    );
    assert_eq!(arrived.id(), id.to_string());
    assert_eq!(arrived.headers["x-about"], "reply_received 1");
    assert_eq!(arrived.headers["content-type"], "application/json");
    assert!(arrived.headers["user-agent"].starts_with("Doorward/"));
    assert_eq!(
        arrived.headers["host"],
        format!("127.0.0.1:{}", server.port)
    );
    let headers: Vec<(String, String)> = arrived.headers.clone().into_iter().collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(NOW as u64);
    use secrecy::ExposeSecret;
    for secret in [old.expose_secret(), public.as_str()] {
        let message = verify(&[secret], &headers, &arrived.body, now).unwrap();
        assert_eq!(message.id, id.to_string());
    }
    relay.until_cursor(1, 1).await;
    assert_eq!(state(&relay.store, 1, 1), Some(DeliveryState::Delivered));
    let answer = relay.store.reader().answer(Lane::of(1), 1).unwrap();
    assert_eq!(answer.unwrap(), b"ok");
    let tried = relay.told.tried.lock().unwrap()[0].clone();
    assert_eq!((tried.attempt, tried.status), (1, Some(200)));
    assert!(tried.since_received.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_envelope_is_sent_where_it_is_asked_for() {
    let server = Server::new(|_, _| Reply::Status(204)).await;
    let relay = Relay::new();
    relay.set(vec![Destination {
        normalised: true,
        ..destination(1, server.url())
    }]);
    let payload = format!("{{\"event_type\":\"link_clicked\",\"workspace\":\"{WORKSPACE}\"}}");
    relay.take(&payload).await;
    let arrived = server.wait(1).await.remove(0);
    let found: serde_json::Value = serde_json::from_slice(&arrived.body).unwrap();
    assert_eq!(found["type"], "email_link_clicked");
    assert_eq!(found["sent_type"], "link_clicked");
    assert_eq!(found["data"]["workspace"], WORKSPACE);
}

struct EvenOnly;

impl Want for EvenOnly {
    fn wants(&self, event: &Event) -> bool {
        let text = std::str::from_utf8(event.body.bytes().unwrap()).unwrap();
        text.parse::<u64>().unwrap().is_multiple_of(2)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_destination_gets_what_it_wants_and_nothing_in_quarantine() {
    let all = Server::new(|_, _| Reply::Status(200)).await;
    let some = Server::new(|_, _| Reply::Status(200)).await;
    let even = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    relay.set(vec![
        destination(1, all.url()),
        Destination {
            filter: Filter {
                types: vec!["email_sent".into()],
                ..Filter::default()
            },
            ..destination(2, some.url())
        },
        Destination {
            condition: Some(Arc::new(EvenOnly)),
            ..destination(3, even.url())
        },
    ]);
    for n in 1..=6 {
        let mut new = event(&relay.store, &n.to_string(), None, NOW);
        if n == 3 {
            new.event_type = "email_sent".into();
        }
        if n == 5 {
            new = NewEvent {
                quarantined: Some(Quarantine::NotJson),
                ..new
            };
        }
        relay.store.take(new).await.unwrap();
    }
    for destination in [1, 2, 3] {
        relay.until_cursor(destination, 6).await;
    }
    let got = |server: &Server| {
        let mut texts: Vec<String> = server.arrived().iter().map(|one| one.text()).collect();
        texts.sort();
        texts
    };
    assert_eq!(got(&all), ["1", "2", "3", "4", "6"]);
    assert_eq!(got(&some), ["3"]);
    assert_eq!(got(&even), ["2", "4", "6"]);
    assert_eq!(state(&relay.store, 2, 1), None, "nothing was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_destination_begins_with_what_comes_and_a_paused_one_keeps_its_place() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    relay.take("before").await;
    let of = |active, version| Destination {
        begin_after: None,
        active,
        version,
        ..destination(1, server.url())
    };
    relay.set(vec![of(true, 1)]);
    relay
        .until("it has begun", |store| {
            store.reader().cursor(1).unwrap().is_some()
        })
        .await;
    relay.take("first").await;
    server.wait(1).await;
    relay.until_cursor(1, 2).await;
    relay.set(vec![of(false, 2)]);
    for n in 0..5 {
        relay.take(&format!("while paused {n}")).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.arrived().len(), 1);
    relay.set(vec![of(true, 3)]);
    let arrived = server.wait(6).await;
    assert_eq!(arrived[0].text(), "first");
    assert!(
        arrived[1..]
            .iter()
            .all(|one| one.text().starts_with("while"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_under_way_than_may_be_and_connections_are_used_again() {
    let server = Server::new(|_, _| Reply::Later(Duration::from_millis(20), 200)).await;
    let relay = Relay::new();
    for n in 0..40 {
        relay.take(&n.to_string()).await;
    }
    relay.set(vec![Destination {
        concurrency: 4,
        ..destination(1, server.url())
    }]);
    let arrived = server.wait(40).await;
    relay.until_cursor(1, 40).await;
    assert_eq!(server.most.load(Ordering::SeqCst), 4);
    let connections = arrived.iter().map(|one| one.connection).max().unwrap() + 1;
    assert!(connections <= 8, "{connections}");
    let mut texts: Vec<String> = arrived.iter().map(|one| one.text()).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 40, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_is_kept() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    let relay = Relay::new();
    for n in 0..20 {
        relay.take(&n.to_string()).await;
    }
    relay.set(vec![Destination {
        rate: Some(10),
        ..destination(1, server.url())
    }]);
    server.wait(1).await;
    // By a clock that stands still, no other one is begun.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.arrived().len(), 1);
    for n in 2..=20 {
        relay.later(Duration::from_millis(100));
        assert_eq!(server.wait(n).await.len(), n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_finished_when_it_drains_and_the_rest_is_kept() {
    let server = Server::new(|_, _| Reply::Later(Duration::from_millis(100), 200)).await;
    let relay = Relay::new();
    for n in 0..10 {
        relay.take(&n.to_string()).await;
    }
    relay.set(vec![Destination {
        concurrency: 3,
        ..destination(1, server.url())
    }]);
    server.wait(3).await;
    relay.dispatcher.drain().await;
    let sent = server.arrived().len();
    assert!((3..10).contains(&sent), "{sent}");
    let settled = relay
        .store
        .reader()
        .settled_after(Lane::of(1), 0, 99)
        .unwrap();
    assert_eq!(settled.len(), sent, "what was sent has its outcome");
    relay.set(vec![destination(1, server.url())]);
    relay.until_cursor(1, 10).await;
    assert_eq!(server.arrived().len(), 10, "and is not sent again");
}
