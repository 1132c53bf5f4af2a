//! The ledger over HTTP, read as any C2SP client would.

use std::path::Path;
use std::sync::Arc;

use doorward_gateway::{LedgerAccess, LedgerPages};
use doorward_ledger::{Checkpoint, Directory, Note, Signer, tiles_between, verify_log};
use doorward_policy::Grant;

use crate::door::{Connection, Door, Response, Setup, get, post, request, signer};
use crate::upstream::Upstream;

const TOKEN: &str = "an-admin-token-0123456789abcdef";

async fn door(upstream: &Upstream, access: LedgerAccess) -> Door {
    let setup = Setup {
        beside: Some(Box::new(move |audit, folder: &Path| {
            Arc::new(LedgerPages::new(audit, folder, access, Some(&TOKEN.into())))
        })),
        ..Setup::default()
    };
    Door::open_with(upstream, setup).await
}

async fn fetch(connection: &mut Connection, path: &str, token: &str) -> Response {
    connection
        .send(get(&format!("/ledger/{path}"), token))
        .await
}

fn size_of(checkpoint: &[u8]) -> u64 {
    let note = Note::parse(checkpoint).unwrap();
    Checkpoint::parse(note.text()).unwrap().size()
}

/// A ledger of some hundred leaves, signed.
async fn filled(access: LedgerAccess, reads: u32) -> (Door, Upstream) {
    let upstream = Upstream::plain().await;
    let mut door = door(&upstream, access).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    let mut connection = door.connect().await;
    for _ in 0..reads {
        assert_eq!(
            connection.send(get("/api/v2/campaigns", &key)).await.status,
            200
        );
    }
    door.audit.flush();
    let last = door.audit.reader().size() - 1;
    assert!(
        door.audit
            .log()
            .wait_signed(last, std::time::Duration::from_secs(5))
    );
    (door, upstream)
}

#[tokio::test]
async fn a_stranger_follows_the_log_and_verifies_it() {
    let (door, _upstream) = filled(LedgerAccess::Open, 600).await;
    let mut connection = door.connect().await;
    let checkpoint = fetch(&mut connection, "checkpoint", "").await;
    assert_eq!(checkpoint.status, 200);
    assert_eq!(
        checkpoint.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(checkpoint.header("cache-control"), Some("no-cache"));
    let size = size_of(&checkpoint.body);
    assert!(size > 600);

    let copy = tempfile::tempdir().unwrap();
    std::fs::write(copy.path().join("checkpoint"), &checkpoint.body).unwrap();
    let mut full = 0;
    for tile in tiles_between(0, size) {
        let path = tile.to_string();
        let entries = path.starts_with("tile/entries");
        let token = if entries { TOKEN } else { "" };
        let answer = fetch(&mut connection, &path, token).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/octet-stream"))
        );
        let caching = answer.header("cache-control").unwrap();
        assert_eq!(
            caching.contains("immutable"),
            tile.is_full(),
            "{path}: {caching}"
        );
        assert_eq!(caching.starts_with("private"), entries);
        if entries {
            assert_eq!(fetch(&mut connection, &path, "").await.status, 401);
        }
        full += u32::from(tile.is_full());
        let to = copy.path().join(&path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, &answer.body).unwrap();
    }
    assert!(full >= 4);
    let keys = [signer().verifier_key().clone()];
    let verified = verify_log(&Directory::new(copy.path()), &keys, 0, &mut |_| {})
        .unwrap()
        .unwrap();
    assert_eq!(verified.signed.checkpoint.size(), size);
}

#[tokio::test]
async fn no_more_of_a_tile_is_given_than_is_signed() {
    let (door, _upstream) = filled(LedgerAccess::Open, 300).await;
    let mut connection = door.connect().await;
    let size = size_of(&fetch(&mut connection, "checkpoint", "").await.body);
    let partial = size - 256;
    for (width, status) in [(partial, 200), (partial + 1, 404), (255, 404)] {
        let path = format!("tile/0/001.p/{width}");
        assert_eq!(
            fetch(&mut connection, &path, "").await.status,
            status,
            "{path}"
        );
    }
    // Where only the full tile is left, its beginning stands for a narrower one.
    let full = fetch(&mut connection, "tile/0/000", "").await;
    let narrow = fetch(&mut connection, "tile/0/000.p/17", "").await;
    assert_eq!(narrow.body, full.body[..17 * 32]);
    let bundle = fetch(&mut connection, "tile/entries/000", TOKEN).await;
    let narrow = fetch(&mut connection, "tile/entries/000.p/17", TOKEN).await;
    assert!(!narrow.body.is_empty() && bundle.body.starts_with(&narrow.body));
    assert_eq!(
        doorward_ledger::bundle_leaves(&narrow.body)
            .map(Result::unwrap)
            .count(),
        17
    );
}

#[tokio::test]
async fn what_witnesses_cosigned_is_served_as_it_is() {
    let (door, _upstream) = filled(LedgerAccess::Open, 1).await;
    std::fs::create_dir(door.ledger().join("witness")).unwrap();
    let path = door.ledger().join(doorward_audit::COSIGNED_PATH);
    std::fs::write(path, "a note").unwrap();
    let mut connection = door.connect().await;
    let answer = fetch(&mut connection, "cosigned", "").await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b"a note"[..])
    );
    // Of a HEAD the length is told, and no body comes.
    let head = "HEAD /ledger/cosigned HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n";
    connection.write(head).await;
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut connection.stream, &mut text)
        .await
        .unwrap();
    assert!(
        text.contains("content-length: 6\r\n") && text.ends_with("\r\n\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn nothing_else_is_reached() {
    let (door, upstream) = filled(LedgerAccess::Open, 1).await;
    let mut connection = door.connect().await;
    for path in [
        "",
        "cosigned",
        "lock",
        "segments",
        "minimum",
        "tile/0/000",
        "tile/0/../../checkpoint",
        "tile/entries/%2e%2e/000",
        "../doorward.db",
        "checkpoint?a=b",
        "witness/checkpoint",
    ] {
        let answer = fetch(&mut connection, path, TOKEN).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    for entry in std::fs::read_dir(door.ledger()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let answer = fetch(&mut connection, &name, TOKEN).await;
        assert_eq!(
            answer.status,
            if name == "checkpoint" { 200 } else { 404 },
            "{name}"
        );
    }
    let answer = connection
        .send(post("/ledger/checkpoint", TOKEN, "{}"))
        .await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let elsewhere = "GET http://door/ledger/checkpoint HTTP/1.1\r\nHost: door\r\n\r\n";
    assert_eq!(door.send(elsewhere).await.status, 401);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn the_token_opens_and_nothing_like_it_does() {
    let (door, _upstream) = filled(LedgerAccess::Token, 1).await;
    let mut connection = door.connect().await;
    assert_eq!(
        fetch(&mut connection, "checkpoint", TOKEN).await.status,
        200
    );
    let longer = format!("{TOKEN}0");
    for token in ["", "x", &TOKEN[1..], &longer] {
        let answer = fetch(&mut connection, "checkpoint", token).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer"))
        );
        assert!(!String::from_utf8_lossy(&answer.body).contains("ledger.example"));
    }
    let twice = format!("Authorization: Bearer {TOKEN}");
    let twice = request("GET", "/ledger/checkpoint", TOKEN, &[&twice], "");
    assert_eq!(connection.send(twice).await.status, 401);
    let reasons = door.strangers();
    assert_eq!(
        (
            reasons["admin_token_missing"],
            reasons["admin_token_unknown"]
        ),
        (2, 3)
    );
}

#[tokio::test]
async fn off_there_are_no_such_paths() {
    let (door, _upstream) = filled(LedgerAccess::Off, 1).await;
    let answer = door.send(get("/ledger/checkpoint", "")).await;
    answer.refused(401, "unauthorized");
}
