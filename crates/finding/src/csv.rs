//! A report as CSV (RFC 4180): a line a place of a finding, lines end with CR LF, the header first.

use crate::{FilePlace, Finding, Place, Report, Standing};

/// The columns, in order. New ones come at the end.
const COLUMNS: [&str; 20] = [
    "fingerprint",
    "rule",
    "severity",
    "standing",
    "message",
    "where",
    "path",
    "line",
    "column",
    "excerpt",
    "commit",
    "author",
    "email",
    "date",
    "last_commit",
    "last_date",
    "evidence",
    "remedy",
    "command",
    "reason",
];

/// The report as CSV. A finding with several places has a line for each.
pub fn csv(report: &Report) -> String {
    let mut out = record(COLUMNS.into_iter().map(str::to_owned));
    for finding in &report.findings {
        if finding.places.is_empty() {
            out.push_str(&line(finding, None));
        }
        for place in &finding.places {
            out.push_str(&line(finding, Some(place)));
        }
    }
    out
}

fn line(finding: &Finding, place: Option<&Place>) -> String {
    let nowhere = FilePlace::default();
    let file = match place {
        Some(Place::File(file)) => file.as_ref(),
        _ => &nowhere,
    };
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let came = file.introduced.clone().unwrap_or_default();
    let last = file.last_seen.clone().unwrap_or_default();
    let (standing, reason) = match &finding.standing {
        Standing::Open => ("open", String::new()),
        Standing::Known => ("known", String::new()),
        Standing::Muted(mute) => ("muted", mute.reason.clone()),
    };
    let evidence: Vec<String> = finding
        .evidence
        .iter()
        .map(|(name, seen)| format!("{name}={seen}"))
        .collect();
    record(
        [
            finding.fingerprint.clone(),
            finding.rule.clone(),
            finding.severity.name().to_owned(),
            standing.to_owned(),
            finding.message.clone(),
            place.map(Place::shown).unwrap_or_default(),
            file.path.clone(),
            number(file.line),
            number(file.column),
            file.excerpt.clone().unwrap_or_default(),
            came.commit,
            came.author,
            came.email,
            came.date,
            last.commit,
            last.date,
            evidence.join("; "),
            finding.remedy.text.clone(),
            finding.remedy.command.clone().unwrap_or_default(),
            reason,
        ]
        .into_iter(),
    )
}

fn record(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.map(|text| cell(&text)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// What a cell begins with that a spreadsheet would calculate; some read the wide forms as well.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell. One that a spreadsheet would calculate gets an apostrophe before it: also where blanks
/// or control characters stand before the sign, since some programs pass these by.
fn cell(text: &str) -> String {
    let begins = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    let guarded = begins.starts_with(FORMULA) || text.starts_with(['\t', '\r', '\n']);
    let quoted = guarded || text.contains([',', '"', '\r', '\n']) || text.trim() != text;
    if !quoted {
        return text.to_owned();
    }
    let guard = if guarded { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Introduced, Remedy, Severity, Tool};
    use proptest::prelude::*;

    fn report(path: &str, author: &str) -> Report {
        Report {
            tool: Tool {
                name: "doorward scan".to_owned(),
                version: "0".to_owned(),
            },
            started: "2026-01-01T00:00:00Z".to_owned(),
            milliseconds: 1,
            rules: Vec::new(),
            findings: vec![Finding {
                rule: "instantly.upstream-key".to_owned(),
                severity: Severity::Critical,
                message: "a key".to_owned(),
                places: vec![Place::File(Box::new(FilePlace {
                    path: path.to_owned(),
                    line: Some(3),
                    introduced: Some(Introduced {
                        author: author.to_owned(),
                        ..Introduced::default()
                    }),
                    ..FilePlace::default()
                }))],
                evidence: Vec::new(),
                remedy: Remedy::default(),
                fingerprint: "00".to_owned(),
                standing: Standing::Open,
            }],
            not_looked_at: Vec::new(),
        }
    }

    /// What a reader of RFC 4180 makes of a file.
    fn parse(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        let mut quoted = false;
        while let Some(char) = chars.next() {
            match char {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !quoted => {
                    assert_eq!(chars.next(), Some('\n'));
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                char => cell.push(char),
            }
        }
        assert!(!quoted && row.is_empty() && cell.is_empty());
        rows
    }

    #[test]
    fn a_place_has_a_line_and_each_cell_a_name() {
        let rows = parse(&csv(&report("a,\"b\".js", "Ada")));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].len(), rows[1].len());
        assert_eq!(rows[1][5], "a,\"b\".js:3");
        assert_eq!(rows[1][11], "Ada");
    }

    #[test]
    fn names_of_others_are_not_calculated() {
        for name in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            " =1",
            "＝1",
            "\n=1",
        ] {
            let rows = parse(&csv(&report(name, name)));
            assert_eq!(rows[1][6], format!("'{name}"));
            assert_eq!(rows[1][11], format!("'{name}"));
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(path in ".*", author in ".*") {
            let rows = parse(&csv(&report(&path, &author)));
            prop_assert_eq!(rows.len(), 2);
            for (at, text) in [(6, &path), (11, &author)] {
                let cell = &rows[1][at];
                let guarded = format!("'{text}");
                prop_assert!(cell == text || *cell == guarded, "{}", cell);
                prop_assert!(!cell.trim_start().starts_with(FORMULA));
            }
        }
    }
}
