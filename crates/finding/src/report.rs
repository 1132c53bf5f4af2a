//! The outcome of one run.

use serde::{Deserialize, Serialize};

use crate::{Finding, Rule, Severity};

/// The outcome of one run of a scan or of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What made it.
    pub tool: Tool,
    /// When it began, as RFC 3339 in UTC.
    pub started: String,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// What was looked for, and how each ended.
    pub rules: Vec<Ruled>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why; none of it counts as passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_looked_at: Vec<String>,
}

/// What made a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name: `doorward scan`, `doorward check`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A rule, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a rule ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It looked and found nothing that counts.
    Passed,
    /// It found something that counts.
    Failed,
    /// It could not look, and why. Never counted as passed.
    NotLooked(String),
    /// It does not apply here, and why.
    NotApplicable(String),
}

impl Report {
    /// The findings that count, the worst first as they stand in the report.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_open())
    }

    /// The worst severity of the findings that count.
    pub fn worst(&self) -> Option<Severity> {
        self.open().map(|finding| finding.severity).max()
    }

    /// How many findings count, by severity, the mildest first.
    pub fn counts(&self) -> [(Severity, usize); 5] {
        Severity::ALL.map(|severity| {
            let count = self
                .open()
                .filter(|finding| finding.severity == severity)
                .count();
            (severity, count)
        })
    }

    /// Puts the worst findings first; among equals by rule, then by place.
    pub fn sort(&mut self) {
        self.findings.sort_by_cached_key(|finding| {
            (
                std::cmp::Reverse(finding.severity),
                finding.rule.clone(),
                finding.places.first().map(crate::Place::shown),
                finding.fingerprint.clone(),
            )
        });
    }

    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules
            .iter()
            .map(|ruled| &ruled.rule)
            .find(|rule| rule.id == id)
    }
}
