//! The report for people.

use doorward_finding::{FilePlace, Finding, Introduced, Place, Report, Standing};

use super::rules::severity_tone;
use crate::output::{Output, Tone, clean};

/// Most findings that are shown whole.
const SHOWN_MAX: usize = 200;
/// Most places of one that are named.
const PLACES_MAX: usize = 3;
/// Most characters of a line that are shown.
const LINE_MAX: usize = 160;

/// How text is written.
#[derive(Clone, Copy)]
pub(super) struct Painter {
    /// Where there may be colour.
    pub(super) output: Option<Output>,
}

impl Painter {
    fn paint(self, tone: Tone, text: &str) -> String {
        match self.output {
            Some(output) => output.paint(tone, text),
            None => text.to_owned(),
        }
    }
}

/// The findings that count, each with where it is, who brought it in, and what to do.
pub(super) fn text(report: &Report, painter: Painter) -> String {
    let mut out = String::new();
    let open: Vec<&Finding> = report.open().collect();
    for finding in open.iter().take(SHOWN_MAX) {
        out.push_str(&one(finding, painter));
        out.push('\n');
    }
    if open.len() > SHOWN_MAX {
        out.push_str(&format!(
            "and {} more; --format jsonl tells them all\n\n",
            open.len() - SHOWN_MAX
        ));
    }
    out.push_str(&counts(report, painter));
    out
}

fn one(finding: &Finding, painter: Painter) -> String {
    let severity = painter.paint(severity_tone(finding.severity), finding.severity.name());
    let message = painter.paint(Tone::Strong, &clean(&finding.message));
    let mut out = format!("{severity}  {message}\n");
    let mut field = |name: &str, value: &str| {
        let name = painter.paint(Tone::Quiet, &format!("{name:<12}"));
        out.push_str(&format!("  {name} {}\n", clean(value)));
    };
    let seen = |name: &str| {
        let mut evidence = finding.evidence.iter();
        evidence
            .find(|(known, _)| known == name)
            .map(|(_, seen)| seen.as_str())
    };
    if let Some(secret) = seen("revealed") {
        field("secret", secret);
    }
    field("where", &places(finding));
    if let Some(Place::File(file)) = finding.places.first() {
        if let Some(excerpt) = &file.excerpt {
            let line: String = excerpt.trim().chars().take(LINE_MAX).collect();
            field("line", &line);
        }
        for (name, by) in commits(file) {
            field(name, &blame(by));
        }
    }
    for (name, seen) in &finding.evidence {
        if matches!(name.as_str(), "remark" | "allowance") {
            field(name, seen);
        }
    }
    field("remedy", &finding.remedy.text);
    if let Some(command) = &finding.remedy.command {
        field("run", command);
    }
    field(
        "known as",
        &format!("{} {}", finding.fingerprint, finding.rule),
    );
    out
}

fn places(finding: &Finding) -> String {
    let named: Vec<String> = finding
        .places
        .iter()
        .take(PLACES_MAX)
        .map(Place::shown)
        .collect();
    let seen = finding.evidence.iter().find(|(name, _)| name == "places");
    let all = seen.and_then(|(_, count)| count.parse::<usize>().ok());
    let all = all.unwrap_or(finding.places.len());
    let mut text = named.join(", ");
    if all > named.len() {
        text.push_str(&format!(", and {} more", all - named.len()));
    }
    text
}

fn commits(file: &FilePlace) -> impl Iterator<Item = (&'static str, &Introduced)> {
    let introduced = file.introduced.iter().map(|by| ("brought in", by));
    introduced.chain(file.last_seen.iter().map(|by| ("last seen", by)))
}

/// A commit on one line: its id, who made it and when, and what it says.
fn blame(by: &Introduced) -> String {
    let short: String = by.commit.chars().take(12).collect();
    let day = by.date.split('T').next().unwrap_or_default();
    format!("{short} {} <{}> {day}: {}", by.author, by.email, by.summary)
}

fn counts(report: &Report, painter: Painter) -> String {
    let counts: Vec<String> = report
        .counts()
        .iter()
        .rev()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| {
            painter.paint(severity_tone(*severity), &format!("{count} {severity}"))
        })
        .collect();
    let mut line = match counts.is_empty() {
        true => "nothing found".to_owned(),
        false => format!("{} found: {}", report.open().count(), counts.join(", ")),
    };
    let count = |is: fn(&Standing) -> bool| {
        report
            .findings
            .iter()
            .filter(|finding| is(&finding.standing))
            .count()
    };
    let known = count(|standing| *standing == Standing::Known);
    let muted = count(|standing| matches!(standing, Standing::Muted(_)));
    if known > 0 {
        line.push_str(&format!("; {known} known from before"));
    }
    if muted > 0 {
        line.push_str(&format!("; {muted} allowed"));
    }
    line.push('\n');
    line
}
