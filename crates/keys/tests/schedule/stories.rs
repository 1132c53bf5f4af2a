//! Windows and due times that people would work out by hand.

use doorward_keys::rotation::schedule::{
    Every, Schedule, ScheduleFault, When, Window, WindowFault, Windows,
};
use doorward_policy::Timestamp;

pub(crate) fn at(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(time.as_millisecond())
}

pub(crate) fn windows(texts: &[&str]) -> Windows {
    let all = texts.iter().map(|text| text.parse().unwrap()).collect();
    Windows::new(all).unwrap()
}

const DAY: i64 = 86_400_000;

fn days(n: i64) -> Option<Every> {
    Some(Every::millis(n * DAY).unwrap())
}

#[test]
fn a_window_is_open_on_its_days_in_its_zone() {
    let window: Window = "Mon-Fri 09:00-17:00 Europe/Berlin".parse().unwrap();
    for (time, open) in [
        // A Monday in winter: Berlin is an hour ahead.
        ("2026-01-05T07:59:59Z", false),
        ("2026-01-05T08:00:00Z", true),
        ("2026-01-05T15:59:59.999Z", true),
        ("2026-01-05T16:00:00Z", false),
        // In summer two.
        ("2026-07-06T07:00:00Z", true),
        ("2026-07-06T15:00:00Z", false),
        ("2026-01-03T10:00:00Z", false),
    ] {
        assert_eq!(window.is_open(at(time)), open, "{time}");
    }
    let night: Window = "Fri 22:00-04:00 -05:00".parse().unwrap();
    for (time, open) in [
        ("2026-01-10T02:59:00Z", false),
        ("2026-01-10T03:00:00Z", true),
        ("2026-01-10T08:59:00Z", true),
        ("2026-01-10T09:00:00Z", false),
        ("2026-01-09T04:00:00Z", false),
    ] {
        assert_eq!(night.is_open(at(time)), open, "{time}");
    }
    let whole: Window = "Sat-Mon 00:00-24:00".parse().unwrap();
    let open = |day: &str| whole.is_open(at(&format!("{day}T12:00:00Z")));
    assert_eq!(
        [
            "2026-01-09",
            "2026-01-10",
            "2026-01-11",
            "2026-01-12",
            "2026-01-13"
        ]
        .map(open),
        [false, true, true, true, false]
    );
}

#[test]
fn clocks_that_are_set_forward_swallow_no_window_for_good() {
    // 02:00 to 03:00 was not there in Berlin on 29 March 2026.
    let swallowed = windows(&["Sun 02:00-03:00 Europe/Berlin"]);
    assert_eq!(
        swallowed.next(at("2026-03-28T00:00:00Z")),
        at("2026-04-05T00:00:00Z")
    );
    let half = windows(&["Sun 02:30-04:00 Europe/Berlin"]);
    let opens = half.next(at("2026-03-28T00:00:00Z"));
    assert_eq!(
        opens,
        at("2026-03-29T01:30:00Z"),
        "the moment after the jump"
    );
}

#[test]
fn what_is_no_window_is_told() {
    for (text, fault) in [
        ("", WindowFault::Form),
        ("Mon", WindowFault::Form),
        ("Mon 09:00-17:00 Europe/Berlin x", WindowFault::Form),
        ("Moon 09:00-17:00", WindowFault::Days),
        ("Mon- 09:00-17:00", WindowFault::Days),
        ("Mon,,Tue 09:00-17:00", WindowFault::Days),
        ("Mon 9:00-17:00", WindowFault::Times),
        ("Mon 09:00", WindowFault::Times),
        ("Mon 09:00-09:00", WindowFault::Times),
        ("Mon 24:00-09:00", WindowFault::Times),
        ("Mon 09:60-10:00", WindowFault::Times),
        ("Mon 09:00-24:01", WindowFault::Times),
        ("Mon 09:00-17:00 Europe/Nowhere", WindowFault::Zone),
        ("Mon 09:00-17:00 +25:00", WindowFault::Zone),
        ("Mon 09:00-17:00 ../../etc/passwd", WindowFault::Zone),
    ] {
        assert_eq!(text.parse::<Window>().unwrap_err(), fault, "{text}");
    }
    let many = vec!["daily 01:00-02:00".parse::<Window>().unwrap(); 33];
    assert_eq!(Windows::new(many), Err(WindowFault::TooMany));
    assert_eq!(
        Schedule::new(None, 501, Windows::default()),
        Err(ScheduleFault::Jitter)
    );
    assert_eq!((Every::millis(0), Every::millis(i64::MAX)), (None, None));
}

#[test]
fn a_key_is_due_at_its_age_within_a_window() {
    let made = at("2026-01-01T00:00:00Z");
    let plain = Schedule::new(days(90), 0, Windows::default()).unwrap();
    assert_eq!(plain.due("uk_1", made), Some(at("2026-04-01T00:00:00Z")));
    let never = plain.with_every(None);
    assert_eq!(
        never.when("uk_1", made, None, at("2036-01-01T00:00:00Z")),
        When::Never
    );

    // 2026-04-01 is a Wednesday: with windows on Mondays alone it is done on the Monday before.
    let mondays = Schedule::new(days(90), 0, windows(&["Mon 09:00-17:00 UTC"])).unwrap();
    let due = mondays.due("uk_1", made).unwrap();
    assert_eq!(due, at("2026-03-30T16:59:59.999Z"));
    let when = |now: &str| mondays.when("uk_1", made, None, at(now));
    assert_eq!(when("2026-03-30T12:00:00Z"), When::At(due));
    assert_eq!(
        when("2026-03-30T17:00:00Z"),
        When::At(at("2026-04-06T09:00:00Z"))
    );
    assert_eq!(when("2026-04-06T09:00:00Z"), When::Now);
    // With jitter there is room to begin when the window opens.
    let jitter = Schedule::new(days(90), 100, windows(&["Mon-Fri 09:00-17:00 UTC"])).unwrap();
    let due = jitter.due("uk_1", made).unwrap();
    assert!(due >= at("2026-03-23T00:00:00Z") && due <= at("2026-04-01T00:00:00Z"));
}

#[test]
fn what_failed_is_not_tried_at_every_turn() {
    let made = at("2026-01-01T00:00:00Z");
    let schedule = Schedule::new(days(1), 0, Windows::default()).unwrap();
    let now = at("2026-01-02T01:00:00Z");
    assert_eq!(schedule.when("uk_1", made, None, now), When::Now);
    let again = When::At(at("2026-01-02T07:00:00Z"));
    assert_eq!(schedule.when("uk_1", made, Some(now), now), again);
}
