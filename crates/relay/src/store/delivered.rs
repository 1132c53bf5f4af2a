//! What became of deliveries, as it is read.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::deliveries::{Delivery, DeliveryState, Due, Lane};
use super::open::Keys;
use super::people::key_of;
use super::read::EventReader;
use super::take::answer_place;
use crate::error::{RelayError, Result};
use crate::events::EventId;

/// Most deliveries of a page.
const PAGE_MAX: usize = 1_000;
/// Rows that are looked at for one page.
const LOOKED_AT: i64 = 50_000;
/// Open deliveries are counted up to here.
const COUNTED: i64 = 100_000;

const COLUMNS: &str = "d.destination, d.replay, d.seq, e.id, d.state, d.attempts, d.first_ms, \
    d.last_ms, d.next_ms, d.status, d.note";

/// Which deliveries of a destination.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// That stand so.
    pub state: Option<DeliveryState>,
    /// Of this replay; 0 for what was delivered as it came.
    pub replay: Option<i64>,
}

/// A place in a list of deliveries: replay and event's number, after a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPlace {
    /// Number of the replay.
    pub replay: i64,
    /// The event's number.
    pub seq: i64,
}

/// A part of a list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryPage {
    /// Its deliveries, the newest event first within a replay; possibly none though more follow.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<DeliveryPlace>,
}

/// What is owed to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Number of the last event that it is done with.
    pub cursor: i64,
    /// Events after it, wanted or not.
    pub behind: u64,
    /// Deliveries to be tried again; counted up to 100,000.
    pub retry: u64,
    /// Deliveries that wait for an earlier one of their lead; likewise.
    pub held: u64,
    /// Dead letters; likewise.
    pub dead: u64,
    /// When the oldest event that it is not done with was received.
    pub oldest_ms: Option<i64>,
}

impl EventReader {
    /// How far a destination is done; `None` of one that has not begun.
    ///
    /// # Errors
    /// When it can't be read, as with all of these.
    pub fn cursor(&self, destination: i64) -> Result<Option<i64>> {
        self.read(|connection, _| cursor(connection, destination))
    }

    /// Deliveries that are due by then, the longest due first.
    pub fn due(&self, lane: Lane, now_ms: i64, most: usize) -> Result<Vec<Due>> {
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, attempts, first_ms, lead, next_ms FROM deliveries
                 WHERE destination = ?1 AND replay = ?2 AND state = 'retry' AND next_ms <= ?3
                 ORDER BY next_ms, seq LIMIT ?4",
            )?;
            let Lane {
                destination,
                replay,
            } = lane;
            let due =
                statement.query_map(params![destination, replay, now_ms, most as i64], |row| {
                    Ok(Due {
                        seq: row.get(0)?,
                        attempts: row.get(1)?,
                        first_ms: row.get(2)?,
                        lead: row.get(3)?,
                        next_ms: row.get(4)?,
                    })
                })?;
            Ok(due.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// When the next delivery is due; `None` when none is to be tried again.
    pub fn next_due(&self, lane: Lane) -> Result<Option<i64>> {
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT min(next_ms) FROM deliveries
                 WHERE destination = ?1 AND replay = ?2 AND state = 'retry'",
            )?;
            Ok(statement.query_row([lane.destination, lane.replay], |row| row.get(0))?)
        })
    }

    /// When the first delivery is due that is not due by then; `None` when there is none.
    pub fn next_due_after(&self, lane: Lane, now_ms: i64) -> Result<Option<i64>> {
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT min(next_ms) FROM deliveries
                 WHERE destination = ?1 AND replay = ?2 AND state = 'retry' AND next_ms > ?3",
            )?;
            let Lane {
                destination,
                replay,
            } = lane;
            Ok(statement.query_row([destination, replay, now_ms], |row| row.get(0))?)
        })
    }

    /// The events after one that something came of already: they are not to be sent again. At most
    /// so many, in their order.
    pub fn settled_after(&self, lane: Lane, seq: i64, most: usize) -> Result<Vec<i64>> {
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT seq FROM deliveries WHERE destination = ?1 AND replay = ?2 AND seq > ?3
                 ORDER BY seq LIMIT ?4",
            )?;
            let found = statement.query_map(
                params![lane.destination, lane.replay, seq, most as i64],
                |row| row.get(0),
            )?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Which of these leads have a delivery that is owed still.
    pub fn blocked(&self, lane: Lane, leads: &[i64]) -> Result<Vec<i64>> {
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(
                "SELECT 1 FROM deliveries WHERE destination = ?1 AND replay = ?2 AND lead = ?3
                    AND state IN ('retry', 'held') LIMIT 1",
            )?;
            let mut blocked = Vec::new();
            for lead in leads {
                if statement.exists([lane.destination, lane.replay, *lead])? {
                    blocked.push(*lead);
                }
            }
            Ok(blocked)
        })
    }

    /// A page of a destination's deliveries that were tried: at most `most`, and 1,000.
    pub fn deliveries(
        &self,
        destination: i64,
        filter: &DeliveryFilter,
        after: Option<DeliveryPlace>,
        most: usize,
    ) -> Result<DeliveryPage> {
        let most = most.clamp(1, PAGE_MAX);
        let from = after.unwrap_or(DeliveryPlace {
            replay: filter.replay.unwrap_or(i64::MAX),
            seq: i64::MAX,
        });
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM deliveries d LEFT JOIN events e ON e.seq = d.seq
                 WHERE d.destination = ?1 AND (d.replay, d.seq) < (?2, ?3)
                 ORDER BY d.replay DESC, d.seq DESC LIMIT {LOOKED_AT}"
            ))?;
            let mut rows = statement.query(params![destination, from.replay, from.seq])?;
            let mut page = DeliveryPage::default();
            let (mut looked, mut last) = (0, None);
            while let Some(row) = rows.next()? {
                let found = delivery(row)?;
                if filter
                    .replay
                    .is_some_and(|replay| found.lane.replay != replay)
                {
                    return Ok(page);
                }
                looked += 1;
                last = Some(DeliveryPlace {
                    replay: found.lane.replay,
                    seq: found.seq,
                });
                if filter.state.is_none_or(|state| found.state == state) {
                    page.deliveries.push(found);
                    if page.deliveries.len() == most {
                        page.next = last;
                        return Ok(page);
                    }
                }
            }
            page.next = last.filter(|_| looked == LOOKED_AT);
            Ok(page)
        })
    }

    /// The dead letters of a destination, the oldest event first, after a place: at most `most`, and
    /// 1,000.
    pub fn dead(
        &self,
        destination: i64,
        after: Option<DeliveryPlace>,
        most: usize,
    ) -> Result<DeliveryPage> {
        let most = most.clamp(1, PAGE_MAX);
        let from = after.unwrap_or(DeliveryPlace { replay: -1, seq: 0 });
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM deliveries d LEFT JOIN events e ON e.seq = d.seq
                 WHERE d.destination = ?1 AND d.state = 'dead' AND (d.replay, d.seq) > (?2, ?3)
                 ORDER BY d.replay, d.seq LIMIT ?4"
            ))?;
            let mut rows =
                statement.query(params![destination, from.replay, from.seq, most as i64])?;
            let mut page = DeliveryPage::default();
            while let Some(row) = rows.next()? {
                page.deliveries.push(delivery(row)?);
            }
            if page.deliveries.len() == most {
                page.next = page.deliveries.last().map(|last| DeliveryPlace {
                    replay: last.lane.replay,
                    seq: last.seq,
                });
            }
            Ok(page)
        })
    }

    /// All that was tried with one event, by destination.
    pub fn deliveries_of(&self, seq: i64) -> Result<Vec<Delivery>> {
        self.read(|connection, _| {
            // The lanes are few, and each is looked up by its key.
            let mut statement = connection.prepare_cached(&format!(
                "WITH lanes (destination, replay) AS (
                    SELECT destination, 0 FROM cursors UNION ALL
                    SELECT destination, id FROM replays WHERE first_seq <= ?1 AND last_seq >= ?1)
                 SELECT {COLUMNS} FROM lanes CROSS JOIN deliveries d
                    ON d.destination = lanes.destination AND d.replay = lanes.replay AND d.seq = ?1
                 LEFT JOIN events e ON e.seq = d.seq ORDER BY d.destination, d.replay"
            ))?;
            let mut rows = statement.query([seq])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(delivery(row)?);
            }
            Ok(found)
        })
    }

    /// The beginning of a delivery's last answer; `None` when none is kept, or the person that the
    /// event is about was erased.
    pub fn answer(&self, lane: Lane, seq: i64) -> Result<Option<Vec<u8>>> {
        self.read(|connection, keys| answer(connection, keys, lane, seq))
    }

    /// What is owed to a destination; `None` of one that has not begun.
    pub fn backlog(&self, destination: i64) -> Result<Option<Backlog>> {
        self.read(|connection, _| {
            let Some(cursor) = cursor(connection, destination)? else {
                return Ok(None);
            };
            let count = |state: &str| -> Result<u64> {
                let sql = format!(
                    "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE destination = ?1
                        AND state = '{state}' LIMIT {COUNTED})"
                );
                let found: i64 = connection
                    .prepare_cached(&sql)?
                    .query_row([destination], |row| row.get(0))?;
                Ok(found.unsigned_abs())
            };
            let newest: i64 =
                connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| {
                    row.get(0)
                })?;
            let oldest_ms = connection
                .prepare_cached(
                    "SELECT received_ms FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1",
                )?
                .query_row([cursor], |row| row.get(0))
                .optional()?;
            Ok(Some(Backlog {
                cursor,
                behind: (newest - cursor).max(0).unsigned_abs(),
                retry: count("retry")?,
                held: count("held")?,
                dead: count("dead")?,
                oldest_ms,
            }))
        })
    }
}

pub(super) fn cursor(connection: &Connection, destination: i64) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT seq FROM cursors WHERE destination = ?1")?
        .query_row([destination], |row| row.get(0))
        .optional()?)
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    let seq = row.get(2)?;
    let state = row.get_ref(4)?.as_str().ok().and_then(DeliveryState::of);
    let id: Option<[u8; 16]> = row.get(3)?;
    Ok(Delivery {
        lane: Lane {
            destination: row.get(0)?,
            replay: row.get(1)?,
        },
        seq,
        event: id.map(EventId::from_bytes),
        state: state.ok_or(RelayError::Unreadable {
            seq,
            detail: "unknown state of a delivery",
        })?,
        attempts: row.get(5)?,
        first_ms: row.get(6)?,
        last_ms: row.get(7)?,
        next_ms: row.get(8)?,
        status: row.get(9)?,
        note: row.get(10)?,
    })
}

fn answer(connection: &Connection, keys: &Keys, lane: Lane, seq: i64) -> Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached(
        "SELECT a.sealed, e.id, e.subject, s.entry, s.wrapped_key FROM answers a
         JOIN events e ON e.seq = a.seq LEFT JOIN subjects s ON s.id = e.subject
         WHERE a.destination = ?1 AND a.replay = ?2 AND a.seq = ?3",
    )?;
    let mut rows = statement.query([lane.destination, lane.replay, seq])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (sealed, id): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let numbers = [lane.destination.to_be_bytes(), lane.replay.to_be_bytes()];
    let place = answer_place(&id, &numbers);
    if row.get::<_, Option<i64>>(2)?.is_none() {
        return Ok(keys.bodies.open(&place, &sealed));
    }
    let key = key_of(keys, row.get(3)?, row.get(4)?);
    Ok(key.ok().and_then(|key| key.open(&place, &sealed)))
}
