//! Any row of faults, in any setting.

use doorward_keys::rotation::{Event, Phase, Rotation, Step, Why};
use doorward_policy::Timestamp;
use proptest::prelude::*;

use crate::world::{FATES, Fate, Setting, World};

fn settings() -> impl Strategy<Value = Setting> {
    let why = prop::sample::select(vec![
        Why::Schedule,
        Why::Asked,
        Why::Shrink,
        Why::Leak,
        Why::Mint,
    ]);
    let delay = prop::sample::select(vec![0, 4_000, 40_000, 400_000]);
    let lands = prop::sample::select(vec![0, 3_000, 60_000, 119_000]);
    (
        why,
        0..3_usize,
        delay,
        lands,
        any::<bool>(),
        prop::option::of(0..40_usize),
    )
        .prop_map(
            |(why, consumers, revocation_delay, lands_after, acknowledge, abort_at_step)| Setting {
                why,
                consumers,
                revocation_delay,
                lands_after,
                listed_after: 0,
                known_after: 0,
                acknowledge,
                abort_at_step,
                hurry_at_step: None,
                dies_at_step: None,
                new_dies_at_step: None,
            },
        )
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![3 => Just(Fate::Done), 2 => prop::sample::select(FATES.to_vec())];
    prop::collection::vec(fate, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_row_of_faults_leaves_no_working_key(setting in settings(), fates in fates()) {
        let mut world = World::new(setting);
        let end = world.run(|n| fates.get(n).copied().unwrap_or(Fate::Done));
        prop_assert!(matches!(end, Phase::Done | Phase::RolledBack), "{:?}", end);
        world.hold_at_the_end();
    }

    /// The same when it is said at any moment that the old key leaked.
    #[test]
    fn a_leak_at_any_moment_leaves_no_orphan_and_a_working_key(
        mut setting in settings(), fates in fates(), at in 0..40_usize,
    ) {
        setting.hurry_at_step = Some(at);
        let mut world = World::new(setting);
        let end = world.run(|n| fates.get(n).copied().unwrap_or(Fate::Done));
        prop_assert!(matches!(end, Phase::Done | Phase::RolledBack), "{:?}", end);
        world.hold_at_the_end();
    }

    /// The world asserts that the last working key is never taken away but in the moment in which the
    /// other dies.
    #[test]
    fn a_key_that_dies_by_itself_never_costs_the_other(
        mut setting in settings(), fates in fates(), at in 0..40_usize, old in any::<bool>(),
    ) {
        setting.why = Why::Asked;
        if old {
            setting.dies_at_step = Some(at);
        } else {
            setting.new_dies_at_step = Some(at);
        }
        let mut world = World::new(setting);
        let end = world.run(|n| fates.get(n).copied().unwrap_or(Fate::Done));
        prop_assert!(matches!(end, Phase::Done | Phase::RolledBack | Phase::Stuck), "{:?}", end);
    }

    #[test]
    fn what_does_not_fit_changes_nothing(setting in settings(), fates in fates(), stray in 0..16_usize) {
        let mut world = World::new(setting);
        let mut seen: Vec<Rotation> = vec![];
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            world.run(|n| fates.get(n).copied().unwrap_or(Fate::Done))
        }));
        prop_assert!(end.is_ok());
        seen.push(world.rotation.clone());
        let events = [
            Event::Begin, Event::Swept { sure: true }, Event::Stored, Event::Recovered, Event::NotThere, Event::Verified,
            Event::Promoted, Event::NewWorks, Event::Revoked, Event::Refused, Event::Alive, Event::Forgot,
            Event::OldWorks, Event::OldDead, Event::Demoted, Event::Erased,
        ];
        let now = Timestamp::from_millis(world.now);
        let before = world.rotation.clone();
        prop_assert!(world.rotation.on(events[stray].clone(), now).is_err());
        prop_assert_eq!(&world.rotation, &before);
        prop_assert_eq!(world.rotation.next(now), Step::Over);
    }
}
