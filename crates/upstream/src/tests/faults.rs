//! When the network, the edge or the API fails: what is made again, and what is never.

use std::time::Duration;

use doorward_catalog::Op;
use serde_json::json;
use tokio::time::Instant;

use super::server::{Act, Fake, reply};
use super::{KEY, builder, client};
use crate::error::{Error, Outcome};
use crate::{Call, SecretString};

const JSON: (&str, &str) = ("content-type", "application/json");

fn write() -> Call {
    Call::new(Op::CreateLead)
        .json(&json!({"email": "a@example.com"}))
        .unwrap()
}

fn read() -> Call {
    Call::new(Op::ListCampaign)
}

fn ok() -> Act {
    Act::json(200, json!({"items": []}))
}

/// A 200 whose body breaks off.
fn cut_short() -> Act {
    let mut bytes = reply(200, &[JSON], &json!({"id": "0123456789"}).to_string());
    bytes.truncate(bytes.len() - 5);
    Act::AnswerAndClose(bytes)
}

fn huge(status: u16) -> Act {
    Act::Answer(reply(
        status,
        &[JSON],
        &format!("\"{}\"", "x".repeat(2_000)),
    ))
}

fn unending() -> Act {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n";
    let chunks = "400\r\n".to_owned() + &" ".repeat(0x400) + "\r\n";
    Act::Hang(format!("{head}\r\n{}", chunks.repeat(3)).into_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_whatever_happens_to_its_answer() {
    type Expected = fn(&Error) -> bool;
    let cases: Vec<(&str, Act, Expected, Outcome)> = vec![
        (
            "connection lost before the answer",
            Act::lose(),
            |e| matches!(e, Error::OutcomeUnknown { status: None, .. }),
            Outcome::Unknown,
        ),
        (
            "connection lost within the head",
            Act::AnswerAndClose(b"HTTP/1.1 20".to_vec()),
            |e| matches!(e, Error::OutcomeUnknown { status: None, .. }),
            Outcome::Unknown,
        ),
        (
            "no answer",
            Act::Hang(Vec::new()),
            |e| matches!(e, Error::OutcomeUnknown { status: None, .. }),
            Outcome::Unknown,
        ),
        (
            "not HTTP",
            Act::Answer(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()),
            |e| matches!(e, Error::OutcomeUnknown { status: None, .. }),
            Outcome::Unknown,
        ),
        (
            "connection lost within the body",
            cut_short(),
            |e| {
                matches!(
                    e,
                    Error::OutcomeUnknown {
                        status: Some(200),
                        ..
                    }
                )
            },
            Outcome::Done,
        ),
        (
            "a body that never ends",
            Act::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
            |e| {
                matches!(
                    e,
                    Error::OutcomeUnknown {
                        status: Some(200),
                        ..
                    }
                )
            },
            Outcome::Done,
        ),
        (
            "a body too large",
            huge(200),
            |e| matches!(e, Error::TooLarge { limit: 1_000, .. }),
            Outcome::Done,
        ),
        (
            "a body of unsaid length, too large",
            unending(),
            |e| matches!(e, Error::TooLarge { limit: 1_000, .. }),
            Outcome::Done,
        ),
        (
            "500",
            Act::envelope(500, "oops"),
            |e| matches!(e, Error::Server { status: 500, .. }),
            Outcome::Unknown,
        ),
        (
            "503 with a promise",
            Act::Answer(reply(503, &[("retry-after", "1")], "")),
            |e| matches!(e, Error::Server { status: 503, .. }),
            Outcome::Unknown,
        ),
        (
            "a page of the edge's",
            Act::text(200, "text/html", "<html>"),
            |e| matches!(e, Error::BadAnswer { .. }),
            Outcome::Done,
        ),
        (
            "garbage",
            Act::text(200, "application/json", "{]"),
            |e| matches!(e, Error::BadAnswer { .. }),
            Outcome::Done,
        ),
        (
            "408",
            Act::envelope(408, "slow"),
            |e| matches!(e, Error::Refused { status: 408, .. }),
            Outcome::Unknown,
        ),
    ];
    for (name, act, expected, outcome) in cases {
        let fake = Fake::doing([act]);
        let client = builder(&fake)
            .key(SecretString::from(KEY))
            .max_body(1_000)
            .build()
            .unwrap();
        let error = client.send(&write()).await.unwrap_err();
        assert!(expected(&error), "{name}: {error:?}");
        assert_eq!(error.outcome(), outcome, "{name}");
        assert_eq!(fake.seen().len(), 1, "{name}");
        assert!(!format!("{error} {error:?}").contains(KEY), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_is_made_again_after_429_alone() {
    let fake = Fake::doing([
        Act::envelope(429, "slow down"),
        Act::Answer(reply(429, &[("retry-after", "3")], "")),
        Act::json(200, json!({"id": "1"})),
    ]);
    let start = Instant::now();
    client(&fake).send(&write()).await.unwrap();
    let at: Vec<Duration> = fake.seen().iter().map(|seen| seen.at - start).collect();
    // 250 ms of the client's own, then the 3 s asked for and up to 250 ms of chance.
    assert_eq!(at.len(), 3);
    assert!(at[1] >= Duration::from_millis(250) && at[1] < Duration::from_millis(260));
    assert!(at[2] - at[1] >= Duration::from_secs(3), "{at:?}");
    assert!(at[2] - at[1] < Duration::from_millis(3_300), "{at:?}");
    let bodies: Vec<_> = fake.seen().into_iter().map(|seen| seen.body).collect();
    assert!(bodies.windows(2).all(|two| two[0] == two[1]));
}

#[tokio::test(start_paused = true)]
async fn a_read_is_made_again_until_it_is_answered() {
    let acts = [cut_short(), Act::envelope(503, "busy"), Act::lose(), ok()];
    let fake = Fake::doing(acts);
    let start = Instant::now();
    client(&fake).send(&read()).await.unwrap();
    let seen = fake.seen();
    let pauses: Vec<u128> = seen
        .windows(2)
        .map(|two| (two[1].at - two[0].at).as_millis())
        .collect();
    assert!(seen[0].at - start < Duration::from_millis(10));
    for (pause, expected) in pauses.iter().zip([250, 500, 1_000]) {
        assert!((expected..expected + 10).contains(pause), "{pauses:?}");
    }
    assert_eq!(pauses.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_read_ends_with_its_last_error() {
    let fake = Fake::answering(|_| Act::envelope(503, "busy"));
    let error = client(&fake).send(&read()).await.unwrap_err();
    assert!(matches!(error, Error::Server { status: 503, .. }));
    assert_eq!(fake.seen().len(), 4);

    let fake = Fake::answering(|_| Act::lose());
    let error = client(&fake).send(&read()).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!(fake.seen().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_longer_wait_than_the_client_has_ends_the_call_at_once() {
    for seconds in ["31", "3600"] {
        let fake = Fake::doing([Act::Answer(reply(429, &[("retry-after", seconds)], ""))]);
        let start = Instant::now();
        let error = client(&fake).send(&read()).await.unwrap_err();
        assert!(matches!(
            error,
            Error::Limit {
                retry_after: Some(_),
                ..
            }
        ));
        assert!(start.elapsed() < Duration::from_secs(1));
    }
    // 20 s are waited for, but not three times within the 60 s of the call.
    let fake = Fake::answering(|_| Act::Answer(reply(429, &[("retry-after", "20")], "")));
    let start = Instant::now();
    let error = client(&fake).send(&read()).await.unwrap_err();
    assert!(matches!(error, Error::Limit { .. }));
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(fake.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_is_of_the_whole_call() {
    let start = Instant::now();
    let fake = Fake::doing([Act::envelope(503, "busy"), Act::Hang(Vec::new())]);
    let error = client(&fake).send(&read()).await.unwrap_err();
    let after = Duration::from_secs(60);
    assert_eq!(
        error,
        Error::TimedOut {
            op: Op::ListCampaign,
            after
        }
    );
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_never_left_is_known_not_to_have_been_done() {
    let fake = Fake::doing([ok()]).refusing(1);
    let error = client(&fake).send(&write()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotDone);

    let start = Instant::now();
    let fake = Fake::doing([]).stalling();
    let error = client(&fake).send(&write()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);

    let fake = Fake::doing([ok()]).refusing(2);
    client(&fake).send(&read()).await.unwrap();
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_after_the_server_closed_goes_out_once_on_a_new_connection() {
    let done = || Act::AnswerAndClose(reply(200, &[JSON], "{}"));
    let fake = Fake::doing([
        done(),
        done(),
        Act::json(200, json!({})),
        Act::json(200, json!({})),
    ]);
    let client = client(&fake);
    for _ in 0..4 {
        client.send(&write()).await.unwrap();
    }
    let connections: Vec<_> = fake.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [1, 2, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_by_its_status_however_its_body_fares() {
    for act in [
        huge(404),
        Act::AnswerAndClose(b"HTTP/1.1 404 x\r\ncontent-length: 99\r\n\r\n{\"mess".to_vec()),
        Act::Hang(b"HTTP/1.1 404 x\r\ncontent-length: 99\r\n\r\n".to_vec()),
        Act::text(404, "text/html", "<html>"),
    ] {
        let fake = Fake::doing([act]);
        let error = client(&fake).send(&write()).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        assert!(error.to_string().len() < 1_000);
    }
}
