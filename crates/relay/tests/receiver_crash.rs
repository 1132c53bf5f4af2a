//! A process that receives deliveries over HTTP is killed, again and again, while it is sent more. What
//! it did not acknowledge is sent to the next one, as Instantly does it.
//!
//! `RELAY_CRASH_RUNS` sets how often: 30 by default.

#![cfg(test)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_policy::Timestamp;
use doorward_relay::receive::{
    Door, DoorLimits, DoorListener, DoorParts, Minute, Observer, SourceParts, serve_door,
};
use doorward_relay::{EventStore, StoreOptions};
use doorward_webhook::{Scheme, Schemes, Way};
use secrecy::SecretString;

const FOLDER: &str = "RELAY_CRASH_FOLDER";
const WORKSPACE: &str = "0195f3a2-1b2c-7d3e-8f40-5a6b00000001";
const SECRET: &str = "the-secret-of-these-days";
const SENDERS: usize = 8;
const NOW: i64 = 1_800_000_000_000;

fn open(folder: &Path) -> EventStore {
    let key: SecretString = "an audit key of thirty-two bytes".into();
    let options = StoreOptions {
        reserve: 0,
        ..StoreOptions::default()
    };
    EventStore::open(&folder.join("relay.db"), &key, &options, NOW).unwrap()
}

struct Deaf;

impl Observer for Deaf {
    fn minute(&self, _: Minute) {}
}

fn source(name: &str, number: i64) -> SourceParts {
    let way = Way::Header {
        name: "X-Webhook-Secret".to_owned(),
    };
    SourceParts {
        name: name.to_owned(),
        number,
        workspace: WORKSPACE.to_owned(),
        schemes: Schemes::new(vec![Scheme::new(&way, &[SECRET.into()]).unwrap()]).unwrap(),
        allow: vec![],
    }
}

/// The process that gets killed: a door, with the store behind it.
#[test]
#[ignore = "is started by the test below"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Arc::new(open(Path::new(&folder)));
        let door = Door::new(DoorParts {
            keys: store.keys(),
            store: Arc::new(store),
            limits: DoorLimits::default(),
            trusted: vec![],
            observer: Arc::new(Deaf),
            clock: Arc::new(|| Timestamp::from_millis(NOW)),
            random: [9; 32],
        })
        .unwrap();
        door.set_sources(vec![source("one", 1), source("two", 2)]);
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = tcp.local_addr().unwrap().port();
        println!("\nport {port}");
        let listener = DoorListener { tcp, tls: None };
        serve_door(vec![listener], door, std::future::pending())
            .await
            .unwrap();
    });
}

fn start(folder: &Path) -> (Child, u16) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("port ")?.parse().ok());
    (child, port.expect("the door is open"))
}

/// What is still to be sent, and what was acknowledged.
#[derive(Default)]
struct Sending {
    next: AtomicU64,
    again: Mutex<Vec<u64>>,
    acknowledged: Mutex<HashSet<u64>>,
    answers: AtomicU64,
}

/// Event `n`, with a length of its own. By the other source it is spelled otherwise.
fn request(n: u64, other: bool) -> Vec<u8> {
    let pad = "x".repeat((n * 131 % 1_500) as usize);
    let mut body = format!(
        r#"{{"event_type":"reply_received","workspace":"{WORKSPACE}","n":{n},"lead_email":"lead{}@example.com","pad":"{pad}"}}"#,
        n % 50
    );
    if other {
        body = body.replace(r#","n""#, "\n, \"\\u006e\" ");
    }
    let name = if other { "two" } else { "one" };
    let length = body.len();
    format!(
        "POST /in/{name} HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: {SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends one request. Whether it was acknowledged; `None` when the process is gone.
fn send(stream: &mut TcpStream, request: &[u8]) -> Option<bool> {
    stream.write_all(request).ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(head.starts_with(b"HTTP/1.1 200 "))
}

impl Sending {
    fn until_it_dies(&self, port: u16) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
            return;
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        loop {
            let again = self.again.lock().unwrap().pop();
            let n = again.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed));
            let mut sent = send(&mut stream, &request(n, false));
            if sent == Some(true) && n.is_multiple_of(5) {
                sent = send(&mut stream, &request(n, true));
            }
            match sent {
                Some(true) => {
                    self.answers.fetch_add(1, Ordering::Relaxed);
                    self.acknowledged.lock().unwrap().insert(n);
                }
                Some(false) => panic!("event {n} was refused"),
                None => {
                    self.again.lock().unwrap().push(n);
                    return;
                }
            }
        }
    }
}

/// The number within a stored payload.
fn number(body: &[u8]) -> u64 {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap();
    value["n"].as_u64().unwrap()
}

#[test]
fn every_200_is_found_however_often_the_receiver_is_killed() {
    let runs: u64 = std::env::var("RELAY_CRASH_RUNS").map_or(30, |runs| runs.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let sending = Sending::default();
    let (mut stored, mut last) = (HashSet::new(), 0);
    for run in 0..runs {
        let (mut child, port) = start(folder.path());
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| sending.until_it_dies(port));
            }
            std::thread::sleep(Duration::from_micros(run * 7_919 % 100_000));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let store = open(folder.path());
        loop {
            let events = store.reader().after(last, 1_000, 1 << 20).unwrap();
            let Some(newest) = events.last() else { break };
            last = newest.seq;
            for event in &events {
                assert_eq!(event.quarantined, None, "run {run}");
                let body = event.body.bytes().expect("its payload opens");
                assert!(
                    stored.insert(number(body)),
                    "run {run}: an event is there twice"
                );
            }
        }
        store.close();
        let acknowledged = sending.acknowledged.lock().unwrap();
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(
            lost.is_empty(),
            "run {run}: {lost:?} were acknowledged and are not there"
        );
    }
    let answers = sending.answers.load(Ordering::Relaxed);
    println!(
        "{runs} kills, {answers} deliveries acknowledged, {} events stored",
        stored.len()
    );
    assert!(answers > runs);
}
