//! Keeping the record: erasing, pruning, rotating the key, reviewing.

use std::fs;
use std::sync::Arc;

use doorward_ledger::log::{FileAnchor, Log, LogOptions};
use doorward_ledger::segment::Disk;
use doorward_ledger::{Act, Event, KeyName, Leaf, LeafId, LocalSigner, Verdict};
use rustix::process::Signal;

use super::Kept;
use crate::harness::{Demo, Server, run};

#[test]
fn who_was_erased_is_gone_from_sight_and_old_proofs_still_hold() {
    let kept = Kept::new();
    let seq = kept.search(&["--client", "crm"])[0]["seq"].to_string();
    kept.run(&["audit", "prove", &seq, "--output", "x.tlog-proof"])
        .ended(0);
    let shown = kept
        .run(&["audit", "show", &seq, "--people", "--json"])
        .ended(0)
        .json();
    let user = shown["entry"]["user"].as_str().unwrap().to_owned();

    let unasked = kept.run(&["audit", "erase", "--person", &user]).ended(2);
    assert!(unasked.stderr.contains("--yes"), "{unasked:#?}");
    let erased = kept.run(&["audit", "erase", "--person", &user, "--yes", "--json"]);
    let subject = erased.ended(0).json()["erased"][0]["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    kept.run(&["audit", "erase", &subject, "--yes"]).ended(1);

    let shown = kept
        .run(&["audit", "show", &seq, "--people", "--json"])
        .ended(0)
        .json();
    assert_eq!(shown["entry"]["user"], format!("{subject} (erased)"));
    kept.run(&["audit", "verify", "x.tlog-proof"]).ended(0);
    assert_eq!(kept.verify(0)["holds"], true);
    assert_eq!(kept.search(&["--kind", "erasure"]).len(), 1);
    // The id still finds what is left.
    assert!(
        !kept
            .search(&["--person", &subject, "--client", "crm"])
            .is_empty()
    );
    kept.run(&["audit", "erase", "--month", "2026-13", "--yes"])
        .ended(2);
    kept.run(&["audit", "erase", "--month", "1999-01", "--yes"])
        .ended(1);
    kept.run(&["audit", "erase"]).ended(2);
}

#[test]
fn what_is_pruned_is_gone_and_the_rest_is_still_proved() {
    let kept = Kept::new();
    let size = kept.verify(0)["leaves"].as_u64().unwrap();
    let before = (size - 3).to_string();
    let dry = kept.run(&["audit", "prune", "--before", &before, "--dry-run", "--json"]);
    assert_eq!(dry.ended(0).json()["leaves"], size - 3);
    kept.run(&["audit", "prune", "--before", &before]).ended(2);
    kept.run(&["audit", "prune", "--before", "90000", "--yes"])
        .ended(2);
    let old = kept
        .run(&["audit", "prune", "--before", "30d", "--yes"])
        .ended(0);
    assert!(old.stdout.contains("nothing is that old"), "{old:#?}");
    kept.run(&["audit", "prune", "--before", &before, "--yes"])
        .ended(0);

    kept.run(&["audit", "show", "0"]).ended(1);
    kept.run(&["audit", "prove", "0"]).ended(1);
    kept.run(&["audit", "prove", &before, "--output", "x.tlog-proof"])
        .ended(0);
    kept.run(&["audit", "verify", "x.tlog-proof"]).ended(0);
    assert_eq!(kept.verify(0)["holds"], true);
    assert_eq!(kept.search(&["--action", "ledger.prune"]).len(), 2);
}

#[test]
fn a_new_key_takes_over_while_the_old_one_is_still_believed() {
    let kept = Kept::new();
    let old = kept.run(&["audit", "checkpoint", "--key"]).ended(0).stdout;
    kept.run(&["audit", "prove", "3", "--output", "old.tlog-proof"])
        .ended(0);
    kept.run(&["audit", "rotate-key", "--finish"]).ended(2);
    let rotated = kept.run(&["audit", "rotate-key", "--json"]).ended(0).json();
    let new = rotated["keys"][0][0].as_str().unwrap().to_owned();
    assert_ne!(new, old.trim());
    kept.run(&["audit", "rotate-key"]).ended(2);

    // From the next start on both sign: either key alone verifies.
    let issued = kept.run(&["key", "issue", "crm", "--json"]).ended(0);
    assert!(issued.json()["key"].is_string());
    for key in [old.trim(), &new] {
        let verify = [
            "audit",
            "verify",
            "--offline",
            ".doorward/ledger",
            "--key",
            key,
        ];
        kept.run(&verify).ended(0);
    }
    let finished = kept
        .run(&["audit", "rotate-key", "--finish", "--json"])
        .ended(0)
        .json();
    assert_eq!(finished["keys"][1][1], "signed");
    kept.run(&["key", "issue", "crm"]).ended(0);
    let by_old = [
        "audit",
        "verify",
        "--offline",
        ".doorward/ledger",
        "--key",
        old.trim(),
    ];
    kept.run(&by_old).ended(1);
    assert_eq!(kept.verify(0)["holds"], true);
    kept.run(&["audit", "verify", "old.tlog-proof"]).ended(0);

    let told = kept.search(&["--kind", "ledger_key", "--result", "success"]);
    let changes: Vec<_> = told
        .iter()
        .map(|entry| &entry["metadata"]["change"])
        .collect();
    assert_eq!(changes, ["created", "deleted"]);
    let secret = fs::read_to_string(kept.path().join(".doorward/secrets/ledger-key")).unwrap();
    assert_eq!(secret.matches("PRIVATE+KEY").count(), 1);
}

#[test]
fn a_running_server_is_asked_restarted_and_not_disturbed() {
    let demo = Demo::up();
    demo.run(&["key", "issue", "analytics-dashboard"]).ended(0);
    let verified = demo.run(&["audit", "verify", "--json"]).ended(0).json();
    assert_eq!(verified["earlier"][0]["state"], "holds", "{verified}");
    let shown = demo.run(&[
        "audit",
        "search",
        "--people",
        "--json",
        "--kind",
        "client_key",
    ]);
    assert!(shown.ended(0).stdout.contains("uid "));
    let rotated = demo.run(&["audit", "rotate-key", "--json"]).ended(0).json();
    assert_eq!(rotated["restart"], true);
    let early = demo.run(&["audit", "rotate-key", "--finish"]).ended(2);
    assert!(early.stderr.contains("restart the server"), "{early:#?}");
    demo.run(&["audit", "verify"]).ended(0);
}

#[test]
fn a_review_shows_what_matters_and_is_signed_off_once() {
    let kept = Kept::new();
    let first = kept.run(&["audit", "review", "--json"]).ended(0).json();
    let counts = &first["counts"];
    assert_eq!(counts["access"], 4, "{first}");
    assert_eq!(first["groups"]["access"].as_array().unwrap().len(), 4);
    let shown = kept.run(&["audit", "review"]).ended(0);
    assert!(shown.stdout.contains("new and changed keys"), "{shown:#?}");

    kept.run(&["audit", "review", "--note", "no"]).ended(2);
    let note = "canary-note: ann@example.com knows";
    let signed = kept.run(&["audit", "review", "--sign-off", "--note", note, "--json"]);
    let seq = signed.ended(0).json()["signed_off"].to_string();
    let nothing = kept.run(&["audit", "review", "--json"]).ended(0).json();
    assert!(nothing["counts"]["access"].is_null(), "{nothing}");
    let status = kept
        .run(&["audit", "review", "--status", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        (&status["overdue"], status["seq"].to_string()),
        (&false.into(), seq.clone())
    );

    let plain = kept.run(&["audit", "show", &seq, "--json"]).ended(0);
    assert!(!plain.stdout.contains("canary"), "{plain:#?}");
    let clear = kept
        .run(&["audit", "show", &seq, "--json", "--people"])
        .ended(0)
        .json();
    assert_eq!(clear["entry"]["metadata"]["note"], note);
}

/// A folder with a ledger whose one leaf is from 2020.
fn old_ledger() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::new(folder.path().join(".doorward/ledger")).unwrap());
    let anchor = Arc::new(Disk::new(folder.path().join("anchor")).unwrap());
    let name = KeyName::new("ledger.example/old").unwrap();
    let signer = Arc::new(LocalSigner::from_seed(name, &[7; 32]).unwrap());
    let options = LogOptions::new(
        "ledger.example/old",
        signer,
        Arc::new(FileAnchor::new(anchor)),
    );
    let (log, _) = Log::open(disk, options).unwrap();
    let id = LeafId::from_random([1; 16]);
    let act = Act::new("key.use", Verdict::Success);
    let at = "2020-01-02T03:04:05Z".parse().unwrap();
    let leaf = Leaf::new(id, at, act, Event::Admin).to_bytes().unwrap();
    log.append(&leaf).unwrap().wait().unwrap();
    log.close().unwrap();
    folder
}

#[test]
fn an_overdue_review_is_told() {
    let folder = old_ledger();
    let status = ["audit", "review", "--status", "--json"];
    let told = run(folder.path(), &status).ended(1).json();
    assert_eq!(told["due"], "2020-01-09T03:04:05Z");
    assert_eq!(
        (&told["overdue"], &told["leaves"]),
        (&true.into(), &1.into())
    );
    let shown = run(folder.path(), &["audit", "review", "--status"]).ended(1);
    assert!(
        shown.stdout.contains("overdue since 2020-01-09"),
        "{shown:#?}"
    );

    let patient = "[audit]\nreview_days = 3650\n";
    fs::write(folder.path().join("doorward.toml"), patient).unwrap();
    let told = run(folder.path(), &status).ended(0).json();
    assert_eq!(told["due"], "2029-12-30T03:04:05Z");
}

#[test]
fn a_ledger_whose_database_is_lost_is_taken_over_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let stop = || {
        let server = Server::start(path, &serve);
        assert_eq!(server.end(Signal::TERM).code(), Some(0));
    };
    stop();
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(path.join(format!(".doorward/doorward.db{end}")));
    }
    let refused = run(path, &serve).ended(1);
    assert!(refused.stderr.contains("audit adopt"), "{refused:?}");
    let asked = run(path, &["audit", "adopt"]).ended(2);
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    run(path, &["audit", "adopt", "--yes"]).ended(0);
    stop();
    let told = run(path, &["audit", "tail", "--json", "-n", "50"]).ended(0);
    assert!(told.stdout.contains("\"adopted\":true"), "{told:?}");
}
