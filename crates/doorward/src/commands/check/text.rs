//! A run as people read it at a terminal.

use doorward_finding::{Finding, Outcome, Place, Standing};
use doorward_posture::report::{Brief, Checked, Since, Tally};

use super::words::{score, score_tone, some, tone};
use crate::commands::whole_seconds;
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, clean};

/// Most places of a finding, and changes, that are shown.
const FEW: usize = 10;
/// Most findings of a check that are shown; the other forms have them all.
const OF_CHECK_MAX: usize = 25;

/// Writes it.
pub(super) fn show(output: Output, checked: &Checked) -> Result<(), Failure> {
    findings(output, checked)?;
    missed(output, checked)?;
    muted(output, checked)?;
    if let Some(since) = &checked.since {
        changed(output, since)?;
    }
    areas(output, checked)?;
    verdict(output, checked)
}

fn findings(output: Output, checked: &Checked) -> Result<(), Failure> {
    let report = &checked.report;
    let mut area = "";
    for ruled in &report.rules {
        let rule = &ruled.rule;
        let found: Vec<&Finding> = report.open().filter(|one| one.rule == rule.id).collect();
        if found.is_empty() {
            continue;
        }
        if rule.area() != area {
            area = rule.area();
            output.line(format_args!(
                "{}",
                output.paint(Tone::Strong, area.replace('_', " ").to_uppercase())
            ))?;
        }
        for finding in found.iter().take(OF_CHECK_MAX) {
            one(output, finding)?;
        }
        if found.len() > OF_CHECK_MAX {
            let more = found.len() - OF_CHECK_MAX;
            output.line(format_args!(
                "  and {more} more of {}; --format json has them",
                rule.id
            ))?;
        }
        output.line("")?;
    }
    Ok(())
}

fn one(output: Output, finding: &Finding) -> Result<(), Failure> {
    let severity = output.paint(tone(finding.severity), format!("{:<8}", finding.severity));
    output.line(format_args!(
        "  {severity} {}  {}",
        clean(&finding.message),
        output.paint(
            Tone::Quiet,
            format!("{} {}", finding.rule, short(&finding.fingerprint))
        )
    ))?;
    for place in finding.places.iter().take(FEW) {
        output.line(format_args!("           {}", clean(&Place::shown(place))))?;
    }
    if finding.places.len() > FEW {
        output.line(format_args!(
            "           and {} more",
            finding.places.len() - FEW
        ))?;
    }
    for (name, seen) in &finding.evidence {
        let seen = format!("{}: {}", clean(name), clean(seen));
        output.line(format_args!(
            "           {}",
            output.paint(Tone::Quiet, seen)
        ))?;
    }
    match &finding.remedy.command {
        Some(command) => output.line(format_args!("           $ {}", clean(command))),
        None => output.line(format_args!("           {}", clean(&finding.remedy.text))),
    }
}

/// Enough of a fingerprint to name it.
fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

fn missed(output: Output, checked: &Checked) -> Result<(), Failure> {
    let rules = checked.report.rules.iter();
    let rules = rules.filter_map(|ruled| match &ruled.outcome {
        Outcome::NotLooked(why) => Some(format!("{}: {why}", ruled.rule.id)),
        _ => None,
    });
    let missed: Vec<String> = rules
        .chain(checked.report.not_looked_at.iter().cloned())
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    output.line(output.paint(Tone::Strong, "NOT LOOKED AT (and not counted as passed)"))?;
    for what in &missed {
        output.line(format_args!("  {}", clean(what)))?;
    }
    output.line("")
}

fn muted(output: Output, checked: &Checked) -> Result<(), Failure> {
    let rows: Vec<Vec<Cell>> = checked
        .report
        .findings
        .iter()
        .filter_map(|finding| match &finding.standing {
            Standing::Muted(mute) => Some(vec![
                Cell::toned(finding.severity, tone(finding.severity)),
                Cell::from(&finding.message),
                Cell::from(mute.until.as_deref().unwrap_or_default()),
                Cell::from(mute.owner.as_deref().unwrap_or_default()),
                Cell::from(&mute.reason),
            ]),
            _ => None,
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    output.line(output.paint(Tone::Strong, "MUTED"))?;
    output.table(&["severity", "what", "until", "owner", "reason"], rows, "")?;
    output.line("")
}

fn changed(output: Output, since: &Since) -> Result<(), Failure> {
    output.line(format_args!(
        "{} {} new, {} mended, {} still there",
        output.paint(Tone::Strong, format!("SINCE {}:", whole_seconds(since.at))),
        since.new.len(),
        since.mended.len(),
        since.still
    ))?;
    let list = |mark: &str, tone: Tone, all: &[Brief]| -> Result<(), Failure> {
        for one in all.iter().take(FEW) {
            let line = format!(
                "  {mark} {:<8} {}",
                one.severity.name(),
                clean(&one.message)
            );
            output.line(output.paint(tone, line))?;
        }
        if all.len() > FEW {
            output.line(format_args!("  {mark} and {} more", all.len() - FEW))?;
        }
        Ok(())
    };
    list("+", Tone::Bad, &since.new)?;
    list("-", Tone::Good, &since.mended)?;
    output.line("")
}

fn areas(output: Output, checked: &Checked) -> Result<(), Failure> {
    let before = checked.before();
    let was = |area: &str| {
        let areas = &before?.areas;
        areas.iter().find(|(name, _)| name == area)?.1
    };
    let row = |name: &str, tally: &Tally, was: Option<u8>| {
        vec![
            Cell::toned(name.replace('_', " "), Tone::Strong),
            score(tally.score),
            moved(was, tally.score),
            Cell::from(tally.passed),
            some(tally.failed),
            Cell::from(tally.muted),
            Cell::from(tally.not_looked),
        ]
    };
    let areas = checked.score.areas.iter();
    let mut rows: Vec<_> = areas
        .map(|one| row(&one.area, &one.tally, was(&one.area)))
        .collect();
    let whole = &checked.score.whole;
    rows.push(row("all", whole, before.and_then(|before| before.score)));
    let headings = [
        "area",
        "score",
        "trend",
        "passed",
        "failed",
        "muted",
        "not looked at",
    ];
    output.table(&headings, rows, "")?;
    output.line("")
}

/// How a score moved since the run before.
fn moved(was: Option<u8>, is: Option<u8>) -> Cell {
    let (Some(was), Some(is)) = (was, is) else {
        return Cell::from("");
    };
    match i16::from(is) - i16::from(was) {
        0 => Cell::toned("=", Tone::Quiet),
        up @ 1.. => Cell::toned(format_args!("+{up}"), Tone::Good),
        down => Cell::toned(down, Tone::Bad),
    }
}

fn verdict(output: Output, checked: &Checked) -> Result<(), Failure> {
    let counts: Vec<String> = checked
        .report
        .counts()
        .iter()
        .rev()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let found = match counts.is_empty() {
        true => "nothing found".to_owned(),
        false => counts.join(", "),
    };
    let said = match checked.score.whole.score {
        Some(score) => output.paint(score_tone(score), format!("{score} of 100")),
        None => output.paint(Tone::Careful, "nothing was looked at"),
    };
    let scores: Vec<String> = checked
        .trend
        .iter()
        .rev()
        .take(FEW)
        .rev()
        .filter_map(|one| one.score.map(|score| score.to_string()))
        .collect();
    let trend = match scores.len() {
        0 | 1 => String::new(),
        _ => format!(" (runs: {})", scores.join(" ")),
    };
    output.line(format_args!(
        "{}: {said}, {found}{}",
        clean(&checked.workspaces.join(", ")),
        output.paint(Tone::Quiet, trend)
    ))
}
