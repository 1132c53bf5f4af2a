//! Windows of the week that a rotation may begin in.

use std::fmt;
use std::str::FromStr;

use doorward_policy::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Most windows.
const WINDOWS_MAX: usize = 32;
/// Minutes of a day.
const DAY: u16 = 24 * 60;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A part of each week, in a time zone: `Mon-Fri 09:00-17:00 Europe/Berlin`.
///
/// Days are one, a range or a list of them (`Mon`, `Mon-Fri`, `Sat,Sun`), or `daily`. A window that
/// ends before it begins goes over midnight and belongs to the day that it begins on; `24:00` is the
/// end of a day. The zone is a name of the IANA database, an offset like `+02:00`, or UTC when none
/// is said. Where clocks are set forward over the begin or the end, the moment of the change counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Window {
    /// Monday first.
    days: [bool; 7],
    /// Minutes after midnight.
    from: u16,
    /// The same, of the next day when it is not later than `from`.
    to: u16,
    zone: TimeZone,
    text: String,
}

/// Why a text is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowFault {
    /// It has not the parts of one.
    #[error("write days, times and a zone, like \"Mon-Fri 09:00-17:00 Europe/Berlin\"")]
    Form,
    /// A day is none.
    #[error("days are Mon, Tue, Wed, Thu, Fri, Sat and Sun, ranges and lists of them, or daily")]
    Days,
    /// A time is none, or the window is empty.
    #[error("times are like 09:00-17:00, and the end is not the begin")]
    Times,
    /// The zone is not known.
    #[error(
        "there is no such time zone; write a name like Europe/Berlin, an offset like +02:00, or UTC"
    )]
    Zone,
    /// Too many.
    #[error("at most {WINDOWS_MAX} windows")]
    TooMany,
}

impl FromStr for Window {
    type Err = WindowFault;

    fn from_str(text: &str) -> Result<Self, WindowFault> {
        let mut parts = text.split_ascii_whitespace();
        let (Some(days), Some(times)) = (parts.next(), parts.next()) else {
            return Err(WindowFault::Form);
        };
        let zone = parts.next();
        if parts.next().is_some() {
            return Err(WindowFault::Form);
        }
        let (from, to) = times.split_once('-').ok_or(WindowFault::Times)?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        if from == to || from == DAY {
            return Err(WindowFault::Times);
        }
        Ok(Self {
            days: days_of(days)?,
            from,
            to,
            zone: zone_of(zone.unwrap_or("UTC"))?,
            text: text.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

fn days_of(text: &str) -> Result<[bool; 7], WindowFault> {
    if text == "daily" {
        return Ok([true; 7]);
    }
    let index = |name: &str| {
        let found = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
        found.ok_or(WindowFault::Days)
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        // Sat-Mon goes over the end of the week.
        let count = (last + 7 - first) % 7;
        for (n, day) in days.iter_mut().enumerate() {
            *day |= (n + 7 - first) % 7 <= count;
        }
    }
    Ok(days)
}

fn minutes(text: &str) -> Result<u16, WindowFault> {
    let fault = WindowFault::Times;
    let (hour, minute) = text.split_once(':').ok_or(fault.clone())?;
    let number = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (Some(hour), Some(minute)) = (number(hour), number(minute)) else {
        return Err(fault);
    };
    let all = hour * 60 + minute;
    if minute < 60 && all <= DAY {
        Ok(all)
    } else {
        Err(fault)
    }
}

fn zone_of(name: &str) -> Result<TimeZone, WindowFault> {
    if name.eq_ignore_ascii_case("UTC") || name == "Z" {
        return Ok(TimeZone::UTC);
    }
    if name.starts_with(['+', '-']) {
        return offset(name).ok_or(WindowFault::Zone);
    }
    TimeZone::get(name).map_err(|_| WindowFault::Zone)
}

fn offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = (text.starts_with('-'), text.get(1..)?);
    let minutes = i32::from(minutes(rest).ok()?);
    let seconds = minutes * if sign { -60 } else { 60 };
    let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
    (minutes < 15 * 60).then(|| TimeZone::fixed(offset))
}

impl Window {
    /// The window's openings from the one that may have begun the day before `at` on, for
    /// `days` days; begin and end, the end is not in it.
    fn openings(&self, at: Timestamp, days: u8) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = jiff::Timestamp::from_millisecond(at.millis())
            .ok()
            .map(|at| self.zone.to_datetime(at).date());
        let first = today.and_then(|date| date.yesterday().ok());
        let dates = std::iter::successors(first, |date| date.tomorrow().ok());
        dates
            .take(usize::from(days))
            .filter_map(|date| self.opening(date))
    }

    /// The window on the day of that date, if it opens then.
    fn opening(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).ok()?;
        if !self.days.get(day).copied().unwrap_or(false) {
            return None;
        }
        let last = if self.to <= self.from {
            date.tomorrow().ok()?
        } else {
            date
        };
        let (begin, end) = (self.moment(date, self.from)?, self.moment(last, self.to)?);
        (begin < end).then_some((begin, end))
    }

    /// The moment of a time of day; of one that clocks jump over, the moment after.
    fn moment(&self, date: Date, minutes: u16) -> Option<Timestamp> {
        let (date, minutes) = if minutes == DAY {
            (date.tomorrow().ok()?, 0)
        } else {
            (date, minutes)
        };
        let (hour, minute) = (
            i8::try_from(minutes / 60).ok()?,
            i8::try_from(minutes % 60).ok()?,
        );
        let local = DateTime::from_parts(date, Time::new(hour, minute, 0, 0).ok()?);
        let moment = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Timestamp::from_millis(moment.as_millisecond()))
    }

    /// Whether it is open at that time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.openings(at, 3)
            .any(|(begin, end)| (begin..end).contains(&at))
    }

    /// The first moment not before `at` that it is open; `None` at the end of time.
    fn next(&self, at: Timestamp) -> Option<Timestamp> {
        // A change of clocks can swallow an opening: two weeks have one in any case.
        self.openings(at, 16)
            .find(|(_, end)| at < *end)
            .map(|(begin, _)| begin.max(at))
    }

    /// The last moment not after `at` that it is open, within the two weeks before.
    fn last(&self, at: Timestamp) -> Option<Timestamp> {
        const FORTNIGHT: i64 = 14 * 86_400_000;
        let before = self.openings(at.plus_millis(-FORTNIGHT), 17);
        before
            .take_while(|(begin, _)| *begin <= at)
            .last()
            .map(|(_, end)| end.plus_millis(-1).min(at))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window({})", self.text)
    }
}

/// All windows; without any, it is open at all times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Windows(Vec<Window>);

impl Windows {
    /// These.
    ///
    /// # Errors
    /// When there are more than 32.
    pub fn new(windows: Vec<Window>) -> Result<Self, WindowFault> {
        if windows.len() > WINDOWS_MAX {
            return Err(WindowFault::TooMany);
        }
        Ok(Self(windows))
    }

    /// Whether one is open at that time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.0.is_empty() || self.0.iter().any(|window| window.is_open(at))
    }

    /// The first moment not before `at` that one is open.
    pub fn next(&self, at: Timestamp) -> Timestamp {
        let next = self.0.iter().filter_map(|window| window.next(at)).min();
        next.unwrap_or(at)
    }

    /// The last moment not after `at` that one is open, if there is one in the two weeks before.
    pub fn last(&self, at: Timestamp) -> Option<Timestamp> {
        if self.0.is_empty() {
            return Some(at);
        }
        self.0.iter().filter_map(|window| window.last(at)).max()
    }
}
