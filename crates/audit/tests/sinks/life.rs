//! How sinks begin, change places and end.

use std::time::{Duration, Instant};

use doorward_audit::{FileSink, HttpsSink, Retry, SinkConfig, SinkKind, Sinks, SyslogSink};

use crate::receivers::{Answer, HttpReceiver};
use crate::support::{config, fill, https, metrics, open, sequences, start, until};

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
