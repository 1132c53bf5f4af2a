//! Rotations that hang: who is told, and what a person can do.

use doorward_keys::rotation::{Event, Failure, Phase, Rotation};
use doorward_policy::Timestamp;

use crate::world::{Fate, Setting, World};

const DAY: i64 = 86_400_000;

/// Each state of a rotation on its way, the first of each phase, with the time.
fn states(setting: Setting) -> Vec<(Rotation, i64)> {
    let mut world = World::new(setting);
    let mut seen: Vec<(Rotation, i64)> = Vec::new();
    world.watch(|rotation, now| {
        if seen.iter().all(|(one, _)| one.phase() != rotation.phase()) {
            seen.push((rotation.clone(), now));
        }
    });
    seen
}

fn at(states: &[(Rotation, i64)], phase: Phase) -> (Rotation, i64) {
    let found = states.iter().find(|(one, _)| one.phase() == phase);
    found.unwrap().clone()
}

#[test]
fn every_phase_that_lasts_too_long_is_told_of_and_none_before() {
    let back = Setting {
        abort_at_step: Some(6),
        ..Setting::default()
    };
    let mut phases = 0;
    for (rotation, now) in [states(Setting::default()), states(back)].concat() {
        let overdue = |after: i64| rotation.is_overdue(Timestamp::from_millis(now + after));
        let phase = rotation.phase();
        assert!(!overdue(600_000), "{phase:?}");
        assert_eq!(overdue(DAY), phase.has_step(), "{phase:?}");
        phases += u32::from(phase.has_step());
    }
    assert!(phases > 15, "{phases}");
}

#[test]
fn a_consumer_that_never_falls_silent_can_be_skipped_while_it_is_waited_for() {
    let silent = Setting {
        acknowledge: false,
        ..Setting::default()
    };
    let (mut rotation, now) = at(&states(silent), Phase::Draining);
    let now = Timestamp::from_millis(now + DAY);
    let look = doorward_keys::rotation::Look {
        new_carried: true,
        old_seen: Some(now),
        ..Default::default()
    };
    rotation.on(Event::Looked(look), now).unwrap();
    assert_eq!(rotation.phase(), Phase::Draining);
    let skip = |name: &str| Event::Skip {
        consumer: name.into(),
    };
    assert!(rotation.on(skip("nobody"), now).is_err());
    rotation.on(skip("consumer-0"), now).unwrap();
    rotation.on(Event::Looked(look), now).unwrap();
    assert_eq!(rotation.phase(), Phase::Draining, "the other is waited for");
    assert_eq!(rotation.waited_for(), ["consumer-1"]);
    rotation.on(skip("consumer-1"), now).unwrap();
    rotation.on(Event::Looked(look), now).unwrap();
    assert_eq!(rotation.phase(), Phase::Confirming);
}

#[test]
fn what_is_left_can_be_abandoned_once_the_old_key_is_dead_and_not_before() {
    let abandon = || Event::Abandon {
        why: "a person said so".into(),
    };
    for (mut rotation, now) in states(Setting::default()) {
        let phase = rotation.phase();
        let dead = matches!(phase, Phase::Forgetting | Phase::Tidying);
        let taken = rotation.on(abandon(), Timestamp::from_millis(now));
        assert_eq!(taken.is_ok(), dead, "{phase:?}");
        assert_eq!(rotation.phase() == Phase::Abandoned, dead, "{phase:?}");
    }
}

#[test]
fn a_death_that_nothing_proves_is_not_called_proved() {
    let (proved, now) = at(&states(Setting::default()), Phase::Proving);
    let mut unproved = proved;
    let now = Timestamp::from_millis(now);
    assert!(!unproved.is_unproved());
    let gone = Event::Unprovable {
        why: "its value is gone".into(),
    };
    unproved.on(gone, now).unwrap();
    assert!(unproved.is_unproved());
    unproved.on(Event::Forgot, now).unwrap();
    unproved.on(Event::Swept { sure: true }, now).unwrap();
    assert_eq!(unproved.phase(), Phase::Done);
    assert!(unproved.is_unproved() && unproved.trouble().is_some());
    let (done, _) = at(&states(Setting::default()), Phase::Done);
    assert!(!done.is_unproved());
}

#[test]
fn what_an_earlier_version_kept_is_read() {
    let mut world = World::new(Setting::default());
    let end = world.run(|n| match n {
        2 => Fate::Refused(Failure::Temporary),
        _ => Fate::Done,
    });
    assert_eq!(end, Phase::Done);
    let mut kept = serde_json::to_value(&world.rotation).unwrap();
    for later in ["skipped", "unseen", "hurried"] {
        kept.as_object_mut().unwrap().remove(later).unwrap();
    }
    let old = kept["plan"]["old"].as_object_mut().unwrap();
    old.remove("print").unwrap();
    let read: Rotation = serde_json::from_value(kept).unwrap();
    assert_eq!(read.phase(), Phase::Done);
    assert_eq!(read.plan().old().unwrap().print, None);
}
