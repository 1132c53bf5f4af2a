//! A run, with all that is made of it.

use doorward_finding::{Report, Severity};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::Brief;
use super::score::Score;

/// A run, with all that is made of it. As JSON, what `doorward check --format json` writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Doorward's id of the run.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// Names of the workspaces it is of.
    pub workspaces: Vec<String>,
    /// Whether all checks were looked at.
    pub whole: bool,
    /// What was looked for and found.
    #[serde(flatten)]
    pub report: Report,
    /// How it stands.
    pub score: Score,
    /// What changed since a time; `None` in the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// How it stood in whole runs of the same workspaces, the oldest first; this one is the last, if it
    /// is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<Trend>,
}

/// What changed since a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Since when.
    pub at: Timestamp,
    /// What counts now, and was not there.
    pub new: Vec<Brief>,
    /// What was there, and is gone.
    pub mended: Vec<Brief>,
    /// How much counts now and was there.
    pub still: usize,
}

/// How it stood in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// Doorward's id of the run.
    pub run: String,
    /// When it was.
    pub at: Timestamp,
    /// 0 to 100.
    pub score: Option<u8>,
    /// Findings that counted, by severity, the mildest first.
    pub counts: [usize; 5],
    /// Checks that could not look.
    pub not_looked: u32,
    /// The score of each area.
    pub areas: Vec<(String, Option<u8>)>,
}

impl Trend {
    /// How it stands in a run.
    pub fn of(run: &str, at: Timestamp, report: &Report, score: &Score) -> Self {
        let areas = score.areas.iter();
        Self {
            run: run.to_owned(),
            at,
            score: score.whole.score,
            counts: report.counts().map(|(_, count)| count),
            not_looked: score.whole.not_looked,
            areas: areas
                .map(|one| (one.area.clone(), one.tally.score))
                .collect(),
        }
    }

    /// How many findings of a severity counted.
    pub fn count(&self, severity: Severity) -> usize {
        let counts = Severity::ALL.into_iter().zip(self.counts);
        counts
            .filter(|(one, _)| *one == severity)
            .map(|(_, count)| count)
            .sum()
    }
}

impl Checked {
    /// The run before this one, as the trend has it.
    pub fn before(&self) -> Option<&Trend> {
        self.trend.iter().rev().find(|one| one.run != self.run)
    }

    /// Whether something counts that is this bad or worse.
    pub fn fails(&self, severity: Severity) -> bool {
        self.report.worst().is_some_and(|worst| worst >= severity)
    }
}
