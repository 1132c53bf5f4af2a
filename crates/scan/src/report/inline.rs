//! What a line says of itself: `doorward:allow REASON until 2027-01-01`.

use doorward_finding::Mute;

use super::day::Day;

/// Why a line's word does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inline {
    /// It holds.
    Holds,
    /// It has ended.
    Expired,
    /// It says no reason, or no day: it never held.
    Unfit,
}

/// What becomes of a line's word today: its reason and the day it ends, as they were written.
pub fn inline(reason: &str, until: Option<&str>, today: Day) -> (Inline, Mute) {
    let mute = Mute {
        reason: reason.trim().to_owned(),
        owner: None,
        until: until.map(str::to_owned),
    };
    let day = until.and_then(|until| until.parse::<Day>().ok());
    let stands = match day {
        Some(_) if mute.reason.is_empty() => Inline::Unfit,
        None => Inline::Unfit,
        Some(day) if day < today => Inline::Expired,
        Some(_) => Inline::Holds,
    };
    (stands, mute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_why_and_until_when() {
        let today: Day = "2026-06-15".parse().unwrap();
        let said = |reason: &str, until| inline(reason, until, today).0;
        assert_eq!(said("made up", Some("2026-06-15")), Inline::Holds);
        assert_eq!(said("made up", Some("2026-06-14")), Inline::Expired);
        assert_eq!(said("made up", None), Inline::Unfit);
        assert_eq!(said(" ", Some("2027-01-01")), Inline::Unfit);
        assert_eq!(said("made up", Some("soon")), Inline::Unfit);
    }
}
