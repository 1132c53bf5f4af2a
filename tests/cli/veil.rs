//! A hostile upstream that answers with the key it was sent, in every form: what of it leaves.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_catalog::UpstreamKeyFormat;
use rustix::process::Signal;

use crate::canary::{files, holds};
use crate::harness::{Server, call, run};

/// Answers every request with the credential it came with; ends with the test's process.
fn echoing(refuses: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || echo(stream.unwrap(), refuses));
        }
    });
    url
}

fn echo(mut stream: TcpStream, refuses: bool) -> Option<()> {
    let mut held = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
            held.extend_from_slice(&piece[..read]);
        };
        let head = String::from_utf8(held.drain(..end).collect()).unwrap();
        let lower = head.to_ascii_lowercase();
        let at = lower.find("authorization: bearer ").unwrap() + 22;
        let key = head[at..].split("\r\n").next().unwrap();
        // The calls of these tests have no bodies.
        stream.write_all(&answer(&head, key, refuses)).ok()?;
        if head.contains("search=long") {
            return None;
        }
    }
}

/// By the path: how the key comes back.
fn answer(head: &str, key: &str, refuses: bool) -> Vec<u8> {
    let percent: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let escaped: String = key.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
    let base64 = STANDARD.encode(format!("Bearer {key}"));
    let url = URL_SAFE_NO_PAD.encode(format!("k={key}&"));
    // In the members that are kept of a workspace, and in an error's.
    let error = if refuses {
        r#""statusCode":401,"error":"Unauthorized","#
    } else {
        ""
    };
    let all = format!(
        r#"{{{error}"items":[],"message":"{base64} {url} {percent} {escaped}","id":"0195f3a2-1b2c-7d3e-8f40-000000000001","name":"{base64}","owner":"{key}","timestamp_created":"2027-01-01T00:00:00Z","timestamp_updated":"{key}"}}"#
    );
    let which = head.split("search=").nth(1).map_or("", |rest| &rest[..4]);
    let (status, coding, body) = match which {
        "gzip" => {
            let mut coder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            coder.write_all(all.as_bytes()).unwrap();
            (
                "200 OK",
                "content-encoding: gzip\r\n",
                coder.finish().unwrap(),
            )
        }
        "zstd" => {
            let body = zstd::encode_all(all.as_bytes(), 1).unwrap();
            ("200 OK", "content-encoding: zstd\r\n", body)
        }
        "odd1" => ("200 OK", "content-encoding: rot13\r\n", all.into_bytes()),
        "odd2" => (
            "200 OK",
            "transfer-encoding: gzip, chunked\r\n",
            all.into_bytes(),
        ),
        "401x" => ("401 Unauthorized", "", all.into_bytes()),
        "500x" => ("500 Broken", "", all.into_bytes()),
        "redi" => ("302 Found", "", all.into_bytes()),
        _ if refuses => ("422 No", "", all.into_bytes()),
        _ => ("200 OK", "", all.into_bytes()),
    };
    let length = match which {
        "odd2" => String::new(),
        "shrt" => format!("content-length: {}\r\n", body.len() / 2),
        "long" => format!(
            "content-length: {}\r\nconnection: close\r\n",
            body.len() * 2
        ),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-key: {key}\r\nx-other: {base64} {percent}\r\nlocation: https://x/?{key}\r\n{coding}{length}\r\n"
    )
    .into_bytes();
    if which == "chnk" {
        // No length at all, and cut within the key.
        bytes = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.starts_with(b"content-length"))
            .collect::<Vec<_>>()
            .join(&b'\n');
        bytes.truncate(bytes.len() - 2);
        bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
        for piece in body.chunks(17) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    } else {
        bytes.extend(body);
    }
    bytes
}

/// What would be worth having of a key, in clear and encoded.
fn traces(key: &str) -> Vec<String> {
    let tail = &key[key.len() - 24..];
    let percent: String = tail.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let escaped: String = tail.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
    let mut all = vec![tail.to_owned(), percent, escaped];
    for skip in 0..3 {
        let part = &tail[skip..];
        let core = STANDARD.encode(&part[..part.len() / 3 * 3]);
        all.push(core);
    }
    all
}

fn keep(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn nothing_of_a_key_that_is_echoed_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let url = echoing(false);
    let refusing = echoing(true);
    let upstream =
        UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "CanaryCanary");
    let secrets = tempfile::tempdir().unwrap();
    let file = secrets.path().join("upstream");
    keep(&file, &upstream);
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let mut ran = |arguments: &[&str]| {
        let ran = run(path, arguments);
        let all = (ran.stdout.clone() + &ran.stderr).into_bytes();
        found.push((format!("{arguments:?}"), all));
        ran
    };
    ran(&["init"]).ended(0);
    let reference = format!("file://{}", file.display());
    ran(&[
        "workspace",
        "add",
        "acme",
        "--base-url",
        &url,
        "--sandbox",
        "--scopes",
        "all:all",
        "--key-from",
        &reference,
    ])
    .ended(0);
    ran(&[
        "workspace",
        "add",
        "other",
        "--base-url",
        &refusing,
        "--sandbox",
        "--key-from",
        &reference,
    ]);
    ran(&["workspace", "show", "acme", "--json"]).ended(0);
    ran(&[
        "client",
        "create",
        "crm",
        "-u",
        "reader",
        "-e",
        "production",
    ])
    .ended(0);
    let client = run(path, &["key", "issue", "crm"]).ended(0).stdout;
    let client = client.trim_end();

    let server = Server::start_logging(path, &["serve", "--listen", "127.0.0.1:0"], "trace");
    let gateway = server.text("gateway_url");
    let mut statuses = Vec::new();
    for plan in [
        "rawx", "gzip", "zstd", "odd1", "odd2", "401x", "500x", "redi", "shrt", "long", "chnk",
    ] {
        let target = format!("{gateway}/api/v2/campaigns?search={plan}");
        // The client key too, in a place that is logged and recorded.
        let answer = call("GET", &target, Some(client), None);
        statuses.push((plan, answer.status));
        let text = format!("{:?} {}", answer.headers, answer.body);
        found.push((format!("the answer to {plan}"), text.into_bytes()));
        let target = format!("{gateway}/api/v2/webhooks?search={plan}");
        let answer = call("GET", &target, Some(client), None);
        let text = format!("{:?} {}", answer.headers, answer.body);
        found.push((format!("the webhooks to {plan}"), text.into_bytes()));
    }
    assert_eq!(
        statuses,
        [
            ("rawx", 200),
            ("gzip", 200),
            ("zstd", 200),
            ("odd1", 502),
            ("odd2", 502),
            ("401x", 401),
            ("500x", 500),
            ("redi", 502),
            ("shrt", 200),
            ("long", 502),
            ("chnk", 200),
        ]
    );
    let stray = format!("{gateway}/api/v2/campaigns/{upstream}?x={client}");
    let answer = call("GET", &stray, Some(&upstream), None);
    assert_eq!(answer.status, 401);
    found.push(("a refusal".to_owned(), answer.body.to_string().into_bytes()));
    let metrics = call("GET", &format!("{gateway}/metrics"), None, None);
    found.push(("metrics".to_owned(), metrics.body.to_string().into_bytes()));
    for arguments in [
        &["status", "--json"][..],
        &["workspace", "list", "--json"],
        &["client", "show", "crm", "--json"],
        &["audit", "search", "--json"],
    ] {
        let ran = run(path, arguments);
        found.push((
            format!("{arguments:?}"),
            (ran.stdout + &ran.stderr).into_bytes(),
        ));
    }
    server.end(Signal::TERM);
    files(path, &["secrets"], &mut found);
    for wanted in ["doorward.db", "serve.log", "ledger/"] {
        let there = found
            .iter()
            .any(|(place, content)| place.contains(wanted) && content.len() > 100);
        assert!(there, "{wanted} was not looked at");
    }
    for (place, content) in &found {
        for trace in traces(&upstream).iter().chain(&traces(client)) {
            assert!(
                !holds(content, trace),
                "{trace} is in {place}: {}",
                String::from_utf8_lossy(content)
            );
        }
    }
    // The veil was worn: what was removed has its mark.
    let (_, first) = found
        .iter()
        .find(|(place, _)| place == "the answer to rawx")
        .unwrap();
    assert!(holds(first, "[removed]"));
}
