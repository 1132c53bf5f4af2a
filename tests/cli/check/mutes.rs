//! Mutes, and remedies.

use doorward_policy::Timestamp;
use doorward_store::{CheckStore, KeptMute, SqliteStore};
use rustix::process::Signal;
use serde_json::Value;

use super::{leaves, looked, open};
use crate::harness::{Demo, Server};

fn day(ahead: i64) -> String {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    today
        .saturating_add(jiff::Span::new().days(ahead))
        .to_string()
}

fn mute(demo: &Demo, what: &str, until: &str) -> i32 {
    let why = ["--reason", "asked, see OPS-12", "--owner", "ann"];
    let asked = [&["check", "mute", what][..], &why, &["--until", until]].concat();
    demo.run(&asked).code
}

fn standing(run: &Value, print: &str) -> Value {
    let all = run["findings"].as_array().unwrap();
    let one = all.iter().find(|one| one["fingerprint"] == print).unwrap();
    one["standing"].clone()
}

#[test]
fn what_is_muted_does_not_count_until_its_day_is_over() {
    let demo = Demo::up();
    let first = looked(&demo, &[]);
    let found = open(&first);
    let print = found[0]["fingerprint"].as_str().unwrap();
    let rule = found[0]["rule"].as_str().unwrap();
    assert_eq!(mute(&demo, &print[..10], &day(30)), 0);
    let second = looked(&demo, &[]);
    let muted = standing(&second, print);
    assert_eq!(muted["muted"]["owner"], "ann");
    assert_eq!(open(&second).len(), found.len() - 1);
    assert!(
        !second["since"].to_string().contains(print),
        "it is neither new nor mended"
    );
    let text = demo.run(&["check"]).stdout;
    assert!(text.contains("MUTED") && text.contains("OPS-12"), "{text}");
    let listed = demo.run(&["check", "mutes", "--json"]).ended(0).json();
    assert_eq!(listed[0]["what"], print);
    assert_eq!(listed[0]["over"], false);

    demo.run(&["check", "unmute", &print[..10]]).ended(0);
    let third = looked(&demo, &[]);
    assert_eq!(standing(&third, print), "open");
    demo.run(&["check", "unmute", print]).ended(1);
    // A whole check.
    assert_eq!(mute(&demo, rule, &day(0)), 0);
    let fourth = looked(&demo, &[]);
    assert!(open(&fourth).iter().all(|one| one["rule"] != rule));

    // All of it is in the ledger, and why is not.
    let acts = leaves(&demo, "check.mute");
    assert!(
        acts.iter().any(|leaf| leaf["metadata"]["what"] == print),
        "{acts:?}"
    );
    assert!(!format!("{acts:?}").contains("OPS-12"));
    assert!(!leaves(&demo, "check.unmute").is_empty());
    let accepted = leaves(&demo, "check.finding");
    assert!(
        accepted
            .iter()
            .any(|leaf| leaf["metadata"]["state"] == "accepted")
    );
}

#[test]
fn a_mute_that_is_over_is_told_and_the_finding_counts() {
    let Demo { folder, server } = Demo::up();
    let demo = Demo { folder, server };
    let found = open(&looked(&demo, &[]));
    let rule = found[0]["rule"].as_str().unwrap().to_owned();
    let Demo { folder, server } = demo;
    assert!(server.end(Signal::TERM).success());
    // It was made a year ago.
    let store = SqliteStore::open(&folder.path().join(".doorward/doorward.db")).unwrap();
    let kept = KeptMute {
        what: rule.clone(),
        reason: "until the move".to_owned(),
        owner: "ann".to_owned(),
        until: day(-1),
        made_at: Timestamp::from_seconds(1_700_000_000),
    };
    store.keep_check_mute(&kept).unwrap();
    drop(store);
    let server = Server::start(folder.path(), &["up"]);
    let demo = Demo { folder, server };
    let run = looked(&demo, &[]);
    let of_rule: Vec<Value> = open(&run)
        .into_iter()
        .filter(|one| one["rule"] == rule)
        .collect();
    assert!(!of_rule.is_empty());
    for finding in of_rule {
        let evidence = finding["evidence"].to_string();
        assert!(
            evidence.contains("mute expired") && evidence.contains("until the move"),
            "{evidence}"
        );
    }
    let text = demo.run(&["check", "mutes"]).ended(0).stdout;
    assert!(text.contains("over"), "{text}");
}

#[test]
fn a_mute_needs_a_thing_a_reason_an_owner_and_a_day_that_comes() {
    let demo = Demo::up();
    for (what, until) in [
        ("keys.nothing", day(1)),
        ("keys", day(1)),
        ("ffffffffffffffff", day(1)),
        ("keys.no_owner", day(-1)),
        ("keys.no_owner", day(400)),
        ("keys.no_owner", "soon".to_owned()),
    ] {
        assert_eq!(mute(&demo, what, &until), 2, "{what} {until}");
    }
    demo.run(&["check", "mute", "keys.no_owner", "--until", &day(1)])
        .ended(2);
    let key = demo.key("analytics-dashboard");
    let secret = [
        "check",
        "mute",
        "keys.no_owner",
        "--owner",
        "ann",
        "--reason",
        &key,
    ];
    let refused = demo
        .run(&[&secret[..], &["--until", &day(1)]].concat())
        .ended(2);
    assert!(!refused.stderr.contains(&key));
    assert!(
        demo.run(&["check", "mutes", "--json"])
            .ended(0)
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn remedies_are_shown_asked_for_and_run_as_the_commands_they_are() {
    let demo = Demo::up();
    let before = looked(&demo, &[]);
    let asked = demo.run(&["check", "--fix"]);
    if asked.stderr.contains("none of what was found") {
        return;
    }
    // Nobody is here to be asked.
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.stderr.contains("$ doorward "), "{asked:?}");
    assert_eq!(
        open(&looked(&demo, &[])).len(),
        open(&before).len(),
        "nothing was run"
    );
    let done = demo
        .run(&["check", "--fix", "--yes", "--fail-on", "never"])
        .ended(0);
    assert!(done.stderr.contains("remedies were run"), "{done:?}");
    assert!(open(&looked(&demo, &[])).len() < open(&before).len());
}
