//! Findings that somebody answers for, until a day.

use doorward_finding::{Mute, Outcome, Report, Standing};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The name of the evidence that says that a mute is over.
pub const EXPIRED: &str = "mute expired";
/// Most days ahead that a mute lasts: then somebody looks again.
pub const MUTE_DAYS_MAX: i64 = 366;
/// Most characters of a reason, and of an owner.
const TEXT_MAX: usize = 200;

/// A mute: a check, or one finding of it, that does not count until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muting {
    /// The check's id, or the finding's fingerprint.
    pub what: String,
    /// Why it is all right.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds (UTC).
    pub until: Date,
}

/// Why a mute is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MutingFault {
    /// A text that has to be there is not, or is too long, or not of one line.
    #[error("the {0} must be 1 to 200 characters on one line")]
    Text(&'static str),
    /// The day is over.
    #[error("{0} is over; choose a day from today on")]
    Over(Date),
    /// The day is too far away.
    #[error("a mute lasts a year at most; then it is looked at again: choose a day until {0}")]
    Far(Date),
}

impl Muting {
    /// Holds a mute that is to be kept against what one has to be.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self, today: Date) -> Result<(), MutingFault> {
        for (name, text) in [("reason", &self.reason), ("owner", &self.owner)] {
            let fits = (1..=TEXT_MAX).contains(&text.trim().chars().count());
            if !fits || text.chars().any(char::is_control) {
                return Err(MutingFault::Text(name));
            }
        }
        if self.until < today {
            return Err(MutingFault::Over(self.until));
        }
        let last = today.saturating_add(jiff::Span::new().days(MUTE_DAYS_MAX));
        if self.until > last {
            return Err(MutingFault::Far(last));
        }
        Ok(())
    }

    /// Whether it holds on a day.
    pub fn holds(&self, today: Date) -> bool {
        today <= self.until
    }
}

/// Marks the findings of a report that are muted. A finding whose mutes are all over counts, and says
/// so in its evidence ([`EXPIRED`]). A check of which nothing counts any more has passed.
pub fn apply(report: &mut Report, mutes: &[Muting], today: Date) {
    let mut touched = Vec::new();
    for finding in report.findings.iter_mut().filter(|one| one.is_open()) {
        let of_it = || {
            let named = |what: &str| what == finding.rule || what == finding.fingerprint;
            mutes.iter().filter(move |mute| named(&mute.what))
        };
        let said = of_it().max_by_key(|mute| mute.until);
        match said {
            Some(mute) if mute.holds(today) => {
                finding.standing = Standing::Muted(Mute {
                    reason: mute.reason.clone(),
                    owner: Some(mute.owner.clone()),
                    until: Some(mute.until.to_string()),
                });
                touched.push(finding.rule.clone());
            }
            Some(mute) => {
                let text = format!("{}, by {}: {}", mute.until, mute.owner, mute.reason);
                finding.evidence.push((EXPIRED.to_owned(), text));
            }
            None => {}
        }
    }
    for ruled in &mut report.rules {
        let id = &ruled.rule.id;
        let mut found = report.findings.iter().filter(|one| one.rule == *id);
        if ruled.outcome == Outcome::Failed && touched.contains(id) && !found.any(|f| f.is_open()) {
            ruled.outcome = Outcome::Passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::score::tests::{finding, report};
    use doorward_finding::Severity;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 23);

    fn muting(what: &str, until: Date) -> Muting {
        Muting {
            what: what.to_owned(),
            reason: "the vendor needs it".to_owned(),
            owner: "ann".to_owned(),
            until,
        }
    }

    #[test]
    fn it_holds_through_its_last_day_and_then_the_finding_counts_and_says_so() {
        let mut fresh = report(&[("keys.a", Severity::High, Outcome::Failed)]);
        fresh.findings = vec![finding("keys.a", Severity::High, "x")];
        let print = fresh.findings[0].fingerprint.clone();
        for what in ["keys.a", &print] {
            let mut held = fresh.clone();
            apply(&mut held, &[muting(what, TODAY)], TODAY);
            assert!(!held.findings[0].is_open());
            assert_eq!(held.rules[0].outcome, Outcome::Passed);
            let mut over = fresh.clone();
            apply(&mut over, &[muting(what, date(2026, 11, 22))], TODAY);
            assert!(over.findings[0].is_open());
            assert_eq!(over.rules[0].outcome, Outcome::Failed);
            let (name, said) = over.findings[0].evidence.last().unwrap();
            assert_eq!(name, EXPIRED);
            assert_eq!(said, "2026-11-22, by ann: the vendor needs it");
        }
        let mut other = fresh.clone();
        apply(
            &mut other,
            &[muting("keys.b", TODAY), muting("keys", TODAY)],
            TODAY,
        );
        assert_eq!(other, fresh);
        // Of two, the one that lasts longer.
        let mut both = fresh;
        let two = [muting("keys.a", date(2026, 1, 1)), muting(&print, TODAY)];
        apply(&mut both, &two, TODAY);
        assert!(!both.findings[0].is_open());
    }

    #[test]
    fn one_finding_that_is_muted_leaves_the_others_of_its_check() {
        let mut two = report(&[("keys.a", Severity::High, Outcome::Failed)]);
        two.findings = vec![
            finding("keys.a", Severity::High, "x"),
            finding("keys.a", Severity::High, "xy"),
        ];
        let print = two.findings[0].fingerprint.clone();
        apply(&mut two, &[muting(&print, TODAY)], TODAY);
        assert_eq!(two.open().count(), 1);
        assert_eq!(two.rules[0].outcome, Outcome::Failed);
    }

    #[test]
    fn somebody_answers_for_it_and_not_for_ever() {
        let good = muting("keys.a", TODAY);
        assert_eq!(good.check(TODAY), Ok(()));
        let year = TODAY.saturating_add(jiff::Span::new().days(MUTE_DAYS_MAX));
        assert_eq!(muting("keys.a", year).check(TODAY), Ok(()));
        let next = year.tomorrow().unwrap();
        assert_eq!(
            muting("keys.a", next).check(TODAY),
            Err(MutingFault::Far(year))
        );
        let over = date(2026, 11, 22);
        assert_eq!(
            muting("keys.a", over).check(TODAY),
            Err(MutingFault::Over(over))
        );
        for text in ["", "  ", "two\nlines", &"x".repeat(201)] {
            let (mut reason, mut owner) = (good.clone(), good.clone());
            reason.reason = text.to_owned();
            owner.owner = text.to_owned();
            assert_eq!(reason.check(TODAY), Err(MutingFault::Text("reason")));
            assert_eq!(owner.check(TODAY), Err(MutingFault::Text("owner")));
        }
    }
}
