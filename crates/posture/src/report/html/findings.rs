//! The findings on the page, by area, the worst first.

use doorward_finding::{Finding, Mute, Place, Report, Rule, Standing};
use maud::{Markup, html};

/// Most findings that are shown; programs read them all.
const FINDINGS_MAX: usize = 2_000;
/// Most places of a finding that are shown.
const PLACES_MAX: usize = 20;

/// What counts.
pub(super) fn open(report: &Report) -> Markup {
    let open: Vec<&Finding> = report.open().collect();
    let mut areas: Vec<&str> = Vec::new();
    for finding in &open {
        let area = area(finding);
        if !areas.contains(&area) {
            areas.push(area);
        }
    }
    let shown: Vec<&Finding> = open.iter().take(FINDINGS_MAX).copied().collect();
    html! {
        @if open.is_empty() {
            p { "Nothing was found." }
        }
        @for name in areas {
            @let of_area: Vec<&&Finding> = shown.iter().filter(|one| area(one) == name).collect();
            @if !of_area.is_empty() {
                h3 { (name.replace('_', " ")) }
                @for finding in of_area { (one(finding, report.rule(&finding.rule))) }
            }
        }
        @if open.len() > shown.len() {
            p.soft { (open.len() - shown.len()) " more are in the report as JSON." }
        }
    }
}

fn area(finding: &Finding) -> &str {
    finding.rule.split('.').next().unwrap_or_default()
}

fn one(finding: &Finding, rule: Option<&Rule>) -> Markup {
    html! {
        article class=(finding.severity.name()) {
            h4 {
                span class=(format!("badge {}", finding.severity.name())) { (finding.severity.name()) }
                (finding.message)
            }
            dl {
                dt { "where" }
                dd { (places(finding)) }
                dt { "check" }
                dd {
                    code { (finding.rule) }
                    @if let Some(rule) = rule { ": " (rule.title) }
                }
                @for (name, seen) in &finding.evidence {
                    dt { (name) }
                    dd { (seen) }
                }
                @if let Some(rule) = rule {
                    dt { "why" }
                    dd { (rule.why) }
                }
                @if !finding.remedy.text.is_empty() {
                    dt { "remedy" }
                    dd { (finding.remedy.text) }
                }
            }
            @if let Some(command) = &finding.remedy.command {
                pre { code { (command) } }
            }
            @if let Some(rule) = rule { (sources(rule)) }
            p.soft { "fingerprint " code { (finding.fingerprint) } }
        }
    }
}

fn places(finding: &Finding) -> Markup {
    html! {
        @for (n, place) in finding.places.iter().take(PLACES_MAX).enumerate() {
            @if n > 0 { br; }
            (Place::shown(place))
        }
        @if finding.places.len() > PLACES_MAX {
            br;
            "and " (finding.places.len() - PLACES_MAX) " more"
        }
    }
}

fn sources(rule: &Rule) -> Markup {
    html! {
        @if !rule.tags.is_empty() {
            p.soft { (rule.tags.join(" · ")) }
        }
        @if !rule.references.is_empty() {
            p.refs {
                @for (n, reference) in rule.references.iter().enumerate() {
                    @if n > 0 { br; }
                    @if reference.starts_with("https://") {
                        a href=(reference) rel="noreferrer" { (reference) }
                    } @else {
                        (reference)
                    }
                }
            }
        }
    }
}

/// What somebody answers for.
pub(super) fn muted(report: &Report) -> Markup {
    let muted: Vec<(&Finding, &Mute)> = report
        .findings
        .iter()
        .filter_map(|finding| match &finding.standing {
            Standing::Muted(mute) => Some((finding, mute)),
            _ => None,
        })
        .collect();
    html! {
        @if !muted.is_empty() {
            h2 { "Muted" }
            table {
                thead { tr { th { "severity" } th { "what" } th { "why" } th { "owner" } th { "until" } } }
                tbody {
                    @for (finding, mute) in muted.iter().take(FINDINGS_MAX) {
                        tr {
                            td { (finding.severity.name()) }
                            td { (finding.message) br; code { (finding.rule) } }
                            td { (mute.reason) }
                            td { (mute.owner.as_deref().unwrap_or_default()) }
                            td { (mute.until.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}
