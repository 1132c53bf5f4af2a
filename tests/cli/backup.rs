//! Copies of all that Doorward keeps, and putting them back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Server, run};
use crate::operate::{Stage, until};

#[test]
fn a_backup_under_load_is_put_back_elsewhere_and_served() {
    let stage = Stage::new();
    let server = stage.serve();
    let path = stage.path();
    let ending = AtomicBool::new(false);
    let calls = AtomicUsize::new(0);
    let backup = path.join("backup");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ending.load(Ordering::SeqCst) {
                let number = calls.fetch_add(1, Ordering::SeqCst);
                stage.create_lead(&server, &format!("lead-{number}@example.com"));
            }
        });
        until(|| calls.load(Ordering::SeqCst) > 5);
        let taken = run(path, &["backup", "backup", "--json"]);
        ending.store(true, Ordering::SeqCst);
        let taken = taken.ended(0).json();
        assert!(taken["signed_leaves"].as_u64().unwrap() > 0, "{taken}");
        let needed = taken["secrets"].to_string();
        for secret in [
            "secrets/pepper",
            "secrets/audit-key",
            "secrets/ledger-key",
            "secrets/upstream",
        ] {
            assert!(needed.contains(secret), "{needed}");
        }
    });
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    let again = run(path, &["backup", "backup"]).ended(2);
    assert!(again.stderr.contains("already"), "{again:?}");
    // No secret is in it.
    let pepper = fs::read(path.join(".doorward/secrets/pepper")).unwrap();
    let upstream = fs::read(path.join(".doorward/secrets/upstream")).unwrap();
    walk(&backup, &mut |file| {
        let bytes = fs::read(file).unwrap();
        for secret in [&pepper, &upstream] {
            assert!(
                !bytes.windows(secret.len()).any(|w| w == &secret[..]),
                "{file:?}"
            );
        }
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{file:?}"
        );
    });

    // A folder that has something in it is left alone.
    let full = run(path, &["restore", "backup"]).ended(2);
    assert!(full.stderr.contains("not empty"), "{full:?}");
    // What was changed is not put back.
    let segments = backup.join("ledger/segments");
    let segment = fs::read_dir(&segments)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = fs::read(&segment).unwrap();
    let mut changed = whole.clone();
    changed[300] ^= 1;
    fs::write(&segment, changed).unwrap();
    let broken = run(path, &["restore", "backup", "--data-dir", "elsewhere"]).ended(1);
    assert!(broken.stderr.contains("not the file"), "{broken:?}");
    assert!(!path.join("elsewhere").exists());
    fs::write(&segment, whole).unwrap();

    let to = ["--data-dir", "elsewhere"];
    let with = |command: &[&str]| run(path, &[command, &to[..]].concat());
    let restored = with(&["restore", "backup", "--json"]).ended(0).json();
    assert!(restored["leaves"].as_u64().unwrap() > 0, "{restored}");
    let secrets = path.join("elsewhere/secrets");
    fs::rename(path.join(".doorward/secrets"), &secrets).unwrap();
    with(&["audit", "verify"]).ended(0);
    // The upstream key's reference is within the old folder.
    fs::rename(path.join(".doorward"), path.join("gone")).unwrap();
    symlink(path.join("elsewhere"), path.join(".doorward")).unwrap();
    let arguments = [&["serve", "--listen", "127.0.0.1:0"][..], &to[..]].concat();
    let server = Server::start(path, &arguments);
    assert_eq!(
        stage.create_lead(&server, "after@example.com"),
        200,
        "its key still works"
    );
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    with(&["audit", "verify"]).ended(0);
}

/// An approval that was open in the backup was spent after it: it passes nothing a second time.
#[test]
fn what_was_spent_after_the_backup_is_not_spent_again() {
    let mut stage = crate::approvals::Stage::new();
    let path = stage.path().to_owned();
    let id = waits(&stage.lead("once@example.com"));
    let bob = stage.token("bob");
    let approve = ["approval", "approve", &id, "--reason", "checked"];
    stage.with(&bob, &approve).ended(0);
    let taken = run(&path, &["backup", "backup"]).ended(0);
    assert!(
        taken
            .stdout
            .contains("not in the backup; they must resolve"),
        "{taken:?}"
    );
    assert!(taken.stdout.contains("file:secrets/pepper"), "{taken:?}");
    assert_eq!(stage.lead("once@example.com").status, 200, "it is spent");
    stage.end();

    let to = ["--data-dir", "elsewhere"];
    let with = |command: &[&str]| run(&path, &[command, &to[..]].concat());
    let told = with(&["restore", "backup"]).ended(0).stdout;
    for part in [
        "1 approvals were open",
        "client keys and admin tokens",
        "--since",
        "witnesses",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    fs::rename(
        path.join(".doorward/secrets"),
        path.join("elsewhere/secrets"),
    )
    .unwrap();
    // A start that does not come about tells nobody.
    let taken = path.join("elsewhere/admin.sock");
    fs::create_dir(&taken).unwrap();
    let failed = with(&["serve", "--listen", "127.0.0.1:0"]).ended(2);
    assert!(failed.stderr.contains("admin socket"), "{failed:?}");
    fs::remove_dir(&taken).unwrap();
    assert!(path.join("elsewhere/restored.json").exists());
    for _ in 0..2 {
        stage.serve_with(&to);
        let again = waits(&stage.lead("once@example.com"));
        assert_ne!(again, id, "the old approval is over");
        stage.end();
    }
    let leaves = with(&["audit", "search", "--action", "server.restored", "--json"]).ended(0);
    let leaves: Vec<_> = leaves.stdout.lines().collect();
    assert_eq!(leaves.len(), 1, "told once, at the first start: {leaves:?}");
    assert!(leaves[0].contains("backup_made_at") && leaves[0].contains("backup_leaves"));
    let alerts = with(&["alert", "list", "--json"]).ended(0).stdout;
    assert_eq!(alerts.matches("\"restored\"").count(), 1, "{alerts}");
    // The search that is advised is one.
    let since = told
        .split("--since ")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap();
    let advised = ["audit", "search", "--since", since, "--kind", "client_key"];
    run(
        &path,
        &[&advised[..], &["--data-dir", "elsewhere"]].concat(),
    )
    .ended(0);
}

/// A mount point can't be replaced, and has a folder of the file system's in it.
#[test]
fn a_backup_is_put_into_a_folder_that_is_there() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    run(path, &["admin", "token", "create", "ann"]).ended(0);
    // The configuration is kept elsewhere.
    fs::rename(path.join("doorward.toml"), path.join("kept.toml")).unwrap();
    symlink("kept.toml", path.join("doorward.toml")).unwrap();
    run(path, &["backup", "backup"]).ended(0);
    let kept = fs::read(path.join("kept.toml")).unwrap();
    assert_eq!(fs::read(path.join("backup/doorward.toml")).unwrap(), kept);

    let there = path.join("there");
    fs::create_dir_all(there.join("lost+found")).unwrap();
    let inode = fs::metadata(&there).unwrap().ino();
    run(path, &["restore", "backup", "--data-dir", "there"]).ended(0);
    let after = fs::metadata(&there).unwrap();
    assert_eq!((after.ino(), after.mode() & 0o777), (inode, 0o700));
    let mut names: Vec<_> = fs::read_dir(&there)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let wanted = [
        "doorward.db",
        "doorward.toml",
        "ledger",
        "ledger.pub",
        "lost+found",
        "restored.json",
    ];
    assert_eq!(names, wanted);
}

/// A write that was under way when the backup was made may have been carried out since.
#[test]
fn what_was_under_way_is_not_sent_again() {
    let place = crate::safe::Place::new();
    let path = place.path();
    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("response_head = 1\n", "response_head = 30\n"),
    )
    .unwrap();
    let slow = json!({ "kind": "latency", "operation": "createLead", "ms": 20_000, "count": 1 });
    place.break_once(&slow);
    let list = place.list();
    let server = place.serve();
    let posted = std::thread::scope(|scope| {
        let posting = scope.spawn(|| place.post(&server, "slow@example.org", &list, "slow-1"));
        until(|| {
            let listed = run(path, &["idempotency", "list", "--json"])
                .ended(0)
                .json();
            listed[0]["state"] == "sent"
        });
        run(path, &["backup", "backup"]).ended(0);
        server.signal(Signal::KILL);
        posting.join().unwrap()
    });
    drop((posted, server));
    let to = ["--data-dir", "elsewhere"];
    let with = |command: &[&str]| run(path, &[command, &to[..]].concat());
    let restored = with(&["restore", "backup", "--json"]).ended(0).json();
    assert_eq!(restored["writes_unknown"], 1, "{restored}");
    assert!(
        restored["warnings"]
            .to_string()
            .contains("1 writes were under way")
    );
    fs::rename(
        path.join(".doorward/secrets"),
        path.join("elsewhere/secrets"),
    )
    .unwrap();
    let unknown = with(&["idempotency", "list", "--unknown", "--json"]);
    assert_eq!(unknown.ended(0).json().as_array().unwrap().len(), 1);
}

fn waits(answer: &crate::harness::Answer) -> String {
    assert_eq!(answer.status, 403, "{answer:?}");
    let id = &answer.body["doorward"]["approval"]["id"];
    id.as_str().unwrap().to_owned()
}

fn walk(folder: &Path, look: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(&path, look),
            false => look(&path),
        }
    }
}
