//! Sinks as receivers see them: everything arrives, in order, whatever happens in between.

#![cfg(test)]

mod receivers;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorward_audit::{
    Audit, AuditOptions, BatchBody, Draft, Entry, FileSink, HttpsSink, Person, PersonKind, Retry,
    Show, SinkConfig, SinkFormat, SinkKind, SinkMetrics, Sinks, Start, SyslogSink,
};
use doorward_ledger::{Act, Actor, ActorKind, Event, KeyName, LocalSigner, Verdict};
use doorward_policy::Timestamp;
use doorward_store::SqliteStore;
use receivers::{Answer, Certificate, HttpReceiver, SyslogReceiver};

fn open(dir: &Path) -> Arc<Audit> {
    let name = KeyName::new("doorward.example/test").unwrap();
    let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
    let store = Arc::new(SqliteStore::open(&dir.join("doorward.db")).unwrap());
    let key = "an audit key of thirty-two bytes and more".into();
    let options = AuditOptions::new(dir.join("ledger"), signer, key, store);
    Arc::new(Audit::open(options).unwrap().0)
}

fn act(audit: &Audit) {
    let act = Act {
        actor: Some(Actor {
            kind: ActorKind::Client,
            name: None,
            person: None,
            claimed: true,
        }),
        ..Act::new("listLeads", Verdict::Success)
    };
    let event = Event::Outcome {
        intent: None,
        operation: Some("listLeads".to_owned()),
        status: Some(200),
        latency_us: 1,
        body: None,
        answer: None,
    };
    let person = Person::new(PersonKind::Email, "ann@example.com");
    audit.note(Draft::new(Timestamp::from_seconds(1_800_000_000), act, event).person(person));
}

/// Makes the ledger have `size` leaves.
fn fill(audit: &Audit, size: u64) {
    for _ in audit.reader().size()..size {
        act(audit);
    }
    audit.flush();
    assert_eq!(audit.reader().size(), size);
}

fn config(name: &str, kind: SinkKind) -> SinkConfig {
    SinkConfig {
        retry: Retry {
            first: Duration::from_millis(2),
            most: Duration::from_millis(20),
        },
        ..SinkConfig::new(name, kind)
    }
}

fn https(receiver: &HttpReceiver) -> HttpsSink {
    HttpsSink {
        max_entries: 32,
        linger: Duration::ZERO,
        ca: receiver.ca.clone(),
        ..HttpsSink::new(receiver.url.clone())
    }
}

fn start(audit: &Arc<Audit>, config: SinkConfig) -> Sinks {
    Sinks::start(audit, vec![config]).unwrap()
}

fn metrics(sinks: &Sinks) -> SinkMetrics {
    sinks.metrics().remove(0)
}

/// Waits, ten seconds at most.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(10), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn sequences(text: &str) -> Vec<u64> {
    text.lines()
        .map(|line| serde_json::from_str::<Entry>(line).unwrap().seq)
        .collect()
}

/// Each at least once; and after each, either the next or one that came before.
fn assert_all_in_order(found: &[u64], all: std::ops::Range<u64>) {
    let mut next = all.start;
    for seq in found {
        assert!(*seq <= next, "{seq} came before {next}: {found:?}");
        next = next.max(seq + 1);
    }
    assert_eq!(next, all.end);
}

#[test]
fn a_file_gets_all_across_restarts_and_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let place = dir.path().join("ledger/cursors/sink-file");
    let audit = open(dir.path());
    fill(&audit, 500);
    let file = config("file", SinkKind::File(FileSink::new(&path)));
    let sinks = start(&audit, file.clone());
    // Ended somewhere within.
    drop(sinks);
    fill(&audit, 1_000);
    let sinks = start(&audit, file.clone());
    assert!(sinks.stop(Duration::from_secs(5)));
    assert_eq!(metrics(&sinks).position, 1_000);
    assert_eq!(metrics(&sinks).lag, 0);
    assert!(!metrics(&sinks).running);
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "1000\n");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(sequences(&text), (0..1_000).collect::<Vec<_>>());
    assert!(!text.contains("ann@"));

    // A crash before the place was remembered, within a line: what was since comes again.
    std::fs::write(&place, "990\n").unwrap();
    let cut = text.len() - 20;
    std::fs::write(&path, &text[..cut]).unwrap();
    drop(sinks);
    drop(audit);
    let audit = open(dir.path());
    let size = audit.reader().size();
    let sinks = start(&audit, file);
    assert!(sinks.stop(Duration::from_secs(5)));
    let found = sequences(&std::fs::read_to_string(&path).unwrap());
    assert_all_in_order(&found, 0..size);
}

/// Not a test of its own: the process that `kill_minus_nine_loses_nothing` kills.
#[test]
fn killed_again_and_again() {
    let Some(dir) = std::env::var_os("DOORWARD_KILLED_IN") else {
        return;
    };
    let audit = open(dir.as_ref());
    let port = std::env::var("DOORWARD_KILLED_PORT").unwrap();
    let _sinks = Sinks::start(&audit, killed_sinks(dir.as_ref(), &port)).unwrap();
    loop {
        act(&audit);
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn killed_sinks(dir: &Path, port: &str) -> Vec<SinkConfig> {
    let file = FileSink {
        max_bytes: 100_000,
        keep: 1_000,
        ..FileSink::new(dir.join("audit.jsonl"))
    };
    let siem = HttpsSink {
        max_entries: 50,
        linger: Duration::from_millis(10),
        ..HttpsSink::new(format!("http://localhost:{port}/audit?channel=a"))
    };
    vec![
        config("file", SinkKind::File(file)),
        config("siem", SinkKind::Https(siem)),
    ]
}

#[test]
fn kill_minus_nine_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = HttpReceiver::start(None, |_| Answer::status(200));
    let port = receiver.url.split([':', '/']).nth(4).unwrap();
    let path = dir.path().join("audit.jsonl");
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed_again_and_again"])
            .env("DOORWARD_KILLED_IN", dir.path())
            .env("DOORWARD_KILLED_PORT", port)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let before = receiver.requests().len();
        until("delivery", || {
            receiver.requests().len() > before + 2 && path.exists()
        });
        std::thread::sleep(Duration::from_millis(37 * round));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let audit = open(dir.path());
    let size = audit.reader().size();
    assert!(size > 100, "{size}");
    let sinks = Sinks::start(&audit, killed_sinks(dir.path(), port)).unwrap();
    assert!(sinks.stop(Duration::from_secs(10)));
    let taken: Vec<_> = receiver
        .requests()
        .iter()
        .flat_map(|request| sequences(&request.text()))
        .collect();
    assert_all_in_order(&taken, 0..size);
    let mut text = String::new();
    for number in (1..1_000).rev() {
        let old = dir.path().join(format!("audit.jsonl.{number}"));
        text += &std::fs::read_to_string(old).unwrap_or_default();
    }
    assert!(!text.is_empty(), "no rotation");
    text += &std::fs::read_to_string(&path).unwrap();
    assert_all_in_order(&sequences(&text), 0..size);
}

#[test]
fn a_file_is_followed_as_the_ledger_grows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = open(dir.path());
    fill(&audit, 3);
    let file = SinkConfig {
        start: Start::End,
        show: Show::People,
        ..config("file", SinkKind::File(FileSink::new(&path)))
    };
    let sinks = start(&audit, file);
    for size in 4..8 {
        fill(&audit, size);
        until("line", || {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            text.ends_with('\n') && text.lines().count() as u64 == size - 3
        });
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(sequences(&text), [3, 4, 5, 6]);
    assert!(text.contains("ann@example.com"));
    until("place", || metrics(&sinks).lag == 0);
}

#[test]
fn a_receiver_that_fails_gets_the_same_batch_again_signed() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    fill(&audit, 20);
    let receiver = HttpReceiver::start(Some(&Certificate::new()), |request| match request.number {
        0 => Answer::status(503).header("retry-after", "1"),
        1 => Answer::status(401),
        2 => Answer::hang_up(),
        _ => Answer::status(204),
    });
    let key = [3; 32];
    let sink = HttpsSink {
        secret: Some("whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=".into()),
        bearer: Some("canary-token".into()),
        body: BatchBody::Array,
        ..https(&receiver)
    };
    let began = Instant::now();
    let sinks = start(&audit, config("siem", SinkKind::Https(sink)));
    until("delivery", || metrics(&sinks).sent == 20);
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After");
    assert_eq!(metrics(&sinks).failures, 3);
    assert_eq!(metrics(&sinks).last_error, None);
    let requests = receiver.requests();
    let header = |at: usize, name: &str| requests[at].header(name).unwrap();
    for (at, request) in requests.iter().enumerate() {
        assert_eq!(header(at, "webhook-id"), header(0, "webhook-id"));
        assert_eq!(header(at, "authorization"), "Bearer canary-token");
        let time = header(at, "webhook-timestamp");
        let signed = [
            format!("{}.{time}.", header(at, "webhook-id")).as_bytes(),
            &request.body,
        ]
        .concat();
        let mac = ring::hmac::sign(
            &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key),
            &signed,
        );
        let right = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac);
        assert_eq!(header(at, "webhook-signature"), format!("v1,{right}"));
    }
    let body: Vec<Entry> = serde_json::from_slice(&requests.last().unwrap().body).unwrap();
    assert_eq!(body.len(), 20);
}

#[test]
fn one_poisoned_entry_is_found_and_skipped_and_the_rest_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    fill(&audit, 200);
    let receiver = HttpReceiver::start(None, |request| {
        let poisoned = sequences(&request.text()).contains(&77);
        Answer::status(if poisoned { 400 } else { 200 })
    });
    let sinks = start(&audit, config("siem", SinkKind::Https(https(&receiver))));
    until("end", || metrics(&sinks).lag == 0);
    let found = metrics(&sinks);
    assert_eq!((found.sent, found.skipped), (199, 1));
    let taken: Vec<_> = receiver
        .requests()
        .iter()
        .filter(|request| request.status == 200)
        .flat_map(|request| sequences(&request.text()))
        .collect();
    let right: Vec<_> = (0..200).filter(|seq| *seq != 77).collect();
    assert_eq!(taken, right);
}

#[test]
fn a_batch_that_is_too_large_is_split_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    fill(&audit, 100);
    let receiver = HttpReceiver::start(None, |request| {
        let large = sequences(&request.text()).len() > 5;
        Answer::status(if large { 413 } else { 200 })
    });
    let sinks = start(&audit, config("siem", SinkKind::Https(https(&receiver))));
    until("end", || metrics(&sinks).lag == 0);
    assert_eq!((metrics(&sinks).sent, metrics(&sinks).skipped), (100, 0));
}

#[test]
fn a_receiver_that_refuses_everything_costs_few_entries() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    fill(&audit, 100);
    let broken = Arc::new(AtomicUsize::new(300));
    let left = Arc::clone(&broken);
    let receiver = HttpReceiver::start(None, move |_| {
        let refuse = left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
            .is_ok();
        Answer::status(if refuse { 400 } else { 200 })
    });
    let mut siem = config("siem", SinkKind::Https(https(&receiver)));
    siem.retry.most = Duration::from_millis(3);
    let sinks = start(&audit, siem);
    until("end", || metrics(&sinks).lag == 0);
    // 3, 6, 12, 24, 48 and 96 tries, of 300.
    let found = metrics(&sinks);
    assert!((1..=7).contains(&found.skipped), "{}", found.skipped);
    assert_eq!(found.sent + found.skipped, 100);
}

#[test]
fn a_receiver_that_refuses_everything_is_asked_ever_more_often_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let receiver = HttpReceiver::start(None, |_| Answer::status(400));
    let mut siem = config("siem", SinkKind::Https(https(&receiver)));
    siem.retry.most = Duration::from_millis(3);
    siem.start = Start::End;
    let sinks = start(&audit, siem);
    let mut asked = Vec::new();
    for count in 1..=4 {
        act(&audit);
        audit.flush();
        until("skip", || metrics(&sinks).skipped == count);
        asked.push(receiver.requests().len());
        // Time for it to be idle.
        std::thread::sleep(Duration::from_millis(250));
    }
    assert_eq!(asked, [3, 9, 21, 45]);
}

#[test]
fn sinks_end_in_time_while_their_receivers_hang() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    fill(&audit, 50);
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = hanging.local_addr().unwrap();
    let closed = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap()
    };
    let configs = vec![
        config(
            "hangs",
            SinkKind::Https(HttpsSink::new(format!("http://{address}/"))),
        ),
        config(
            "tls-hangs",
            SinkKind::Syslog(SyslogSink::new("127.0.0.1", address.port())),
        ),
        SinkConfig {
            retry: Retry::default(),
            ..config(
                "gone",
                SinkKind::Https(HttpsSink::new(format!("http://{closed}/"))),
            )
        },
    ];
    let sinks = Sinks::start(&audit, configs).unwrap();
    until("failure", || sinks.metrics()[2].failures > 0);
    let gone = sinks.metrics()[2].clone();
    assert_eq!((gone.lag, gone.position), (50, 0));
    assert!(gone.oldest_unsent_ms.is_some());
    // The ledger does not care.
    fill(&audit, 60);
    let began = Instant::now();
    assert!(sinks.stop(Duration::from_millis(500)));
    assert!(began.elapsed() < Duration::from_millis(800));
    assert!(sinks.metrics().iter().all(|sink| !sink.running));
}

#[test]
fn others_take_their_place_and_go_on_where_they_came_to() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let (one, two) = (dir.path().join("one.jsonl"), dir.path().join("two.jsonl"));
    let file = |name: &str, path| config(name, SinkKind::File(FileSink::new(path)));
    let sinks = Sinks::start(&audit, vec![file("a", &one), file("b", &two)]).unwrap();
    fill(&audit, 100);
    until("all of them", || {
        sinks.metrics().iter().all(|sink| sink.position == 100)
    });
    let unfit = Sinks::check(vec![file("A", &one)]);
    assert!(unfit.is_err());

    let moved = dir.path().join("moved.jsonl");
    sinks.take(Sinks::check(vec![file("a", &moved)]).unwrap());
    fill(&audit, 200);
    assert!(sinks.stop(Duration::from_secs(5)));
    assert_eq!(sinks.metrics().len(), 1);
    let read = |path| sequences(&std::fs::read_to_string(path).unwrap());
    assert_eq!(read(&one), (0..100).collect::<Vec<_>>());
    assert_eq!(read(&moved), (100..200).collect::<Vec<_>>());
    assert_eq!(read(&two), (0..100).collect::<Vec<_>>());

    // A reload that is late starts none again.
    let late = dir.path().join("late.jsonl");
    sinks.take(Sinks::check(vec![file("c", &late)]).unwrap());
    fill(&audit, 300);
    assert!(sinks.stop(Duration::from_secs(5)));
    assert!(
        std::fs::read_to_string(&late)
            .unwrap_or_default()
            .is_empty()
    );
}

#[test]
fn syslog_over_tls_gets_all_though_the_receiver_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let certificate = Certificate::new();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, &certificate.pem).unwrap();
    let receiver = SyslogReceiver::start(Some(&certificate));
    let sink = SyslogSink {
        ca: Some(ca),
        ..SyslogSink::new("localhost", receiver.port)
    };
    let sinks = start(&audit, config("syslog", SinkKind::Syslog(sink)));
    let mut size = audit.reader().size();
    for round in 0..5 {
        size += 40;
        fill(&audit, size);
        until("messages", || receiver.seen().last() == Some(&(size - 1)));
        if round % 2 == 0 {
            // What comes next finds a connection that is gone, and does not know yet.
            receiver.hang_up();
        }
    }
    assert!(sinks.stop(Duration::from_secs(5)));
    assert_all_in_order(&receiver.seen(), 0..size);
    let message = receiver.messages().remove(0);
    assert!(message.starts_with("<110>1 "), "{message}");
}

#[test]
fn a_receiver_that_nobody_vouches_for_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let receiver = SyslogReceiver::start(Some(&Certificate::new()));
    let other = dir.path().join("other.pem");
    std::fs::write(&other, Certificate::new().pem).unwrap();
    let sink = SyslogSink {
        ca: Some(other),
        ..SyslogSink::new("localhost", receiver.port)
    };
    let sinks = start(&audit, config("syslog", SinkKind::Syslog(sink)));
    until("failure", || metrics(&sinks).failures > 1);
    assert!(receiver.messages().is_empty());
    let error = metrics(&sinks).last_error.unwrap();
    assert!(error.contains("TLS"), "{error}");
}

#[test]
fn a_sink_behind_the_first_leaf_goes_on_there_and_says_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = open(dir.path());
    let file = config("file", SinkKind::File(FileSink::new(&path)));
    drop(start(&audit, file.clone()));
    fill(&audit, 1_000);
    audit.log().checkpoint().unwrap();
    let minimum = audit.log().prune(600).unwrap();
    assert_eq!(audit.reader().minimum(), minimum);
    let from = std::fs::read_to_string(dir.path().join("ledger/cursors/sink-file")).unwrap();
    let from: u64 = from.trim().parse().unwrap();
    let sinks = start(&audit, file);
    assert!(sinks.stop(Duration::from_secs(5)));
    let found = metrics(&sinks);
    assert_eq!((found.missed, found.position), (minimum - from, 1_000));
    let seen = sequences(&std::fs::read_to_string(&path).unwrap());
    assert_eq!(
        seen.into_iter()
            .filter(|seq| *seq >= from)
            .collect::<Vec<_>>(),
        (minimum..1_000).collect::<Vec<_>>()
    );
}

#[test]
fn what_does_not_fit_is_told_and_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let siem = |url: &str| SinkConfig::new("siem", SinkKind::Https(HttpsSink::new(url)));
    let signed = |secret: &str| {
        let sink = HttpsSink {
            secret: Some(secret.into()),
            ..HttpsSink::new("https://siem.example/canary")
        };
        SinkConfig::new("siem", SinkKind::Https(sink))
    };
    let syslog = |change: fn(&mut SyslogSink)| {
        let mut sink = SyslogSink::new("siem.example", 6514);
        change(&mut sink);
        SinkConfig::new("syslog", SinkKind::Syslog(sink))
    };
    let wrong = [
        vec![SinkConfig::new("a/b", SinkKind::Stdout)],
        vec![SinkConfig::new("", SinkKind::Stdout)],
        vec![
            SinkConfig::new("a", SinkKind::Stdout),
            SinkConfig::new("a", SinkKind::Stderr),
        ],
        vec![siem("http://siem.example/canary")],
        vec![siem("https://user:canary@siem.example/")],
        vec![siem("canary")],
        vec![signed("whsec_canary")],
        vec![signed("canary")],
        vec![syslog(|sink| sink.tls = false)],
        vec![syslog(|sink| sink.ca = Some("/no/such/file".into()))],
        vec![syslog(|sink| sink.host = "a b".to_owned())],
    ];
    for configs in wrong {
        let shown = format!("{configs:?}");
        assert!(!shown.contains("canary"), "{shown}");
        let Err(error) = Sinks::start(&audit, configs) else {
            panic!("{shown} was taken")
        };
        let text = error.to_string();
        assert!(
            text.starts_with("sink ") && !text.contains("canary"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn sinks_start_and_end_within_a_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let receiver = HttpReceiver::start(None, |_| Answer::status(200));
    let siem = config("siem", SinkKind::Https(https(&receiver)));
    let bad = SinkConfig::new("", SinkKind::Stdout);
    assert!(Sinks::start(&audit, vec![siem.clone(), bad]).is_err());
    let sinks = start(&audit, siem);
    until("delivery", || metrics(&sinks).lag == 0);
    drop(sinks);
}

#[test]
fn ocsf_goes_where_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    fill(&audit, 5);
    let receiver = HttpReceiver::start(None, |_| Answer::status(200));
    let ocsf = SinkConfig {
        format: SinkFormat::Ocsf,
        ..config("siem", SinkKind::Https(https(&receiver)))
    };
    let sinks = start(&audit, ocsf);
    until("end", || metrics(&sinks).lag == 0);
    let text = receiver.requests()[0].text();
    let event: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(event["class_uid"], 6003);
}
