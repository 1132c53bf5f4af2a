//! How old a key may get.

use serde::{Deserialize, Serialize};

/// A day, ms.
const DAY: i64 = 86_400_000;
/// Ten years.
const MOST: i64 = 3_660 * DAY;

/// How old a key may get before it is replaced: a whole number of milliseconds from an hour to ten
/// years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub struct Every(i64);

impl Every {
    /// Least milliseconds.
    pub const LEAST: i64 = 3_600_000;

    /// So many milliseconds; `None` when that is less than an hour or more than ten years.
    pub const fn millis(millis: i64) -> Option<Self> {
        if millis < Self::LEAST || millis > MOST {
            return None;
        }
        Some(Self(millis))
    }

    /// Ninety days.
    pub const fn ninety_days() -> Self {
        Self(90 * DAY)
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl From<Every> for i64 {
    fn from(every: Every) -> Self {
        every.0
    }
}

impl TryFrom<i64> for Every {
    type Error = &'static str;

    fn try_from(millis: i64) -> Result<Self, Self::Error> {
        Self::millis(millis)
            .ok_or("a key is replaced after an hour at the least, ten years at most")
    }
}
