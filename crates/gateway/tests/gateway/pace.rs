//! Calls at the pace that the workspace bears, and the limits of single clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use doorward_gateway::PaceSettings;
use doorward_pace::{Class, Config, Rate};
use doorward_policy::Grant;
use doorward_store::{Controls, Store};

use crate::door::{Door, NOW, Setup, get, post, request};
use crate::upstream::{Reply, Upstream};

const READ: &str = "/api/v2/campaigns";

/// So many calls in so many milliseconds, a tenth of them not spent.
pub(crate) fn pace(calls: u32, millis: u64, max_wait: Duration) -> Setup {
    let minute = Rate {
        calls: 6_000,
        window: Duration::from_secs(60),
    };
    let short = Rate {
        calls,
        window: Duration::from_millis(millis),
    };
    Setup {
        pace: PaceSettings {
            pace: Config {
                workspace: [short, minute],
                max_wait,
                ..Config::default()
            },
            ..PaceSettings::default()
        },
        ..Setup::default()
    }
}

fn all() -> Grant {
    Grant::for_scopes(["campaigns:all", "leads:all"])
}

#[tokio::test]
async fn answers_say_how_the_windows_stand() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("one", all());
    let answer = door.send(get(READ, &key)).await;
    let policy = "\"second\";q=90;w=1, \"minute\";q=5400;w=60";
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    let stands = answer.header("ratelimit").unwrap();
    assert!(stands.starts_with("\"second\";r=89;t="), "{stands}");
    assert!(stands.contains(", \"minute\";r=5399;t="), "{stands}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greedy_client_gets_its_share_and_the_api_never_too_much() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open_with(&upstream, pace(20, 200, Duration::from_secs(10))).await;
    let (greedy, other) = (door.client("greedy", all()), door.client("other", all()));
    let heavy = Controls {
        weight: 3,
        ..Controls::default()
    };
    door.control("other", heavy);
    let stop = Arc::new(AtomicBool::new(false));
    let (door, opened) = (Arc::new(door), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    // The greedy one has many more calls at once.
    for (key, calls) in [(&greedy, 60), (&other, 20)] {
        for _ in 0..calls {
            let (door, stop, key) = (Arc::clone(&door), Arc::clone(&stop), key.clone());
            tasks.spawn(async move {
                let mut connection = door.connect().await;
                let (mut served, of_greedy) = (Vec::new(), key.clone());
                while !stop.load(Ordering::SeqCst) {
                    let answer = connection.send(get(READ, &key)).await;
                    assert_eq!(answer.status, 200);
                    served.push(Instant::now());
                }
                (of_greedy, served)
            });
        }
    }
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    stop.store(true, Ordering::SeqCst);
    let begin = Instant::now() - Duration::from_millis(1_400);
    let end = Instant::now();
    let (mut shares, mut all) = ([0_usize; 2], Vec::new());
    for (key, served) in tasks.join_all().await {
        let counted = served
            .iter()
            .filter(|at| **at > begin && **at < end)
            .count();
        shares[usize::from(key == other)] += counted;
        all.extend(served);
    }
    // 18 at once, and as many whenever they have left the window.
    let windows = 1 + opened.elapsed().as_millis() / 205;
    assert!(
        all.len() as u128 <= 18 * windows,
        "{} in {windows}",
        all.len()
    );
    let [greedy, other] = shares;
    let (least, most) = (2 * greedy, 4 * greedy + 8);
    assert!((least..=most).contains(&other), "{greedy} to {other}");
}

#[tokio::test]
async fn a_key_that_is_revoked_while_its_call_waits_does_not_go_out() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open_with(&upstream, pace(3, 500, Duration::from_secs(10))).await;
    let key = door.client("one", all());
    for _ in 0..2 {
        assert_eq!(door.send(get(READ, &key)).await.status, 200);
    }
    let mut waiting = door.connect().await;
    waiting
        .write(post("/api/v2/leads", &key, r#"{"email":"a@example.com"}"#))
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(upstream.seen().len(), 2, "the third waits");
    let id = door.store.client_keys(None).unwrap()[0].id;
    door.store.revoke_client_key(id, NOW).unwrap();
    door.refresh();
    waiting.read().await.unwrap().refused(401, "unauthorized");
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_when_to_come() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open_with(&upstream, pace(2, 1_000, Duration::ZERO)).await;
    let key = door.client("one", all());
    assert_eq!(door.send(get(READ, &key)).await.status, 200);
    for _ in 0..2 {
        let answer = door.send(get(READ, &key)).await;
        assert_eq!((answer.status, answer.reason().as_str()), (429, "paced"));
        assert_eq!(answer.json()["doorward"]["limit"], "window");
        let wait = answer.header("retry-after").unwrap();
        assert!(matches!(wait, "1" | "2"), "{wait}");
        assert!(
            answer
                .header("ratelimit")
                .unwrap()
                .contains("\"second\";r=0")
        );
    }
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_read_that_was_too_much_is_sent_again_and_a_write_is_not() {
    let upstream = Upstream::start(|seen, before| match before {
        0 => Reply::with("429 Too Many Requests", "retry-after: 1\r\n", "{}"),
        _ if seen.line.starts_with("POST") => Reply::json("429 Too Many Requests", "{}"),
        _ => Reply::json("200 OK", "{}"),
    })
    .await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("one", all());
    let begin = Instant::now();
    assert_eq!(door.send(get(READ, &key)).await.status, 200);
    assert!(
        begin.elapsed() >= Duration::from_secs(1),
        "its Retry-After is kept"
    );
    assert_eq!(upstream.seen().len(), 2);
    let write = post("/api/v2/leads", &key, r#"{"email":"a@example.com"}"#);
    let answer = door.send(write).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn an_api_that_is_down_is_left_alone() {
    let upstream = Upstream::plain().await;
    let setup = Setup {
        // Nobody listens there.
        base_url: Some("http://127.0.0.1:9".to_owned()),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("one", all());
    let mut last = door.send(get(READ, &key)).await;
    assert_eq!(last.reason(), "upstream_unreachable");
    for _ in 0..5 {
        last = door.send(get(READ, &key)).await;
    }
    assert_eq!(
        (last.status, last.reason().as_str()),
        (503, "upstream_unavailable")
    );
    assert_eq!(last.json()["doorward"]["limit"], "breaker");
    let wait: u64 = last.header("retry-after").unwrap().parse().unwrap();
    assert!((4..=5).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_client_keeps_the_limits_that_were_set_for_it() {
    let upstream = Upstream::start(|seen, _| {
        if seen.line.contains("slow") {
            return Reply::Silence;
        }
        Reply::json("200 OK", "{}")
    })
    .await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("one", all());
    let with = |change: fn(&mut Controls)| {
        let mut controls = Controls {
            class: Class::Batch,
            ..Controls::default()
        };
        change(&mut controls);
        door.control("one", controls);
    };
    let met = |answer: crate::door::Response, limit: &str| {
        answer.refused(429, "client_limit");
        assert_eq!(answer.json()["doorward"]["limit"], limit);
        answer
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };

    with(|controls| controls.per_second = Some(1));
    assert_eq!(door.send(get(READ, &key)).await.status, 200);
    assert_eq!(met(door.send(get(READ, &key)).await, "per_second"), 1);

    with(|controls| controls.concurrency = Some(1));
    let mut slow = door.connect().await;
    slow.write(get(&format!("{READ}?search=slow"), &key)).await;
    while upstream.seen().len() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    met(door.send(get(READ, &key)).await, "concurrency");
    drop(slow);

    with(|controls| controls.leads_per_day = Some(1));
    let lead = |n: u8| {
        let body = format!(r#"{{"email":"a{n}@example.com"}}"#);
        post("/api/v2/leads", &key, &body)
    };
    assert_eq!(door.send(lead(1)).await.status, 200);
    assert!(met(door.send(lead(2)).await, "leads_per_day") > 1);
    // What is removed counts too, and that has no body.
    let id = "0195c1a0-0000-7000-8000-000000000001";
    let remove = request("DELETE", &format!("/api/v2/leads/{id}"), &key, &[], "");
    assert!(met(door.send(remove).await, "leads_per_day") > 1);
    with(|controls| controls.per_day = Some(3));
    assert!(met(door.send(get(READ, &key)).await, "per_day") > 1);

    with(|controls| controls.sources = ["203.0.113.0/24".parse().unwrap()].into());
    let answer = door.send(get(READ, &key)).await;
    answer.refused(403, "source_not_allowed");
    with(|controls| controls.sources = ["127.0.0.0/8".parse().unwrap()].into());
    assert_eq!(door.send(get(READ, &key)).await.status, 200);
}

#[tokio::test]
async fn a_client_that_only_collects_refusals_does_not_fill_the_ledger() {
    const CALLS: usize = 400;
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("one", all());
    let mut connection = door.connect().await;
    let begin = Instant::now();
    let call = request("GET", "/api/v2/accounts", &key, &[], "");
    connection.write(call.repeat(CALLS)).await;
    for _ in 0..CALLS {
        let answer = connection.read().await.unwrap();
        answer.refused(403, "scope_missing");
    }
    let recorded = door.entries_now().len();
    let most = 122 + begin.elapsed().as_millis() as usize * 120 / 1_000;
    assert!((100..=most).contains(&recorded), "{recorded} of {most}");
    assert_eq!(door.strangers()["scope_missing"] as usize, CALLS - recorded);
}
