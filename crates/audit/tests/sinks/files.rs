//! Files: rotated, followed, and whole after a crash.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward_audit::{FileSink, HttpsSink, Show, SinkConfig, SinkKind, Sinks, Start};

use crate::receivers::{Answer, HttpReceiver};
use crate::support::{
    act, assert_all_in_order, config, fill, metrics, open, sequences, start, until,
};

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
            .args(["--exact", "files::killed_again_and_again"])
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
