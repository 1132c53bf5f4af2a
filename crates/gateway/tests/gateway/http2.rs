//! HTTP/2 at the door, by a caller that speaks it frame by frame.

use std::time::Duration;

use bytes::Bytes;
use doorward_gateway::Limits;
use doorward_policy::Grant;
use doorward_store::Store;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::door::{Door, NOW, Response, Setup};
use crate::upstream::{Reply, Upstream};

const LONG: Duration = Duration::from_secs(10);
const LEAD: &str = r#"{"email":"a@b.org"}"#;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection's end, and the sender of requests on it.
struct Caller {
    send: SendRequest<Bytes>,
    ended: JoinHandle<Result<(), h2::Error>>,
}

impl Caller {
    async fn connect(door: &Door) -> Self {
        Self::connect_with(door, client::Builder::new()).await
    }

    async fn connect_with(door: &Door, builder: client::Builder) -> Self {
        let stream = TcpStream::connect(door.address).await.unwrap();
        let (send, connection) = builder.handshake(stream).await.unwrap();
        let ended = tokio::spawn(connection);
        Self { send, ended }
    }

    async fn begin(
        &mut self,
        request: Request<()>,
        end: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut ready = self.send.clone().ready().await.unwrap();
        ready.send_request(request, end).unwrap()
    }

    async fn send(&mut self, request: Request<()>, body: &str) -> Result<Response, h2::Error> {
        let (answer, mut to) = self.begin(request, body.is_empty()).await;
        if !body.is_empty() {
            to.send_data(Bytes::copy_from_slice(body.as_bytes()), true)?;
        }
        read(answer).await
    }
}

async fn read(answer: ResponseFuture) -> Result<Response, h2::Error> {
    let (parts, mut body) = timeout(LONG, answer)
        .await
        .expect("no answer")?
        .into_parts();
    let mut bytes = Vec::new();
    while let Some(piece) = timeout(LONG, body.data()).await.expect("no end") {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    let headers = parts.headers.iter();
    Ok(Response {
        status: parts.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: bytes,
    })
}

fn get(target: &str, key: &str) -> Request<()> {
    asked("GET", target, key, &[])
}

fn asked(method: &str, target: &str, key: &str, lines: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://door{target}"))
        .header("authorization", format!("Bearer {key}"));
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

async fn importer(upstream: &Upstream, limits: Limits) -> (Door, String) {
    let setup = Setup {
        limits,
        ..Setup::default()
    };
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    (door, key)
}

#[tokio::test]
async fn calls_go_through_as_they_do_by_http_1() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream, Limits::default()).await;
    let mut caller = Caller::connect(&door).await;
    let json = [
        ("content-type", "application/json"),
        ("x-forwarded-for", "10.0.0.1"),
    ];
    let create = asked("POST", "/api/v2/leads?a=%62", &key, &json);
    let answer = caller.send(create, LEAD).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
    assert!(answer.header("connection").is_none());
    let seen = upstream.seen();
    assert_eq!(seen[0].body, LEAD.as_bytes());
    assert_eq!(seen[0].line, "POST /api/v2/leads?a=b HTTP/1.1");
    assert_eq!(seen[0].all("x-forwarded-for"), [""; 0]);
    assert!(!seen[0].all("authorization").concat().contains(&key));

    let denied = caller
        .send(get("/api/v2/api-keys", &key), "")
        .await
        .unwrap();
    denied.refused(403, &denied.reason());
    let unknown = caller.send(get("/api/v2/nothing", &key), "").await.unwrap();
    unknown.refused(404, "unknown_operation");
    let health = caller.send(get("/healthz", ""), "").await.unwrap();
    assert_eq!((health.status, health.body.as_slice()), (200, &b"ok\n"[..]));
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_revoked_key_is_refused_on_the_open_connection() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream, Limits::default()).await;
    let mut caller = Caller::connect(&door).await;
    let asked = || get("/api/v2/campaigns", &key);
    assert_eq!(caller.send(asked(), "").await.unwrap().status, 200);
    let id = key[6..18].parse().unwrap();
    door.store.revoke_client_key(id, NOW).unwrap();
    door.refresh();
    let refused = caller.send(asked(), "").await.unwrap();
    refused.refused(401, "unauthorized");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn unsound_heads_are_refused_and_others_go_on() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        head_bytes: 8 * 1024,
        ..Limits::default()
    };
    let (door, key) = importer(&upstream, limits).await;
    let mut caller = Caller::connect(&door).await;
    let long = "y".repeat(9 * 1024);
    let many: Vec<String> = (0..101).map(|n| format!("x-{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    let with = |lines: &[(&str, &str)]| asked("GET", "/api/v2/campaigns", &key, lines);
    for (request, status, reason) in [
        (with(&[("host", "elsewhere")]), 400, "head_malformed"),
        (
            with(&[("host", "door"), ("host", "door")]),
            400,
            "head_malformed",
        ),
        (with(&[("x", &long)]), 431, "head_too_large"),
        (with(&many), 431, "head_too_large"),
        (
            asked("GET", "/api/v2/../v2/campaigns", &key, &[]),
            400,
            "path_not_canonical",
        ),
    ] {
        let told = format!("{:?}", request.headers());
        let answer = caller.send(request, "").await.unwrap();
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (status, reason),
            "{told:.200}"
        );
    }
    let shorter = [
        ("content-type", "application/json"),
        ("content-length", "5"),
    ];
    let lying = asked("POST", "/api/v2/leads", &key, &shorter);
    if let Ok(answer) = caller.send(lying, LEAD).await {
        assert!(answer.status >= 400, "{answer:?}");
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(caller.send(with(&[]), "").await.unwrap().status, 200);
}

/// A request's HEADERS frame with literal lines after the pseudo-headers.
fn head(lines: &[(&str, &str)]) -> Vec<u8> {
    // GET, http, /, and the authority.
    let mut block = vec![0x82, 0x86, 0x84];
    for (name, value) in [(":authority", "door")].iter().chain(lines) {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    frame(1, 5, 1, &block)
}

#[tokio::test]
async fn heads_that_no_library_sends_are_reset() {
    let upstream = Upstream::plain().await;
    let (door, _) = importer(&upstream, Limits::default()).await;
    for (lines, sound) in [
        (&[("accept", "*/*")][..], true),
        (&[("connection", "close")], false),
        (&[("transfer-encoding", "chunked")], false),
        (&[("upgrade", "h2c")], false),
        (&[("keep-alive", "timeout=5")], false),
        (&[("te", "gzip")], false),
        (&[("Accept", "*/*")], false),
        (&[("accept", "*/*"), (":path", "/other")], false),
        (&[(":authority", "else")], false),
        (&[(":unknown", "x")], false),
        (&[("accept", "a\r\nb: c")], false),
    ] {
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        let begin = [PREFACE, &frame(4, 0, 0, &[]), &head(lines)].concat();
        stream.write_all(&begin).await.unwrap();
        let answered = async {
            loop {
                let mut head = [0; 9];
                stream.read_exact(&mut head).await.unwrap();
                let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
                stream.read_exact(&mut payload).await.unwrap();
                // HEADERS; RST_STREAM and GOAWAY.
                match head[3] {
                    1 => break true,
                    3 | 7 => break false,
                    _ => {}
                }
            }
        };
        assert_eq!(timeout(LONG, answered).await.unwrap(), sound, "{lines:?}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn bodies_that_are_never_read_do_not_stop_the_connection() {
    let upstream = Upstream::plain().await;
    let (door, key) = importer(&upstream, Limits::default()).await;
    let mut caller = Caller::connect(&door).await;
    let json = [("content-type", "application/json")];
    let body = format!("\"{}\"", "x".repeat(60_000));
    // Together far more than the window of the connection.
    for _ in 0..20 {
        let (answer, mut to) = caller
            .begin(asked("POST", "/api/v2/leads", "wrong", &json), false)
            .await;
        let _ = to.send_data(Bytes::from(body.clone()), true);
        read(answer).await.unwrap().refused(401, "unauthorized");
    }
    let create = asked("POST", "/api/v2/leads", &key, &json);
    assert_eq!(caller.send(create, LEAD).await.unwrap().status, 200);
}

#[tokio::test]
async fn many_streams_are_taken_up_as_there_is_room() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        streams: 3,
        ..Limits::default()
    };
    let (door, key) = importer(&upstream, limits).await;
    let mut caller = Caller::connect(&door).await;
    // The server's settings have come with the first answer.
    let first = caller.send(get("/healthz", ""), "").await.unwrap();
    assert_eq!(first.status, 200);
    assert_eq!(caller.send.current_max_send_streams(), 3);
    let mut answers = Vec::new();
    for _ in 0..20 {
        let (answer, _) = caller.begin(get("/api/v2/campaigns", &key), true).await;
        answers.push(tokio::spawn(read(answer)));
    }
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().status, 200);
    }
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let upstream = Upstream::start(|_, _| Reply::Silence).await;
    let (door, key) = importer(&upstream, Limits::default()).await;
    let caller = Caller::connect(&door).await;
    let mut opened = 0;
    while opened < 5_000 && !caller.ended.is_finished() {
        let Ok(mut ready) = caller.send.clone().ready().await else {
            break;
        };
        let Ok((_, mut stream)) = ready.send_request(get("/api/v2/campaigns", &key), true) else {
            break;
        };
        stream.send_reset(Reason::CANCEL);
        opened += 1;
        tokio::task::yield_now().await;
    }
    timeout(LONG, caller.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(opened < 5_000);
    // Others are served.
    let mut other = Caller::connect(&door).await;
    assert_eq!(
        other.send(get("/healthz", ""), "").await.unwrap().status,
        200
    );
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn floods_of_frames_that_ask_for_nothing_end_the_connection() {
    let upstream = Upstream::plain().await;
    let (door, _) = importer(&upstream, Limits::default()).await;
    // An open request, so that frames on its stream are not out of place.
    let open = frame(
        1,
        4,
        1,
        &[0x83, 0x86, 0x84, 0x41, 0x04, b'd', b'o', b'o', b'r'],
    );
    for flood in [
        frame(6, 0, 0, &[0; 8]),
        frame(4, 0, 0, &[]),
        frame(0, 0, 1, &[]),
        frame(2, 0, 1, &[0, 0, 0, 0, 1]),
        frame(3, 0, 3, &[0, 0, 0, 8]),
        frame(0x77, 0, 0, &[1, 2, 3]),
    ] {
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        stream
            .write_all(&[PREFACE, &frame(4, 0, 0, &[]), &open].concat())
            .await
            .unwrap();
        let (mut from, mut to) = stream.into_split();
        let reading = tokio::spawn(async move {
            let mut sink = Vec::new();
            let _ = from.read_to_end(&mut sink).await;
            sink.len()
        });
        let mut sent = 0_u32;
        while sent < 1_000_000 && to.write_all(&flood.repeat(100)).await.is_ok() {
            sent += 100;
        }
        assert!(sent < 1_000_000, "{flood:?}");
        timeout(LONG, reading).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn who_takes_nothing_of_one_answer_loses_that_alone() {
    let answer = format!("{{\"items\": \"{}\"}}", "x".repeat(1024 * 1024));
    let upstream = Upstream::start(move |_, _| Reply::json("200 OK", &answer)).await;
    let limits = Limits {
        response_idle: Duration::from_millis(300),
        ..Limits::default()
    };
    let (door, key) = importer(&upstream, limits).await;
    let mut builder = client::Builder::new();
    builder.initial_connection_window_size(1 << 20);
    let mut caller = Caller::connect_with(&door, builder).await;
    let (answer, _) = caller.begin(get("/api/v2/campaigns", &key), true).await;
    // Its body is held, and no more than the first window of it is taken.
    let mut held = timeout(LONG, answer).await.unwrap().unwrap().into_body();
    let ended = async {
        loop {
            match held.data().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error.reason(),
                None => panic!("the answer came whole"),
            }
        }
    };
    let ended = timeout(LONG, ended).await.unwrap();
    assert_eq!(ended, Some(Reason::CANCEL));
    assert_eq!(
        door.entries(1).await[0].reason.as_deref(),
        Some("caller_gone")
    );
    assert_eq!(
        caller.send(get("/healthz", ""), "").await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn slow_and_idle_callers_are_let_go() {
    let upstream = Upstream::plain().await;
    let limits = Limits {
        head_read: Duration::from_millis(200),
        body_read: Duration::from_millis(200),
        ..Limits::default()
    };
    let (door, key) = importer(&upstream, limits).await;
    for begin in [
        &PREFACE[..10],
        PREFACE,
        // A head that never ends.
        &[PREFACE, &frame(4, 0, 0, &[]), &frame(1, 0, 1, &[0x82])].concat(),
    ] {
        let mut slow = TcpStream::connect(door.address).await.unwrap();
        slow.write_all(begin).await.unwrap();
        let mut sink = Vec::new();
        timeout(LONG, slow.read_to_end(&mut sink))
            .await
            .expect("it is kept")
            .ok();
    }
    let mut caller = Caller::connect(&door).await;
    let json = [("content-type", "application/json")];
    let (answer, _kept) = caller
        .begin(asked("POST", "/api/v2/leads", &key, &json), false)
        .await;
    read(answer).await.unwrap().refused(408, "body_timeout");
    timeout(LONG, caller.ended).await.unwrap().unwrap().ok();
}

#[tokio::test]
async fn calls_under_way_finish_when_the_door_closes() {
    let upstream = Upstream::start(|_, _| Reply::Silence).await;
    let limits = Limits {
        response_head: Duration::from_millis(300),
        ..Limits::default()
    };
    let (mut door, key) = importer(&upstream, limits).await;
    let mut caller = Caller::connect(&door).await;
    let (answer, _) = caller.begin(get("/api/v2/campaigns", &key), true).await;
    while upstream.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    door.stop.take().unwrap().send(()).unwrap();
    let answer = read(answer).await.unwrap();
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (504, "upstream_timeout")
    );
    timeout(LONG, &mut door.stopped)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
