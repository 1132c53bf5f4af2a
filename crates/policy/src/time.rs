//! A point in time, as an argument.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Milliseconds since 1970-01-01T00:00:00Z. Text and JSON are RFC 3339 in UTC, with milliseconds
/// where there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

const DAY_MS: i64 = 86_400_000;
/// The years that are written here; what lies outside of them is left to the library.
const FROM_1970_TO_9998: std::ops::Range<i64> = 0..253_370_764_800_000;

/// The text is no RFC 3339 point in time between the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a point in time is written like 2027-01-15T08:00:00Z")]
pub struct TimestampError;

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch, kept in range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This many milliseconds later (earlier when negative), kept in range.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this, kept in range.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Timestamp {
    /// The usual text, in `room`: every record has one, and the library takes many times as long.
    fn usual_text(self, room: &mut [u8; 24]) -> Option<&str> {
        let millis = Some(self.0).filter(|millis| FROM_1970_TO_9998.contains(millis))?;
        let (days, rest) = (millis / DAY_MS, millis % DAY_MS);
        let (year, month, day) = date(days);
        let [y1, y2] = two(year / 100);
        let [y3, y4] = two(year % 100);
        let ([o1, o2], [d1, d2]) = (two(month), two(day));
        let ([h1, h2], [m1, m2]) = (two(rest / 3_600_000), two(rest / 60_000 % 60));
        let [s1, s2] = two(rest / 1_000 % 60);
        let part = rest % 1_000;
        let (f1, [f2, f3]) = (b'0' + (part / 100) as u8, two(part % 100));
        // The fraction ends at its last digit that is not zero.
        let (end, length) = match (part, part % 100, part % 10) {
            (0, ..) => ([b'Z', 0, 0, 0, 0], 20),
            (_, 0, _) => ([b'.', f1, b'Z', 0, 0], 22),
            (_, _, 0) => ([b'.', f1, f2, b'Z', 0], 23),
            _ => ([b'.', f1, f2, f3, b'Z'], 24),
        };
        let [e1, e2, e3, e4, e5] = end;
        *room = [
            y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2,
            e1, e2, e3, e4, e5,
        ];
        str::from_utf8(room.get(..length)?).ok()
    }
}

/// The two digits of a number below a hundred.
const fn two(number: i64) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

/// Year, month and day of a day from 1970 on: of years that begin in March, so that the day that
/// some lack is their last.
const fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, of_era) = (days / ERA, days % ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.usual_text(&mut [0; 24]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.usual_text(&mut [0; 24]) {
            return f.write_str(text);
        }
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => fmt::Display::fmt(&time, f),
            // Beyond year 9999: no such text, but never a panic.
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        // RFC 3339 with offset is at most 35 bytes with nanoseconds; more is not worth parsing.
        if text.len() > 40 {
            return Err(TimestampError);
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        Ok(Self(time.as_millisecond()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_rfc_3339() {
        let time = Timestamp::from_seconds(1_800_000_000);
        assert_eq!(time.to_string(), "2027-01-15T08:00:00Z");
        assert_eq!(time.plus_millis(5).to_string(), "2027-01-15T08:00:00.005Z");
        assert_eq!("2027-01-15T09:00:00+01:00".parse(), Ok(time));
        for wrong in [
            "",
            "tomorrow",
            "2027-01-15",
            "2027-01-15T08:00:00",
            &"9".repeat(1_000),
        ] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(TimestampError), "{wrong}");
        }
    }

    fn as_the_library_writes_it(millis: i64) -> String {
        jiff::Timestamp::from_millisecond(millis)
            .unwrap()
            .to_string()
    }

    #[test]
    fn days_are_as_the_library_writes_them() {
        let (near, end) = (80_000, FROM_1970_TO_9998.end / DAY_MS);
        for day in (0..near).chain((near..=end).step_by(97)) {
            let millis = day * DAY_MS + (day * 7_919) % DAY_MS;
            let text = Timestamp::from_millis(millis).to_string();
            assert_eq!(text, as_the_library_writes_it(millis));
        }
    }

    proptest! {
        #[test]
        fn every_time_is_as_the_library_writes_it(
            seconds in -1_000_i64..253_402_000_000,
            part in prop_oneof![Just(0), Just(100), Just(120), 0_i64..1_000],
        ) {
            let time = Timestamp::from_millis(seconds * 1_000 + part);
            let text = as_the_library_writes_it(time.millis());
            prop_assert_eq!(serde_json::to_value(time).unwrap(), text.as_str());
            prop_assert_eq!(time.to_string(), text);
        }

        #[test]
        fn any_number_shows_without_panic(millis: i64) {
            prop_assert!(!Timestamp::from_millis(millis).to_string().is_empty());
        }

        #[test]
        fn what_is_shown_is_read(millis in 0_i64..253_402_207_200_000) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
