//! Deliveries, dead letters, replays.

use doorward_relay::deliver::ReplayFilter;
use doorward_relay::{DeliveryState, ReplayState};
use serde_json::Value;

use super::{BEGIN, Events, texts};

fn column(found: &Value, name: &str) -> Vec<String> {
    let deliveries = found["deliveries"].as_array().unwrap().iter();
    deliveries
        .map(|one| match &one[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect()
}

#[test]
fn deliveries_are_listed_with_what_was_answered() {
    let events = Events::new();
    let all = texts(&events.take(&[("reply_received", "ann@example.com"); 3].map(|one| one)));
    events.settle(&[
        (2, 1, DeliveryState::Delivered),
        (2, 2, DeliveryState::Retry),
        (3, 1, DeliveryState::Dead),
    ]);
    let list = |more: &[&str]| events.json(&[&["deliveries", "list"], more].concat());
    assert_eq!(column(&list(&[]), "destination"), ["crm", "crm", "lake"]);
    let crm = list(&["--destination", "crm"]);
    assert_eq!(column(&crm, "state"), ["retry", "delivered"]);
    assert_eq!(column(&crm, "attempts"), ["9", "9"]);
    assert_eq!(column(&crm, "status"), ["503", "200"]);
    let first = list(&["--destination", "crm", "--limit", "1"]);
    let next = first["next"].as_str().unwrap();
    let second = list(&["--destination", "crm", "--limit", "1", "--after", next]);
    assert_eq!(column(&second, "event"), [all[0].clone()]);
    assert_eq!(
        column(&list(&["--state", "dead"]), "event"),
        [all[0].clone()]
    );
    let of = list(&["--event", &all[1]]);
    assert_eq!(column(&of, "state"), ["retry", "waiting"]);
    events
        .run(&["deliveries", "list", "--state", "lost"])
        .ended(2);
    events
        .run(&["deliveries", "list", "--destination", "x"])
        .ended(1);

    let answer = events.json(&["deliveries", "list", "--answer", &all[0], "lake"]);
    assert_eq!(answer["answer"], "{\"error\":\"down for repair\"}");
    assert_eq!(answer["delivery"]["state"], "dead");
    events
        .run(&["deliveries", "list", "--answer", &all[2], "lake"])
        .ended(1);
    assert_eq!(events.recorded("delivery.answer").len(), 2);
    let table = events.run(&["deliveries", "list"]).ended(0).stdout;
    assert!(table.contains("crm") && table.contains("503"), "{table}");
}

#[test]
fn dead_letters_are_tried_again_or_given_up_when_that_is_said() {
    let events = Events::new();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("reply_received", "bob@example.com"),
        ("reply_received", "cy@example.com"),
    ]));
    let dead = |seq| (2, seq, DeliveryState::Dead);
    events.settle(&[dead(1), dead(2), dead(3), (3, 1, DeliveryState::Dead)]);
    let list = |more: &[&str]| {
        let list = [&["dead-letter", "list", "--json"], more].concat();
        let ran = events.run(&list);
        let found = ran.json();
        let any = !found["deliveries"].as_array().unwrap().is_empty();
        assert_eq!(ran.code, i32::from(any));
        column(&found, "event")
    };
    assert_eq!(list(&["--destination", "crm"]), all);
    assert_eq!(list(&[]).len(), 4);

    let one = ["dead-letter", "retry", "crm", "--event", &all[1]];
    assert_eq!(events.json(&one)["retried"], 1);
    let again = events.run(&one).ended(1);
    assert!(again.stderr.contains("no such delivery"), "{again:?}");
    let unasked = events.run(&["dead-letter", "discard", "crm"]).ended(2);
    assert!(unasked.stderr.contains("--yes"), "{unasked:?}");
    assert_eq!(list(&["--destination", "crm"]).len(), 2);
    let discard = ["dead-letter", "discard", "crm", "--event", &all[0], "--yes"];
    assert_eq!(events.json(&discard)["discarded"], 1);
    assert_eq!(events.json(&["dead-letter", "retry", "crm"])["retried"], 1);
    assert_eq!(list(&["--destination", "crm"]).len(), 0);
    assert_eq!(list(&["--destination", "lake"]).len(), 1);
    let state = column(
        &events.json(&["deliveries", "list", "--destination", "crm"]),
        "state",
    );
    assert_eq!(state, ["retry", "retry", "discarded"]);
    // An event stays, though nobody gets it.
    events.run(&["events", "show", &all[0]]).ended(0);

    assert_eq!(events.recorded("dead_letter.retry").len(), 3);
    let given_up = events.recorded("dead_letter.discard");
    assert_eq!(given_up[0]["metadata"]["deliveries"], 1, "{given_up:?}");
}

#[test]
fn a_replay_is_counted_before_and_begun_when_it_is_meant() {
    let events = Events::new();
    let apart = events.take_apart().to_string();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("email_sent", "bob@example.com"),
        ("reply_received", "cy@example.com"),
        ("reply_received", "dee@example.com"),
    ]));
    let replay = |more: &[&str]| events.json(&[&["replay"], more].concat());
    let dry = replay(&["--to", "lake", "--since", "2026-11-01", "--dry-run"]);
    assert_eq!(dry["events"], 4);
    assert_eq!(dry["types"]["reply_received"], 3);
    assert!(dry["replay"].is_null());
    // The destination's own filter holds.
    let dry = replay(&["--destination", "crm", "--since", "2026-11-01", "--dry-run"]);
    assert_eq!(dry["events"], 3);
    let dry = replay(&[
        "--to",
        "crm",
        "--since",
        "2026-11-18T11:06:43Z",
        "--dry-run",
    ]);
    assert_eq!(dry["events"], 2);
    let dry = replay(&["--to", "lake", "--type", "email_sent", "--dry-run"]);
    assert_eq!(dry["events"], 1);
    assert_eq!(events.json(&["replay", "list"]), serde_json::json!([]));
    assert_eq!(events.recorded("replay.start").len(), 0, "nothing was done");
    let none = replay(&["--to", "crm", "--type", "email_sent"]);
    assert_eq!(
        (&none["events"], &none["replay"]),
        (&0.into(), &Value::Null)
    );

    let begun = replay(&["--to", "crm", "--since", "2026-11-01", "--rate", "20"]);
    assert_eq!(begun["replay"]["id"], 1, "{begun}");
    assert_eq!(begun["replay"]["state"], "running");
    // What an event was asked for by its id is what the destination gets, wanted or not.
    let one = replay(&[&all[1], "--to", "crm"]);
    assert_eq!(
        (&one["events"], &one["replay"]["id"]),
        (&1.into(), &2.into())
    );
    {
        let store = events.store();
        let found = store.reader().replay(2).unwrap();
        assert_eq!((found.asked.first_seq, found.asked.last_seq), (3, 3));
        let filter: ReplayFilter = serde_json::from_str(&found.asked.filter).unwrap();
        assert!(filter.unwanted);
        let found = store.reader().replay(1).unwrap();
        assert_eq!((found.asked.first_seq, found.asked.last_seq), (2, 5));
        assert_eq!(found.asked.rate, 20.0);
        let end = store.end_replay(1, ReplayState::Done, BEGIN);
        events.runtime.block_on(end).unwrap();
    }
    let refused = events.run(&["replay", &apart, "--to", "crm"]).ended(2);
    assert!(refused.stderr.contains("quarantine"), "{refused:?}");
    for wrong in [
        &["--to", "crm"][..],
        &[&all[0]],
        &[&all[0], "--to", "crm", "--since", "24h"],
        &[&all[0], "--to", "crm", "--rate", "0"],
    ] {
        events.run(&[&["replay"], wrong].concat()).ended(2);
    }
    events.run(&["replay", &all[0], "--to", "nobody"]).ended(1);
    // Nobody delivers, so nobody waits.
    let wait = ["replay", &all[0], "--to", "lake", "--wait"];
    let waits = events.run(&wait).ended(1);
    assert!(waits.stderr.contains("no server runs"), "{waits:?}");

    assert_eq!(events.json(&["replay", "show", "2"])["state"], "running");
    let running = events.json(&["replay", "list", "--running", "--destination", "crm"]);
    assert_eq!(running.as_array().unwrap().len(), 1);
    assert_eq!(
        events.json(&["replay", "cancel", "2"])["state"],
        "cancelled"
    );
    let again = events.run(&["replay", "cancel", "2"]).ended(2);
    assert!(again.stderr.contains("cancelled already"), "{again:?}");
    events.run(&["replay", "show", "17"]).ended(1);
    let table = events.run(&["replay", "list"]).ended(0).stdout;
    assert!(table.contains("crm") && table.contains("100%"), "{table}");
    let begun = events.recorded("replay.start");
    let begun = begun.iter().filter(|one| one["result"] == "success");
    assert_eq!(begun.count(), 4);
    assert_eq!(events.recorded("replay.cancel").len(), 2);
}
