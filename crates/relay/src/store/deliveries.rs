//! What became of deliveries, as it is written.

use rusqlite::{OptionalExtension, params};

use super::open::EventStore;
use super::take::answer_place;
use super::write::Writing;
use crate::error::{RelayError, Result};
use crate::events::EventId;

/// What events are delivered along: to a destination as they come, or in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// Number of the destination.
    pub destination: i64,
    /// Number of the replay; 0 for what is delivered as it comes.
    pub replay: i64,
}

impl Lane {
    /// What a destination gets as it comes.
    pub fn of(destination: i64) -> Self {
        Self {
            destination,
            replay: 0,
        }
    }
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// The destination has it.
    Delivered,
    /// It is to be tried again.
    Retry,
    /// It waits for an earlier event of the same lead.
    Held,
    /// It was tried as often as it is tried.
    Dead,
    /// Nobody wants it any more, or its body is gone.
    Discarded,
}

impl DeliveryState {
    /// Each.
    pub const ALL: [Self; 5] = [
        Self::Delivered,
        Self::Retry,
        Self::Held,
        Self::Dead,
        Self::Discarded,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry => "retry",
            Self::Held => "held",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }

    /// The one of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Whether something is owed still.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Retry | Self::Held)
    }
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The event's number.
    pub seq: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_ms: Option<i64>,
    /// The lead it must keep the order of.
    pub lead: Option<i64>,
    /// When it became due.
    pub next_ms: i64,
}

/// A delivery that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Along which lane.
    pub lane: Lane,
    /// The event's number.
    pub seq: i64,
    /// The event's id; `None` of one that is gone.
    pub event: Option<EventId>,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first, in milliseconds of Unix time.
    pub first_ms: Option<i64>,
    /// When it was tried last.
    pub last_ms: Option<i64>,
    /// When it is tried next.
    pub next_ms: Option<i64>,
    /// The last answer's status.
    pub status: Option<u16>,
    /// Why it failed, in a few words.
    pub note: Option<String>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Along which lane.
    pub lane: Lane,
    /// The event's number.
    pub seq: i64,
    /// How it stands now.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The lead it must keep the order of, where it must.
    pub lead: Option<i64>,
    /// When it was tried first.
    pub first_ms: Option<i64>,
    /// When it was tried last.
    pub last_ms: Option<i64>,
    /// When it is to be tried next, of [`Retry`](DeliveryState::Retry).
    pub next_ms: Option<i64>,
    /// The answer's status.
    pub status: Option<u16>,
    /// Why it failed, in a few words.
    pub note: Option<String>,
    /// The beginning of the answer, with no secret in it; kept sealed.
    pub answer: Vec<u8>,
}

impl EventStore {
    /// Writes what became of deliveries, and how far lanes are done by that, in one commit. An event
    /// that was held for one of these is due at once. The number of those.
    ///
    /// # Errors
    /// When nothing of it was written.
    pub async fn settle(&self, outcomes: Vec<Outcome>, done: Vec<(Lane, i64)>) -> Result<u64> {
        self.write(move |writing| {
            let mut released = 0;
            for outcome in &outcomes {
                released += u64::from(writing.settle(outcome)?);
            }
            for (lane, seq) in done {
                writing.move_cursor(lane, seq)?;
            }
            Ok(released)
        })
        .await
    }

    /// Where a destination's deliveries begin: after the newest event, or after one that is named.
    /// One that has begun already goes on from where it is. The number of the last event it is done
    /// with.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn begin(&self, destination: i64, after: Option<i64>, now_ms: i64) -> Result<i64> {
        self.write(move |writing| {
            let after = after.unwrap_or(*writing.next_seq - 1).max(0);
            writing
                .tx
                .prepare_cached(
                    "INSERT OR IGNORE INTO cursors (destination, seq, made_ms) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![destination, after, now_ms])?;
            Ok(writing
                .tx
                .prepare_cached("SELECT seq FROM cursors WHERE destination = ?1")?
                .query_row([destination], |row| row.get(0))?)
        })
        .await
    }

    /// Tries dead letters again: one, or all of a destination, at most so many at once. How many.
    ///
    /// # Errors
    /// [`NoDelivery`](RelayError::NoDelivery) when the one is not dead.
    pub async fn revive(&self, destination: i64, one: Option<i64>, now_ms: i64) -> Result<u64> {
        self.write(move |writing| {
            writing.of_dead(
                destination,
                one,
                "state = 'retry', attempts = 0, first_ms = NULL, next_ms = ?3",
                now_ms,
            )
        })
        .await
    }

    /// Gives dead letters up for good: one, or all of a destination. How many.
    ///
    /// # Errors
    /// As [`revive`](Self::revive).
    pub async fn discard(&self, destination: i64, one: Option<i64>, now_ms: i64) -> Result<u64> {
        self.write(move |writing| {
            writing.of_dead(
                destination,
                one,
                "state = 'discarded', last_ms = max(coalesce(last_ms, 0), ?3)",
                now_ms,
            )
        })
        .await
    }

    /// Removes all that is known of a destination: it was deleted. Its number is never used again.
    ///
    /// # Errors
    /// When it can't be written; some of it may be removed then.
    pub async fn forget_destination(&self, destination: i64) -> Result<()> {
        loop {
            let left = self
                .write(move |writing| writing.forget_some(destination))
                .await?;
            if !left {
                return Ok(());
            }
        }
    }
}

/// Rows that are changed in one commit.
const AT_ONCE: i64 = 2_000;

impl Writing<'_> {
    /// Whether another delivery is due by this.
    fn settle(&mut self, outcome: &Outcome) -> Result<bool> {
        let Lane {
            destination,
            replay,
        } = outcome.lane;
        let mut state = outcome.state;
        let mut next_ms = outcome.next_ms.filter(|_| state == DeliveryState::Retry);
        let mut due = false;
        if replay != 0 {
            self.count_replay(outcome)?;
        }
        if state == DeliveryState::Held && !self.is_blocked(outcome)? {
            // What it waited for is done meanwhile.
            state = DeliveryState::Retry;
            next_ms = Some(outcome.last_ms.unwrap_or(0));
            due = true;
        }
        self.tx
            .prepare_cached(
                "INSERT INTO deliveries (destination, replay, seq, state, attempts, lead, first_ms,
                    last_ms, next_ms, status, note)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT DO UPDATE SET state = ?4, attempts = ?5, lead = ?6, first_ms = ?7,
                    last_ms = ?8, next_ms = ?9, status = ?10, note = ?11",
            )?
            .execute(params![
                destination,
                replay,
                outcome.seq,
                state.as_str(),
                outcome.attempts,
                outcome.lead,
                outcome.first_ms,
                outcome.last_ms,
                next_ms,
                outcome.status,
                outcome.note,
            ])?;
        self.keep_answer(outcome)?;
        if !state.is_open()
            && let Some(lead) = outcome.lead
        {
            return self.release(outcome.lane, lead, outcome.last_ms.unwrap_or(0));
        }
        Ok(due)
    }

    /// Whether an earlier event of the same lead is owed still.
    fn is_blocked(&self, outcome: &Outcome) -> Result<bool> {
        let Lane {
            destination,
            replay,
        } = outcome.lane;
        Ok(self
            .tx
            .prepare_cached(
                "SELECT 1 FROM deliveries WHERE destination = ?1 AND replay = ?2 AND lead = ?3
                    AND state IN ('retry', 'held') AND seq < ?4 LIMIT 1",
            )?
            .exists(params![destination, replay, outcome.lead, outcome.seq])?)
    }

    /// Makes the next event of a lead due, if it is held.
    pub(super) fn release(&self, lane: Lane, lead: i64, now_ms: i64) -> Result<bool> {
        let changed = self
            .tx
            .prepare_cached(
                "UPDATE deliveries SET state = 'retry', next_ms = ?4
                 WHERE destination = ?1 AND replay = ?2 AND state = 'held' AND seq = (
                    SELECT min(seq) FROM deliveries WHERE destination = ?1 AND replay = ?2
                        AND lead = ?3 AND state IN ('retry', 'held'))",
            )?
            .execute(params![lane.destination, lane.replay, lead, now_ms])?;
        Ok(changed > 0)
    }

    fn keep_answer(&mut self, outcome: &Outcome) -> Result<()> {
        let Lane {
            destination,
            replay,
        } = outcome.lane;
        if outcome.answer.is_empty() {
            if outcome.attempts > 1 {
                self.tx
                    .prepare_cached(
                        "DELETE FROM answers WHERE destination = ?1 AND replay = ?2 AND seq = ?3",
                    )?
                    .execute(params![destination, replay, outcome.seq])?;
            }
            return Ok(());
        }
        let found: Option<(Vec<u8>, Option<i64>)> = self
            .tx
            .prepare_cached("SELECT id, subject FROM events WHERE seq = ?1")?
            .query_row([outcome.seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, subject)) = found else {
            return Ok(());
        };
        let numbers = [destination.to_be_bytes(), replay.to_be_bytes()];
        let sealed = self.with_key_of(subject, |key, nonces| {
            key.seal(
                nonces.next()?,
                &answer_place(&id, &numbers),
                &outcome.answer,
            )
        })?;
        // Of a person who was erased nothing is kept.
        if let Some(sealed) = sealed {
            self.tx
                .prepare_cached(
                    "INSERT OR REPLACE INTO answers (destination, replay, seq, sealed)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![destination, replay, outcome.seq, sealed])?;
        }
        Ok(())
    }

    /// A cursor never goes back.
    fn move_cursor(&mut self, lane: Lane, seq: i64) -> Result<()> {
        if lane.replay == 0 {
            self.tx
                .prepare_cached("UPDATE cursors SET seq = ?2 WHERE destination = ?1 AND seq < ?2")?
                .execute([lane.destination, seq])?;
        } else {
            self.tx
                .prepare_cached("UPDATE replays SET cursor = ?2 WHERE id = ?1 AND cursor < ?2")?
                .execute([lane.replay, seq])?;
        }
        Ok(())
    }

    fn of_dead(
        &mut self,
        destination: i64,
        one: Option<i64>,
        change: &str,
        now_ms: i64,
    ) -> Result<u64> {
        // The same statement for one and for all.
        let sql = format!(
            "UPDATE deliveries SET {change} WHERE (destination, replay, seq) IN (
                SELECT destination, replay, seq FROM deliveries
                WHERE destination = ?1 AND state = 'dead' AND (?2 IS NULL OR seq = ?2)
                ORDER BY seq LIMIT {AT_ONCE})"
        );
        let changed = self
            .tx
            .prepare_cached(&sql)?
            .execute(params![destination, one, now_ms])?;
        if changed == 0 && one.is_some() {
            return Err(RelayError::NoDelivery);
        }
        self.recount_replays(destination, change.contains("discarded"))?;
        Ok(changed as u64)
    }

    /// Whether there is more.
    fn forget_some(&mut self, destination: i64) -> Result<bool> {
        let mut left = false;
        for table in ["deliveries", "answers"] {
            let sql = format!(
                "DELETE FROM {table} WHERE (destination, replay, seq) IN (
                    SELECT destination, replay, seq FROM {table} WHERE destination = ?1
                    LIMIT {AT_ONCE})"
            );
            let removed = self.tx.prepare_cached(&sql)?.execute([destination])?;
            left |= removed as i64 == AT_ONCE;
        }
        if !left {
            for table in ["cursors", "replays"] {
                let sql = format!("DELETE FROM {table} WHERE destination = ?1");
                self.tx.execute(&sql, [destination])?;
            }
        }
        Ok(left)
    }
}
