//! Where destinations may be.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_relay::deliver::{Destination, DestinationFault, Looked, Names};

use crate::common::{Relay, destination, state};
use crate::server::{Reply, Server};

/// A host with one set of addresses at each question.
struct Rebound {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Names for Rebound {
    fn look_up<'a>(&'a self, host: &'a str) -> Looked<'a> {
        assert_eq!(host, "crm.example");
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = &self.answers[asked.min(self.answers.len() - 1)];
        let answer: Vec<IpAddr> = answer.iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(async move { Ok(answer) })
    }
}

fn relay(answers: &[&[&'static str]]) -> (Relay, Arc<Rebound>) {
    let names = Arc::new(Rebound {
        answers: answers.iter().map(|answer| answer.to_vec()).collect(),
        asked: AtomicUsize::new(0),
    });
    let relay = Relay::with(|options| options.names = Arc::clone(&names) as Arc<dyn Names>);
    (relay, names)
}

fn named(server: &Server) -> Destination {
    let url = format!("http://crm.example:{}/", server.port);
    destination(1, url.parse().unwrap())
}

async fn tried(relay: &Relay, seq: i64) -> String {
    relay
        .until("something came of it", |store| {
            state(store, 1, seq).is_some()
        })
        .await;
    let found = relay.store.reader().deliveries_of(seq).unwrap();
    found[0].note.clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_stands_in_the_url_is_judged() {
    let relay = Relay::new();
    let all = [
        (
            "https://127.0.0.1/",
            vec![],
            Some(DestinationFault::Private),
        ),
        ("https://[::1]/", vec![], Some(DestinationFault::Private)),
        (
            "https://169.254.169.254/latest",
            vec!["10.0.0.0/8"],
            Some(DestinationFault::Private),
        ),
        (
            "https://[::ffff:10.0.0.1]/",
            vec![],
            Some(DestinationFault::Private),
        ),
        ("https://10.1.2.3/", vec!["10.0.0.0/8"], None),
        ("https://104.18.0.1/", vec![], None),
        // Without TLS nothing goes to the internet.
        (
            "http://104.18.0.1/",
            vec![],
            Some(DestinationFault::Private),
        ),
        ("ftp://104.18.0.1/", vec![], Some(DestinationFault::Url)),
        (
            "https://user@104.18.0.1/",
            vec![],
            Some(DestinationFault::Url),
        ),
    ];
    for (version, (url, allow, fault)) in (1..).zip(all) {
        let one = Destination {
            version,
            allow: allow
                .iter()
                .map(|text: &&str| text.parse().unwrap())
                .collect(),
            ..destination(1, url.parse().unwrap())
        };
        let faults = relay.dispatcher.set(&[Arc::new(one)]);
        assert_eq!(faults.into_iter().next().map(|one| one.1), fault, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_moved_to_this_network_is_not_followed() {
    let server = Server::new(|number, _| match number {
        // The connection is not kept, so that the name is asked for again.
        0 => Reply::With(200, vec![("connection", "close".into())], Vec::new()),
        _ => Reply::Status(200),
    })
    .await;
    let (relay, names) = relay(&[
        &["127.0.0.1"],
        &["127.0.0.1", "10.0.0.5"],
        &["169.254.169.254"],
    ]);
    relay.set(vec![named(&server)]);
    relay.take("1").await;
    assert_eq!(tried(&relay, 1).await, "");
    for seq in [2, 3] {
        relay.take(&seq.to_string()).await;
        let note = tried(&relay, seq).await;
        assert!(note.contains("not allowed"), "{note}");
    }
    assert_eq!(server.arrived().len(), 1);
    assert_eq!(names.asked.load(Ordering::SeqCst), 3, "once a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_judged_is_what_is_connected_to() {
    let server = Server::new(|_, _| Reply::Status(200)).await;
    // Who asks twice would be sent elsewhere the second time.
    let (relay, names) = relay(&[&["127.0.0.1"], &["192.0.2.1"]]);
    relay.set(vec![named(&server)]);
    relay.take("1").await;
    let arrived = server.wait(1).await;
    assert_eq!(
        arrived[0].headers["host"],
        format!("crm.example:{}", server.port)
    );
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
}
