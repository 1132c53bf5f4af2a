//! A process that takes events in is killed, again and again.
//!
//! `RELAY_CRASH_RUNS` sets how often: 30 by default.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorward_relay::events::{EventId, Taken};
use doorward_relay::{DeliveryState, Lane};

use crate::common::{NOW, event, folder, open, outcome};

const FILE: &str = "RELAY_CRASH_FILE";
const NONCE: &str = "RELAY_CRASH_NONCE";
const CALLERS: u64 = 8;

fn payload(nonce: &str, n: u64) -> String {
    format!("{nonce}/{n} {}", "x".repeat((n * 131 % 3_000) as usize))
}

/// The process that gets killed: takes events in, and tells on its output what was acknowledged.
/// Beside that it settles deliveries.
#[test]
#[ignore = "is started by the test below"]
fn child() {
    let (Ok(file), Ok(nonce)) = (std::env::var(FILE), std::env::var(NONCE)) else {
        return;
    };
    let store = Arc::new(open(Path::new(&file)));
    let next = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let callers = (0..CALLERS).map(|_| {
            let (store, next, nonce) = (Arc::clone(&store), Arc::clone(&next), nonce.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let lead = format!("{}@example.com", n % 50);
                    let new = event(&store.keys(), &payload(&nonce, n), Some(&lead));
                    let taken = store.take(new).await.unwrap();
                    let line = format!("\nack {} {n}\n", taken.id());
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        });
        let callers: Vec<_> = callers.collect();
        let mut cursor = store.begin(1, Some(0), NOW).await.unwrap();
        loop {
            let events = store.reader().after(cursor, 16, 1 << 20).unwrap();
            let Some(last) = events.last() else {
                tokio::task::yield_now().await;
                continue;
            };
            cursor = last.seq;
            let outcomes = events
                .iter()
                .map(|event| outcome(1, event.seq, DeliveryState::Delivered));
            let done = vec![(Lane::of(1), cursor)];
            store.settle(outcomes.collect(), done).await.unwrap();
            let line = format!("\ndone {cursor}\n");
            std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            if callers.iter().all(tokio::task::JoinHandle::is_finished) {
                return;
            }
        }
    });
}

#[derive(Default)]
struct Told {
    events: BTreeMap<EventId, u64>,
    cursor: i64,
}

/// Runs the child for a while and kills it. What it acknowledged.
fn run(file: &Path, nonce: &str, life: Duration) -> Told {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FILE, file)
        .env(NONCE, nonce)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (tell, first) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut told = Told::default();
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0) {
            // The last line may be cut: it proves nothing.
            let words: Vec<&str> = match line.strip_suffix('\n') {
                Some(whole) => whole.split(' ').collect(),
                None => Vec::new(),
            };
            match words.as_slice() {
                ["ack", id, n] => {
                    let before = told.events.insert(id.parse().unwrap(), n.parse().unwrap());
                    assert_eq!(before, None, "{id} acknowledged twice");
                    let _ = tell.send(());
                }
                ["done", cursor] => told.cursor = cursor.parse().unwrap(),
                _ => {}
            }
            line.clear();
        }
        told
    });
    // Its life is counted from its first event; some die while they still open the store.
    if life > Duration::from_millis(5) {
        first
            .recv_timeout(Duration::from_secs(60))
            .expect("the child writes");
    }
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_however_often_it_is_killed() {
    let runs: u64 = std::env::var("RELAY_CRASH_RUNS").map_or(30, |runs| runs.parse().unwrap());
    let (_folder, path) = folder();
    let (mut acknowledged, mut last, mut cursor) = (0, 0, 0);
    for number in 0..runs {
        let nonce = number.to_string();
        let life = Duration::from_micros(number * 7_919 % 40_000);
        let told = run(&path, &nonce, life);
        acknowledged += told.events.len();

        // It opens, and holds what was acknowledged, byte for byte.
        let store = open(&path);
        let reader = store.reader();
        for (id, n) in &told.events {
            let found = reader.event(id).unwrap();
            let payload = payload(&nonce, *n);
            assert_eq!(found.body.bytes().unwrap().as_ref(), payload.as_bytes());
            // It is known, and not stored once more.
            if n % 16 == 0 {
                let again = event(&store.keys(), &payload, None);
                assert_eq!(store.take(again).await.unwrap(), Taken::Known(*id));
            }
        }
        // No number was lost or given twice, and what was settled is.
        let (first, newest) = reader.ends().unwrap().unwrap_or((1, 0));
        assert_eq!(first, 1);
        assert!(newest >= last + told.events.len() as i64, "run {number}");
        let settled = reader.cursor(1).unwrap().unwrap_or(0);
        assert!(settled >= told.cursor && settled >= cursor, "run {number}");
        let rows = reader
            .settled_after(Lane::of(1), 0, usize::MAX >> 1)
            .unwrap();
        assert_eq!(rows, (1..=settled).collect::<Vec<_>>(), "run {number}");
        if number % 10 == 0 {
            reader.check().unwrap();
        }
        (last, cursor) = (newest, settled);
    }
    println!("{runs} kills, {acknowledged} events acknowledged, {last} in the store");
    assert!(acknowledged as u64 > runs);
}
