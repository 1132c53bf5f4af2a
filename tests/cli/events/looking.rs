//! Listing, showing and searching.

use doorward_relay::DeliveryState;

use super::{Events, ids, texts};

#[test]
fn where_nothing_came_in_it_says_so() {
    let events = Events::new();
    let listed = events.run(&["events", "list"]).ended(0);
    assert!(
        listed.stdout.contains("no event ever came in"),
        "{listed:?}"
    );
    let listed = events.json(&["events", "list"]);
    assert_eq!(listed["never_any"], true);
    assert_eq!(ids(&listed).len(), 0);
    let none = "evt_00000000000000000000000000000000";
    events.run(&["events", "show", none]).ended(1);
    events.run(&["deliveries", "list"]).ended(0);
    events.run(&["dead-letter", "list"]).ended(0);
    events.run(&["replay", "list"]).ended(0);
    events.run(&["events", "tail", "--no-follow"]).ended(0);
    assert!(
        !events.path().join(".doorward/relay.db").exists(),
        "who looks makes none"
    );
}

#[test]
fn a_list_is_filtered_and_goes_on_by_pages_and_has_no_payload() {
    let events = Events::new();
    let apart = events.take_apart();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("link_clicked", "bob@example.com"),
        ("reply_received", "bob@example.com"),
        ("My label", "cy@example.com"),
    ]));
    let list = |more: &[&str]| {
        let list = events.json(&[&["events", "list"], more].concat());
        assert!(!list.to_string().contains("example.com"), "{list}");
        assert!(!list.to_string().contains("Hello"), "{list}");
        list
    };
    let mut newest_first = all.clone();
    newest_first.reverse();
    newest_first.push(apart.to_string());
    assert_eq!(ids(&list(&[])), newest_first);
    let first = list(&["--limit", "3"]);
    assert_eq!(ids(&first), newest_first[..3]);
    let next = first["next"].as_str().unwrap();
    assert_eq!(
        ids(&list(&["--limit", "3", "--after", next])),
        newest_first[3..]
    );
    assert_eq!(
        ids(&list(&["--oldest-first", "--limit", "1"])),
        [apart.to_string()]
    );

    let only = |more: &[&str], at: &[usize]| {
        let wanted: Vec<_> = at.iter().map(|at| all[*at].clone()).collect();
        assert_eq!(ids(&list(more)), wanted, "{more:?}");
    };
    only(&["--type", "reply_received"], &[2, 0]);
    // The name of the subscription means what it brings.
    only(&["--type", "email_link_clicked"], &[1]);
    only(&["--type", "My label", "--type", "link_clicked"], &[3, 1]);
    only(&["--lead", "Bob@Example.com"], &[2, 1]);
    only(&["--lead", "nobody@example.com"], &[]);
    only(&["--campaign", "c2"], &[]);
    only(&["--quarantined=false", "--source", "hooks"], &[3, 2, 1, 0]);
    only(&["--origin", "backfill"], &[]);
    only(
        &[
            "--since",
            "2026-11-18T11:06:42Z",
            "--until",
            "2026-11-18T11:06:44Z",
        ],
        &[2, 1],
    );
    assert_eq!(ids(&list(&["--quarantined"])), [apart.to_string()]);
    for wrong in [
        &["--origin", "heaven"][..],
        &["--source", "nowhere"],
        &["--workspace", "nowhere"],
        &["--after", "x"],
    ] {
        let refused = events.run(&[&["events", "list"], wrong].concat());
        assert!((1..=2).contains(&refused.code), "{refused:?}");
    }
    // Who looked for a person is on record, the person is not.
    let looked = events.recorded("event.list");
    assert_eq!(looked.len(), 2, "{looked:?}");
    assert_eq!(looked[0]["metadata"]["by_lead"], true);
    assert!(!format!("{looked:?}").contains("example.com"), "{looked:?}");
    let table = events.run(&["events", "list"]).ended(0).stdout;
    for shown in ["My label", "quarantined: not_json", "hooks", &all[0]] {
        assert!(table.contains(shown), "{table}");
    }
}

#[test]
fn an_event_is_shown_with_what_came_of_it_and_its_payload_when_asked_for() {
    let events = Events::new();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("email_sent", "ann@example.com"),
        ("email_sent", "bob@example.com"),
    ]));
    events.settle(&[
        (2, 1, DeliveryState::Delivered),
        (2, 2, DeliveryState::Retry),
        (3, 1, DeliveryState::Dead),
    ]);
    let shown = events.json(&["events", "show", &all[0]]);
    assert_eq!(shown["type"], "reply_received");
    assert!(shown.get("body").is_none(), "{shown}");
    let states = |shown: &serde_json::Value| {
        let deliveries = shown["deliveries"].as_array().unwrap().iter();
        deliveries
            .map(|one| format!("{} {}", one["destination"].as_str().unwrap(), one["state"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&shown), ["crm \"delivered\"", "lake \"dead\""]);
    let last = events.json(&["events", "show", &all[2]]);
    assert_eq!(states(&last), ["crm \"waiting\"", "lake \"waiting\""]);
    assert_eq!(events.recorded("event.show").len(), 0);

    // Elsewhere than on a terminal the payload is what was received, and nothing else.
    let body = events.run(&["events", "show", &all[0], "--body"]).ended(0);
    let payload: serde_json::Value = serde_json::from_str(&body.stdout).unwrap();
    assert_eq!(payload["lead_email"], "ann@example.com");
    let body = events.json(&["events", "show", &all[0], "--body"]);
    let text = body["body"]["text"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(text).unwrap(),
        payload
    );
    let looked = events.recorded("event.show");
    assert_eq!(looked.len(), 2);
    assert_eq!(looked[0]["resource_ids"]["event_id"], all[0]);

    events.run(&["events", "show", "evt_x"]).ended(2);
    let other = "evt_00000000000000000000000000000000";
    let none = events.run(&["events", "show", other]).ended(1);
    assert!(none.stderr.contains("doorward events list"), "{none:?}");
}

#[test]
fn a_text_finds_events_by_their_payloads() {
    let events = Events::new();
    let all = texts(&events.take(&[
        ("reply_received", "ann@example.com"),
        ("reply_received", "bob@example.com"),
        ("email_sent", "cy@example.com"),
    ]));
    let found = |more: &[&str]| ids(&events.json(&[&["events", "search"], more].concat()));
    assert_eq!(found(&["hello FROM number 1"]), [all[1].clone()]);
    assert_eq!(
        found(&["hello", "--type", "reply_received"]),
        [all[1].clone(), all[0].clone()]
    );
    assert_eq!(found(&["hello", "--limit", "1"]), [all[2].clone()]);
    assert_eq!(found(&["farewell"]).len(), 0);
    events.run(&["events", "search", " "]).ended(2);
    let looked = events.recorded("event.search");
    assert_eq!(looked.len(), 5, "{looked:?}");
    assert!(!format!("{looked:?}").contains("farewell"), "{looked:?}");
}
