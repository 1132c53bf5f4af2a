//! Alerts as receivers see them: signed, once, again when they did not arrive.

#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_alert::{
    Alert, AlertError, AlertKind, Alerts, ChannelConfig, ChannelKind, Options, Severity,
    SlackChannel, Smtp, SmtpTls, Told, WebhookChannel,
};
use doorward_audit::Retry;
use doorward_policy::Timestamp;
use doorward_webhook::WebhookSecret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A request: its headers in lower case, and its body.
type Got = (Vec<(String, String)>, String);

/// Answers each request with the next status, the last for ever.
async fn receiver(statuses: Vec<u16>) -> (String, Arc<Mutex<Vec<Got>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&got);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (all, statuses) = (Arc::clone(&all), statuses.clone());
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                loop {
                    let (mut headers, mut line) = (Vec::new(), String::new());
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                    loop {
                        line.clear();
                        stream.read_line(&mut line).await.unwrap();
                        let Some((name, value)) = line.trim().split_once(": ") else {
                            break;
                        };
                        headers.push((name.to_lowercase(), value.to_owned()));
                    }
                    let length = headers.iter().find(|(name, _)| name == "content-length");
                    let mut body = vec![0; length.unwrap().1.parse().unwrap()];
                    stream.read_exact(&mut body).await.unwrap();
                    let n = {
                        let mut all = all.lock().unwrap();
                        all.push((headers, String::from_utf8(body).unwrap()));
                        all.len() - 1
                    };
                    let status = statuses.get(n).or(statuses.last()).unwrap();
                    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, got)
}

fn webhook(url: &str) -> ChannelConfig {
    let kind = WebhookChannel {
        url: url.into(),
        secret: SECRET.into(),
        ca: None,
    };
    ChannelConfig::new("ops", ChannelKind::Webhook(kind))
}

fn options() -> Options {
    Options {
        retry: Retry {
            first: Duration::from_millis(2),
            most: Duration::from_millis(4),
        },
        ..Options::default()
    }
}

fn header<'g>(got: &'g Got, name: &str) -> &'g str {
    let found = got.0.iter().find(|(header, _)| header == name);
    &found.unwrap_or_else(|| panic!("no {name}")).1
}

fn key_dead(key: &str) -> Alert {
    Alert::new(AlertKind::KeyDead, "an upstream key is dead", AT)
        .text("Add another with `doorward workspace add`.")
        .fact("upstream key", key)
        .key(key)
}

#[tokio::test]
async fn a_webhook_is_signed_and_the_same_alert_comes_once() {
    let (url, got) = receiver(vec![204]).await;
    let alerts = Alerts::start(vec![webhook(&url)], options(), None).unwrap();
    for _ in 0..5 {
        alerts.raise(key_dead("uk_1"));
    }
    alerts.raise(key_dead("uk_2"));
    // Not bad enough for this channel.
    alerts.raise(Alert::new(AlertKind::Test, "a test", AT));
    alerts.end(Duration::from_secs(20)).await;
    let got = got.lock().unwrap();
    // At the end, how often it came again is told.
    assert_eq!(got.len(), 3);
    let last: serde_json::Value = serde_json::from_str(&got[2].1).unwrap();
    assert_eq!(last["data"]["count"], 4);
    let one = &got[0];
    let (id, seconds) = (header(one, "webhook-id"), header(one, "webhook-timestamp"));
    let signature = WebhookSecret::parse(&SECRET.into()).unwrap().sign(
        id,
        seconds.parse().unwrap(),
        one.1.as_bytes(),
    );
    assert_eq!(header(one, "webhook-signature"), signature);
    let body: serde_json::Value = serde_json::from_str(&one.1).unwrap();
    assert_eq!(body["type"], "alert.key_dead");
    assert_eq!(body["timestamp"], "2027-01-15T08:00:00Z");
    assert_eq!(body["data"]["id"], id);
    assert_eq!(body["data"]["severity"], "critical");
    assert_eq!(body["data"]["facts"]["upstream key"], "uk_1");
    let status = alerts.status();
    assert_eq!((status.raised, status.dropped), (7, 0));
    assert_eq!(status.channels[0].sent, 3);
    // Once it has ended, nothing is told, and nobody waits.
    alerts.raise(key_dead("uk_3"));
    assert_eq!(alerts.status().dropped, 1);
}

#[tokio::test]
async fn what_did_not_arrive_is_tried_again_under_the_same_id() {
    let (url, got) = receiver(vec![503, 429, 200]).await;
    let alerts = Alerts::start(vec![webhook(&url)], options(), None).unwrap();
    alerts.raise(key_dead("uk_1"));
    alerts.end(Duration::from_secs(20)).await;
    let got = got.lock().unwrap();
    let ids: Vec<&str> = got.iter().map(|got| header(got, "webhook-id")).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]));
    let channel = &alerts.status().channels[0];
    assert_eq!(
        (channel.sent, channel.failures, channel.given_up),
        (1, 2, 0)
    );
    assert_eq!(channel.trouble, None);
}

#[tokio::test]
async fn what_is_refused_for_good_or_too_often_is_given_up_and_others_go_on() {
    let (refusing, refused) = receiver(vec![403]).await;
    let (failing, failed) = receiver(vec![500]).await;
    let (well, arrived) = receiver(vec![200]).await;
    let channel = |name: &str, url: &str| ChannelConfig {
        name: name.to_owned(),
        ..webhook(url)
    };
    let channels = vec![
        channel("refusing", &refusing),
        channel("failing", &failing),
        channel("well", &well),
    ];
    let alerts = Alerts::start(channels, options(), None).unwrap();
    alerts.raise(key_dead("uk_1"));
    alerts.end(Duration::from_secs(20)).await;
    let counts = [&refused, &failed, &arrived].map(|got| got.lock().unwrap().len());
    assert_eq!(counts, [1, 6, 1]);
    let status = alerts.status();
    let given_up: Vec<u64> = status.channels.iter().map(|one| one.given_up).collect();
    assert_eq!(given_up, [1, 1, 0]);
    let trouble = status.channels[0].trouble.as_deref();
    assert_eq!(trouble, Some("the receiver answered 403"));
}

#[tokio::test]
async fn a_flood_is_withheld_and_the_queue_is_bounded() {
    let (url, got) = receiver(vec![200]).await;
    let channel = ChannelConfig {
        per_hour: 3,
        ..webhook(&url)
    };
    let alerts = Alerts::start(vec![channel], options(), None).unwrap();
    for n in 0..50 {
        alerts.raise(key_dead(&n.to_string()).severity(Severity::High));
    }
    alerts.end(Duration::from_secs(20)).await;
    // Three, and one of the kind's own.
    assert_eq!(got.lock().unwrap().len(), 4);
    assert_eq!(alerts.status().channels[0].withheld, 46);

    // Nothing is taken before this task lets go of the thread: the rest finds no room.
    let (url, got) = receiver(vec![200]).await;
    let alerts = Alerts::start(vec![webhook(&url)], options(), None).unwrap();
    let flood = |n: u32| key_dead(&n.to_string()).severity(Severity::High);
    let taken = (0..1_000).filter(|n| alerts.raise(flood(*n))).count();
    assert_eq!(taken, 256);
    assert_eq!(alerts.status().dropped, 744);
    // What is critical finds room all the same, goes first, and tells what was lost.
    assert!(alerts.raise(key_dead("uk_1")));
    alerts.end(Duration::from_secs(20)).await;
    let got = got.lock().unwrap();
    let first: serde_json::Value = serde_json::from_str(&got[0].1).unwrap();
    assert_eq!(first["data"]["severity"], "critical");
    assert_eq!(first["data"]["withheld"], 744);
}

#[tokio::test]
async fn what_is_critical_waits_behind_nothing_that_failed() {
    let (url, got) = receiver(vec![503, 200]).await;
    let slow = Options {
        retry: Retry {
            first: Duration::from_secs(600),
            most: Duration::from_secs(600),
        },
        ..Options::default()
    };
    let alerts = Alerts::start(vec![webhook(&url)], slow, None).unwrap();
    alerts.raise(key_dead("uk_1").severity(Severity::High));
    until(|| alerts.status().channels[0].failures == 1).await;
    alerts.raise(key_dead("uk_2"));
    until(|| alerts.status().channels[0].sent == 1).await;
    {
        let got = got.lock().unwrap();
        let last: serde_json::Value = serde_json::from_str(&got[1].1).unwrap();
        assert_eq!(last["data"]["severity"], "critical");
    }
    // What could not be sent by the end is counted.
    alerts.end(Duration::from_millis(10)).await;
    assert_eq!(alerts.status().channels[0].given_up, 1);
}

#[tokio::test]
async fn what_waits_goes_on_by_new_settings_and_a_channel_that_is_gone_ends() {
    let (wrong, _) = receiver(vec![503]).await;
    let (right, got) = receiver(vec![200]).await;
    let (other, gone) = receiver(vec![200]).await;
    let patient = Options {
        attempts: 1_000_000,
        ..options()
    };
    let second = ChannelConfig {
        name: "second".to_owned(),
        ..webhook(&other)
    };
    let alerts = Alerts::start(vec![webhook(&wrong), second], patient, None).unwrap();
    alerts.raise(key_dead("uk_1"));
    until(|| alerts.status().channels[0].failures > 0).await;
    until(|| alerts.status().channels[1].sent == 1).await;

    let unfit = ChannelConfig {
        name: "ops".to_owned(),
        ..webhook("http://example.com/")
    };
    assert!(Alerts::prepare(vec![unfit], patient.window).is_err());
    alerts.take(Alerts::prepare(vec![webhook(&right)], patient.window).unwrap());
    until(|| alerts.status().channels[0].sent == 1).await;
    assert_eq!(alerts.status().channels.len(), 1);
    alerts.raise(key_dead("uk_2"));
    until(|| alerts.status().channels[0].sent == 2).await;
    alerts.end(Duration::from_secs(20)).await;
    assert_eq!(got.lock().unwrap().len(), 2);
    assert_eq!(gone.lock().unwrap().len(), 1);
}

async fn until(reached: impl Fn() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    patience.await.unwrap();
}

#[tokio::test]
async fn slack_gets_its_form_and_a_test_tells_each_answer() {
    let (url, got) = receiver(vec![200]).await;
    let (gone, _) = receiver(vec![404]).await;
    let slack = |name: &str, url: &str| {
        let kind = SlackChannel {
            url: url.into(),
            ca: None,
        };
        ChannelConfig::new(name, ChannelKind::Slack(kind))
    };
    let channels = || vec![slack("chat", &url), slack("gone", &gone)];
    let tried = Alerts::test_alone(channels(), None).await.unwrap();
    assert_eq!(
        (tried[0].arrived, tried[0].answer.as_str()),
        (true, "answered 200")
    );
    assert_eq!(tried[1].answer, "the receiver answered 404");
    let body: serde_json::Value = serde_json::from_str(&got.lock().unwrap()[0].1).unwrap();
    assert_eq!(body["text"], "*[info]* Doorward's alerts arrive here");
    assert_eq!(body["attachments"][0]["fields"][0]["value"], "chat");
    let one = Alerts::test_alone(channels(), Some("chat")).await.unwrap();
    assert_eq!(one.len(), 1);
    let unknown = Alerts::test_alone(channels(), Some("pager")).await;
    assert!(matches!(unknown, Err(AlertError::UnknownChannel { .. })));
    let none = Alerts::test_alone(Vec::new(), None).await;
    assert_eq!(none, Err(AlertError::NoChannel));
}

/// A mail server for one mail; what it was told, line by line.
async fn mail_server() -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let (mut lines, mut in_data) = (Vec::new(), false);
        stream.write_all(b"220 mail\r\n").await.unwrap();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap() == 0 {
                return lines;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.as_str() {
                "." => {
                    in_data = false;
                    "250 taken\r\n"
                }
                _ if in_data => "",
                "DATA" => {
                    in_data = true;
                    "354 go on\r\n"
                }
                "QUIT" => "221 bye\r\n",
                text if text.starts_with("EHLO") => "250-mail\r\n250 AUTH PLAIN\r\n",
                text if text.starts_with("AUTH") => "235 welcome\r\n",
                _ => "250 fine\r\n",
            };
            let last = line == ".";
            lines.push(line);
            stream.write_all(answer.as_bytes()).await.unwrap();
            if last {
                return lines;
            }
        }
    });
    (port, served)
}

fn smtp(host: &str, port: u16, tls: SmtpTls) -> ChannelConfig {
    let kind = Smtp {
        host: host.to_owned(),
        port,
        tls,
        credentials: Some(("doorward".to_owned(), "a password".into())),
        from: "Doorward <doorward@example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned(), "chief@example.com".to_owned()],
        ca: None,
    };
    ChannelConfig::new("mail", ChannelKind::Smtp(Box::new(kind)))
}

#[tokio::test]
async fn mail_has_all_of_it_and_no_header_can_be_smuggled_in() {
    let (port, served) = mail_server().await;
    let alert = Alert::new(
        AlertKind::BreakGlass,
        "client x\r\nBcc: thief@example.com",
        AT,
    )
    .text("Somebody went beyond the ceiling.\n.\nQUIT")
    .fact("client", "x");
    let channels = vec![smtp("127.0.0.1", port, SmtpTls::Off)];
    let told = Alerts::tell_alone(channels, &Told::first(alert))
        .await
        .unwrap();
    assert!(told[0].arrived, "{told:?}");
    let lines = served.await.unwrap();
    assert!(
        lines.contains(&"MAIL FROM:<doorward@example.com>".to_owned()),
        "{lines:?}"
    );
    for to in ["RCPT TO:<ops@example.com>", "RCPT TO:<chief@example.com>"] {
        assert!(lines.contains(&to.to_owned()), "{lines:?}");
    }
    assert!(
        !lines.iter().any(|line| line.starts_with("Bcc")),
        "{lines:?}"
    );
    assert!(lines.contains(&"client: x".to_owned()), "{lines:?}");
    assert!(lines.contains(&"..".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn nothing_goes_out_unprotected() {
    let elsewhere = Alerts::test_alone(vec![smtp("mail.example", 25, SmtpTls::Off)], None).await;
    assert!(matches!(elsewhere, Err(AlertError::Channel { .. })));
    let plain = Alerts::test_alone(vec![webhook("http://alerts.example/")], None).await;
    let Err(AlertError::Channel { why, .. }) = plain else {
        panic!("{plain:?}");
    };
    assert_eq!(why, "plain http is for this machine alone: use https");
    // A server that has no STARTTLS gets neither the password nor the mail.
    let (port, served) = mail_server().await;
    let channels = vec![smtp("127.0.0.1", port, SmtpTls::StartTls)];
    let tried = Alerts::test_alone(channels, None).await.unwrap();
    assert!(!tried[0].arrived);
    let lines = served.await.unwrap();
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("AUTH") || line == "DATA"),
        "{lines:?}"
    );
}
