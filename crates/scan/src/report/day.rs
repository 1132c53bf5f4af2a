//! A day, as rules that expire name it.

use std::fmt;
use std::str::FromStr;

/// A day of the calendar, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a day is written like 2027-01-31")]
pub struct NoDay;

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let digits = |part: &str, count: usize| -> Result<u16, NoDay> {
            match part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()) {
                true => part.parse().map_err(|_| NoDay),
                false => Err(NoDay),
            }
        };
        let mut parts = text.split('-');
        let mut next = |count| digits(parts.next().unwrap_or_default(), count);
        let (year, month, day) = (next(4)?, next(2)?, next(2)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(NoDay),
        };
        if parts.next().is_some() || !(1..=last).contains(&day) {
            return Err(NoDay);
        }
        let small = |number: u16| u8::try_from(number).map_err(|_| NoDay);
        Ok(Self {
            year,
            month: small(month)?,
            day: small(day)?,
        })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_ordered() {
        let day = |text: &str| text.parse::<Day>();
        assert_eq!(day("2027-01-31").unwrap().to_string(), "2027-01-31");
        assert!(day("2024-02-29").is_ok());
        assert!(day("2026-12-31").unwrap() < day("2027-01-01").unwrap());
        for wrong in [
            "",
            "2027",
            "2027-1-1",
            "2027-13-01",
            "2027-02-29",
            "2027-04-31",
            "2027-01-00",
            "2027-01-01-",
            "+027-01-01",
            "2027-01-01T00",
            "2027/01/01",
            "２０２７-01-01",
        ] {
            assert_eq!(day(wrong), Err(NoDay), "{wrong}");
        }
    }
}
