//! How long something lasts, as people write it: `90d`, `12h`, `1h 30m`.

use std::str::FromStr;

use doorward_policy::Timestamp;
use jiff::{Span, SpanRelativeTo, Unit};

/// Longest time accepted: ten years. Beyond it, leaving the end out is the honest choice.
const MAX_MILLIS: i64 = 10 * 366 * 86_400_000;

/// A length of time of at least a second, in milliseconds. A day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lasting(i64);

impl Lasting {
    /// An hour.
    pub(crate) const HOUR: Self = Self(60 * 60 * 1_000);

    /// This long after `now`.
    pub(crate) fn after(self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.0)
    }
}

impl FromStr for Lasting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = SpanRelativeTo::days_are_24_hours();
        let millis = text
            .parse::<Span>()
            .and_then(|span| span.total((Unit::Millisecond, days)))
            .map_err(|_| "write a time like 90d, 12h, 45m or 1h 30m".to_owned())?;
        if !(1_000.0..=MAX_MILLIS as f64).contains(&millis) {
            return Err("choose a time between a second and ten years".to_owned());
        }
        Ok(Self(millis as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_many_ways() {
        for (text, millis) in [
            ("90d", 7_776_000_000),
            ("12h", 43_200_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("2w", 1_209_600_000),
            ("1s", 1_000),
            ("PT15M", 900_000),
        ] {
            assert_eq!(text.parse::<Lasting>(), Ok(Lasting(millis)), "{text}");
        }
        for text in [
            "", "0s", "-1h", "500ms", "11y", "1mo", "soon", "90", "4000d",
        ] {
            assert!(text.parse::<Lasting>().is_err(), "{text}");
        }
    }
}
