//! What people would tell of a rotation.

use doorward_keys::rotation::{Event, Failure, Phase, Plan, PlanFault, Why};

use crate::world::{Fate, Setting, World, draft};

#[test]
fn the_steps_of_a_rotation_are_those_of_the_book() {
    let mut world = World::new(Setting {
        consumers: 1,
        ..Setting::default()
    });
    assert_eq!(world.run(|_| Fate::Done), Phase::Done);
    let mut steps = world.steps.clone();
    steps.dedup();
    assert_eq!(
        steps,
        [
            "create",
            "store",
            "verify",
            "promote",
            "tell",
            "drain",
            "confirm",
            "revoke",
            "prove-dead",
            "forget",
            "tidy"
        ]
    );
    world.hold_at_the_end();
}

#[test]
fn after_a_leak_the_old_key_dies_before_anybody_outside_is_served() {
    let mut world = World::new(Setting {
        why: Why::Leak,
        consumers: 1,
        ..Setting::default()
    });
    assert_eq!(world.run(|_| Fate::Done), Phase::Done);
    let at = |step| world.steps.iter().position(|seen| *seen == step).unwrap();
    assert!(at("prove-dead") < at("tell"));
    assert!(world.now < 30_000, "{}", world.now);
}

#[test]
fn a_leak_while_consumers_are_waited_for_kills_the_old_key_at_once() {
    let setting = Setting {
        consumers: 2,
        acknowledge: false,
        ..Setting::default()
    };
    let mut patient = World::new(setting.clone());
    assert_eq!(patient.run(|_| Fate::Done), Phase::Done);
    // In the step after the first consumer was told.
    let mut hurried = World::new(Setting {
        hurry_at_step: Some(5),
        ..setting
    });
    assert_eq!(hurried.run(|_| Fate::Done), Phase::Done);
    let steps = &hurried.steps;
    let last = |step| steps.iter().rposition(|seen| *seen == step).unwrap();
    assert_eq!(steps[4], "tell");
    assert!(last("tell") > last("prove-dead"), "{steps:?}");
    assert!(hurried.now < patient.now, "{} {}", hurried.now, patient.now);
    hurried.hold_at_the_end();
}

#[test]
fn a_first_key_is_made_without_any_to_revoke() {
    let mut world = World::new(Setting {
        why: Why::Mint,
        consumers: 1,
        ..Setting::default()
    });
    assert_eq!(world.run(|_| Fate::Done), Phase::Done);
    assert!(!world.steps.contains(&"revoke"));
    world.hold_at_the_end();
}

#[test]
fn a_revocation_is_owed_however_often_it_fails() {
    let mut world = World::new(Setting::default());
    let mut failed = 0;
    let mut steps: Vec<usize> = vec![];
    let end = world.run(|n| {
        steps.push(n);
        // From the revocation on (its place is known from a run without faults) 40 refusals.
        if n >= 10 && failed < 40 {
            failed += 1;
            return Fate::Refused(Failure::Permanent);
        }
        Fate::Done
    });
    assert!(matches!(end, Phase::Done | Phase::RolledBack));
    world.hold_at_the_end();
}

#[test]
fn a_person_can_have_it_undone_until_the_revocation_and_not_after() {
    let mut world = World::new(Setting {
        abort_at_step: Some(5),
        ..Setting::default()
    });
    assert_eq!(world.run(|_| Fate::Done), Phase::RolledBack);
    world.hold_at_the_end();
    let mut world = World::new(Setting::default());
    world.run(|_| Fate::Done);
    assert!(!world.rotation.may_abort());
    let now = doorward_policy::Timestamp::from_millis(world.now);
    assert!(
        world
            .rotation
            .on(Event::Abort { why: "late".into() }, now)
            .is_err()
    );
}

#[test]
fn a_plan_that_can_not_end_well_is_none() {
    let good = draft(&Setting::default());
    assert!(Plan::new(good.clone()).is_ok());
    let fault = |change: &dyn Fn(&mut doorward_keys::rotation::Draft)| {
        let mut draft = good.clone();
        change(&mut draft);
        Plan::new(draft).unwrap_err()
    };
    assert_eq!(
        fault(&|d| d.manager = "uk_old".into()),
        PlanFault::ManagesItself
    );
    assert_eq!(
        fault(&|d| d.manager_api_key_id = Some("api-old".into())),
        PlanFault::ManagesItself
    );
    assert_eq!(
        fault(&|d| d.scopes = "".parse().unwrap_or_default()),
        PlanFault::NoScopes
    );
    assert_eq!(
        fault(&|d| d.scopes = "all:all".parse().unwrap()),
        PlanFault::Everything
    );
    assert_eq!(fault(&|d| d.old = None), PlanFault::OldAndWhy);
    assert_eq!(fault(&|d| d.why = Why::Mint), PlanFault::OldAndWhy);
    assert_eq!(
        fault(&|d| d.consumers = vec!["a".into(), "a".into()]),
        PlanFault::Consumers
    );
    assert!(matches!(
        fault(&|d| d.timing.proof = 5),
        PlanFault::Timing(_)
    ));
    assert!(matches!(
        fault(&|d| d.timing.overlap = -1),
        PlanFault::Timing(_)
    ));
}
