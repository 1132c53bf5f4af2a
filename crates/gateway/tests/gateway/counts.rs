//! What a client used of its day: judged as it is counted, and given back when nothing was sent.

use doorward_gateway::Today;
use doorward_policy::Grant;
use doorward_store::{Controls, Store};

use crate::door::{Door, NOW, Setup, get, post};
use crate::idempotency::keyed;
use crate::upstream::{Reply, Upstream};

const LEADS: &str = "/api/v2/leads";

fn lead(n: usize) -> String {
    format!(r#"{{"email":"a{n}@example.com"}}"#)
}

async fn importer(upstream: &Upstream, setup: Setup) -> (Door, String) {
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    (door, key)
}

fn used(door: &Door) -> Today {
    let id = &door.store.clients(None).unwrap()[0].id;
    door.uses.today(id, NOW)
}

/// A place where nobody listens.
fn nowhere() -> Setup {
    Setup {
        base_url: Some("http://127.0.0.1:9".to_owned()),
        ..Setup::default()
    }
}

#[tokio::test]
async fn calls_at_once_do_not_pass_a_count_together() {
    for condition in [
        "context.leads_today + context.leads_in_call > 2",
        "context.calls_today >= 2",
    ] {
        let upstream = Upstream::plain().await;
        let (door, key) = importer(&upstream, Setup::default()).await;
        door.policy(
            "size",
            &format!(
                "forbid (principal, action in Action::\"writes\", resource) when {{ {condition} }};"
            ),
        );
        let mut calls = Vec::new();
        for n in 0..6 {
            // Each looks its key up between being judged and being counted.
            let mut connection = door.connect().await;
            let call = keyed(LEADS, &key, &lead(n), &format!("k{n}"));
            connection.write(call).await;
            calls.push(connection);
        }
        let mut passed = 0;
        for mut connection in calls {
            let answer = connection.read().await.unwrap();
            match answer.status {
                200 => passed += 1,
                _ => answer.refused(403, "denied_by_policy"),
            }
        }
        assert_eq!((passed, upstream.seen().len()), (2, 2), "{condition}");
        // What was refused is not counted.
        assert_eq!(used(&door), Today { calls: 2, leads: 2 });
    }
}

#[tokio::test]
async fn what_was_not_sent_is_given_back() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream, nowhere()).await;
    door.control(
        "importer",
        Controls {
            leads_per_day: Some(1),
            per_day: Some(1),
            ..Controls::default()
        },
    );
    for n in 0..3 {
        let answer = door.send(post(LEADS, &key, &lead(n))).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (502, "upstream_unreachable")
        );
    }
    let read = door.send(post("/api/v2/leads/list", &key, "{}")).await;
    assert_eq!(read.reason(), "upstream_unreachable");
    assert_eq!(used(&door), Today::default());
}

#[tokio::test]
async fn what_was_sent_counts_whatever_came_of_it() {
    let upstream = Upstream::start(|_, _| Reply::Last(vec![])).await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    door.control(
        "importer",
        Controls {
            leads_per_day: Some(1),
            ..Controls::default()
        },
    );
    let lost = door.send(post(LEADS, &key, &lead(0))).await;
    assert_eq!(lost.reason(), "outcome_unknown");
    let over = door.send(post(LEADS, &key, &lead(1))).await;
    over.refused(429, "client_limit");
    assert_eq!(used(&door), Today { calls: 1, leads: 1 });
}

#[tokio::test]
async fn leads_are_counted_where_somebody_asks() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream, Setup::default()).await;
    let send = |n| door.send(post(LEADS, &key, &lead(n)));
    assert_eq!(send(1).await.status, 200);
    assert_eq!(used(&door), Today { calls: 1, leads: 0 });
    let text = "forbid (principal, action == Action::\"deleteLead\", resource) \
                when { context.leads_today > 9 };";
    door.policy("size", text);
    assert_eq!(send(2).await.status, 200);
    assert_eq!(used(&door), Today { calls: 2, leads: 1 });
    let read = door.send(get("/api/v2/lead-lists", &key)).await;
    assert_eq!(read.status, 200);
    assert_eq!(used(&door), Today { calls: 3, leads: 1 });
}

#[tokio::test]
async fn a_read_that_was_sent_once_counts_though_its_repeat_was_not() {
    let unused = Upstream::plain().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let setup = Setup {
        base_url: Some(format!("http://{address}")),
        ..Setup::default()
    };
    let (door, key) = importer(&unused, setup).await;
    let once = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // Whoever comes again finds nobody.
        drop(listener);
        stream.readable().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    });
    let answer = door.send(get("/api/v2/lead-lists", &key)).await;
    assert_eq!(answer.status, 502, "{:#}", answer.json());
    once.await.unwrap();
    assert_eq!(used(&door), Today { calls: 1, leads: 0 });
}
