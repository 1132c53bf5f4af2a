//! Erasing people, and copies.

use doorward_relay::DeliveryState;

use super::{Events, ids, texts};

#[test]
fn who_is_erased_is_gone_from_events_too() {
    let events = Events::new();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("reply_received", "bob@example.com"),
        ("email_sent", "ann@example.com"),
    ]));
    events.settle(&[(3, 1, DeliveryState::Retry)]);
    let erase = ["audit", "erase", "--person", "Ann@example.com"];
    let unasked = events.run(&erase).ended(2);
    assert!(unasked.stderr.contains("2 events"), "{unasked:?}");
    let erased = events.json(&[&erase[..], &["--yes"]].concat());
    assert_eq!(
        (&erased["events"], &erased["deliveries_given_up"]),
        (&2.into(), &1.into())
    );
    let body = |id: &str| events.json(&["events", "show", id, "--body"])["body"].clone();
    for id in [&all[0], &all[2]] {
        let gone = body(id)["gone"].as_str().unwrap().to_owned();
        assert!(gone.contains("erased"), "{gone}");
    }
    assert!(body(&all[1])["text"].is_string());
    let found = events.json(&["events", "list", "--lead", "ann@example.com"]);
    assert_eq!(ids(&found).len(), 0);
    let refused = events.run(&["replay", &all[0], "--to", "crm"]).ended(2);
    assert!(refused.stderr.contains("erased"), "{refused:?}");
    let dry = [
        "replay",
        "--to",
        "lake",
        "--since",
        "2026-11-01",
        "--dry-run",
    ];
    let dry = events.json(&dry);
    assert_eq!((&dry["events"], &dry["gone"]), (&1.into(), &2.into()));
    let recorded = events.recorded("event.erase_person");
    assert_eq!(recorded[0]["metadata"]["events"], 2, "{recorded:?}");
    assert!(!format!("{recorded:?}").contains("ann@"), "{recorded:?}");
    let again = events.run(&[&erase[..], &["--yes"]].concat()).ended(1);
    assert!(again.stderr.contains("no event is about"), "{again:?}");
}

#[test]
fn a_backup_takes_the_events_along_while_a_server_runs() {
    let events = Events::new();
    let path = events.path();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("email_sent", "bob@example.com"),
    ]));
    events.settle(&[(2, 1, DeliveryState::Dead)]);
    let server = events.stage.serve();
    assert_eq!(ids(&events.json(&["events", "list"])).len(), 2);
    let taken = events.json(&["backup", "backup"]);
    let files = taken["files"].as_array().unwrap();
    assert!(
        files.iter().any(|file| file["path"] == "relay.db"),
        "{taken}"
    );
    assert!(
        !files
            .iter()
            .any(|file| file["path"].as_str().unwrap().starts_with("relay.db-")),
        "{taken}"
    );
    assert!(server.end(rustix::process::Signal::TERM).success());
    // No payload can be read in it without the key.
    let copy = std::fs::read(path.join("backup/relay.db")).unwrap();
    for clear in [&b"ann@example.com"[..], b"Hello from"] {
        assert!(!copy.windows(clear.len()).any(|part| part == clear));
    }
    // What comes after the backup is not in it.
    events.take(&[("email_sent", "cy@example.com")]);
    let to = ["--data-dir", "elsewhere"];
    let with = |command: &[&str]| events.run(&[command, &to[..]].concat());
    let restored = with(&["restore", "backup", "--json"]).ended(0).json();
    assert!(
        restored["warnings"]
            .to_string()
            .contains("delivered once more"),
        "{restored}"
    );
    std::fs::rename(
        path.join(".doorward/secrets"),
        path.join("elsewhere/secrets"),
    )
    .unwrap();
    let list = with(&["events", "list", "--json"]).ended(0).json();
    let mut there = ids(&list);
    there.reverse();
    assert_eq!(there, all);
    let body = with(&["events", "show", &all[0], "--body"]).ended(0);
    assert!(body.stdout.contains("ann@example.com"), "{body:?}");
    with(&["dead-letter", "list"]).ended(1);

    // A backup where no event came in has none.
    let bare = Events::new();
    let taken = bare.run(&["backup", "backup"]).ended(0);
    assert!(taken.stdout.contains("none came in"), "{taken:?}");
}
