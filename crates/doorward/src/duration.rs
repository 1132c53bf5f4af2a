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

    /// A day.
    pub(crate) const DAY: Self = Self(24 * 60 * 60 * 1_000);

    /// This long after `now`.
    pub(crate) fn after(self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.0)
    }

    /// In milliseconds.
    pub(crate) fn millis(self) -> i64 {
        self.0
    }

    /// As the standard library has it.
    pub(crate) fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
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

/// A length of time, or none: `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastingOrNone(pub(crate) Option<Lasting>);

impl FromStr for LastingOrNone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "0" => Ok(Self(None)),
            text => text.parse().map(|lasting| Self(Some(lasting))),
        }
    }
}

/// A length of time, or without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastingOrNever {
    /// Without an end.
    Never,
    /// This long.
    Lasting(Lasting),
}

impl FromStr for LastingOrNever {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            text => text.parse().map(Self::Lasting),
        }
    }
}

/// A point in time: so long ago (`24h`, `7d`), a day (`2026-01-31`, its begin in UTC), or RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(Lasting(millis)) = text.parse() {
            let now = jiff::Timestamp::now().as_millisecond();
            return Ok(Self(Timestamp::from_millis(now.saturating_sub(millis))));
        }
        let is_day = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        let whole = if is_day {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        let time = whole.parse::<jiff::Timestamp>().map_err(|_| {
            "write how long ago (24h, 7d), a day (2026-01-31) or a time \
             (2026-01-31T12:00:00Z)"
                .to_owned()
        })?;
        Ok(Self(Timestamp::from_millis(time.as_millisecond())))
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

    #[test]
    fn none_at_all_is_a_nought() {
        assert_eq!("0".parse(), Ok(LastingOrNone(None)));
        let day: LastingOrNone = "24h".parse().unwrap();
        assert_eq!(day.0.map(Lasting::millis), Some(86_400_000));
        assert!("-1h".parse::<LastingOrNone>().is_err());
    }

    #[test]
    fn moments_are_ago_days_or_times() {
        let day = "2026-01-31".parse::<Moment>().unwrap();
        assert_eq!(Ok(day), "2026-01-31T00:00:00Z".parse());
        assert_eq!(Ok(day), "2026-01-31T01:00:00+01:00".parse());
        let ago = "24h".parse::<Moment>().unwrap().0;
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        assert!((86_399_000..86_460_000).contains(&now.millis_since(ago)));
        for text in ["", "yesterday", "2026-02-30", "2026-01", "-1h", "17"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
