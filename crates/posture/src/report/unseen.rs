//! What a report says that it did not look at.

use std::collections::BTreeSet;

use doorward_finding::{Outcome, Report};

/// Leaves out of what the run could not look at what a check that could not look says itself. What a
/// check missed that found something else stays.
pub fn tidy(report: &mut Report) {
    let silent: BTreeSet<String> = report
        .rules
        .iter()
        .filter(|ruled| matches!(ruled.outcome, Outcome::NotLooked(_)))
        .map(|ruled| ruled.rule.id.clone())
        .collect();
    report
        .not_looked_at
        .retain(|what| !check_of(what).is_some_and(|id| silent.contains(id)));
}

/// The checks that looked at all that they are about.
pub(super) fn looked(report: &Report) -> BTreeSet<&str> {
    let missed: BTreeSet<&str> = report
        .not_looked_at
        .iter()
        .filter_map(|what| check_of(what))
        .collect();
    report
        .rules
        .iter()
        .filter(|ruled| !matches!(ruled.outcome, Outcome::NotLooked(_)))
        .map(|ruled| ruled.rule.id.as_str())
        .filter(|id| !missed.contains(id))
        .collect()
}

/// The check that says `id: why`.
fn check_of(what: &str) -> Option<&str> {
    let (id, _) = what.split_once(": ")?;
    (id.contains('.') && !id.contains(' ')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::score::tests::report;
    use doorward_finding::Severity;

    #[test]
    fn a_thing_is_said_once_and_what_was_missed_in_part_was_not_looked_at() {
        let mut all = report(&[
            ("keys.a", Severity::High, Outcome::Failed),
            (
                "keys.b",
                Severity::High,
                Outcome::NotLooked("no scope".to_owned()),
            ),
            ("keys.c", Severity::High, Outcome::Passed),
        ]);
        all.not_looked_at = vec![
            "keys.a: beta: no scope".to_owned(),
            "keys.b: no scope".to_owned(),
            "the run: was not recorded".to_owned(),
        ];
        tidy(&mut all);
        assert_eq!(all.not_looked_at.len(), 2);
        assert_eq!(Vec::from_iter(looked(&all)), ["keys.c"]);
    }
}
