//! `doorward audit`: the record as those who read, prove, verify and keep it meet it.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Demo, Ran, Server, run};

/// A data folder with a ledger, and no server: what administrators did is in it.
struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    /// One in which a client was made, granted and given keys.
    fn new() -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &["up"]);
        assert!(server.end(Signal::TERM).success());
        let kept = Kept { folder };
        kept.run(&[
            "client",
            "create",
            "crm",
            "--use-case",
            "crm-sync",
            "-e",
            "production",
        ])
        .ended(0);
        for _ in 0..3 {
            kept.run(&["key", "issue", "crm"]).ended(0);
        }
        kept.run(&["client", "delete", "nobody"]).ended(1);
        kept
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }

    fn ledger(&self) -> PathBuf {
        self.path().join(".doorward/ledger")
    }

    /// The entries that a search finds.
    fn search(&self, arguments: &[&str]) -> Vec<Value> {
        lines(
            &self
                .run(&[&["audit", "search", "--json"], arguments].concat())
                .ended(0),
        )
    }

    fn verify(&self, code: i32) -> Value {
        self.run(&["audit", "verify", "--json"]).ended(code).json()
    }
}

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn texts<'v>(entries: &'v [Value], member: &str) -> Vec<&'v str> {
    let texts = entries.iter();
    texts
        .map(|entry| entry[member].as_str().unwrap_or_default())
        .collect()
}

/// Every file of a folder, those in it included.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let to = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, &to).unwrap();
    }
}

#[test]
fn what_was_done_is_found_by_what_it_was() {
    let kept = Kept::new();
    let issued = kept.search(&["--action", "client_key.issue", "--result", "success"]);
    assert_eq!(issued.len(), 3);
    assert!(texts(&issued, "client").iter().all(|name| *name == "crm"));
    assert_eq!(kept.search(&["--operation", "client_key.issue"]).len(), 6);
    let failed = kept.search(&["--client", "nobody", "--result", "failure", "--since", "1h"]);
    assert_eq!(texts(&failed, "action"), ["client.delete"]);
    assert!(kept.search(&["--until", "1h"]).is_empty());
    assert!(
        kept.search(&["--workspace", "demo", "--kind", "state"])
            .is_empty()
    );
    let newest = kept.search(&["--limit", "2"]);
    let all = kept.search(&["--since", "1h"]);
    assert_eq!(newest, all[all.len() - 2..]);

    let shown = kept.run(&["audit", "search", "--client", "crm"]).ended(0);
    assert!(shown.stdout.contains("client_key.issue"), "{shown:#?}");
    let tail = kept.run(&["audit", "tail", "-n", "2"]).ended(0);
    assert_eq!(tail.stdout.lines().count(), 2);
    kept.run(&["audit", "search", "--kind", "nonsense"])
        .ended(2);
    kept.run(&["audit", "search", "--since", "yesterday"])
        .ended(2);
    kept.run(&["audit", "search", "--workspace", "none"])
        .ended(1);
}

#[test]
fn reading_leaves_no_trace_and_looking_at_people_does() {
    let kept = Kept::new();
    let seq = kept.search(&["--client", "crm"])[0]["seq"].to_string();
    let before = kept.search(&[]).len();
    kept.run(&["audit", "tail"]).ended(0);
    kept.run(&["audit", "show", &seq]).ended(0);
    kept.run(&["audit", "verify"]).ended(0);
    kept.run(&["audit", "review"]).ended(0);
    kept.run(&["audit", "checkpoint"]).ended(0);
    assert_eq!(kept.search(&[]).len(), before);

    let shown = kept
        .run(&["audit", "show", &seq, "--people", "--json"])
        .ended(0)
        .json();
    let user = shown["entry"]["user"].as_str().unwrap().to_owned();
    assert!(user.contains("uid "), "{user}");
    let looked = kept.search(&["--action", "audit.show"]);
    assert_eq!(texts(&looked, "result"), ["pending", "success"]);

    let found = kept.search(&["--person", &user, "--client", "crm"]);
    assert!(!found.is_empty());
    let searched = kept.search(&["--action", "audit.search", "--result", "success"]);
    let subject = searched[0]["metadata"]["subjects"][0].as_str().unwrap();
    assert!(subject.starts_with("sub_"), "{searched:?}");
    let nobody = kept
        .run(&["audit", "search", "--person", "nobody@example.com"])
        .ended(0);
    assert!(nobody.stdout.contains("nobody of that name"), "{nobody:#?}");
}

#[test]
fn a_proof_is_verified_elsewhere_with_the_public_key_alone() {
    let kept = Kept::new();
    let seq = kept.search(&["--action", "client_key.issue"])[1]["seq"].to_string();
    let proof = kept.run(&["audit", "prove", &seq]).ended(0).stdout;
    let keys = kept.run(&["audit", "checkpoint", "--key"]).ended(0).stdout;

    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("x.tlog-proof"), &proof).unwrap();
    let key = keys.trim();
    let verify = ["audit", "verify", "x.tlog-proof", "--json", "--key", key];
    let holds = run(empty.path(), &verify).ended(0).json();
    assert_eq!(
        (&holds["holds"], &holds["seq"]),
        (&true.into(), &seq.parse().unwrap())
    );
    assert_eq!(holds["entry"]["action"], "client_key.issue");
    fs::write(empty.path().join("pub"), &keys).unwrap();
    let by_file = ["audit", "verify", "x.tlog-proof", "--key", "pub"];
    let told = run(empty.path(), &by_file).ended(0);
    assert!(told.stdout.contains("holds"), "{told:#?}");

    // Without a key nothing is verified, and by another key nothing holds.
    run(empty.path(), &["audit", "verify", "x.tlog-proof"]).ended(2);
    let other = Kept::new()
        .run(&["audit", "checkpoint", "--key"])
        .ended(0)
        .stdout;
    let by_other = [
        "audit",
        "verify",
        "x.tlog-proof",
        "--json",
        "--key",
        other.trim(),
    ];
    let refused = run(empty.path(), &by_other).ended(1).json();
    assert_eq!(refused["holds"], false);

    let index = proof.find("index ").unwrap();
    for at in (0..proof.len()).step_by(97).chain([index + 6]) {
        let mut bytes = proof.clone().into_bytes();
        bytes[at] ^= 1;
        fs::write(empty.path().join("x.tlog-proof"), &bytes).unwrap();
        let refused = run(empty.path(), &by_file);
        assert_eq!(refused.code, 1, "byte {at}: {refused:#?}");
    }
    run(empty.path(), &["audit", "verify", "none", "--key", "pub"]).ended(2);
    kept.run(&["audit", "prove", "100000"]).ended(1);
}

#[test]
fn a_changed_byte_is_named_by_its_leaf_and_file() {
    let kept = Kept::new();
    assert_eq!(kept.verify(0)["holds"], true);
    let whole = kept.path().join("whole");
    copy(&kept.ledger(), &whole);
    let issued = kept.search(&["--action", "client_key.issue"]);
    let seq = issued[2]["seq"].as_u64().unwrap();
    let id = issued[2]["id"].as_str().unwrap().to_owned();

    let (mut broken, mut leaves) = (0, 0);
    for file in files(&whole) {
        let name = file.strip_prefix(&whole).unwrap().display().to_string();
        let tree = name.starts_with("tile/") && !name.contains("entries");
        let bytes = fs::read(&file).unwrap();
        let at = match bytes
            .windows(id.len())
            .position(|part| part == id.as_bytes())
        {
            Some(at) => at + 7,
            None if tree => 5,
            None if name == "checkpoint" => bytes.len() - 20,
            None => continue,
        };
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(kept.ledger().join(&name), &changed).unwrap();
        let told = kept.verify(1);
        assert_eq!(told["holds"], false);
        let all = told["breaks"].as_array().unwrap();
        assert!(
            all.iter().any(|found| found["file"] == *name),
            "{name}: {told}"
        );
        // A bundle of an older checkpoint stands beside the newest, which has the leaf as it was.
        if all[0]["leaf"] == seq {
            leaves += 1;
        }
        let said = kept.run(&["audit", "verify"]).ended(1);
        assert!(said.stdout.contains("broken"), "{said:#?}");
        fs::write(kept.ledger().join(&name), &bytes).unwrap();
        broken += 1;
    }
    assert!(
        broken >= 4 && leaves >= 2,
        "a segment, a bundle, a tile and the checkpoint: {broken}, {leaves}"
    );
    assert_eq!(kept.verify(0)["holds"], true);
}

#[test]
fn a_copy_and_a_checkpoint_that_was_kept_show_that_nothing_was_rewritten() {
    let kept = Kept::new();
    let key = kept.run(&["audit", "checkpoint", "--key"]).ended(0).stdout;
    let key = key.trim();
    let note = kept.run(&["audit", "checkpoint"]).ended(0).stdout;
    fs::write(kept.path().join("kept.checkpoint"), &note).unwrap();
    let copy_of = kept.path().join("copy");
    copy(&kept.ledger(), &copy_of);
    fs::remove_dir_all(copy_of.join("segments")).unwrap();

    kept.run(&["key", "issue", "crm"]).ended(0);
    let since = [
        "audit",
        "verify",
        "--json",
        "--since-checkpoint",
        "kept.checkpoint",
    ];
    let told = kept.run(&since).ended(0).json();
    assert_eq!(told["earlier"].as_array().unwrap().len(), 2, "{told}");
    let newer = kept.run(&["audit", "checkpoint"]).ended(0).stdout;
    fs::write(kept.path().join("newer.checkpoint"), newer).unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let copy_of = copy_of.to_str().unwrap();
    let offline = [
        "audit",
        "verify",
        "--offline",
        copy_of,
        "--json",
        "--key",
        key,
    ];
    assert_eq!(
        run(elsewhere.path(), &offline).ended(0).json()["holds"],
        true
    );
    let newer = kept.path().join("newer.checkpoint");
    let behind = [
        &offline[..],
        &["--since-checkpoint", newer.to_str().unwrap()],
    ]
    .concat();
    let told = run(elsewhere.path(), &behind).ended(1).json();
    assert!(
        told["earlier"][0]["why"]
            .as_str()
            .unwrap()
            .contains("turned back"),
        "{told}"
    );

    // Set back to the copy, the data folder is behind its store.
    fs::remove_dir_all(kept.ledger()).unwrap();
    copy(Path::new(copy_of), &kept.ledger());
    let told = kept.verify(1);
    assert_eq!(told["earlier"][0]["kept_by"], "the store", "{told}");
    assert_eq!(told["earlier"][0]["state"], "broken", "{told}");
}

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

#[test]
fn nothing_about_people_and_no_secret_is_shown_unasked() {
    let kept = Kept::new();
    let user = kept.search(&["--client", "crm", "--people"])[0]["user"].clone();
    let user = user.as_str().unwrap();
    let secret = fs::read_to_string(kept.path().join(".doorward/secrets/ledger-key")).unwrap();
    kept.run(&["audit", "search", "--person", "canary@example.com"])
        .ended(0);
    let seq = kept.search(&["--client", "crm"])[0]["seq"].to_string();
    for arguments in [
        &["audit", "tail", "-n", "1000"][..],
        &["audit", "tail", "-n", "1000", "--json"],
        &["audit", "search"],
        &["audit", "search", "--json"],
        &["audit", "show", &seq],
        &["audit", "show", &seq, "--json"],
        &["audit", "prove", &seq],
        &["audit", "review", "--json"],
        &["audit", "rotate-key"],
        &["audit", "checkpoint", "--json"],
    ] {
        let ran = kept.run(arguments).ended(0);
        for hidden in [user, secret.trim(), "PRIVATE+KEY", "canary@example.com"] {
            assert!(!ran.stdout.contains(hidden), "{arguments:?}: {hidden}");
            assert!(!ran.stderr.contains(hidden), "{arguments:?}: {hidden}");
        }
    }
    for file in files(&kept.ledger()) {
        let bytes = fs::read(&file).unwrap();
        for hidden in [user, "canary@example.com"] {
            let found = bytes
                .windows(hidden.len())
                .any(|part| part == hidden.as_bytes());
            assert!(!found, "{}: {hidden}", file.display());
        }
    }
}

#[test]
fn without_a_ledger_each_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["tail"][..],
        &["search"],
        &["review"],
        &["prove", "0"],
        &["checkpoint"],
    ] {
        let ran = run(folder.path(), &[&["audit"], command].concat()).ended(2);
        assert!(ran.stderr.contains("--data-dir"), "{ran:#?}");
    }
}
