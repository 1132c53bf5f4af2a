//! Revocations outside rotations: owed until they are proved, whatever comes.
#![cfg(test)]

use doorward_keys::revocation::{Event, HeldKey, Phase, Revocation, Step};
use doorward_keys::rotation::Why;
use doorward_policy::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn at(ms: i64) -> Timestamp {
    NOW.plus_millis(ms)
}

fn held() -> Revocation {
    let held = HeldKey {
        key_id: "uk_0123456789abcdef".to_owned(),
        print: Some([7; 8]),
    };
    Revocation::new(Why::Asked, "0195-old".to_owned(), Some(held), NOW)
}

fn failed() -> Event {
    Event::Failed {
        why: "500".to_owned(),
    }
}

/// As it is found again after a crash.
fn restarted(before: &Revocation, now: Timestamp) -> Revocation {
    let kept = serde_json::to_string(before).unwrap();
    let mut after: Revocation = serde_json::from_str(&kept).unwrap();
    after.on(Event::Restarted, now).unwrap();
    after
}

#[test]
fn it_is_deleted_and_then_proved_by_three_refusals_over_ten_seconds() {
    let mut one = held();
    assert_eq!(one.next(NOW), Step::Revoke);
    one.on(Event::Revoked, at(100)).unwrap();
    assert_eq!(one.next(at(100)), Step::Probe);
    one.on(Event::Alive, at(200)).unwrap();
    assert_eq!(one.next(at(201)), Step::Wait { until: at(1_200) });
    for ms in [1_200, 6_200] {
        one.on(Event::Refused, at(ms)).unwrap();
        assert_eq!(one.phase(), Phase::Proving);
    }
    one.on(Event::Refused, at(11_200)).unwrap();
    assert_eq!(
        (one.phase(), one.next(at(11_200))),
        (Phase::Done, Step::Over)
    );
    let proof = one.proof().unwrap();
    assert_eq!((proof.refusals, proof.millis_to_death()), (3, 1_100));
    assert!(one.on(Event::Restarted, at(12_000)).is_err(), "it is over");
}

#[test]
fn a_crash_ends_a_row_of_refusals_and_nothing_else() {
    let mut one = held();
    one.on(Event::Revoked, at(0)).unwrap();
    one.on(Event::Refused, at(1_000)).unwrap();
    one.on(Event::Refused, at(6_000)).unwrap();
    let mut one = restarted(&one, at(7_000));
    assert_eq!(
        (one.phase(), one.revoked_at()),
        (Phase::Proving, Some(at(0)))
    );
    one.on(Event::Refused, at(11_500)).unwrap();
    assert_eq!(one.phase(), Phase::Proving, "two of them were before");
}

#[test]
fn a_deletion_that_fails_is_tried_for_ever_and_the_key_is_looked_at_meanwhile() {
    let mut one = held();
    let mut now = NOW;
    for tries in 1..60 {
        assert_eq!(one.next(now), Step::Revoke);
        one.on(failed(), now).unwrap();
        assert_eq!((one.next(now), one.tries()), (Step::Probe, tries));
        assert_eq!(one.trouble(), Some("500"));
        let came = if tries % 2 == 0 {
            Event::Alive
        } else {
            failed()
        };
        one.on(came, now).unwrap();
        let Step::Wait { until } = one.next(now) else {
            panic!("no pause: {one:?}");
        };
        assert!(
            until.millis_since(now) <= 600_000,
            "at least every ten minutes"
        );
        now = until;
    }
    // Somebody deleted it in Instantly's settings: that is seen although every deletion fails.
    one.on(failed(), now).unwrap();
    one.on(Event::Refused, now).unwrap();
    assert_eq!(one.phase(), Phase::Proving);
    for ms in [5_000, 10_000] {
        one.on(Event::Refused, now.plus_millis(ms)).unwrap();
    }
    assert_eq!(one.phase(), Phase::Done);
}

#[test]
fn a_key_that_lives_on_is_deleted_again() {
    let mut one = held();
    one.on(Event::Revoked, at(0)).unwrap();
    one.on(Event::Alive, at(30_000)).unwrap();
    assert_eq!(one.phase(), Phase::Proving);
    one.on(Event::Alive, at(30_001)).unwrap();
    assert_eq!(
        (one.phase(), one.next(at(30_001))),
        (Phase::Revoking, Step::Revoke)
    );
    assert!(one.lives_on() && one.tries() > 0);
    one.on(Event::Revoked, at(30_100)).unwrap();
    assert_eq!(one.revoked_at(), Some(at(0)), "the first time counts");
}

#[test]
fn a_key_whose_value_is_not_held_is_done_once_it_is_not_listed() {
    let mut one = Revocation::new(Why::Leak, "0195-old".to_owned(), None, NOW);
    one.on(Event::Revoked, at(0)).unwrap();
    one.on(Event::Unlisted, at(1)).unwrap();
    assert_eq!(one.phase(), Phase::Done);
    assert!(one.proof().is_none() && one.trouble().unwrap().contains("does not list it"));
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut one = held();
    let ahead = at(86_400_000);
    one.on(failed(), ahead).unwrap();
    one.on(Event::Alive, ahead).unwrap();
    assert_eq!(one.next(NOW), Step::Revoke);
    one.on(Event::Revoked, ahead).unwrap();
    one.on(Event::Refused, ahead).unwrap();
    for ms in [0, 5_000, 10_000] {
        one.on(Event::Refused, at(ms)).unwrap();
    }
    assert_eq!(one.phase(), Phase::Done);
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Restarted),
        Just(Event::Revoked),
        Just(Event::Refused),
        Just(Event::Alive),
        Just(Event::Again),
        Just(failed()),
    ]
}

proptest! {
    #[test]
    fn it_ends_by_proof_alone(events in proptest::collection::vec((event(), 0_i64..20_000), 0..200)) {
        let (mut one, mut now) = (held(), NOW);
        let mut row = Vec::new();
        for (event, ms) in events {
            now = now.plus_millis(ms);
            if one.on(event.clone(), now).is_err() {
                continue;
            }
            match event {
                Event::Refused => row.push(now),
                Event::Again => {}
                _ => row.clear(),
            }
            if one.phase().is_over() {
                prop_assert!(row.len() >= 3);
                prop_assert!(row[row.len() - 1].millis_since(row[0]) >= 10_000);
                prop_assert!(one.proof().is_some());
                return Ok(());
            }
            let held_up = match one.next(now) {
                Step::Wait { until } => until.millis_since(now),
                step => {
                    prop_assert_ne!(step, Step::Over);
                    0
                }
            };
            prop_assert!(held_up <= 600_000);
            prop_assert_eq!(restarted(&one, now).phase(), one.phase());
        }
    }
}
