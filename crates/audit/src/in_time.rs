//! Where in the ledger a time is. Leaves are in the order of time, but for some minutes, and but
//! for a clock that went back or was ahead for a while.
//!
//! What a clock did to a stretch of leaves is found by looking at leaves one, two, four, … away: a
//! stretch is seen unless it is shorter than it is far.

use doorward_ledger::log::{LogError, Reader, Record};
use doorward_policy::Timestamp;
use serde::Deserialize;

use crate::error::Result;
use crate::find::Filter;

/// Leaves may lie this far from their order in time: an intent waits for its call, a claim and a
/// minute of strangers come late.
const DISORDER_MS: i64 = 10 * 60 * 1000;
/// Most stretches that a clock which went back is followed through.
const STRETCHES_MAX: usize = 64;

/// Where the first leaf that fits can be.
pub(crate) fn first_fit(reader: &Reader, filter: &Filter) -> Result<u64> {
    let since = filter.since.map(|since| since.plus_millis(-DISORDER_MS));
    since.map_or_else(|| Ok(reader.minimum()), |since| first_at(reader, since))
}

/// The first leaf at or after a time.
fn first_at(reader: &Reader, at: Timestamp) -> Result<u64> {
    let mut first = reader.size();
    for _ in 0..STRETCHES_MAX {
        first = first_before(reader, at, first)?;
        let earlier = apart(first.saturating_sub(reader.minimum()))
            .map(|apart| first - apart)
            .map(|sequence| Ok((sequence, time_at(reader, sequence)?)))
            .collect::<Result<Vec<_>>>()?;
        let late = |(_, found): &(u64, Option<Timestamp>)| found.is_some_and(|found| found >= at);
        match earlier.into_iter().find(late) {
            // The clock went back after it.
            Some((sequence, _)) => first = sequence,
            None => break,
        }
    }
    Ok(first)
}

/// As [`first_at`], of the leaves before `high`, if they are in order.
fn first_before(reader: &Reader, at: Timestamp, mut high: u64) -> Result<u64> {
    let mut low = reader.minimum().min(high);
    while low < high {
        let middle = low + (high - low) / 2;
        match time_at(reader, middle)? {
            Some(found) if found < at => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Tells when a walk through the ledger is past the end of the time asked for.
pub(crate) struct End<'a> {
    reader: &'a Reader,
    until: Option<Timestamp>,
    /// A leaf from before the end is here: there is no end before it.
    known: u64,
}

impl<'a> End<'a> {
    pub(crate) fn new(reader: &'a Reader, filter: &Filter) -> Self {
        Self {
            reader,
            until: filter.until,
            known: 0,
        }
    }

    /// Whether nothing from this record on can fit, by its time.
    pub(crate) fn is_before(&mut self, record: &Record) -> Result<bool> {
        let Some(until) = self.until.map(|until| until.plus_millis(DISORDER_MS)) else {
            return Ok(false);
        };
        let past = |found: Option<Timestamp>| found.is_some_and(|found| found > until);
        if record.sequence < self.known || !past(time_of(record)) {
            return Ok(false);
        }
        let from = record.sequence;
        for apart in apart(self.reader.size().saturating_sub(from + 1)) {
            if !past(time_at(self.reader, from + apart)?) {
                // The clock was ahead here.
                self.known = from + apart;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One, two, four, … up to `most`.
fn apart(most: u64) -> impl Iterator<Item = u64> {
    let powers = (0..u64::BITS).map(|power| 1_u64 << power);
    powers.take_while(move |apart| *apart <= most)
}

fn time_at(reader: &Reader, sequence: u64) -> Result<Option<Timestamp>> {
    match reader.from(sequence).and_then(|mut cursor| cursor.next()) {
        // Pruned since.
        Err(LogError::Pruned { .. }) => Ok(None),
        record => Ok(record?.as_ref().and_then(time_of)),
    }
}

fn time_of(record: &Record) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Head {
        at: Timestamp,
    }
    let head: Head = serde_json::from_slice(&record.leaf).ok()?;
    Some(head.at)
}
