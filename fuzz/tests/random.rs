//! Each target on its seeds, then on changed ones: what can be done without libFuzzer.
//!
//! `DOORWARD_FUZZ_ROUNDS` says how many a target (4,000); `DOORWARD_FUZZ_SEED` where to begin.

use std::panic::catch_unwind;

use doorward_fuzz::{TARGETS, changes::changed};
use fastrand::Rng;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn seeds_are_accepted() {
    for target in TARGETS {
        for seed in (target.seeds)() {
            let shown = seed.escape_ascii();
            assert!((target.run)(&seed), "{} refuses {shown}", target.name);
        }
    }
}

#[test]
fn changed_seeds_are_read_or_refused() {
    let rounds = number("DOORWARD_FUZZ_ROUNDS", 4_000);
    let mut random = Rng::with_seed(number("DOORWARD_FUZZ_SEED", 1));
    for target in TARGETS {
        let seeds = (target.seeds)();
        let mut accepted = 0;
        // A policy is held against the whole schema, a detector runs its examples, and archives are
        // looked through: that takes its time.
        let slow = ["policy", "detector_file", "decoded", "archive"].contains(&target.name);
        let rounds = if slow { rounds.div_ceil(10) } else { rounds };
        for _ in 0..rounds {
            let input = changed(&seeds, &mut random);
            match catch_unwind(|| (target.run)(&input)) {
                Ok(true) => accepted += 1,
                Ok(false) => {}
                Err(_) => panic!("{} on b\"{}\"", target.name, input.escape_ascii()),
            }
        }
        assert!(accepted < rounds, "{} refuses nothing", target.name);
        println!("{}: {accepted} of {rounds} accepted", target.name);
    }
}

#[test]
fn each_target_has_its_file() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort_unstable();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}
