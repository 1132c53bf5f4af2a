//! Rotations that are killed at every step, with every fault beside, both ways: each ends done or rolled
//! back, with no call of a client lost by it, no key left over, none lost, and the old one dead.
//!
//! By default a sample is run, always the same. `DOORWARD_CRASH_SAMPLE` says how many cases (or `all`),
//! `DOORWARD_CRASH_SEED` which, `DOORWARD_CRASH_CASE` names one to run again, `DOORWARD_CRASH_AT_ONCE` says
//! how many are run at once, `DOORWARD_CRASH_ONLY` a text that the names of those to choose from must hold.

#![cfg(test)]

mod cases;
mod check;
mod faults;
#[expect(dead_code, reason = "the rest is for the tests of commands")]
#[path = "../cli/harness.rs"]
mod harness;
mod hook;
mod load;
mod run;
mod tally;
mod watch;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;

use cases::Case;
use run::Ended;
use tally::Tally;

/// Cases of a sample, and how many are run at once.
const SAMPLE: usize = 32;
const AT_ONCE: usize = 6;
/// What a sample is chosen by.
const SEED: &str = "a sample";

fn said(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[test]
fn a_rotation_that_is_killed_ends_done_or_rolled_back() {
    let seed = said("DOORWARD_CRASH_SEED").unwrap_or_else(|| SEED.to_owned());
    let (cases, impossible): (Vec<Case>, Vec<Case>) = cases::all()
        .into_iter()
        .partition(|case| case.fault.cant().is_none());
    let whole = cases.len() + impossible.len();
    let only = said("DOORWARD_CRASH_ONLY").unwrap_or_default();
    let cases: Vec<Case> = cases
        .into_iter()
        .filter(|case| only.split(',').any(|part| case.to_string().contains(part)))
        .collect();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &impossible {
        *skipped.entry(case.fault.cant().unwrap()).or_default() += 1;
    }
    let chosen = match said("DOORWARD_CRASH_CASE") {
        Some(name) => vec![Case::named(&name).expect("no case has that name")],
        None => {
            let sample = said("DOORWARD_CRASH_SAMPLE");
            let count = match sample.as_deref() {
                Some("all") => cases.len(),
                Some(number) => number.parse().unwrap(),
                None => SAMPLE,
            };
            cases::sample(cases, &seed, count)
        }
    };
    let at_once = said("DOORWARD_CRASH_AT_ONCE").map_or(AT_ONCE, |text| text.parse().unwrap());
    println!(
        "{whole} cases, of which {} are run; seed '{seed}'",
        chosen.len()
    );
    for (why, count) in skipped {
        println!("{count} cases can't be run here: {why}");
    }
    let from = Instant::now();
    let ended = run_all(&chosen, &seed, at_once);
    report(whole, &seed, &ended, from);
    let wrong = ended.iter().filter(|one| !one.wrong.is_empty()).count();
    assert_eq!(wrong, 0, "cases in which something does not hold");
}

fn run_all(chosen: &[Case], seed: &str, at_once: usize) -> Vec<Ended> {
    let (next, ended) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = run_one(*case, seed);
                    tell(&one);
                    ended.lock().unwrap().push(one);
                }
            });
        }
    });
    ended.into_inner().unwrap()
}

fn run_one(case: Case, seed: &str) -> Ended {
    let from = Instant::now();
    catch_unwind(AssertUnwindSafe(|| run::run(case, seed))).unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().cloned();
        Ended {
            case,
            end: None,
            landed: None,
            tally: Tally::default(),
            took: from.elapsed(),
            wrong: vec![format!("a panic: {}", why.unwrap_or_default())],
        }
    })
}

fn tell(one: &Ended) {
    let verdict = match one.wrong.is_empty() {
        true => "ok",
        false => "WRONG",
    };
    println!(
        "{verdict} {} -> {} in {:.1} s{}",
        one.case,
        one.end.as_deref().unwrap_or("no end"),
        one.took.as_secs_f64(),
        one.landed
            .as_ref()
            .map(|at| format!(", killed in {at}"))
            .unwrap_or_default(),
    );
    for why in &one.wrong {
        println!("    {why}");
    }
}

fn report(whole: usize, seed: &str, ended: &[Ended], from: Instant) {
    let mut tally = Tally::default();
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut killed, mut in_step) = (0, 0);
    for one in ended {
        tally.add(&one.tally);
        *ends
            .entry(one.end.as_deref().unwrap_or("no end"))
            .or_default() += 1;
        if let Some(landed) = &one.landed {
            killed += 1;
            in_step += usize::from(landed == one.case.phase.as_str());
        }
    }
    let wrong: Vec<String> = ended
        .iter()
        .filter(|one| !one.wrong.is_empty())
        .map(|one| one.case.to_string())
        .collect();
    let result = json!({
        "cases": whole, "run": ended.len(), "seed": seed, "seconds": from.elapsed().as_secs(),
        "ends": ends, "kills": killed, "kills_in_the_step": in_step,
        "calls": {
            "carried": tally.carried, "failed_by_rotation": tally.failed.len(),
            "while_down": tally.down, "ledger_refusals": tally.ledger, "injected": tally.injected,
        },
        "wrong": wrong,
    });
    println!("RESULT {result}");
    for name in wrong {
        println!("again: DOORWARD_CRASH_SEED='{seed}' DOORWARD_CRASH_CASE='{name}'");
    }
}
