//! Retention: what is too old goes, and of what is too much the oldest bodies.
//!
//! By age an event goes with all that is known of it, delivered or not: how many of them were owed
//! still is told. By size only bodies go, the oldest first, and none that a destination is owed or
//! that is a dead letter: what is known of the event stays until it is too old, so that it is
//! recognised when it comes again. Everything is done in small commits, between which events are
//! taken in.

use std::collections::BTreeSet;

use rusqlite::params;

use super::deliveries::Lane;
use super::open::EventStore;
use super::read::size;
use super::write::Writing;
use crate::error::Result;

/// Events of one commit.
const AT_ONCE: i64 = 100;
/// Pages given back to the disk in one commit.
const PAGES: i64 = 100;
/// Bytes that may be free within the file, or this share of it.
const FREE: (u64, u64) = (64 << 20, 4);
/// Bytes that may be free within the file when the disk is short of room.
const FREE_WHEN_SHORT: u64 = 256 << 10;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long an event is kept, in milliseconds. An event that is gone is not recognised when it
    /// comes again: at least as long as reconciliation looks back.
    pub max_age_ms: i64,
    /// How large the file may be, in bytes.
    pub max_bytes: u64,
}

/// What retention did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Events that were too old.
    pub removed: u64,
    /// Of these, events that a destination was owed, or that were dead letters.
    pub undelivered: u64,
    /// Bodies that were removed because the file was too large.
    pub bodies: u64,
    /// Bytes that the file is still too large by: all that is left is owed, or not old enough.
    pub over: u64,
}

impl EventStore {
    /// Removes what is too old by now, and the oldest of what is too much.
    ///
    /// # Errors
    /// When it can't be written; part of it may be done.
    pub async fn retain(&self, limits: Retention, now_ms: i64) -> Result<Retained> {
        let mut all = Retained::default();
        let before = now_ms.saturating_sub(limits.max_age_ms);
        loop {
            let (removed, undelivered) = self
                .write(move |writing| writing.remove_old(before, now_ms))
                .await?;
            all.removed += removed;
            all.undelivered += undelivered;
            if removed < AT_ONCE as u64 {
                break;
            }
        }
        let mut next = Some(0);
        while let Some(from) = next {
            let (goes_on, removed, used) = self
                .write(move |writing| writing.remove_bodies(from, limits.max_bytes))
                .await?;
            all.bodies += removed;
            all.over = used.saturating_sub(limits.max_bytes);
            next = goes_on;
        }
        self.give_back().await?;
        // What an erasure could not finish, or a person who is gone by age.
        let scrubbed = self.alone(|connection| super::erase::scrub(connection));
        if let Err(error) = scrubbed.await {
            tracing::debug!(%error, "the keys that were erased are scrubbed later");
        }
        Ok(all)
    }

    /// Gives free pages back to the disk, if they are many.
    async fn give_back(&self) -> Result<()> {
        loop {
            let short = self.shared().room.is_short();
            let more = self
                .alone(move |connection| {
                    let (used, all) = size(connection)?;
                    let free = all.saturating_sub(used);
                    let kept = match short {
                        true => FREE_WHEN_SHORT,
                        false => FREE.0.max(all / FREE.1),
                    };
                    if free <= kept {
                        return Ok(false);
                    }
                    let sql = format!("PRAGMA incremental_vacuum({PAGES})");
                    // Each row is a page.
                    let mut statement = connection.prepare(&sql)?;
                    let mut rows = statement.query([])?;
                    while rows.next()?.is_some() {}
                    // Of a file that was made without the possibility nothing comes.
                    Ok(size(connection)?.1 < all)
                })
                .await?;
            if !more {
                return Ok(());
            }
        }
    }
}

impl Writing<'_> {
    /// Removes the oldest events received before a time; how many, and how many of these were owed.
    fn remove_old(&mut self, before_ms: i64, now_ms: i64) -> Result<(u64, u64)> {
        let mut statement = self.tx.prepare_cached(
            "SELECT seq, subject FROM events WHERE received_ms < ?1
             ORDER BY received_ms LIMIT ?2",
        )?;
        let found = statement.query_map(params![before_ms, AT_ONCE], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let found: Vec<(i64, Option<i64>)> = found.collect::<rusqlite::Result<_>>()?;
        drop(statement);
        let seqs: Vec<i64> = found.iter().map(|(seq, _)| *seq).collect();
        let (Some(first), Some(last)) = (seqs.iter().min(), seqs.iter().max()) else {
            return Ok((0, 0));
        };
        let undelivered = self.owed(*first, *last)?;
        let undelivered = seqs.iter().filter(|seq| undelivered.covers(**seq)).count();
        for lane in self.lanes(*first, *last)? {
            self.remove_deliveries(lane, &seqs, now_ms)?;
        }
        for seq in &seqs {
            for sql in [
                "DELETE FROM bodies WHERE seq = ?1",
                "DELETE FROM events WHERE seq = ?1",
            ] {
                self.tx.prepare_cached(sql)?.execute([seq])?;
            }
        }
        self.tx
            .prepare_cached("UPDATE store SET last_seq = max(last_seq, ?1)")?
            .execute([last])?;
        let subjects: BTreeSet<i64> = found.iter().filter_map(|(_, subject)| *subject).collect();
        self.remove_people(&subjects)?;
        self.tx
            .prepare_cached(
                "DELETE FROM replays WHERE state <> 'running' AND last_seq <= ?1
                    AND last_seq < (SELECT coalesce(min(seq), 9223372036854775807) FROM events)",
            )?
            .execute([last])?;
        Ok((seqs.len() as u64, undelivered as u64))
    }

    /// The lanes that one of these events may have been delivered along.
    fn lanes(&self, first: i64, last: i64) -> Result<Vec<Lane>> {
        let mut statement = self.tx.prepare_cached(
            "SELECT destination, 0 FROM cursors UNION ALL
             SELECT destination, id FROM replays WHERE first_seq <= ?2 AND last_seq >= ?1",
        )?;
        let lanes = statement.query_map([first, last], |row| {
            Ok(Lane {
                destination: row.get(0)?,
                replay: row.get(1)?,
            })
        })?;
        Ok(lanes.collect::<rusqlite::Result<_>>()?)
    }

    fn remove_deliveries(&mut self, lane: Lane, seqs: &[i64], now_ms: i64) -> Result<()> {
        let mut leads = BTreeSet::new();
        for seq in seqs {
            let key = params![lane.destination, lane.replay, seq];
            let mut statement = self.tx.prepare_cached(
                "DELETE FROM deliveries WHERE destination = ?1 AND replay = ?2 AND seq = ?3
                 RETURNING lead",
            )?;
            let mut rows = statement.query(key)?;
            while let Some(row) = rows.next()? {
                leads.extend(row.get::<_, Option<i64>>(0)?);
            }
            self.tx
                .prepare_cached(
                    "DELETE FROM answers WHERE destination = ?1 AND replay = ?2 AND seq = ?3",
                )?
                .execute(key)?;
        }
        for lead in leads {
            // What waited for one that is gone waits no longer.
            self.release(lane, lead, now_ms)?;
        }
        Ok(())
    }

    /// Removes the keys of people about whom nothing is left.
    fn remove_people(&mut self, subjects: &BTreeSet<i64>) -> Result<()> {
        for subject in subjects {
            let left = self
                .tx
                .prepare_cached("SELECT 1 FROM events WHERE subject = ?1 LIMIT 1")?
                .exists([subject])?;
            if !left {
                self.destroy_key(*subject)?;
                self.tx
                    .prepare_cached("DELETE FROM subjects WHERE id = ?1")?
                    .execute([subject])?;
            }
        }
        Ok(())
    }

    /// What of a range of events is owed or a dead letter.
    fn owed(&self, first: i64, last: i64) -> Result<Owed> {
        let mut owed = Owed::default();
        let mut statement = self.tx.prepare_cached(
            "SELECT seq, 9223372036854775807 FROM cursors UNION ALL
             SELECT cursor, last_seq FROM replays WHERE state = 'running'",
        )?;
        let ranges = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        owed.after = ranges.collect::<rusqlite::Result<_>>()?;
        for lane in self.lanes(first, last)? {
            let mut statement = self.tx.prepare_cached(
                "SELECT seq FROM deliveries WHERE destination = ?1 AND replay = ?2
                    AND seq BETWEEN ?3 AND ?4 AND state IN ('retry', 'held', 'dead')",
            )?;
            let open = statement
                .query_map(params![lane.destination, lane.replay, first, last], |row| {
                    row.get(0)
                })?;
            owed.each
                .extend(open.collect::<rusqlite::Result<Vec<i64>>>()?);
        }
        Ok(owed)
    }

    /// Removes some of the oldest bodies after an event if the file is too large. Where to go on,
    /// `None` at the end; how many were removed; bytes in use.
    fn remove_bodies(&mut self, from: i64, most: u64) -> Result<(Option<i64>, u64, u64)> {
        let (used, _) = size(self.tx)?;
        if used <= most {
            return Ok((None, 0, used));
        }
        let mut statement = self
            .tx
            .prepare_cached("SELECT seq FROM bodies WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        let found = statement.query_map([from, AT_ONCE], |row| row.get(0))?;
        let found: Vec<i64> = found.collect::<rusqlite::Result<_>>()?;
        drop(statement);
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Ok((None, 0, used));
        };
        let owed = self.owed(*first, *last)?;
        let mut removed = 0;
        for seq in found.iter().filter(|seq| !owed.covers(**seq)) {
            self.tx
                .prepare_cached("DELETE FROM bodies WHERE seq = ?1")?
                .execute([seq])?;
            removed += 1;
        }
        Ok((Some(*last), removed, size(self.tx)?.0))
    }
}

/// Events that are owed to somebody.
#[derive(Debug, Default)]
struct Owed {
    /// After the first, up to the second.
    after: Vec<(i64, i64)>,
    each: BTreeSet<i64>,
}

impl Owed {
    fn covers(&self, seq: i64) -> bool {
        let in_range = self
            .after
            .iter()
            .any(|(after, last)| (*after < seq) && seq <= *last);
        in_range || self.each.contains(&seq)
    }
}
