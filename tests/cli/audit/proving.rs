//! Proving and verifying: proofs, the whole ledger, copies and what was kept of it.

use std::fs;
use std::path::Path;

use super::{Kept, copy, files};
use crate::harness::run;

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
    let prove = [
        "audit",
        "prove",
        "3",
        "--offline",
        copy_of,
        "--key",
        key,
        "-o",
        "x.tlog-proof",
    ];
    run(elsewhere.path(), &prove).ended(0);
    run(
        elsewhere.path(),
        &["audit", "verify", "x.tlog-proof", "--key", key],
    )
    .ended(0);
    let left: Vec<_> = files(elsewhere.path());
    assert_eq!(left.len(), 1, "no store is made: {left:?}");
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
