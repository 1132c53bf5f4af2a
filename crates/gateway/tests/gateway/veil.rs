//! What must not be seen: keys that the upstream echoes in any form, people's fields, and what can't
//! be read at all.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_catalog::Environment;
use doorward_keys::ClientKey;
use doorward_policy::Grant;
use doorward_store::{ClientChange, Store};
use doorward_veil::{Action, DataClass, Rule, Target};

use crate::door::{Door, NOW, Response, get, post, upstream_key};
use crate::upstream::{Reply, Upstream};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut coder = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
    coder.write_all(bytes).unwrap();
    drop(coder);
    out
}

fn coded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => gzip(bytes),
        "br" => brotli(bytes),
        "zstd" => zstd::encode_all(bytes, 3).unwrap(),
        _ => bytes.to_vec(),
    }
}

/// The key in each form.
fn forms(key: &str) -> Vec<String> {
    let percent: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = key.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    vec![
        key.to_owned(),
        STANDARD.encode(key),
        STANDARD.encode(format!("x{key}yz")),
        URL_SAFE_NO_PAD.encode(format!("Bearer {key}")),
        percent,
        escaped,
        key.replace('=', "%3D"),
        key.replace('=', "\\u003d").replace('/', "\\/"),
    ]
}

/// Eight letters of the key, in clear or in base64, are too many.
#[track_caller]
fn shows_nothing_of(key: &str, answer: &Response) {
    let mut all = answer.body.clone();
    for (name, value) in &answer.headers {
        all.extend_from_slice(format!("\n{name}: {value}").as_bytes());
    }
    let key = &key[6..];
    let plain = key.as_bytes().windows(12).map(<[u8]>::to_vec);
    let in_base64 = key.as_bytes().windows(12);
    let in_base64 = in_base64.map(|part| STANDARD.encode(part).into_bytes());
    let in_hex: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for part in plain.chain(in_base64).chain([in_hex.into_bytes()]) {
        let shown = all.windows(part.len()).any(|at| at == part);
        assert!(!shown, "{}", String::from_utf8_lossy(&all));
    }
}

fn raw(status: &str, lines: &str, body: &[u8]) -> Reply {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{lines}content-length: {length}\r\n\r\n");
    Reply::Bytes([head.as_bytes(), body].concat())
}

/// The body in chunks of so many bytes.
fn chunked(lines: &str, body: &[u8], step: usize) -> Reply {
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\n{lines}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(step) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    Reply::Bytes(bytes)
}

async fn reader(upstream: &Upstream) -> (Door, String) {
    let mut door = Door::open(upstream).await;
    let key = door.client("reader", Grant::for_use_case("full-automation"));
    (door, key)
}

/// The client's own key and two that nobody told of, each in every form.
fn secrets(own: &str) -> Vec<String> {
    let random = [99; ClientKey::RANDOM_LEN];
    let other = ClientKey::generate(Environment::Staging, &random);
    vec![
        upstream_key("wide"),
        own.to_owned(),
        other.expose().to_owned(),
    ]
}

#[tokio::test]
async fn a_key_that_is_echoed_is_removed_in_every_form_coding_and_cut() {
    let upstream = Upstream::start(|seen, _| {
        let own = seen.all("x-none");
        assert!(own.is_empty());
        // What to answer is in the query: which form of which key, coded and cut how.
        let query = seen.line.split(['?', ' ']).nth(2).unwrap().to_owned();
        let plan = query.strip_prefix("search=").unwrap();
        let parts: Vec<usize> = plan.split('.').map(|part| part.parse().unwrap()).collect();
        let key = &PLANTED.get().unwrap()[parts[0]];
        let form = &forms(key)[parts[1]];
        let coding = ["identity", "gzip", "br", "zstd"][parts[2]];
        let text = format!(r#"{{"items":[{{"note":"{form}","n":1}}],"next":null}}"#);
        let body = coded(coding, text.as_bytes());
        let lines = format!("content-type: application/json\r\ncontent-encoding: {coding}\r\n");
        match parts[3] {
            0 => raw("200 OK", &lines, &body),
            step => chunked(&lines, &body, step),
        }
    })
    .await;
    let (door, key) = reader(&upstream).await;
    let planted = PLANTED.get_or_init(|| secrets(&key));
    for (which, secret) in planted.iter().enumerate() {
        for form in 0..forms(secret).len() {
            for (coding, step) in [(0, 0), (0, 7), (1, 0), (1, 5), (2, 9), (3, 11)] {
                let target = format!("/api/v2/campaigns?search={which}.{form}.{coding}.{step}");
                let answer = door.send(get(&target, &key)).await;
                shows_nothing_of(secret, &answer);
                assert_eq!(answer.status, 200, "{target}");
                let note = &answer.json()["items"][0]["note"];
                let note = note.as_str().unwrap();
                assert!(
                    note.contains("[removed]") && note.len() < 30,
                    "{target}: {note}"
                );
                assert_eq!(answer.json()["items"][0]["n"], 1);
                assert_eq!(
                    answer.header("content-encoding").unwrap_or("identity"),
                    "identity"
                );
            }
        }
    }
}

static PLANTED: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();

#[tokio::test]
async fn headers_and_errors_are_scrubbed_too() {
    let upstream = Upstream::start(|seen, n| {
        let sent = seen.all("authorization")[0].trim_start_matches("Bearer ").to_owned();
        let forms = forms(&sent);
        let lines = format!(
            "content-type: application/json\r\nx-echo: key={}; {}\r\nx-b: {}\r\nlink: <https://x/?k={}>\r\n",
            forms[0], forms[1], forms[2], forms[4]
        );
        let body = format!(r#"{{"statusCode":401,"error":"x","message":"bad key {}"}}"#, forms[5]);
        let status = ["401 Unauthorized", "403 Forbidden", "500 Oops", "200 OK"][n % 4];
        raw(status, &lines, body.as_bytes())
    })
    .await;
    let (door, key) = reader(&upstream).await;
    for status in [401, 403, 500, 200] {
        let answer = door.send(get("/api/v2/campaigns", &key)).await;
        assert_eq!(answer.status, status);
        shows_nothing_of(&upstream_key("wide"), &answer);
        let echo = answer.header("x-echo").unwrap();
        assert!(echo.starts_with("key=[removed]; [removed]"), "{echo}");
        assert_eq!(answer.json()["message"], "bad key [removed]");
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length, answer.body.len());
    }
    // Nor is a scope learnt that is a key.
    assert!(!format!("{:?}", door.learnt.scopes.lock().unwrap()).contains("Canary"));
    let ledger = door.ledger_bytes();
    let key = upstream_key("wide");
    assert!(!ledger.windows(20).any(|part| part == &key.as_bytes()[..20]));
}

#[tokio::test]
async fn what_a_client_must_not_see_is_redacted() {
    let body = r#"{"items":[{"id":"1","email":"ann@example.com","first_name":"Ann","phone":"+33 1 23"}],"next":null}"#;
    let upstream = Upstream::start(move |seen, _| match seen.line.split(' ').nth(1) {
        Some(webhooks) if webhooks.starts_with("/api/v2/webhooks") => Reply::json(
            "200 OK",
            r#"{"items":[{"id":"1","headers":{"X-Auth":"the-real-one"}}]}"#,
        ),
        _ => Reply::json("200 OK", body),
    })
    .await;
    let mut door = Door::open(&upstream).await;
    let grant = || Grant::for_use_case("full-automation");
    let (open, veiled, other) = (
        door.client("open", grant()),
        door.client("veiled", grant()),
        door.client("other", grant()),
    );
    let class = |class, action| Rule {
        target: Target::Class(class),
        action,
    };
    let pointer = Target::Pointer("/items/*/phone".to_owned());
    for name in ["veiled", "other"] {
        let clients = door.store.load_snapshot(NOW).unwrap().clients;
        let client = clients.iter().find(|client| &*client.name == name).unwrap();
        let mut controls = client.record.controls.clone();
        controls.redact = vec![
            class(DataClass::Email, Action::Mask),
            class(DataClass::Name, Action::Hash),
            Rule {
                target: pointer.clone(),
                action: Action::Drop,
            },
        ];
        let change = ClientChange {
            controls: Some(controls),
            ..ClientChange::default()
        };
        door.store
            .change_client(&client.record.id, &change, NOW)
            .unwrap();
    }
    door.refresh();
    let list = || post("/api/v2/leads/list", &veiled, "{}");
    assert_eq!(
        door.send(post("/api/v2/leads/list", &open, "{}"))
            .await
            .body,
        body.as_bytes()
    );
    let seen = door.send(list()).await.json();
    assert_eq!(seen["items"][0]["email"], "a***@example.com");
    assert_eq!(seen["items"][0].get("phone"), None);
    assert_eq!(seen["items"][0]["id"], "1");
    let hash = seen["items"][0]["first_name"].as_str().unwrap().to_owned();
    assert!(hash.len() == 32 && !hash.contains("Ann"));
    // The same for this client each time, also after a restart; another's hashes are others.
    door.refresh();
    assert_eq!(
        door.send(list()).await.json()["items"][0]["first_name"],
        hash.as_str()
    );
    let others = door
        .send(post("/api/v2/leads/list", &other, "{}"))
        .await
        .json();
    assert_ne!(others["items"][0]["first_name"], hash.as_str());
    // Whoever asks.
    for key in [&open, &veiled] {
        for target in ["/api/v2/webhooks", "/api/v2/webhooks/0195-a"] {
            let answer = door.send(get(target, key)).await;
            assert_eq!(answer.status, 200, "{target} {:?}", answer.json());
            let text = String::from_utf8(answer.body).unwrap();
            assert!(
                !text.contains("the-real-one") && text.contains("[removed]"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_not_passed_on() {
    let json = "content-type: application/json\r\n";
    let half = gzip(br#"{"items":["secret-of-somebody"]}"#);
    let half = half[..half.len() - 6].to_vec();
    let bomb = gzip(&vec![b' '; 80 << 20]);
    let replies: Vec<(Reply, &str)> = vec![
        (
            raw(
                "200 OK",
                &format!("{json}content-encoding: gzip\r\n"),
                &half,
            ),
            "not whole gzip",
        ),
        (
            raw(
                "200 OK",
                &format!("{json}content-encoding: gzip\r\n"),
                &bomb,
            ),
            "beyond its limit",
        ),
        (
            raw(
                "200 OK",
                &format!("{json}content-encoding: deflate\r\n"),
                b"x",
            ),
            "not known",
        ),
        (
            raw(
                "200 OK",
                &format!("{json}content-encoding: gzip, br\r\n"),
                b"x",
            ),
            "not known",
        ),
        (
            raw(
                "200 OK",
                "content-type: text/plain; charset=utf-16\r\n",
                b"x",
            ),
            "not known",
        ),
        (
            chunked(&format!("{json}content-encoding: snappy\r\n"), b"x", 1),
            "not known",
        ),
        (
            raw("200 OK", json, br#"{"items":["secret-of-somebody""#),
            "not JSON",
        ),
        (
            raw(
                "200 OK",
                "content-type: text/html\r\n",
                b"<p>secret-of-somebody",
            ),
            "not JSON",
        ),
        (raw("200 OK", json, &b"[".repeat(500)), "deeper"),
        (raw("200 OK", json, b"{\"a\":\"\xff\"}"), "not JSON"),
    ];
    let count = replies.len();
    let said: Vec<&str> = replies.iter().map(|(_, said)| *said).collect();
    let replies: Vec<Reply> = replies.into_iter().map(|(reply, _)| reply).collect();
    let upstream = Upstream::start(move |_, n| replies[n % replies.len()].clone()).await;
    let (door, key) = reader(&upstream).await;
    // Of webhooks each answer is redacted.
    for said in said {
        let answer = door.send(get("/api/v2/webhooks", &key)).await;
        let body = answer.json();
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (502, "response_unreadable"),
            "{said}"
        );
        let message = body["message"].as_str().unwrap();
        assert!(
            message.contains(said) && message.contains("its status is 200"),
            "{message}"
        );
        assert!(!message.contains("somebody"));
    }
    let entries = door.entries(count).await;
    assert!(
        entries
            .iter()
            .all(|entry| entry.reason.as_deref() == Some("response_unreadable"))
    );
}

#[tokio::test]
async fn a_refusal_that_can_not_be_read_is_one_still() {
    let upstream = Upstream::start(|_, _| {
        raw(
            "429 Too Many",
            "content-type: text/html\r\nretry-after: 9\r\n",
            b"<h1>slow down",
        )
    })
    .await;
    let (door, key) = reader(&upstream).await;
    let answer = door.send(get("/api/v2/webhooks", &key)).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (429, "response_unreadable")
    );
    assert_eq!(answer.header("retry-after"), Some("9"));
    assert!(!answer.body.windows(4).any(|part| part == b"slow"));
}

#[tokio::test]
async fn a_coded_answer_that_is_cut_off_ends_in_the_open() {
    // Long and of unknown length, so it is streamed; its last bytes are missing.
    let text: String = (0..20_000).map(|n| format!("{{\"n\":{n}}},")).collect();
    let whole = gzip(text.as_bytes());
    let lines = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let replies = [
        chunked(lines, &whole, 1000),
        chunked(lines, &whole[..whole.len() - 20], 1000),
    ];
    let upstream = Upstream::start(move |_, n| replies[n % 2].clone()).await;
    let (door, key) = reader(&upstream).await;
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, text.as_bytes())
    );
    let mut connection = door.connect().await;
    connection.write(get("/api/v2/campaigns", &key)).await;
    assert!(connection.read().await.is_none());
    let entries = door.entries(2).await;
    assert_eq!(entries[1].reason.as_deref(), Some("response_unreadable"));
}
