//! What changed from one run to the next.

use std::collections::{BTreeMap, BTreeSet};

use doorward_finding::{Finding, Place, Report, Severity, Standing};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::unseen::looked;

/// A finding in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The same for the same finding in every run.
    pub fingerprint: String,
    /// The check's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// Where: the chief place.
    pub place: String,
    /// The workspace it is of; `None` when it is Doorward's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// A finding as it is remembered between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// What it is.
    #[serde(flatten)]
    pub brief: Brief,
    /// When it was seen first.
    pub since: Timestamp,
    /// When it was gone; `None` while it is there.
    pub gone: Option<Timestamp>,
    /// Whether it was muted when it was seen last.
    pub muted: bool,
}

/// What changed in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Findings that count and were not there.
    pub new: Vec<Brief>,
    /// Findings that count, and were there and muted.
    pub again: Vec<Brief>,
    /// Findings that are there and muted, and were not muted, or not there.
    pub muted: Vec<Brief>,
    /// Findings that were there, and are gone.
    pub mended: Vec<Brief>,
    /// Findings that count and counted before.
    pub still: Vec<Brief>,
    /// Findings that were muted before and are.
    pub still_muted: Vec<Brief>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        let Self {
            new,
            again,
            muted,
            mended,
            ..
        } = self;
        [new, again, muted, mended].iter().all(|all| all.is_empty())
    }

    /// Findings that count now and did not in the run before.
    pub fn worse(&self) -> impl Iterator<Item = &Brief> {
        self.new.iter().chain(&self.again)
    }
}

impl Brief {
    /// A finding in short.
    pub fn of(finding: &Finding) -> Self {
        let place = finding.places.first();
        Self {
            fingerprint: finding.fingerprint.clone(),
            rule: finding.rule.clone(),
            severity: finding.severity,
            message: finding.message.clone(),
            place: place.map_or_else(String::new, Place::shown),
            workspace: match place {
                Some(Place::Thing(thing)) => thing.workspace.clone(),
                _ => None,
            },
        }
    }
}

/// What changed, from what was there before to a report of these workspaces. What a report did not
/// look at is as it was: a check that was left out or could not look, a workspace that it is not of.
pub fn changes(before: &[Remembered], report: &Report, workspaces: &[String]) -> Changes {
    let there: BTreeMap<&str, &Remembered> = before
        .iter()
        .filter(|one| one.gone.is_none())
        .map(|one| (one.brief.fingerprint.as_str(), one))
        .collect();
    let looked = looked(report);
    let mut changes = Changes::default();
    let mut seen = BTreeSet::new();
    for finding in &report.findings {
        if !seen.insert(finding.fingerprint.as_str()) {
            continue;
        }
        let muted = matches!(finding.standing, Standing::Muted(_));
        let was = there.get(finding.fingerprint.as_str());
        let into = match (was.map(|was| was.muted), muted) {
            (None, false) => &mut changes.new,
            (Some(true), false) => &mut changes.again,
            (Some(false), false) => &mut changes.still,
            (Some(true), true) => &mut changes.still_muted,
            (_, true) => &mut changes.muted,
        };
        into.push(Brief::of(finding));
    }
    let gone = there.values().filter(|one| {
        let brief = &one.brief;
        let here = |name: &String| workspaces.contains(name);
        !seen.contains(brief.fingerprint.as_str())
            && looked.contains(brief.rule.as_str())
            && brief.workspace.as_ref().is_none_or(here)
    });
    changes.mended = gone.map(|one| one.brief.clone()).collect();
    changes
}

/// What is new, mended and still there since a time, from all that is remembered. A finding that came
/// and went in between is neither; one that is muted now neither.
pub fn since(all: &[Remembered], at: Timestamp) -> (Vec<Brief>, Vec<Brief>, Vec<Brief>) {
    let mut spans: BTreeMap<&str, Vec<&Remembered>> = BTreeMap::new();
    for one in all {
        spans.entry(&one.brief.fingerprint).or_default().push(one);
    }
    let (mut new, mut mended, mut still) = (Vec::new(), Vec::new(), Vec::new());
    for spans in spans.values() {
        let then = spans
            .iter()
            .find(|one| one.since <= at && one.gone.is_none_or(|gone| gone > at));
        let now = spans.iter().find(|one| one.gone.is_none());
        match (then, now) {
            (_, Some(now)) if now.muted => {}
            (None, Some(now)) => new.push(now.brief.clone()),
            (Some(_), Some(now)) => still.push(now.brief.clone()),
            (Some(then), None) => mended.push(then.brief.clone()),
            (None, None) => {}
        }
    }
    for list in [&mut new, &mut mended, &mut still] {
        list.sort_by(|a, b| {
            let key = |one: &Brief| (std::cmp::Reverse(one.severity), one.rule.clone());
            key(a).cmp(&key(b)).then_with(|| a.place.cmp(&b.place))
        });
    }
    (new, mended, still)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::score::tests::{finding, report};
    use doorward_finding::{Mute, Outcome};

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn remembered(finding: &Finding, from: i64, gone: Option<i64>, muted: bool) -> Remembered {
        Remembered {
            brief: Brief::of(finding),
            since: at(from),
            gone: gone.map(at),
            muted,
        }
    }

    fn names(list: &[Brief]) -> Vec<&str> {
        list.iter()
            .map(|one| one.place.split(' ').nth(2).unwrap())
            .collect()
    }

    #[test]
    fn what_was_not_looked_at_is_as_it_was() {
        let [a, b, c, d] = [
            finding("keys.a", Severity::High, "x"),
            finding("keys.b", Severity::High, "xy"),
            finding("keys.c", Severity::High, "xyz"),
            finding("keys.a", Severity::High, "other"),
        ];
        let mut elsewhere = remembered(&d, 1, None, false);
        elsewhere.brief.workspace = Some("beta".to_owned());
        let before = [
            remembered(&a, 1, None, false),
            remembered(&b, 1, None, false),
            remembered(&c, 1, None, false),
            elsewhere,
        ];
        // `b` could not be looked at, `c` was left out, and the last is of another workspace.
        let now = report(&[
            ("keys.a", Severity::High, Outcome::Passed),
            (
                "keys.b",
                Severity::High,
                Outcome::NotLooked("no scope".to_owned()),
            ),
        ]);
        let acme = ["acme".to_owned()];
        let found = changes(&before, &now, &acme);
        assert_eq!(names(&found.mended), ["x"]);
        assert!(found.new.is_empty() && found.still.is_empty());
        let both = ["acme".to_owned(), "beta".to_owned()];
        assert_eq!(names(&changes(&before, &now, &both).mended), ["x", "other"]);
    }

    #[test]
    fn each_change_is_told_once_and_by_what_it_is() {
        let all: Vec<Finding> = ["n", "ag", "mut", "stil", "muted", "mended"]
            .iter()
            .map(|name| finding("keys.a", Severity::High, name))
            .collect();
        let [_, again, muted, still, silent, mended] = &all[..] else {
            panic!()
        };
        let before = [
            remembered(again, 1, None, true),
            remembered(muted, 1, None, false),
            remembered(still, 1, None, false),
            remembered(silent, 1, None, true),
            remembered(mended, 1, None, false),
        ];
        let mut now = report(&[("keys.a", Severity::High, Outcome::Failed)]);
        now.findings = all[..5].to_vec();
        for at in [2, 4] {
            now.findings[at].standing = Standing::Muted(Mute::default());
        }
        let acme = ["acme".to_owned()];
        let found = changes(&before, &now, &acme);
        assert_eq!(names(&found.new), ["n"]);
        assert_eq!(names(&found.again), ["ag"]);
        assert_eq!(names(&found.muted), ["mut"]);
        assert_eq!(names(&found.still), ["stil"]);
        assert_eq!(names(&found.still_muted), ["muted"]);
        assert_eq!(names(&found.mended), ["mended"]);
        assert_eq!(found.worse().count(), 2);
        assert!(!found.is_empty());
    }

    #[test]
    fn since_a_time_only_what_lasts_is_told() {
        let make = |name| finding("keys.a", Severity::High, name);
        let all = [
            remembered(&make("o"), 1, None, false),
            remembered(&make("ne"), 15, None, false),
            remembered(&make("gon"), 1, Some(12), false),
            remembered(&make("blip"), 11, Some(12), false),
            remembered(&make("befor"), 1, Some(9), false),
            remembered(&make("silent"), 1, None, true),
            // It was mended and came back: new, if it was not there at that time.
            remembered(&make("recurri"), 1, Some(5), false),
            remembered(&make("recurri"), 14, None, false),
        ];
        let (new, mended, still) = since(&all, at(10));
        assert_eq!(names(&new), ["ne", "recurri"]);
        assert_eq!(names(&mended), ["gon"]);
        assert_eq!(names(&still), ["o"]);
        let (new, _, still) = since(&all, at(4));
        assert_eq!(names(&new), ["ne"]);
        assert_eq!(names(&still), ["o", "recurri"]);
    }
}
