//! What holds for every schedule, key and time.

use doorward_keys::rotation::schedule::{Every, Schedule, When, Window, Windows};
use doorward_policy::Timestamp;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2020 to 2040, ms.
const TIMES: std::ops::Range<i64> = 1_577_836_800_000..2_208_988_800_000;

fn window() -> impl Strategy<Value = Window> {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "-09:30",
        "Pacific/Apia",
    ];
    let days = ["Mon", "Sun", "Mon-Fri", "Sat,Sun", "Fri-Tue", "daily"];
    let minute = 0_u16..1_440;
    (
        prop::sample::select(days.to_vec()),
        minute.clone(),
        minute,
        prop::sample::select(zones.to_vec()),
    )
        .prop_filter_map("an empty window", |(days, from, to, zone)| {
            let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let text = format!("{days} {}-{} {zone}", time(from), time(to));
            text.parse().ok()
        })
}

fn windows() -> impl Strategy<Value = Windows> {
    prop::collection::vec(window(), 0..4).prop_map(|all| Windows::new(all).unwrap())
}

fn schedule() -> impl Strategy<Value = Schedule> {
    (1_i64..400 * 24, 0_u16..=500, windows()).prop_map(|(hours, jitter, windows)| {
        Schedule::new(Every::millis(hours * HOUR), jitter, windows).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The next opening is open, and there is none before it.
    #[test]
    fn the_next_opening_is_the_first(windows in windows(), at in TIMES, share in 0.0..1.0_f64) {
        let at = Timestamp::from_millis(at);
        let next = windows.next(at);
        prop_assert!(next >= at && windows.is_open(next));
        let between = at.plus_millis((next.millis_since(at) as f64 * share) as i64);
        prop_assert!(between == next || !windows.is_open(between));
        prop_assert!(next.millis_since(at) <= 16 * DAY);
    }

    /// The last opening is open, and there is none after it.
    #[test]
    fn the_last_opening_is_the_last(windows in windows(), at in TIMES, share in 0.0..1.0_f64) {
        let at = Timestamp::from_millis(at);
        let Some(last) = windows.last(at) else { return Ok(()) };
        prop_assert!(last <= at && windows.is_open(last));
        let between = at.plus_millis(-((at.millis_since(last) as f64 * share) as i64));
        prop_assert!(between == last || !windows.is_open(between));
    }

    /// Due in a window, never before half the age, and later than the age only when no window opens
    /// between where it may be due first and the end.
    #[test]
    fn a_key_is_due_in_a_window_and_not_late(
        schedule in schedule(), id in "uk_[0-9a-f]{16}", made in TIMES, hours in 1_i64..400 * 24,
    ) {
        let schedule = schedule.with_every(Every::millis(hours * HOUR));
        let made = Timestamp::from_millis(made);
        let due = schedule.due(&id, made).unwrap();
        prop_assert!(schedule.windows().is_open(due));
        let age = due.millis_since(made);
        prop_assert!(age >= hours * HOUR / 2, "{age}");
        if age > hours * HOUR {
            let deadline = made.plus_millis(hours * HOUR);
            let half = made.plus_millis(hours * HOUR / 2);
            prop_assert_eq!(due, schedule.windows().next(deadline));
            let last = schedule.windows().last(deadline);
            prop_assert!(last.is_none_or(|at| at < half));
        }
        // And the same each time.
        prop_assert_eq!(schedule.due(&id, made), Some(due));
    }

    /// Nothing is begun outside the windows or before it is due, and waiting ends.
    #[test]
    fn nothing_begins_outside_a_window(
        schedule in schedule(), id in "uk_[0-9a-f]{16}", made in TIMES, after in 0..800 * DAY,
        tried in prop::option::of(0..800 * DAY),
    ) {
        let made = Timestamp::from_millis(made);
        let now = made.plus_millis(after);
        let tried = tried.map(|at| made.plus_millis(at));
        match schedule.when(&id, made, tried, now) {
            When::Now => {
                prop_assert!(schedule.windows().is_open(now));
                prop_assert!(schedule.due(&id, made).unwrap() <= now);
            }
            When::At(at) => {
                prop_assert!(at > now);
                let then = schedule.when(&id, made, tried, at);
                let open = schedule.windows().is_open(at);
                prop_assert_eq!(then == When::Now, open);
            }
            When::Never => prop_assert!(false, "every key has its age"),
        }
    }

    /// Keys that were made together are spread over the whole jitter.
    #[test]
    fn keys_made_together_are_spread(made in TIMES) {
        let schedule = Schedule::new(Some(Every::ninety_days()), 100, Windows::default()).unwrap();
        let made = Timestamp::from_millis(made);
        let ages: Vec<i64> = (0..200)
            .map(|n| schedule.due(&format!("uk_{n:016x}"), made).unwrap().millis_since(made))
            .collect();
        let (first, last) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
        prop_assert!(*first >= 81 * DAY && *last <= 90 * DAY);
        prop_assert!(last - first > 8 * DAY, "{first} {last}");
    }
}
