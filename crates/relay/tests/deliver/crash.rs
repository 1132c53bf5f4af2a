//! The relay is killed in the middle of deliveries: each event arrives at least once, under one id.
//!
//! `RELAY_CRASH_RUNS` sets how often: 12 by default.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward_relay::deliver::Destination;

use crate::common::{Relay, destination};
use crate::server::{Reply, Server};

const FILE: &str = "RELAY_DELIVER_FILE";
const PORT: &str = "RELAY_DELIVER_PORT";

fn to(port: &str) -> Destination {
    Destination {
        in_order: true,
        concurrency: 8,
        plan: doorward_webhook::RetryPlan {
            waits: vec![1; 30],
            jitter_percent: 0,
        },
        ..destination(1, format!("http://127.0.0.1:{port}/").parse().unwrap())
    }
}

/// The process that gets killed: takes events in and delivers them.
#[test]
#[ignore = "is started by the test below"]
fn child() {
    let (Ok(file), Ok(port)) = (std::env::var(FILE), std::env::var(PORT)) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let relay = Relay::at(Path::new(&file), |_| {});
        relay.set(vec![to(&port)]);
        let begin = relay
            .store
            .reader()
            .ends()
            .unwrap()
            .map_or(0, |ends| ends.1);
        for n in begin.. {
            let lead = format!("l{}@example.com", n % 20);
            relay.take_of(&format!("{n}"), Some(&lead)).await;
            if n % 10 == 0 {
                relay.later(Duration::from_secs(1));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_arrives_at_least_once_under_one_id_however_often_it_is_killed() {
    let runs: u64 = std::env::var("RELAY_CRASH_RUNS").map_or(12, |runs| runs.parse().unwrap());
    let server = Server::new(|number, _| match number % 13 {
        4 => Reply::Status(500),
        9 => Reply::Reset,
        _ => Reply::Later(Duration::from_millis(number as u64 % 4), 200),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.db");
    let port = server.port.to_string();
    for run in 0..runs {
        let before = server.arrived().len();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--ignored", "--test-threads=1"])
            .env(FILE, &file)
            .env(PORT, &port)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        server.wait(before + 20).await;
        tokio::time::sleep(Duration::from_micros(run * 7_919 % 50_000)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // What is left is delivered, and then each event has arrived.
    let relay = Relay::at(&file, |_| {});
    relay.set(vec![to(&port)]);
    let newest = relay.store.reader().ends().unwrap().unwrap().1;
    for _ in 0..4_000 {
        let backlog = relay.store.reader().backlog(1).unwrap().unwrap();
        if backlog.cursor == newest && backlog.retry + backlog.held == 0 {
            break;
        }
        relay.later(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut accepted = 0;
    for (number, one) in server.arrived().iter().enumerate() {
        let before = ids.insert(one.text(), one.id().to_owned());
        assert!(before.is_none_or(|before| before == one.id()), "another id");
        accepted += usize::from(!matches!(number % 13, 4 | 9));
    }
    assert_eq!(ids.len() as i64, newest, "each has arrived");
    let events = relay
        .store
        .reader()
        .after(0, 1_000_000, usize::MAX)
        .unwrap();
    for event in &events {
        let text = std::str::from_utf8(event.body.bytes().unwrap()).unwrap();
        assert_eq!(ids[text], event.id.to_string());
    }
    println!("{runs} kills, {newest} events, accepted {accepted} times");
    // Again is sent what was under way when it was killed, and not much more.
    let most = newest as usize + runs as usize * 600;
    assert!(accepted <= most, "{accepted} of {newest}");
}
