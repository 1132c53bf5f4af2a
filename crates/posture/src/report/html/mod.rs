//! A run as a page: one file that needs no script and nothing from anywhere else, readable in the
//! dark, in the light and on paper.

mod charts;
mod findings;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_finding::Outcome;
use doorward_policy::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use super::checked::{Checked, Since};
use super::compare::Brief;
use super::score::{Tally, weight};

const STYLE: &str = include_str!("style.css");
/// Most changes of a kind that are listed.
const CHANGES_MAX: usize = 200;

/// The page. Everything in it that comes from outside is escaped, and the page may load and run
/// nothing (Content-Security-Policy), but its own style.
pub fn html(checked: &Checked) -> String {
    let report = &checked.report;
    let title = format!("Security check of {}", checked.workspaces.join(", "));
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(format!("{} {}", report.tool.name, report.tool.version));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.top {
                    div {
                        h1 { (title) }
                        p.soft {
                            (moment(checked.at)) " · " (report.tool.name) " " (report.tool.version)
                            " · run " (checked.run)
                            @if !checked.whole { " · not all checks were asked for" }
                        }
                    }
                    (big(checked))
                }
                main {
                    section.charts aria-label="Charts" {
                        (charts::areas(&checked.score.areas))
                        (charts::severities(report.counts()))
                        (charts::trend(&checked.trend))
                    }
                    h2 { "By area" }
                    (by_area(checked))
                    @if let Some(since) = &checked.since { (changed(since)) }
                    h2 { "Findings" }
                    (findings::open(report))
                    (not_looked(checked))
                    (findings::muted(report))
                    h2 { "All checks" }
                    (checks(checked))
                    (how())
                }
            }
        }
    };
    page.into_string()
}

fn big(checked: &Checked) -> Markup {
    let Some(score) = checked.score.whole.score else {
        return html! { p.score { "–" small { " nothing was looked at" } } };
    };
    let class = match score {
        90.. => "score good",
        60..90 => "score fair",
        _ => "score poor",
    };
    let before = checked.before().and_then(|before| before.score);
    html! {
        p class=(class) {
            (score) small { " of 100" }
            @if let Some(before) = before.filter(|before| *before != score) {
                small { ", was " (before) }
            }
        }
    }
}

fn by_area(checked: &Checked) -> Markup {
    let whole = ("all".to_owned(), &checked.score.whole);
    let areas = checked.score.areas.iter();
    let areas = areas.map(|one| (one.area.replace('_', " "), &one.tally));
    html! {
        table {
            thead {
                tr {
                    th { "area" }
                    @for name in ["score", "passed", "failed", "muted", "not looked at", "does not apply"] {
                        th.n { (name) }
                    }
                }
            }
            tbody {
                @for (name, tally) in areas.chain([whole]) {
                    tr {
                        th { (name) }
                        td.n { (tally.score.map_or_else(|| "–".to_owned(), |score| score.to_string())) }
                        @for count in counts(tally) { td.n { (count) } }
                    }
                }
            }
        }
    }
}

const fn counts(tally: &Tally) -> [u32; 5] {
    [
        tally.passed,
        tally.failed,
        tally.muted,
        tally.not_looked,
        tally.not_applicable,
    ]
}

fn changed(since: &Since) -> Markup {
    let list = |title: &str, all: &[Brief]| {
        html! {
            @if !all.is_empty() {
                h3 { (title) " (" (all.len()) ")" }
                ul {
                    @for one in all.iter().take(CHANGES_MAX) {
                        li { (one.severity.name()) ": " (one.message) " " span.soft { (one.place) } }
                    }
                    @if all.len() > CHANGES_MAX { li { "and " (all.len() - CHANGES_MAX) " more" } }
                }
            }
        }
    };
    html! {
        h2 { "Since " (moment(since.at)) }
        p { (since.new.len()) " new, " (since.mended.len()) " mended, " (since.still) " still there." }
        (list("New", &since.new))
        (list("Mended", &since.mended))
    }
}

fn not_looked(checked: &Checked) -> Markup {
    let report = &checked.report;
    let rules = report
        .rules
        .iter()
        .filter_map(|ruled| match &ruled.outcome {
            Outcome::NotLooked(why) => Some((ruled.rule.id.as_str(), why.as_str())),
            _ => None,
        });
    let rules: Vec<_> = rules.collect();
    html! {
        @if !rules.is_empty() || !report.not_looked_at.is_empty() {
            h2 { "Not looked at" }
            p.soft { "None of it counts as passed." }
            table {
                thead { tr { th { "what" } th { "why" } } }
                tbody {
                    @for (id, why) in &rules { tr { td { code { (id) } } td { (why) } } }
                    @for what in &report.not_looked_at { tr { td { "the run" } td { (what) } } }
                }
            }
        }
    }
}

fn checks(checked: &Checked) -> Markup {
    html! {
        table {
            thead { tr { th { "check" } th { "what" } th { "severity" } th { "outcome" } } }
            tbody {
                @for ruled in &checked.report.rules {
                    tr {
                        td { code { (ruled.rule.id) } }
                        td { (ruled.rule.title) }
                        td { (ruled.rule.severity.name()) }
                        td {
                            @match &ruled.outcome {
                                Outcome::Passed => "passed",
                                Outcome::Failed => strong { "failed" },
                                Outcome::NotLooked(_) => "not looked at",
                                Outcome::NotApplicable(why) => { "does not apply: " (why) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn how() -> Markup {
    use doorward_finding::Severity;
    html! {
        h2 { "How the score is made" }
        p {
            "Each check that was looked at puts a weight at stake: that of its severity, or of the worst that \
             it found. A check that passed keeps it, one that found something loses it. The score is what was \
             kept, in percent. What could not be looked at, does not apply or is muted neither lowers nor \
             raises it."
        }
        p.soft {
            @for severity in Severity::ALL.into_iter().rev() {
                (severity.name()) " " (weight(severity)) " "
            }
        }
    }
}

/// A time for people, to the minute, in UTC.
fn moment(at: Timestamp) -> String {
    stamp(at, "%Y-%m-%d %H:%M UTC")
}

/// The day of a time, in UTC.
fn day(at: Timestamp) -> String {
    stamp(at, "%Y-%m-%d")
}

fn stamp(at: Timestamp, format: &str) -> String {
    match jiff::Timestamp::from_millisecond(at.millis()) {
        Ok(at) => at.strftime(format).to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::checked::Trend;
    use crate::report::score::Score;
    use crate::report::score::tests::{finding, report};
    use doorward_finding::{Mute, Severity, Standing};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn checked() -> Checked {
        let mut found = report(&[
            ("keys.wildcard", Severity::Critical, Outcome::Failed),
            ("keys.age", Severity::Medium, Outcome::Passed),
            (
                "people.mfa",
                Severity::High,
                Outcome::NotLooked("the key lacks audit_logs:read".to_owned()),
            ),
        ]);
        found.findings = vec![
            finding("keys.wildcard", Severity::Critical, "zapier"),
            finding("keys.wildcard", Severity::Critical, "n8n"),
        ];
        found.findings[1].standing = Standing::Muted(Mute {
            reason: "until the move".to_owned(),
            owner: Some("ann".to_owned()),
            until: Some("2027-02-01".to_owned()),
        });
        let score = Score::of(&found);
        let now = Trend::of("run-2", AT, &found, &score);
        let before = Trend {
            run: "run-1".to_owned(),
            at: AT.plus_millis(-86_400_000),
            score: Some(80),
            ..now.clone()
        };
        Checked {
            run: "run-2".to_owned(),
            at: AT,
            workspaces: vec!["acme".to_owned()],
            whole: true,
            since: Some(Since {
                at: before.at,
                new: vec![Brief::of(&found.findings[0])],
                mended: Vec::new(),
                still: 0,
            }),
            report: found,
            score,
            trend: vec![before, now],
        }
    }

    #[test]
    fn it_says_what_was_found_missed_muted_and_changed() {
        let page = html(&checked());
        for said in [
            "Security check of acme",
            "2027-01-15 08:00 UTC",
            "doorward upstream shrink zapier",
            "the key lacks audit_logs:read",
            "until the move",
            "2027-02-01",
            "1 new, 0 mended, 0 still there.",
            "was 80",
            "Score by area: keys 13, people not looked at",
            "Findings by severity: critical 1, high 0",
            "Score over time: 80, 13",
            "@media print",
            "prefers-color-scheme: dark",
        ] {
            assert!(page.contains(said), "{said}:\n{page}");
        }
    }

    #[test]
    fn it_loads_nothing_and_runs_nothing() {
        let page = html(&checked());
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
        for never in [
            "<script",
            "<link",
            "<img",
            "<iframe",
            "@import",
            "url(",
            "javascript:",
            " style=",
        ] {
            assert!(!page.contains(never), "{never}");
        }
        // Links go to what checks refer to alone, and over TLS.
        let links: Vec<&str> = page.split("href=\"").skip(1).collect();
        assert!(!links.is_empty() && links.iter().all(|rest| rest.starts_with("https://")));
    }

    proptest! {
        /// Names come from outside: whatever they are, they are text on the page.
        #[test]
        fn what_others_named_is_no_markup(name in "\\PC{0,20}|</?(script|style|svg/onload=x)>|\"><b>|&lt;") {
            let marked = format!("<b>{name}</b>");
            let mut checked = checked();
            checked.workspaces = vec![marked.clone()];
            let finding = &mut checked.report.findings[0];
            finding.message.clone_from(&marked);
            finding.evidence = vec![(marked.clone(), marked.clone())];
            finding.remedy.text.clone_from(&marked);
            finding.remedy.command = Some(marked.clone());
            finding.fingerprint.clone_from(&marked);
            checked.report.not_looked_at = vec![marked.clone()];
            checked.report.rules[0].rule.references = vec![format!("https://x/\" onload=\"{name}"), format!("javascript:{name}")];
            let page = html(&checked);
            prop_assert!(!page.contains("<b>") && !page.contains("<script") && !page.contains("\" onload=\""));
            prop_assert!(!page.contains("href=\"javascript"));
            prop_assert_eq!(page.matches("<style>").count(), 1);
        }
    }
}
