//! The sandbox's clock: the machine's, moved by tests.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub(crate) type Millis = i64;

/// One day in milliseconds.
pub(crate) const DAY: Millis = 86_400_000;

/// The last time there is here, in the year 9000: what is reckoned from it stays in range.
const LAST: Millis = 221_845_392_000_000;

/// A time between 1970 and [`LAST`].
pub(crate) fn bounded(at: Millis) -> Millis {
    at.clamp(0, LAST)
}

/// A clock that runs with the machine's, ahead of it by what tests advanced, or stands still.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Clock {
    ahead: Millis,
    frozen_at: Option<Millis>,
}

impl Clock {
    /// A clock that stands still at a time (ms since 1970) until it is advanced.
    pub fn frozen(at: i64) -> Clock {
        Clock {
            ahead: 0,
            frozen_at: Some(at),
        }
    }

    /// The time now, ms since 1970.
    pub fn now(&self) -> i64 {
        let from = self.frozen_at.unwrap_or_else(machine_now);
        bounded(from.saturating_add(self.ahead))
    }

    /// Whether it shows the machine's time.
    pub(crate) fn is_machines(&self) -> bool {
        self.frozen_at.is_none() && self.ahead == 0
    }

    /// Whether it stands still.
    pub fn is_frozen(&self) -> bool {
        self.frozen_at.is_some()
    }

    /// Stops it at a time (ms since 1970), or where it is.
    pub fn freeze(&mut self, at: Option<i64>) {
        let at = at.unwrap_or_else(|| self.now());
        *self = Clock::frozen(at);
    }

    /// Lets it run on from where it is.
    pub fn run(&mut self) {
        let now = self.now();
        self.frozen_at = None;
        self.ahead = now.saturating_sub(machine_now());
    }

    /// Moves the clock ahead.
    pub fn advance(&mut self, millis: i64) {
        self.ahead = self.ahead.saturating_add(millis);
    }
}

fn machine_now() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}

/// RFC 3339 with milliseconds, as the API writes times: `2026-01-05T09:30:00.000Z`.
pub(crate) fn text(at: Millis) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => "1970-01-01T00:00:00.000Z".to_owned(),
    }
}

/// The day of a time: `2026-01-05`.
pub(crate) fn day(at: Millis) -> String {
    text(at).chars().take(10).collect()
}

/// The time an RFC 3339 text or a `YYYY-MM-DD` day (its first instant) names.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    Some(
        day.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}
