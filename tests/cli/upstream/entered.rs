//! Upstream keys that are typed in, and those that are kept where nothing can be written.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use super::{MANAGER, World};
use crate::harness::{Ran, Server, doorward, run};
use crate::operate::set;

/// Pipes a key to a command whose server takes the request in and dies before it answers.
fn unanswered(arguments: &[&str]) -> (Ran, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ended(0);
    let data = folder.path().join(".doorward");
    let listener = UnixListener::bind(data.join("admin.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
        }
    });
    let mut child = doorward(folder.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"the-only-copy\n");
    let ran = Ran::of(child.wait_with_output().unwrap());
    let kept = fs::read_dir(data.join("secrets")).unwrap();
    let mut kept = kept.filter_map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name()?.to_str()?.to_owned();
        name.starts_with("upstream-")
            .then(|| fs::read_to_string(&path).unwrap())
    });
    (ran, kept.next())
}

#[test]
fn a_key_that_may_have_been_taken_in_is_not_deleted() {
    for arguments in [
        ["upstream", "adopt", "writer", "-", "--workspace", "acme"],
        ["workspace", "add", "acme", "--key-from", "-", "--manages"],
    ] {
        let (ran, kept) = unanswered(&arguments);
        let ran = ran.ended(1);
        assert_eq!(kept.as_deref(), Some("the-only-copy"), "{ran:?}");
        assert!(
            ran.stderr.contains("not known") && ran.stderr.contains("/secrets/upstream-"),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("the-only-copy"), "{ran:?}");
    }
}

#[test]
fn a_key_that_was_refused_is_not_kept() {
    let world = World::with(&[MANAGER]);
    let server = Server::start(world.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let value = "no-key-of-anybody";
    let adopt = world.piped(&["upstream", "adopt", "writer", "-"], value);
    assert_ne!(adopt.code, 0, "{adopt:?}");
    let url = world.sandbox.text("url");
    let add = [
        "workspace",
        "add",
        "b",
        "--key-from",
        "-",
        "--base-url",
        &url,
        "--sandbox",
    ];
    let add = world.piped(&add, value);
    assert_ne!(add.code, 0, "{add:?}");
    drop(server);
    world.holds_nowhere(value, "no such file");
}

#[test]
fn a_key_of_the_environment_is_rotated_as_the_refusal_says() {
    let world = World::with(&[MANAGER]);
    set(world.path(), "overlap = \"1m\"", "overlap = \"0\"");
    let seeded = world.seeded("lead-import");
    let value = seeded["key"].as_str().unwrap();
    let with_key = |arguments: &[&str]| {
        let mut command = doorward(world.path());
        Ran::of(
            command
                .args(arguments)
                .env("REAL_KEY", value)
                .output()
                .unwrap(),
        )
    };
    let id = seeded["id"].as_str().unwrap();
    with_key(&["upstream", "adopt", "writer", "env://REAL_KEY", "--id", id]).ended(0);
    let refused = with_key(&["upstream", "rotate", "writer"]).ended(2);
    let said = refused.stderr.split('`').nth(1).unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(words[0], "doorward", "{refused:?}");
    with_key(&words[1..]).ended(0);
    let kept = world.inventory();
    let writer = super::row(&kept, "writer");
    let reference = writer["reference"].as_str().unwrap();
    assert!(
        reference.ends_with("secrets.age#upstream/acme/writer"),
        "{writer:#}"
    );
    assert_eq!(
        world.instantly(value, "GET", "/lead-lists?limit=1", None).0,
        401
    );
}
