//! Runs of the checklist as they are kept.

#![cfg(test)]

use doorward_policy::Timestamp;
use doorward_store::{
    CheckStore, KeptMute, NewCheckRun, SeenFinding, SqliteStore, Store, StoreError,
};

const DAY: i64 = 86_400;

fn run(id: &str, at: i64) -> NewCheckRun {
    NewCheckRun {
        id: id.to_owned(),
        at: Timestamp::from_seconds(at),
        record: format!("{{\"run\":\"{id}\"}}"),
    }
}

fn seen(fingerprint: &str, muted: bool) -> SeenFinding {
    SeenFinding {
        fingerprint: fingerprint.to_owned(),
        muted,
        record: "{}".to_owned(),
    }
}

fn mute(what: &str) -> KeptMute {
    KeptMute {
        what: what.to_owned(),
        reason: "until the move".to_owned(),
        owner: "ann".to_owned(),
        until: "2027-01-31".to_owned(),
        made_at: Timestamp::from_seconds(7),
    }
}

/// Fingerprint, from when, until when, muted.
fn spans(store: &SqliteStore) -> Vec<(String, i64, Option<i64>, bool)> {
    let all = store.check_findings().unwrap().into_iter();
    let seconds = |at: Timestamp| at.millis() / 1_000;
    all.map(|one| {
        let gone = one.gone_at.map(seconds);
        (one.fingerprint, seconds(one.began_at), gone, one.muted)
    })
    .collect()
}

#[test]
fn a_finding_is_there_until_it_is_gone_and_comes_back_anew() {
    let store = SqliteStore::in_memory().unwrap();
    let before = store.generation().unwrap();
    let keep = |id: &str, at, seen: &[SeenFinding], gone: &[&str]| {
        let gone: Vec<String> = gone.iter().map(|one| (*one).to_owned()).collect();
        store.keep_check_run(&run(id, at), seen, &gone).unwrap();
    };
    keep("r1", 10, &[seen("aa", false), seen("bb", false)], &[]);
    // What a run says nothing of stays.
    keep("r2", 20, &[seen("aa", true)], &[]);
    keep("r3", 30, &[], &["aa"]);
    keep("r4", 40, &[seen("aa", false)], &["cc"]);
    let span = |name: &str, from, to, muted| (name.to_owned(), from, to, muted);
    assert_eq!(
        spans(&store),
        [
            span("aa", 10, Some(30), true),
            span("aa", 40, None, false),
            span("bb", 10, None, false),
        ]
    );
    let runs: Vec<String> = store
        .check_runs(3)
        .unwrap()
        .into_iter()
        .map(|run| run.id)
        .collect();
    assert_eq!(runs, ["r4", "r3", "r2"]);
    assert_eq!(store.generation().unwrap(), before, "no snapshot shows it");
    // Half a year later it is forgotten.
    keep("r5", 30 + 184 * DAY, &[], &[]);
    assert_eq!(spans(&store).len(), 2);
}

#[test]
fn what_is_kept_is_bounded() {
    let store = SqliteStore::in_memory().unwrap();
    for n in 0..1_005 {
        store
            .keep_check_run(&run(&format!("r{n}"), n), &[], &[])
            .unwrap();
    }
    let runs = store.check_runs(usize::MAX).unwrap();
    assert_eq!(runs.len(), 1_000);
    assert_eq!(runs.last().unwrap().id, "r5");
    let mut long = run("long", 1);
    long.record = "x".repeat(64 * 1024 + 1);
    let mut far = seen("ff", false);
    far.record = "x".repeat(16 * 1024 + 1);
    for refused in [
        store.keep_check_run(&long, &[], &[]),
        store.keep_check_run(&run("x", 1), &[far], &[]),
        store.keep_check_run(&run("x", 1), &[seen("a b", false)], &[]),
        store.keep_check_run(&run("x", 1), &vec![seen("aa", false); 100_001], &[]),
    ] {
        assert!(
            matches!(refused, Err(StoreError::Field { .. })),
            "{refused:?}"
        );
    }
    assert!(
        store.check_findings().unwrap().is_empty(),
        "refused as a whole"
    );
    for n in 0..1_000 {
        store.keep_check_mute(&mute(&format!("m{n}"))).unwrap();
    }
    assert!(store.keep_check_mute(&mute("m1000")).is_err());
    assert_eq!(store.check_mutes().unwrap().len(), 1_000);
}

#[test]
fn a_mute_is_one_for_each_thing_and_holds_no_key() {
    let store = SqliteStore::in_memory().unwrap();
    let first = mute("keys.wildcard");
    let second = KeptMute {
        until: "2027-03-01".to_owned(),
        ..first.clone()
    };
    store.keep_check_mute(&first).unwrap();
    store.keep_check_mute(&second).unwrap();
    assert_eq!(store.check_mutes().unwrap(), std::slice::from_ref(&second));
    assert_eq!(store.delete_check_mute("keys.wildcard").unwrap(), second);
    let missing = store.delete_check_mute("keys.wildcard").unwrap_err();
    assert!(missing.to_string().contains("mute"), "{missing}");
    for reason in [
        "dwk_p_8jtPHNY1aF55_2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b",
        "a\nb",
    ] {
        let faulty = KeptMute {
            reason: reason.to_owned(),
            ..first.clone()
        };
        assert!(matches!(
            store.keep_check_mute(&faulty),
            Err(StoreError::Field { .. })
        ));
    }
}
