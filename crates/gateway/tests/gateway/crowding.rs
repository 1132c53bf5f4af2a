//! More connections than there is room for, and callers that take up room and do nothing.

use std::time::Duration;

use doorward_gateway::Limits;
use doorward_policy::Grant;
use tokio::time::timeout;

use crate::door::{Door, Setup, get};
use crate::upstream::{Reply, Upstream};

const LONG: Duration = Duration::from_secs(10);

async fn reader(upstream: &Upstream, limits: Limits) -> (Door, String) {
    let setup = Setup {
        limits,
        ..Setup::default()
    };
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("reader", Grant::for_use_case("analytics-dashboard"));
    (door, key)
}

fn two() -> Limits {
    Limits {
        connections: 2,
        ..Limits::default()
    }
}

#[tokio::test]
async fn who_sends_no_request_keeps_nobody_out() {
    let upstream = Upstream::plain().await;
    let (door, key) = reader(&upstream, two()).await;
    let mut idle = door.connect().await;
    let asked = get("/api/v2/campaigns", &key);
    assert_eq!(idle.send(&asked).await.status, 200);
    let mut slow = door.connect().await;
    slow.write("GET /api/v2/camp").await;
    let mut newcomers = Vec::new();
    for _ in 0..4 {
        let mut newcomer = door.connect().await;
        let answer = timeout(LONG, newcomer.send(&asked)).await;
        assert_eq!(answer.unwrap().status, 200);
        newcomers.push(newcomer);
    }
    assert!(timeout(LONG, idle.is_closed()).await.unwrap());
    assert!(timeout(LONG, slow.is_closed()).await.unwrap());
}

#[tokio::test]
async fn a_call_under_way_is_not_cut_off_for_a_newcomer() {
    let upstream = Upstream::start(|_, _| Reply::Silence).await;
    let limits = Limits {
        response_head: Duration::from_millis(400),
        ..two()
    };
    let (door, key) = reader(&upstream, limits).await;
    let asked = get("/api/v2/campaigns", &key);
    let (mut one, mut two) = (door.connect().await, door.connect().await);
    one.write(&asked).await;
    two.write(&asked).await;
    let mut newcomer = door.connect().await;
    newcomer.write(&asked).await;
    for waiting in [&mut one, &mut two, &mut newcomer] {
        let answer = timeout(LONG, waiting.read()).await.unwrap();
        assert_eq!(answer.unwrap().reason(), "upstream_timeout");
    }
}

#[tokio::test]
async fn who_never_reads_is_given_up() {
    let answer = format!("{{\"items\": \"{}\"}}", "x".repeat(8 * 1024 * 1024));
    let upstream = Upstream::start(move |_, _| Reply::json("200 OK", &answer)).await;
    let limits = Limits {
        connections: 1,
        response_idle: Duration::from_millis(200),
        ..Limits::default()
    };
    let (door, key) = reader(&upstream, limits).await;
    let mut deaf = door.connect().await;
    deaf.write(get("/api/v2/campaigns", &key)).await;
    let entries = timeout(LONG, door.entries(1)).await.unwrap();
    assert_eq!(entries[0].reason.as_deref(), Some("caller_gone"));
}

#[tokio::test]
async fn who_takes_a_whole_answer_slowly_gets_all_of_it() {
    // Of webhooks each answer is read whole.
    let body = format!("{{\"items\":[{{\"id\":\"{}\"}}]}}", "x".repeat(8 << 20));
    let length = body.len();
    let upstream = Upstream::start(move |_, _| Reply::json("200 OK", &body)).await;
    let limits = Limits {
        head_read: Duration::from_millis(100),
        ..Limits::default()
    };
    let setup = Setup {
        limits,
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("reader", Grant::for_use_case("full-automation"));
    let mut slow = door.connect().await;
    slow.write(get("/api/v2/webhooks", &key)).await;
    let mut first = [0; 1];
    slow.stream.peek(&mut first).await.unwrap();
    // Several times as long as a connection may lie idle.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let answer = timeout(LONG, slow.read()).await.unwrap();
    assert_eq!(answer.map(|answer| answer.body.len()), Some(length));
}
