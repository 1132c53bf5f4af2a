//! One client does not take from the others what all have together.

use std::time::Duration;

use doorward_gateway::Limits;
use doorward_policy::Grant;

use crate::door::{Door, Setup, get};
use crate::upstream::{Reply, Upstream};

fn all() -> Grant {
    Grant::for_scopes(["campaigns:all", "leads:all", "accounts:all"])
}

#[tokio::test]
async fn calls_of_one_client_that_hang_leave_places_for_others() {
    let upstream = Upstream::start(|seen, _| {
        if seen.line.contains("/accounts") {
            return Reply::Silence;
        }
        Reply::json("200 OK", "{}")
    })
    .await;
    let setup = Setup {
        limits: Limits {
            calls: 20,
            ..Limits::default()
        },
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let (greedy, other) = (door.client("greedy", all()), door.client("other", all()));
    // More than the default class may have under way in all.
    let mut hanging = Vec::new();
    for _ in 0..17 {
        let mut connection = door.connect().await;
        connection.write(get("/api/v2/accounts", &greedy)).await;
        hanging.push(connection);
    }
    let begun = std::time::Instant::now();
    while upstream.seen().len() < 12 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{}",
            upstream.seen().len()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut refused = door.send(get("/api/v2/campaigns", &greedy)).await;
    for _ in 0..100 {
        if refused.status == 503 {
            break;
        }
        refused = door.send(get("/api/v2/campaigns", &greedy)).await;
    }
    refused.refused(503, "overloaded");
    assert_eq!(
        door.send(get("/api/v2/campaigns", &other)).await.status,
        200
    );
}

#[tokio::test]
async fn what_fails_for_one_client_alone_stops_its_calls_alone() {
    let upstream = Upstream::start(|seen, _| {
        if seen.line.contains("/accounts") {
            return Reply::json("500 Internal Server Error", "{}");
        }
        Reply::json("200 OK", "{}")
    })
    .await;
    let mut door = Door::open(&upstream).await;
    let (faulty, other) = (door.client("faulty", all()), door.client("other", all()));
    let mut failed = 0;
    let stopped = loop {
        let answer = door.send(get("/api/v2/accounts", &faulty)).await;
        if answer.status == 503 {
            break answer;
        }
        failed += 1;
        assert!(failed <= 20, "it goes on for ever");
        assert_eq!(
            door.send(get("/api/v2/campaigns", &other)).await.status,
            200
        );
    };
    assert_eq!(stopped.reason(), "upstream_unavailable");
    assert_eq!(stopped.json()["doorward"]["limit"], "breaker");
    for _ in 0..5 {
        let answer = door.send(get("/api/v2/campaigns", &other)).await;
        assert_eq!(answer.status, 200, "others go on");
    }
}

#[tokio::test]
async fn what_fails_for_all_stops_everybodys_calls() {
    let upstream = Upstream::plain().await;
    let setup = Setup {
        // Nobody listens there.
        base_url: Some("http://127.0.0.1:9".to_owned()),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let keys = ["one", "two", "three"].map(|name| door.client(name, all()));
    let [one, two, three] = &keys;
    // A read is tried twice; of the last only once, since nothing is sent any more then.
    for key in [one, two, one] {
        let answer = door.send(get("/api/v2/campaigns", key)).await;
        assert_eq!(answer.reason(), "upstream_unreachable");
    }
    for key in [one, three] {
        let answer = door.send(get("/api/v2/campaigns", key)).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (503, "upstream_unavailable")
        );
    }
}
