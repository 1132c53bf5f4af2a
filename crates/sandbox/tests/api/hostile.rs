//! Bytes from nowhere: every answer is one, and none is the sandbox's own failure.

use std::sync::LazyLock;

use doorward_catalog::Op;
use doorward_sandbox::{BODY_MAX, Incoming, Outgoing, Sandbox};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::common::{ask, key, sandbox, with};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| with(|settings| settings.rate_limits = false));

fn answer(incoming: Incoming) -> Outgoing {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(SANDBOX.handle(incoming))
}

/// Something that is nearly an operation's path.
fn target() -> impl Strategy<Value = String> {
    let known = (0..Op::COUNT, ".{0,12}", ".{0,40}").prop_map(|(n, param, query)| {
        let mut path = String::new();
        for segment in Op::ALL[n].facts().path.split('/').skip(1) {
            path.push('/');
            path.push_str(if segment.starts_with('{') {
                &param
            } else {
                segment
            });
        }
        if query.is_empty() {
            path
        } else {
            format!("{path}?limit={query}&{query}")
        }
    });
    prop_oneof![4 => known, 1 => ".{0,80}"]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("019ffad2-9b7d-7279-a70d-81e4b5ba7965")),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let names = prop_oneof![
            ".{0,8}",
            proptest::sample::select(vec!["email", "ids", "limit", "name", "campaign", "leads"])
                .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        json_value().prop_map(|value| value.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, Vec<u8>)>> {
    let names = [
        "authorization",
        "content-type",
        "x-as-workspace",
        "user-agent",
        "x-other",
    ];
    let names = proptest::sample::select(names.to_vec()).prop_map(HeaderName::from_static);
    prop::collection::vec((names, prop::collection::vec(any::<u8>(), 0..40)), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_request_is_answered(
        method in prop_oneof!["GET|POST|PATCH|DELETE|HEAD|PUT", "[A-Z]{1,8}"],
        target in target(),
        extra in headers(),
        body in body(),
        known in any::<bool>(),
        json in any::<bool>(),
    ) {
        let mut headers = HeaderMap::new();
        if known {
            let bearer = format!("Bearer {}", key(&SANDBOX, "full-automation"));
            headers.insert("authorization", bearer.parse().unwrap());
        }
        if json {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        for (name, value) in extra {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        let answer = answer(Incoming {
            method,
            target: target.clone(),
            headers,
            body: body.into(),
            oversized: false,
            address: "127.0.0.1".to_owned(),
        });
        prop_assert!(answer.status < 500, "{target}: {}", answer.value());
        if answer.status >= 400 {
            let body = answer.value();
            prop_assert_eq!(&body["statusCode"], &json!(answer.status));
            prop_assert!(body["error"].is_string() && body["message"].is_string());
        }
    }

    #[test]
    fn any_control_request_is_answered(
        method in "GET|POST|PUT|PATCH|DELETE",
        path in prop_oneof![
            "reset|state|clock/advance|clock/freeze|settings|faults|events|happenings",
            ".{0,30}",
        ],
        body in body(),
    ) {
        // A sandbox of its own each time would be slow; this one may be reset or lose its way.
        static STEERED: LazyLock<Sandbox> = LazyLock::new(sandbox);
        let answer = STEERED.control(&method, &format!("/_sandbox/{path}"), &body);
        prop_assert!(answer.status < 500, "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_is_json_of_at_most_ten_mebibytes() {
    let sandbox = sandbox();
    let post = || {
        let asked = ask(&sandbox, "POST", "/api/v2/leads/list");
        asked.header("content-type", "application/json")
    };
    let fit = |size: usize| format!("{{\"search\":\"{}\"}}", "x".repeat(size - 13));
    assert_eq!(post().bytes(fit(BODY_MAX)).send(&sandbox).await.status, 200);
    assert_eq!(
        post().bytes(fit(BODY_MAX + 1)).send(&sandbox).await.status,
        413
    );
    let deep = "[".repeat(100_000);
    for bad in [
        deep.as_str(),
        "{",
        "{\"a\":1e999}",
        "nul",
        "\u{feff}{}",
        "{}{}",
    ] {
        assert_eq!(
            post().bytes(bad.to_owned()).send(&sandbox).await.status,
            400
        );
    }
    for content_type in [
        "text/plain",
        "application/xml",
        "application/json-patch+json",
    ] {
        let asked = ask(&sandbox, "POST", "/api/v2/leads/list").bytes("{}");
        let answer = asked
            .header("content-type", content_type)
            .send(&sandbox)
            .await;
        assert_eq!(answer.status, 400, "{content_type}");
    }
    let asked = ask(&sandbox, "POST", "/api/v2/leads/list").bytes("{}");
    let typed = asked.header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(typed.send(&sandbox).await.status, 200);
}

/// What comes back for bytes on a socket.
async fn raw(address: &str, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for part in parts {
        // The other end may have heard enough.
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    let mut read = Vec::new();
    let _ended = stream.read_to_end(&mut read).await;
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn on_a_socket_too() {
    let running = sandbox().spawn("127.0.0.1:0").await.unwrap();
    let address = running.url.strip_prefix("http://").unwrap();
    let bearer = key(&running.sandbox, "full-automation");
    let head = format!(
        "POST /api/v2/leads/list HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {bearer}\r\ncontent-type: application/json\r\n"
    );
    // A body that is longer than any may be, announced and not.
    let mebibyte = vec![b'x'; 1 << 20];
    let announced = format!("{head}content-length: {}\r\n\r\n", 11 << 20);
    let mut parts: Vec<&[u8]> = vec![announced.as_bytes()];
    parts.extend(std::iter::repeat_n(mebibyte.as_slice(), 11));
    assert!(raw(address, &parts).await.starts_with("HTTP/1.1 413"));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend_from_slice(&mebibyte);
    chunk.extend_from_slice(b"\r\n");
    let mut parts: Vec<&[u8]> = vec![chunked.as_bytes()];
    parts.extend(std::iter::repeat_n(chunk.as_slice(), 11));
    parts.push(b"0\r\n\r\n");
    assert!(raw(address, &parts).await.starts_with("HTTP/1.1 413"));
    // No HTTP, too much of it, half of it.
    let large = format!(
        "GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n",
        "x".repeat(1_000_000)
    );
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        large.as_bytes(),
    ] {
        let answer = raw(address, &[bytes]).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    drop(TcpStream::connect(address).await.unwrap());
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(announced.as_bytes()).await.unwrap();
    drop(half);
    let alive = raw(
        address,
        &[b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"],
    )
    .await;
    assert!(alive.contains("Route GET:/x not found"));
    running.shutdown().await.unwrap();
}
