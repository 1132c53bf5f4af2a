//! The independent oracle: random histories of clients, grants, policies, keys, reloads and faults,
//! played to a real gateway over sockets and to a model of what it may do.
//!
//! The model (`world`, `grants`, `rules`, `judge`) is plain code written from the guide and from the
//! catalog's tables. It uses nothing of the gateway's or the policy's own deciding. Upstreams write
//! down what reaches them. After every call it must hold that
//!
//! - a request came out under an upstream key if and only if the model lets the call go, and then
//!   to the workspace's own host, under a key of that workspace that covers it, and as it was asked;
//! - no upstream key and no client key is in anything else: answers, ledger, logs, what observers
//!   and telemetry are told.
//!
//! Without more being said, the same few histories are played each time. `DOORWARD_ORACLE_CASES` says
//! how many new ones are, and `DOORWARD_ORACLE_SEED` repeats a run. A history that fails is made as short as possible and shown.

#![cfg(test)]

mod agreement;
mod caller;
#[path = "../gateway/files.rs"]
mod files;
mod grants;
mod judge;
mod outputs;
mod pipeline;
mod records;
mod requests;
mod rules;
mod run;
mod settle;
mod steps;
mod upstream;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Histories that are played unless the environment says otherwise.
const CASES: u32 = 60;
/// What they are made from then.
const SEED: u64 = 1;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number")),
    )
}

#[test]
fn the_upstream_key_goes_out_if_and_only_if_the_model_lets_it() {
    outputs::keep_logs();
    let asked = number("DOORWARD_ORACLE_CASES");
    let cases = asked.map_or(CASES, |cases| u32::try_from(cases).unwrap());
    // The same histories each time, unless somebody looks for new ones.
    let seed = number("DOORWARD_ORACLE_SEED").unwrap_or_else(|| {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        asked.map_or(SEED, |_| u64::from(since.subsec_nanos()))
    });
    eprintln!("DOORWARD_ORACLE_SEED={seed} DOORWARD_ORACLE_CASES={cases}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 600,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = std::cell::RefCell::new(run::Seen::default());
    let result = runner.run(&steps::history(), |history| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let played = runtime.block_on(run::play(&history));
        runtime.shutdown_background();
        match played {
            Ok(counted) => {
                seen.borrow_mut().add(&counted);
                Ok(())
            }
            Err(why) => Err(proptest::test_runner::TestCaseError::fail(why)),
        }
    });
    if let Err(failure) = result {
        panic!("seed {seed}: {failure}");
    }
    let seen = seen.into_inner();
    eprintln!("{seen:#?}");
    // A generator that never gets anything through, or never anything refused, shows nothing.
    if cases >= CASES {
        seen.must_be_telling();
    }
}

#[test]
fn the_rules_are_sound_policies() {
    for rule in rules::every() {
        let text = rule.text();
        if let Err(faults) = doorward_condition::check("rule", &text) {
            panic!("{text}: {}", faults[0]);
        }
    }
}
