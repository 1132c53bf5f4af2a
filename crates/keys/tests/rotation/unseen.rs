//! Keys that the list does not show when they are to go, and clocks that are set back.

use doorward_keys::rotation::{Event, Failure, Phase, Rotation, Step};
use doorward_policy::Timestamp;

use crate::world::{Fate, Setting, World};

#[test]
fn going_back_deletes_the_new_key_by_its_id_when_it_is_never_listed() {
    let mut world = World::new(Setting {
        listed_after: i64::MAX,
        ..Setting::default()
    });
    assert_eq!(world.run(|_| Fate::Done), Phase::RolledBack);
    world.hold_at_the_end();
}

#[test]
fn a_new_key_that_is_neither_listed_nor_known_yet_is_looked_for_again() {
    let mut world = World::new(Setting {
        listed_after: i64::MAX,
        known_after: 60_000,
        ..Setting::default()
    });
    // The first look is too soon.
    let end = world.run(|n| match n {
        2 => Fate::Refused(Failure::Permanent),
        _ => Fate::Done,
    });
    assert_eq!(end, Phase::RolledBack);
    world.hold_at_the_end();
    assert_eq!(
        world.steps,
        [
            "create", "store", "verify", "weigh", "discard", "weigh", "discard", "erase"
        ],
        "the old key is seen to work before each look"
    );
}

#[test]
fn a_key_that_was_listed_when_it_went_is_not_looked_for_again() {
    let mut world = World::new(Setting::default());
    let end = world.run(|n| match n {
        2 => Fate::Refused(Failure::Permanent),
        _ => Fate::Done,
    });
    assert_eq!(end, Phase::RolledBack);
    assert!(world.now < 1_000, "{}", world.now);
}

/// The rotation in the step, its clock a year ahead of the one that is right.
fn ahead(step: &str, failed: bool) -> (Rotation, i64) {
    const YEAR: i64 = 31_536_000_000;
    let mut world = World::new(Setting {
        consumers: 0,
        ..Setting::default()
    });
    world.now = YEAR;
    let mut found = None;
    world.watch(|rotation, now| {
        if found.is_none() && rotation.phase().as_str() == step {
            found = Some((rotation.clone(), now));
        }
    });
    let (mut rotation, now) = found.unwrap();
    if failed {
        let fault = Event::Failed {
            how: Failure::Temporary,
            why: "fault".into(),
        };
        rotation.on(fault, Timestamp::from_millis(now)).unwrap();
    }
    (rotation, now - YEAR)
}

#[test]
fn a_debt_is_paid_although_the_clock_was_set_back() {
    let (rotation, right) = ahead("confirm", true);
    let step = rotation.next(Timestamp::from_millis(right));
    assert_eq!(step, Step::Confirm);
    // A pause that can be one is kept.
    let (rotation, right) = ahead("confirm", true);
    let late = Timestamp::from_millis(right + 31_536_000_000);
    assert!(matches!(rotation.next(late), Step::Wait { .. }));
}

#[test]
fn a_proof_is_made_anew_when_the_clock_was_set_back() {
    let (mut rotation, right) = ahead("prove-dead", false);
    let year = 31_536_000_000;
    rotation
        .on(Event::Refused, Timestamp::from_millis(right + year))
        .unwrap();
    let mut now = right;
    for _ in 0..3 {
        assert_eq!(rotation.next(Timestamp::from_millis(now)), Step::Probe);
        rotation
            .on(Event::Refused, Timestamp::from_millis(now))
            .unwrap();
        now += 5_000;
    }
    let proof = rotation.proof().expect("no proof");
    assert_eq!(
        proof.refusals, 3,
        "what was seen by the other clock counts not"
    );
    assert_eq!(proof.last.millis_since(proof.first), 10_000);
}

#[test]
fn an_event_that_does_not_fit_changes_nothing_when_the_clock_was_set_back() {
    let (mut rotation, right) = ahead("prove-dead", false);
    let before = rotation.clone();
    let unfit = rotation.on(Event::Stored, Timestamp::from_millis(right));
    assert!(unfit.is_err());
    assert_eq!(rotation, before);
}
