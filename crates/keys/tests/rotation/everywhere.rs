//! Every fault at every step, and every two faults at every two steps.

use doorward_keys::rotation::{Phase, Why};

use crate::world::{FATES, Fate, Setting, World};

fn run(setting: &Setting, faults: &[(usize, Fate)]) -> (Phase, usize) {
    let mut world = World::new(setting.clone());
    let fate = |n| {
        faults
            .iter()
            .find(|(at, _)| *at == n)
            .map_or(Fate::Done, |(_, fate)| *fate)
    };
    let end = world.run(fate);
    world.hold_at_the_end();
    (end, world.steps.len())
}

#[test]
fn a_rotation_ends_well_whatever_fails_wherever() {
    let mut runs = 0_u32;
    for why in [Why::Asked, Why::Leak, Why::Mint] {
        for lands_after in [0, 100_000] {
            let setting = Setting {
                why,
                lands_after,
                consumers: 1,
                ..Setting::default()
            };
            // Two faults where it is most likely that they meet.
            let pairs = why == Why::Asked && lands_after > 0;
            let (end, steps) = run(&setting, &[]);
            assert_eq!(end, Phase::Done);
            for first in 0..steps {
                for fate in FATES {
                    let (_, steps) = run(&setting, &[(first, fate)]);
                    runs += 1;
                    for second in (first + 1..steps).filter(|_| pairs) {
                        for other in FATES {
                            run(&setting, &[(first, fate), (second, other)]);
                            runs += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{runs} rotations, none with a dead key in force, an orphan or a lost secret");
    assert!(runs > 5_000, "{runs}");
}

#[test]
fn one_fault_never_undoes_a_rotation_that_can_go_on() {
    let setting = Setting::default();
    let (_, steps) = run(&setting, &[]);
    for at in 0..steps {
        for fate in FATES {
            let permanent = matches!(
                fate,
                Fate::Refused(doorward_keys::rotation::Failure::Permanent)
            );
            if !permanent {
                assert_eq!(run(&setting, &[(at, fate)]).0, Phase::Done, "{at} {fate:?}");
            }
        }
    }
}
