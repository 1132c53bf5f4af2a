//! The score: how much of what was looked at is as it should be.
//!
//! Each check that was looked at puts its weight at stake: that of its severity, or of the worst that
//! it found. A check that passed keeps it, one that found something loses it. The score is what was
//! kept, in percent, rounded down; so it is 100 only when nothing was found.
//!
//! What could not be looked at, does not apply, or found nothing but what is muted puts nothing at
//! stake: it neither lowers the score nor raises it, and is counted beside it.

use doorward_finding::{Outcome, Report, Ruled, Severity};
use serde::{Deserialize, Serialize};

/// What a check puts at stake.
pub const fn weight(severity: Severity) -> u32 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 3,
        Severity::High => 8,
        Severity::Critical => 20,
    }
}

/// How a workspace stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// All areas together.
    #[serde(flatten)]
    pub whole: Tally,
    /// Each area, in the order of the checks.
    pub areas: Vec<AreaScore>,
}

/// How one area stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaScore {
    /// The area: what stands before the first dot of a check's id.
    pub area: String,
    /// How it stands.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Checks by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// 0 to 100; `None` when nothing was looked at that weighs.
    pub score: Option<u8>,
    /// Checks that found nothing.
    pub passed: u32,
    /// Checks that found something that counts.
    pub failed: u32,
    /// Checks that found nothing but what is muted.
    pub muted: u32,
    /// Checks that could not look.
    pub not_looked: u32,
    /// Checks that don't apply.
    pub not_applicable: u32,
}

/// Checks while they are counted.
#[derive(Default)]
struct Counting {
    tally: Tally,
    kept: u32,
    at_stake: u32,
}

impl Score {
    /// The score of a report.
    pub fn of(report: &Report) -> Self {
        let mut whole = Counting::default();
        let mut areas: Vec<(String, Counting)> = Vec::new();
        for ruled in &report.rules {
            let area = ruled.rule.area();
            whole.count(report, ruled);
            match areas.iter_mut().find(|(name, _)| name == area) {
                Some((_, counting)) => counting.count(report, ruled),
                None => {
                    let mut counting = Counting::default();
                    counting.count(report, ruled);
                    areas.push((area.to_owned(), counting));
                }
            }
        }
        let areas = areas.into_iter().map(|(area, counting)| AreaScore {
            area,
            tally: counting.end(),
        });
        Self {
            whole: whole.end(),
            areas: areas.collect(),
        }
    }
}

impl Counting {
    fn count(&mut self, report: &Report, ruled: &Ruled) {
        let of_rule = |open: bool| {
            let found = report.findings.iter();
            found.filter(move |one| one.rule == ruled.rule.id && one.is_open() == open)
        };
        match &ruled.outcome {
            Outcome::NotLooked(_) => self.tally.not_looked += 1,
            Outcome::NotApplicable(_) => self.tally.not_applicable += 1,
            Outcome::Passed | Outcome::Failed => {
                let worst = of_rule(true).map(|finding| finding.severity).max();
                match worst {
                    Some(worst) => {
                        self.tally.failed += 1;
                        self.at_stake += weight(worst.max(ruled.rule.severity));
                    }
                    None if of_rule(false).next().is_some() => self.tally.muted += 1,
                    None => {
                        self.tally.passed += 1;
                        self.kept += weight(ruled.rule.severity);
                        self.at_stake += weight(ruled.rule.severity);
                    }
                }
            }
        }
    }

    fn end(self) -> Tally {
        let percent = (self.kept * 100).checked_div(self.at_stake);
        Tally {
            score: percent.and_then(|percent| u8::try_from(percent).ok()),
            ..self.tally
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use doorward_finding::{Finding, Mute, Place, Remedy, Rule, Standing, Thing, Tool};
    use proptest::prelude::*;

    /// A report of these checks: id, severity, and how it ended.
    pub(in crate::report) fn report(rules: &[(&str, Severity, Outcome)]) -> Report {
        let rules = rules.iter().map(|(id, severity, outcome)| Ruled {
            rule: Rule {
                id: (*id).to_owned(),
                title: format!("Title of {id}"),
                severity: *severity,
                why: "Why it matters.".to_owned(),
                help: "How to mend it.".to_owned(),
                references: vec!["https://example.com/read".to_owned()],
                tags: vec!["owasp-api:API2".to_owned(), "cis:5.4".to_owned()],
            },
            outcome: outcome.clone(),
        });
        Report {
            tool: Tool {
                name: "doorward check".to_owned(),
                version: "0.1.0".to_owned(),
            },
            started: "2026-11-23T10:00:00Z".to_owned(),
            milliseconds: 1_234,
            rules: rules.collect(),
            findings: Vec::new(),
            not_looked_at: Vec::new(),
        }
    }

    /// A finding of a check at a thing of that name.
    pub(in crate::report) fn finding(rule: &str, severity: Severity, name: &str) -> Finding {
        Finding {
            rule: rule.to_owned(),
            severity,
            message: format!("{name} is not as it should be."),
            places: vec![Place::Thing(Thing {
                kind: "api_key".to_owned(),
                id: format!("id-{name}"),
                name: Some(name.to_owned()),
                workspace: Some("acme".to_owned()),
            })],
            evidence: vec![("scopes".to_owned(), "all:all".to_owned())],
            remedy: Remedy {
                text: "Narrow it.".to_owned(),
                command: Some(format!("doorward upstream shrink {name}")),
            },
            fingerprint: format!("{:016x}", rule.len() * 1_000 + name.len()),
            standing: Standing::Open,
        }
    }

    #[test]
    fn what_was_lost_weighs_by_the_worst_that_was_found() {
        let mut all = report(&[
            ("keys.a", Severity::High, Outcome::Passed),
            ("keys.b", Severity::Low, Outcome::Failed),
            ("people.a", Severity::Medium, Outcome::Passed),
            (
                "people.b",
                Severity::Critical,
                Outcome::NotLooked("no scope".to_owned()),
            ),
            (
                "group.a",
                Severity::High,
                Outcome::NotApplicable("no group".to_owned()),
            ),
        ]);
        all.findings = vec![finding("keys.b", Severity::High, "x")];
        let score = Score::of(&all);
        // 8 + 3 of 8 + 8 + 3.
        assert_eq!(score.whole.score, Some(57));
        assert_eq!((score.whole.passed, score.whole.failed), (2, 1));
        assert_eq!((score.whole.not_looked, score.whole.not_applicable), (1, 1));
        let areas: Vec<_> = score
            .areas
            .iter()
            .map(|one| (&*one.area, one.tally.score))
            .collect();
        assert_eq!(
            areas,
            [("keys", Some(50)), ("people", Some(100)), ("group", None)]
        );
    }

    #[test]
    fn a_mute_buys_no_points() {
        let mut all = report(&[
            ("keys.a", Severity::High, Outcome::Failed),
            ("keys.b", Severity::High, Outcome::Passed),
            ("keys.c", Severity::High, Outcome::Failed),
        ]);
        all.findings = vec![
            finding("keys.a", Severity::High, "x"),
            finding("keys.c", Severity::High, "y"),
        ];
        assert_eq!(Score::of(&all).whole.score, Some(33));
        all.findings[1].standing = Standing::Muted(Mute::default());
        let score = Score::of(&all).whole;
        assert_eq!(
            (score.score, score.muted, score.failed, score.passed),
            (Some(50), 1, 1, 1)
        );
    }

    fn severity() -> impl Strategy<Value = Severity> {
        prop::sample::select(Severity::ALL.to_vec())
    }

    proptest! {
        /// Whatever is found: 100 means that nothing that weighs was, and what could not be looked at
        /// changes nothing.
        #[test]
        fn it_is_a_percentage_and_blind_to_what_was_not_seen(
            rules in prop::collection::vec((severity(), 0_u8..3, severity()), 0..30),
        ) {
            let ids: Vec<String> = (0..rules.len()).map(|n| format!("area{}.c{n}", n % 4)).collect();
            let outcome = |end: u8| match end {
                0 => Outcome::Passed,
                1 => Outcome::Failed,
                _ => Outcome::NotLooked("no scope".to_owned()),
            };
            let listed: Vec<_> = ids.iter().zip(&rules)
                .map(|(id, (severity, end, _))| (id.as_str(), *severity, outcome(*end)))
                .collect();
            let mut whole = report(&listed);
            whole.findings = ids.iter().zip(&rules).filter(|(_, rule)| rule.1 == 1)
                .map(|(id, rule)| finding(id, rule.2, "x")).collect();
            let score = Score::of(&whole).whole;
            prop_assert!(score.score.is_none_or(|score| score <= 100));
            let lost = ids.iter().zip(&rules)
                .any(|(_, rule)| rule.1 == 1 && weight(rule.0.max(rule.2)) > 0);
            prop_assert_eq!(score.score == Some(100), score.score.is_some() && !lost);
            prop_assert_eq!((score.passed + score.failed + score.not_looked) as usize, rules.len());
            whole.rules.retain(|ruled| !matches!(ruled.outcome, Outcome::NotLooked(_)));
            prop_assert_eq!(Score::of(&whole).whole.score, score.score);
        }
    }
}
