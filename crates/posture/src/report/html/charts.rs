//! Charts, drawn as SVG in the page itself. Each says in words what it shows.

use doorward_finding::Severity;
use maud::{Markup, html};

use crate::report::checked::Trend;
use crate::report::score::AreaScore;

/// Width of every chart, in its own units.
const WIDTH: u64 = 460;
/// Height of a bar with the room below it.
const ROW: u64 = 28;
/// Where bars begin, behind their names.
const LEFT: u64 = 110;
/// How long the longest bar is.
const LONGEST: u64 = 300;

/// A bar an area: the score, of 100.
pub(super) fn areas(areas: &[AreaScore]) -> Markup {
    let rows = areas.iter().map(|area| {
        let score = area.tally.score;
        let said = score.map_or_else(|| "not looked at".to_owned(), |score| score.to_string());
        let length = u64::from(score.unwrap_or(0)) * LONGEST / 100;
        (area.area.replace('_', " "), said, length, "bar")
    });
    bars("Score by area", rows.collect())
}

/// A bar a severity: how many findings count.
pub(super) fn severities(counts: [(Severity, usize); 5]) -> Markup {
    let most = counts
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1) as u64;
    let rows = counts.into_iter().rev().map(|(severity, count)| {
        let length = count as u64 * LONGEST / most;
        (
            severity.name().to_owned(),
            count.to_string(),
            length,
            severity.name(),
        )
    });
    bars("Findings by severity", rows.collect())
}

fn bars(caption: &str, rows: Vec<(String, String, u64, &'static str)>) -> Markup {
    let height = rows.len() as u64 * ROW + 4;
    let said: Vec<String> = rows
        .iter()
        .map(|(name, said, ..)| format!("{name} {said}"))
        .collect();
    html! {
        figure {
            figcaption { (caption) }
            svg role="img" aria-label=(format!("{caption}: {}", said.join(", ")))
                viewBox=(format!("0 0 {WIDTH} {height}")) {
                @for (row, (name, said, length, class)) in (0_u64..).zip(&rows) {
                    @let top = row * ROW + 4;
                    @let base = top + 15;
                    text x="0" y=(base) { (name) }
                    rect class="ground" x=(LEFT) y=(top) width=(LONGEST) height="20" rx="3" {}
                    rect class=(class) x=(LEFT) y=(top) width=(length) height="20" rx="3" {}
                    text x=(LEFT + LONGEST + 8) y=(base) { (said) }
                }
            }
        }
    }
}

/// The score of one run after another.
pub(super) fn trend(points: &[Trend]) -> Markup {
    const HEIGHT: u64 = 180;
    const TOP: u64 = 12;
    const TALL: u64 = 140;
    const FROM: u64 = 30;
    let scored: Vec<(&Trend, u64)> = points
        .iter()
        .filter_map(|point| Some((point, u64::from(point.score?))))
        .collect();
    let last = scored.len().saturating_sub(1).max(1) as u64;
    let places: Vec<(u64, u64)> = (0_u64..)
        .zip(&scored)
        .map(|(n, (_, score))| {
            let across = FROM + n * (WIDTH - FROM - 12) / last;
            (across, TOP + (100 - score.min(&100)) * TALL / 100)
        })
        .collect();
    let way: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let said: Vec<String> = scored.iter().map(|(_, score)| score.to_string()).collect();
    html! {
        figure {
            figcaption { "Score over time" }
            @if scored.len() < 2 {
                p.soft { "The trend begins with the second whole run." }
            } @else {
                svg role="img" aria-label=(format!("Score over time: {}", said.join(", ")))
                    viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) {
                    @for line in [0_u64, 50, 100] {
                        @let y = TOP + (100 - line) * TALL / 100;
                        line class="grid" x1=(FROM) x2=(WIDTH) y1=(y) y2=(y) {}
                        text class="axis" x="0" y=(y + 4) { (line) }
                    }
                    polyline class="way" points=(way.join(" ")) {}
                    @for ((x, y), (point, score)) in places.iter().zip(&scored) {
                        circle class="dot" cx=(x) cy=(y) r="3.5" {
                            title { (super::moment(point.at)) ": " (score) }
                        }
                    }
                    @if let (Some((first, _)), Some((last, _))) = (scored.first(), scored.last()) {
                        text class="axis" x=(FROM) y=(HEIGHT - 8) { (super::day(first.at)) }
                        text class="axis" x=(WIDTH) y=(HEIGHT - 8) text-anchor="end" { (super::day(last.at)) }
                    }
                }
            }
        }
    }
}
