//! `doorward scan rules`.

use serde_json::json;

use super::detect;
use crate::cli::{RulesCommand, WithRules};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs it.
pub(super) fn run(command: &RulesCommand, output: Output) -> Outcome {
    match command {
        RulesCommand::List { with } => list(with, output),
        RulesCommand::Show { id, with } => show(id, with, output),
        RulesCommand::Check { with } => check(with, output),
    }
}

fn list(with: &WithRules, output: Output) -> Outcome {
    let detectors = detect::all(with)?;
    if output.is_json() {
        let rules: Vec<_> = detectors.rules().map(|detector| detector.rule()).collect();
        output.value(&rules)?;
        return Ok(Exit::Done);
    }
    let rows = detectors.rules().map(|detector| {
        let rule = detector.rule();
        vec![
            Cell::toned(&rule.id, Tone::Strong),
            severity_cell(rule.severity),
            Cell::from(&rule.title),
            Cell::toned(rule.tags.join(", "), Tone::Quiet),
        ]
    });
    let headings = ["detector", "severity", "finds", "tags"];
    output.table(&headings, rows.collect(), "no detectors")?;
    Ok(Exit::Done)
}

fn show(id: &str, with: &WithRules, output: Output) -> Outcome {
    let detectors = detect::all(with)?;
    let found = detectors.rules().find(|detector| detector.id() == id);
    let detector = found.ok_or_else(|| {
        Failure::usage(format_args!(
            "there is no detector {id}; `doorward scan rules list` shows them all"
        ))
    })?;
    let rule = detector.rule();
    let examples: Vec<&str> = detector.examples().collect();
    let negatives: Vec<&str> = detector.negatives().collect();
    if output.is_json() {
        output.value(&json!({ "rule": rule, "examples": examples, "negatives": negatives }))?;
        return Ok(Exit::Done);
    }
    output.fields(vec![
        ("detector", Cell::toned(&rule.id, Tone::Strong)),
        ("finds", Cell::from(&rule.title)),
        ("severity", severity_cell(rule.severity)),
        ("why", Cell::from(&rule.why)),
        ("remedy", Cell::from(&rule.help)),
        ("read on", Cell::from(rule.references.join(" "))),
        ("tags", Cell::from(rule.tags.join(", "))),
    ])?;
    for (heading, texts) in [
        ("finds something in", examples),
        ("finds nothing in", negatives),
    ] {
        output.line(format_args!("\n{}", output.paint(Tone::Quiet, heading)))?;
        for text in texts {
            output.line(format_args!("  {}", crate::output::clean(text)))?;
        }
    }
    Ok(Exit::Done)
}

fn check(with: &WithRules, output: Output) -> Outcome {
    let detectors = detect::all(with)?;
    let count = detectors.len();
    let (_, faults) = detectors.self_check();
    if output.is_json() {
        let told: Vec<_> = faults
            .iter()
            .map(|fault| json!({ "detector": fault.file, "fault": fault.what }))
            .collect();
        output.value(&json!({ "detectors": count, "faults": told }))?;
    } else {
        for fault in &faults {
            output.line(format_args!(
                "{} {}",
                output.paint(Tone::Bad, &fault.file),
                crate::output::clean(&fault.what)
            ))?;
        }
        output.line(match faults.len() {
            0 => format!("{count} detectors find all their examples, and nothing in the others"),
            faulty => format!("{faulty} faults in {count} detectors"),
        })?;
    }
    Ok(match faults.is_empty() {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

/// A severity in the colour of its weight.
pub(super) fn severity_cell(severity: doorward_finding::Severity) -> Cell {
    Cell::toned(severity, severity_tone(severity))
}

/// The colour of a severity's weight.
pub(super) fn severity_tone(severity: doorward_finding::Severity) -> Tone {
    use doorward_finding::Severity;
    match severity {
        Severity::Critical => Tone::Bad,
        Severity::High | Severity::Medium => Tone::Careful,
        Severity::Low => Tone::Strong,
        Severity::Info => Tone::Quiet,
    }
}
