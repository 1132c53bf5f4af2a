//! Words that more than one of the commands uses.

use doorward_finding::Severity;

use crate::output::{Cell, Tone};

/// The colour of a severity.
pub(super) const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Careful,
        Severity::Low | Severity::Info => Tone::Quiet,
    }
}

/// A score in the colour of what it means.
pub(super) fn score(score: Option<u8>) -> Cell {
    match score {
        None => Cell::toned("–", Tone::Quiet),
        Some(score) => Cell::toned(score, score_tone(score)),
    }
}

pub(super) const fn score_tone(score: u8) -> Tone {
    match score {
        90.. => Tone::Good,
        60..90 => Tone::Careful,
        _ => Tone::Bad,
    }
}

/// How many, in red where there are some.
pub(super) fn some(count: impl TryInto<u64>) -> Cell {
    match count.try_into().unwrap_or(u64::MAX) {
        0 => Cell::toned(0, Tone::Quiet),
        count => Cell::toned(count, Tone::Bad),
    }
}
