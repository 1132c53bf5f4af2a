//! The cases: every step of a rotation, every fault on its calls, every kill, both ways.
//!
//! The steps come from the type, so that a new one does not compile until it is said here what it calls
//! and how it is reached.

use std::fmt;

use doorward_keys::rotation::Phase;

use crate::faults::Fault;

/// When the server is killed, at the step of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kill {
    Never,
    /// The step is durable, and not begun.
    Before,
    /// Its call was sent; where it has none, while it is being done.
    UnderWay,
    /// Its call was answered, which is not recorded yet; where it has none, a little later.
    After,
}

/// Which way the rotation is meant to go from the step of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Forward,
    /// Somebody asks at that step, or before it, to go back.
    Back,
    /// Forward, because the key leaked: it dies before anybody outside is served.
    Leak,
}

/// How a step is come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Plain,
    /// The answer of the first creation is lost.
    LostCreation,
    /// The server is killed in that step.
    KilledIn(Phase),
    /// Somebody asks to go back while the old key's calls come to their end.
    TurnedBack,
}

/// What a step calls at Instantly, and how it is come to.
pub(crate) struct Reach {
    pub(crate) calls: &'static [&'static str],
    pub(crate) route: Route,
}

const CREATE: &str = "createAPIKey";
const LIST: &str = "listAPIKey";
const DELETE: &str = "deleteAPIKey";
/// The read that tells whether a key works.
const READ: &str = "listCampaign";

/// `None` for what is no step: nothing is done there.
pub(crate) fn reach(phase: Phase) -> Option<Reach> {
    use Route::{KilledIn, LostCreation, Plain, TurnedBack};
    let (calls, route): (&'static [&'static str], Route) = match phase {
        Phase::Planned | Phase::Done | Phase::RolledBack | Phase::Stuck | Phase::Abandoned => {
            return None;
        }
        Phase::Creating => (&[CREATE], Plain),
        Phase::Clearing => (&[LIST, DELETE], LostCreation),
        Phase::Storing => (&[], Plain),
        Phase::Recovering => (&[], KilledIn(Phase::Storing)),
        Phase::Verifying => (&[LIST, READ], Plain),
        Phase::Promoting | Phase::Telling => (&[], Plain),
        Phase::Draining | Phase::Confirming => (&[READ], Plain),
        Phase::Revoking => (&[DELETE], Plain),
        Phase::Proving => (&[READ], Plain),
        Phase::Forgetting => (&[], Plain),
        Phase::Tidying => (&[LIST], Plain),
        Phase::Weighing => (&[READ], TurnedBack),
        Phase::Demoting | Phase::Untelling | Phase::Quieting => (&[], TurnedBack),
        Phase::Discarding => (&[LIST, DELETE], TurnedBack),
        Phase::Erasing => (&[], TurnedBack),
    };
    Some(Reach { calls, route })
}

/// One case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) phase: Phase,
    /// The call that the fault strikes, and that is awaited before a kill.
    pub(crate) call: Option<&'static str>,
    pub(crate) fault: Fault,
    pub(crate) kill: Kill,
    pub(crate) way: Way,
}

const KILLS: [Kill; 4] = [Kill::Never, Kill::Before, Kill::UnderWay, Kill::After];

impl Case {
    /// The step's route; every case has one.
    pub(crate) fn route(&self) -> Route {
        reach(self.phase).map_or(Route::Plain, |reach| reach.route)
    }

    /// The case of that name.
    pub(crate) fn named(name: &str) -> Option<Case> {
        all().into_iter().find(|case| case.to_string() == name)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kill = match self.kill {
            Kill::Never => "not-killed",
            Kill::Before => "killed-before",
            Kill::UnderWay => "killed-under-way",
            Kill::After => "killed-after",
        };
        let way = match self.way {
            Way::Forward => "forward",
            Way::Back => "back",
            Way::Leak => "leak",
        };
        let call = self.call.unwrap_or("no-call");
        let phase = self.phase.as_str();
        write!(f, "{phase}/{call}/{}/{kill}/{way}", self.fault.as_str())
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let steps = Phase::ALL.iter().filter(|phase| phase.has_step());
    for (phase, reach) in steps.filter_map(|phase| Some((*phase, reach(*phase)?))) {
        let ways: &[Way] = match phase.is_back() {
            true => &[Way::Back],
            false => &[Way::Forward, Way::Back, Way::Leak],
        };
        let mut struck: Vec<(Option<&'static str>, Fault)> = Vec::new();
        for call in reach.calls {
            let faults = Fault::ALL.into_iter().filter(|fault| fault.is_of_a_call());
            struck.extend(faults.map(|fault| (Some(*call), fault)));
        }
        let outside = matches!(phase, Phase::Telling | Phase::Untelling);
        let beside = Fault::ALL
            .into_iter()
            .filter(|fault| !fault.is_of_a_call() && (outside || !fault.is_outside()));
        struck.extend(beside.map(|fault| (reach.calls.first().copied(), fault)));
        for (call, fault) in struck {
            for kill in KILLS {
                cases.extend(ways.iter().map(|way| Case {
                    phase,
                    call,
                    fault,
                    kill,
                    way: *way,
                }));
            }
        }
    }
    cases
}

/// So many of the cases, the same for the same seed: each step and each fault once, then others.
pub(crate) fn sample(mut cases: Vec<Case>, seed: &str, count: usize) -> Vec<Case> {
    cases.sort_by_key(|case| number(seed, &case.to_string()));
    let mut chosen: Vec<Case> = Vec::new();
    for case in &cases {
        let new = |same: fn(&Case, &Case) -> bool| !chosen.iter().any(|other| same(case, other));
        if new(|a, b| a.phase == b.phase) || new(|a, b| a.fault == b.fault) {
            chosen.push(*case);
        }
    }
    let others: Vec<_> = cases.iter().filter(|case| !chosen.contains(case)).collect();
    let missing = count.saturating_sub(chosen.len());
    chosen.extend(others.into_iter().take(missing));
    chosen.truncate(count);
    chosen
}

/// A number that a seed and a text come to, the same on every machine (FNV-1a, then mixed).
pub(crate) fn number(seed: &str, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.bytes().chain([0]).chain(text.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[test]
fn every_step_is_in_cases_and_each_case_has_a_name_of_its_own() {
    let cases = all();
    for phase in Phase::ALL {
        let of = cases.iter().filter(|case| case.phase == *phase).count();
        assert_eq!(of > 0, phase.has_step(), "{phase:?}");
    }
    for fault in Fault::ALL {
        assert!(cases.iter().any(|case| case.fault == fault), "{fault:?}");
    }
    let mut names: Vec<String> = cases.iter().map(ToString::to_string).collect();
    assert_eq!(Case::named(&names[7]), Some(cases[7]));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    let few = sample(all(), "a seed", 40);
    assert_eq!(few, sample(all(), "a seed", 40));
    assert_ne!(few, sample(all(), "another", 40));
    assert!(
        Phase::ALL
            .iter()
            .filter(|phase| phase.has_step())
            .all(|p| few.iter().any(|c| c.phase == *p))
    );
}
