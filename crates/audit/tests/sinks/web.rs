//! HTTPS receivers that fail, refuse and are particular.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorward_audit::{BatchBody, Entry, HttpsSink, SinkConfig, SinkFormat, SinkKind, Start};

use crate::receivers::{Answer, Certificate, HttpReceiver};
use crate::support::{act, config, fill, https, metrics, open, sequences, start, until};

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
