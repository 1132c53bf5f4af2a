//! A report as Markdown, for a pull request's comment.

use crate::{Finding, Outcome, Report};

/// The report as Markdown: a line of counts, a table of what counts, what could not be looked at.
pub fn markdown(report: &Report) -> String {
    let open: Vec<&Finding> = report.open().collect();
    let mut out = format!("## {}\n\n", plain(&report.tool.name));
    if open.is_empty() {
        out.push_str("Nothing found.\n");
    } else {
        let counts: Vec<String> = report
            .counts()
            .iter()
            .rev()
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        out.push_str(&format!("{} found: {}.\n\n", open.len(), counts.join(", ")));
        out.push_str("| severity | rule | where | what | remedy |\n|---|---|---|---|---|\n");
        for finding in open {
            out.push_str(&row(finding));
        }
    }
    let missed: Vec<String> = report
        .rules
        .iter()
        .filter_map(|ruled| match &ruled.outcome {
            Outcome::NotLooked(why) => Some(format!("{}: {why}", ruled.rule.id)),
            _ => None,
        })
        .chain(report.not_looked_at.iter().cloned())
        .collect();
    if !missed.is_empty() {
        out.push_str("\nNot looked at, and not counted as passed:\n\n");
        for what in missed {
            out.push_str(&format!("- {}\n", plain(&what)));
        }
    }
    out
}

fn row(finding: &Finding) -> String {
    let place = finding
        .places
        .first()
        .map_or_else(String::new, crate::Place::shown);
    let mut remedy = plain(&finding.remedy.text);
    if let Some(command) = &finding.remedy.command {
        if !remedy.is_empty() {
            remedy.push(' ');
        }
        remedy.push_str(&code(command));
    }
    format!(
        "| {} | {} | {} | {} | {remedy} |\n",
        finding.severity,
        code(&finding.rule),
        code(&place),
        plain(&finding.message),
    )
}

/// Text that is no markup: what Markdown or HTML would take for its own is escaped.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '>'
            | '!' => {
                out.push('\\');
                out.push(character);
            }
            '@' => out.push_str("&#64;"),
            other if other.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// Text between backticks; in a table, a bar needs its backslash even there.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text: String = text
        .chars()
        .map(|character| match character {
            '`' => '\'',
            other if other.is_control() => ' ',
            other => other,
        })
        .collect();
    format!("`{}`", text.replace('|', "\\|"))
}
