//! How long something lasts, as manifests have it: `90d`, `12h`.

use jiff::{Span, SpanRelativeTo, Unit};

/// The units that a time is written in, ms.
const UNITS: [(i64, &str); 4] = [
    (86_400_000, "d"),
    (3_600_000, "h"),
    (60_000, "m"),
    (1_000, "s"),
];

/// Milliseconds of a text. A day has 24 hours.
pub fn parse(text: &str) -> Option<i64> {
    let days = SpanRelativeTo::days_are_24_hours();
    let span: Span = text.parse().ok()?;
    let millis = span.total((Unit::Millisecond, days)).ok()?;
    (1.0..=1e15).contains(&millis).then_some(millis as i64)
}

/// The shortest text that [`parse`] reads the same of.
pub fn as_text(millis: i64) -> String {
    let fits = UNITS.iter().find(|(unit, _)| millis % unit == 0);
    match fits {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}
