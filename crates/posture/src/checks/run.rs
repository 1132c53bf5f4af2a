//! Has checks judge what was seen.

use std::collections::{BTreeMap, BTreeSet};

use doorward_finding::{Finding, Outcome, Place, Remedy, Report, Ruled, Standing, Tool};
use doorward_policy::Timestamp;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::data::{Check, all};
use super::registry::{Look, code};
use super::verdict::{Fault, Verdict};
use crate::Thresholds;
use crate::here::Facts;
use crate::live::Part;

/// Which checks: by id, or by area.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Only these; all when none are said.
    #[serde(default)]
    pub only: Vec<String>,
    /// But not these.
    #[serde(default)]
    pub skip: Vec<String>,
}

/// What is asked of the checks.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which of them.
    pub selection: &'a Selection,
    /// What the team says of itself.
    pub thresholds: &'a Thresholds,
    /// Version of Doorward, for the report.
    pub version: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// What came of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// The report; its time is not filled in.
    pub report: Report,
    /// The findings whose command can be run without harm.
    pub fixes: Vec<Fix>,
}

/// A finding that can be mended without harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// The check's id.
    pub check: String,
    /// Which of the check's commands it is.
    pub action: String,
    /// What it is filled in with, by name.
    pub with: BTreeMap<String, String>,
    /// The command, as a shell takes it.
    pub command: String,
}

impl Selection {
    /// The checks that it selects.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> {
        let is = |check: &Check, names: &[String]| {
            names
                .iter()
                .any(|name| *name == check.id || name == check.area())
        };
        all().iter().filter(move |check| {
            (self.only.is_empty() || is(check, &self.only)) && !is(check, &self.skip)
        })
    }

    /// The parts of a workspace that they look at.
    pub fn parts(&self) -> Vec<Part> {
        let parts: BTreeSet<Part> = self.checks().flat_map(Check::parts).collect();
        parts.into_iter().collect()
    }

    /// Names in it that are no check's and no area's.
    pub fn unknown(&self) -> Vec<&str> {
        let known = |name: &&String| {
            !all()
                .iter()
                .any(|check| **name == check.id || name.as_str() == check.area())
        };
        let names = self.only.iter().chain(&self.skip);
        names.filter(known).map(String::as_str).collect()
    }
}

/// Has the checks that are asked for judge what was seen.
pub fn run(facts: &Facts, asked: &Asked<'_>) -> Ran {
    let look = Look {
        facts,
        thresholds: asked.thresholds,
        now: asked.now,
    };
    let mut report = Report {
        tool: Tool {
            name: "doorward check".to_owned(),
            version: asked.version.to_owned(),
        },
        started: asked.now.to_string(),
        milliseconds: 0,
        rules: Vec::new(),
        findings: Vec::new(),
        not_looked_at: Vec::new(),
    };
    let mut fixes = Vec::new();
    for check in asked.selection.checks() {
        let verdict = match code(&check.id) {
            Some(code) => code(&look),
            None => Verdict::default(),
        };
        let outcome = outcome(&verdict);
        for fault in verdict.faults {
            let (finding, fix) = finding(check, fault);
            report.findings.push(finding);
            fixes.extend(fix);
        }
        let unseen = verdict.unseen.into_iter();
        report
            .not_looked_at
            .extend(unseen.map(|why| format!("{}: {why}", check.id)));
        report.rules.push(Ruled {
            rule: check.rule(),
            outcome,
        });
    }
    report.sort();
    Ran { report, fixes }
}

fn outcome(verdict: &Verdict) -> Outcome {
    if !verdict.faults.is_empty() {
        return Outcome::Failed;
    }
    if !verdict.unseen.is_empty() {
        return Outcome::NotLooked(verdict.unseen.join("; "));
    }
    match &verdict.not_applicable {
        Some(why) => Outcome::NotApplicable(why.clone()),
        None => Outcome::Passed,
    }
}

fn finding(check: &Check, fault: Fault) -> (Finding, Option<Fix>) {
    let fingerprint = fingerprint(&check.id, &fault);
    let command = fault
        .command
        .as_ref()
        .and_then(|(which, with)| check.command(which, with));
    let fix = match (&command, fault.command) {
        (Some(command), Some((which, with))) if check.safe.iter().any(|safe| safe == which) => {
            Some(Fix {
                fingerprint: fingerprint.clone(),
                check: check.id.clone(),
                action: which.to_owned(),
                with: with
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                command: command.clone(),
            })
        }
        _ => None,
    };
    let finding = Finding {
        rule: check.id.clone(),
        severity: fault.severity.unwrap_or(check.severity),
        message: fault.message,
        places: vec![fault.place],
        evidence: fault.evidence,
        remedy: Remedy {
            text: check.remedy.clone(),
            command,
        },
        fingerprint,
        standing: Standing::Open,
    };
    (finding, fix)
}

/// The same for the same fault at the same place, whatever it is called meanwhile: 32 hexadecimal digits.
fn fingerprint(id: &str, fault: &Fault) -> String {
    let line;
    let parts = match &fault.place {
        Place::Thing(thing) => [
            thing.kind.as_str(),
            thing.id.as_str(),
            thing.workspace.as_deref().unwrap_or_default(),
        ],
        Place::File(file) => {
            // Two secrets of a file are two findings.
            line = file.line.map(|line| line.to_string()).unwrap_or_default();
            ["file", file.path.as_str(), line.as_str()]
        }
    };
    let mut hash = Context::new(&SHA256);
    for part in [id].iter().chain(&parts) {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finish();
    let bytes = digest.as_ref().iter().take(16);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
