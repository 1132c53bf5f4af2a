//! Looking at events in the order they were stored, however many there are.

use std::ops::ControlFlow;

use rusqlite::params;

use super::event_rows::{BODY_TABLES, COLUMNS, event};
use super::read::EventReader;
use crate::error::Result;
use crate::events::{Body, Event};

/// Events that are read at one moment: a longer look would keep the write-ahead log from being cut.
const AT_ONCE: i64 = 10_000;

impl EventReader {
    /// Shows the events after one, up to another, in their order and without their bodies, of which is
    /// said where they are gone, until told to stop. What is stored meanwhile is shown too. The number of the last event that was shown,
    /// `after` when there was none.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn walk(
        &self,
        after: i64,
        last: i64,
        mut show: impl FnMut(Event) -> ControlFlow<()>,
    ) -> Result<i64> {
        let mut at = after;
        loop {
            let more = self.read(|connection, _| {
                let mut statement = connection.prepare_cached(&format!(
                    "SELECT {COLUMNS}, b.seq IS NOT NULL, e.subject IS NULL OR s.entry IS NOT NULL
                     FROM {BODY_TABLES} WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq LIMIT ?3"
                ))?;
                let mut rows = statement.query(params![at, last, AT_ONCE])?;
                let mut shown = 0;
                while let Some(row) = rows.next()? {
                    let mut found = event(row)?;
                    found.body = match (row.get(12)?, row.get(13)?) {
                        (_, false) => Body::Erased,
                        (false, true) => Body::Removed,
                        (true, true) => Body::NotRead,
                    };
                    at = found.seq;
                    shown += 1;
                    if show(found).is_break() {
                        return Ok(false);
                    }
                }
                Ok(shown == AT_ONCE)
            })?;
            if !more {
                return Ok(at);
            }
        }
    }

    /// How many events are about a lead, by e-mail address.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn about(&self, lead: &str) -> Result<u64> {
        let Some(subject) = self.subject_of(lead)? else {
            return Ok(0);
        };
        self.read(|connection, _| {
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM events WHERE subject = ?1")?
                .query_row([subject], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }
}
