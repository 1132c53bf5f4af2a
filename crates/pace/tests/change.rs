//! Other limits while calls go and wait.

#![cfg(test)]

use std::time::Duration;

use doorward_catalog::Op;
use doorward_pace::{
    Ask, Class, ClientId, Config, Pacer, Rate, Spends, Start, Turn, Verdict, WorkspaceId,
};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn config(second: u32, minute: u32) -> Config {
    let mut config = Config::default();
    let [short, long] = &mut config.workspace;
    (short.calls, long.calls) = (second, minute);
    config
}

fn ask() -> Ask {
    Ask {
        client: ClientId(7),
        class: Class::Default,
        op: Op::ListCampaign,
        spends: Spends::one(WorkspaceId(1)),
    }
}

/// Calls that go at once, of so many.
fn at_once(pacer: &mut Pacer, now: Duration, calls: usize) -> usize {
    let verdicts = (0..calls).map(|_| pacer.ask(now, &ask()));
    verdicts.filter(|verdict| *verdict == Verdict::Go).count()
}

#[test]
fn who_waits_goes_as_soon_as_there_is_more_room() {
    let mut pacer = Pacer::new(config(10, 600), Start::Idle, Duration::ZERO).unwrap();
    assert_eq!(at_once(&mut pacer, Duration::ZERO, 30), 9);
    pacer.set_config(MS, config(20, 600)).unwrap();
    assert_eq!(pacer.next_due(), Some(MS), "at once");
    let mut turns = Vec::new();
    pacer.due(MS, &mut turns);
    assert_eq!(turns.len(), 9, "18 in all, with those before");
    assert!(turns.iter().all(|turn| matches!(turn, Turn::Go(_))));
}

#[test]
fn what_went_before_counts_under_less_room() {
    let mut pacer = Pacer::new(config(100, 6_000), Start::Idle, Duration::ZERO).unwrap();
    assert_eq!(at_once(&mut pacer, Duration::ZERO, 50), 50);
    pacer.set_config(MS, config(20, 600)).unwrap();
    assert_eq!(at_once(&mut pacer, 2 * MS, 1), 0);
    // And is not forgotten when there is more again.
    let later = Duration::from_millis(1_200);
    assert_eq!(at_once(&mut pacer, later, 17), 17, "one has waited");
    pacer.set_config(later, config(100, 70)).unwrap();
    assert_eq!(at_once(&mut pacer, later, 1), 0, "63 a minute, 68 went");
}

#[test]
fn what_is_out_of_bounds_changes_nothing() {
    let mut pacer = Pacer::new(config(10, 600), Start::Idle, Duration::ZERO).unwrap();
    assert!(pacer.set_config(MS, config(0, 600)).is_err());
    assert_eq!(at_once(&mut pacer, MS, 30), 9);
}

proptest! {
    /// Whatever the limits were before: no call goes that is one too many by those in force.
    #[test]
    fn no_call_goes_that_the_limits_in_force_forbid(
        steps in proptest::collection::vec((0_u64..400, 1_usize..12, 0_u8..6), 1..150),
    ) {
        let limits: [(u32, u32); 5] = [(10, 60), (2, 20), (10, 20), (5, 40), (1, 1)];
        let short = |second, minute| {
            let mut config = config(second, minute);
            config.workspace[1] = Rate { calls: minute, window: Duration::from_secs(5) };
            config
        };
        let (mut second, mut minute) = limits[0];
        let mut pacer = Pacer::new(short(second, minute), Start::Idle, Duration::ZERO).unwrap();
        let mut now = Duration::ZERO;
        let mut sent: Vec<Duration> = Vec::new();
        let mut turns = Vec::new();
        for (pause, calls, change) in steps {
            now += Duration::from_millis(pause);
            if let Some(limit) = limits.get(usize::from(change)) {
                (second, minute) = *limit;
                pacer.set_config(now, short(second, minute)).unwrap();
            }
            let before = sent.len();
            for _ in 0..calls {
                if pacer.ask(now, &ask()) == Verdict::Go {
                    sent.push(now);
                }
            }
            pacer.due(now, &mut turns);
            sent.extend(turns.drain(..).filter(|turn| matches!(turn, Turn::Go(_))).map(|_| now));
            if sent.len() == before {
                continue;
            }
            for (limit, seconds) in [(second, 1), (minute, 5)] {
                let window = Duration::from_secs(seconds);
                let within = sent.iter().filter(|at| **at + window > now).count();
                prop_assert!(within <= (limit * 9 / 10).max(1) as usize, "{within} of {limit}");
            }
        }
    }
}

#[test]
fn what_is_found_to_be_anothers_counts_there_once_and_nowhere_else() {
    let mut pacer = Pacer::new(config(10, 600), Start::Idle, Duration::ZERO).unwrap();
    assert_eq!(at_once(&mut pacer, Duration::ZERO, 6), 6);
    let (old, new) = (WorkspaceId(1), WorkspaceId(2));
    let used = |pacer: &mut Pacer, workspace| {
        let limits = pacer.standing(MS, workspace).limits;
        limits.windows[0].used
    };
    for _ in 0..3 {
        pacer.adopt(MS, old, new);
        assert_eq!((used(&mut pacer, old), used(&mut pacer, new)), (0, 6));
        pacer.adopt(MS, new, new);
        assert_eq!(used(&mut pacer, new), 6, "it is itself");
    }
    // Who waits by the old number is told at once, to ask by the new one.
    assert_eq!(at_once(&mut pacer, MS, 10), 9);
    pacer.adopt(2 * MS, old, new);
    assert_eq!(pacer.next_due(), Some(2 * MS));
    let mut turns = Vec::new();
    pacer.due(2 * MS, &mut turns);
    assert!(matches!(turns[..], [Turn::Go(_)]));
}
