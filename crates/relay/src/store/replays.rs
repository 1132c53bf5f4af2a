//! Replays: events that are delivered to a destination once more.

use rusqlite::{OptionalExtension, Row, params};

use super::deliveries::{DeliveryState, Lane, Outcome};
use super::open::EventStore;
use super::read::EventReader;
use super::write::Writing;
use crate::error::{RelayError, Result};

/// A replay to be begun.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReplay {
    /// Number of the destination.
    pub destination: i64,
    /// Which of the events between the two, as JSON of who asks; the store does not look into it.
    pub filter: String,
    /// Number of the first event.
    pub first_seq: i64,
    /// Number of the last event.
    pub last_seq: i64,
    /// Most events a second.
    pub rate: f64,
}

/// How a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// It goes on.
    Running,
    /// Something came of each of its events.
    Done,
    /// A person ended it.
    Cancelled,
}

impl ReplayState {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Cancelled];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Its number.
    pub id: i64,
    /// What was asked for.
    pub asked: NewReplay,
    /// Number of the last event that it is done with.
    pub cursor: i64,
    /// How it stands.
    pub state: ReplayState,
    /// When it was begun, in milliseconds of Unix time.
    pub made_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Events that were sent or are to be sent again.
    pub matched: u64,
    /// Of these, what the destination has.
    pub delivered: u64,
    /// Of these, dead letters.
    pub dead: u64,
    /// Of these, what was given up, or whose body is gone.
    pub discarded: u64,
}

const COLUMNS: &str = "id, destination, filter, first_seq, last_seq, rate, cursor, state, made_ms, \
    ended_ms, matched, delivered, dead, discarded";

impl EventStore {
    /// Begins a replay; its number.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn replay(&self, new: NewReplay, now_ms: i64) -> Result<i64> {
        self.write(move |writing| {
            let last = new.last_seq.min(*writing.next_seq - 1);
            writing.tx.execute(
                "INSERT INTO replays (destination, filter, first_seq, last_seq, cursor, rate, state,
                    made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7)",
                params![
                    new.destination,
                    new.filter,
                    new.first_seq,
                    last,
                    new.first_seq - 1,
                    new.rate,
                    now_ms
                ],
            )?;
            Ok(writing.tx.last_insert_rowid())
        })
        .await
    }

    /// Ends a replay: what is under way is finished, and nothing more is sent. What was to be tried
    /// again is given up.
    ///
    /// # Errors
    /// [`NoReplay`](RelayError::NoReplay) when none of that number is running.
    pub async fn end_replay(&self, id: i64, state: ReplayState, now_ms: i64) -> Result<()> {
        self.write(move |writing| {
            let changed = writing.tx.execute(
                "UPDATE replays SET state = ?2, ended_ms = ?3 WHERE id = ?1 AND state = 'running'",
                params![id, state.as_str(), now_ms],
            )?;
            if changed == 0 {
                return Err(RelayError::NoReplay(id));
            }
            let given_up = writing.tx.execute(
                "UPDATE deliveries SET state = 'discarded', note = 'the replay was ended'
                 WHERE destination = (SELECT destination FROM replays WHERE id = ?1)
                    AND replay = ?1 AND state IN ('retry', 'held')",
                [id],
            )?;
            writing.tx.execute(
                "UPDATE replays SET discarded = discarded + ?2 WHERE id = ?1",
                params![id, given_up as i64],
            )?;
            Ok(())
        })
        .await
    }
}

impl Writing<'_> {
    /// Counts what came of an event of a replay, and no longer what had come of it before.
    pub(super) fn count_replay(&self, outcome: &Outcome) -> Result<()> {
        let Lane {
            destination,
            replay,
        } = outcome.lane;
        let before: Option<String> = self
            .tx
            .prepare_cached(
                "SELECT state FROM deliveries WHERE destination = ?1 AND replay = ?2 AND seq = ?3",
            )?
            .query_row([destination, replay, outcome.seq], |row| row.get(0))
            .optional()?;
        let before = before.as_deref().and_then(DeliveryState::of);
        let change = |state| i64::from(outcome.state == state) - i64::from(before == Some(state));
        self.tx
            .prepare_cached(
                "UPDATE replays SET matched = matched + ?2, delivered = delivered + ?3,
                    dead = dead + ?4, discarded = discarded + ?5 WHERE id = ?1",
            )?
            .execute(params![
                replay,
                i64::from(before.is_none()),
                change(DeliveryState::Delivered),
                change(DeliveryState::Dead),
                change(DeliveryState::Discarded),
            ])?;
        Ok(())
    }

    /// Counts the dead letters of a destination's replays anew. Those that have something to do
    /// again go on.
    pub(super) fn recount_replays(&self, destination: i64, discarded: bool) -> Result<()> {
        self.tx.execute(
            "WITH now (id, dead) AS (SELECT r.id, (SELECT count(*) FROM deliveries d
                WHERE d.destination = r.destination AND d.replay = r.id AND d.state = 'dead')
                FROM replays r WHERE r.destination = ?1)
             UPDATE replays SET dead = now.dead,
                discarded = discarded + iif(?2, replays.dead - now.dead, 0)
             FROM now WHERE now.id = replays.id AND now.dead <> replays.dead",
            params![destination, discarded],
        )?;
        self.tx.execute(
            "UPDATE replays SET state = 'running', ended_ms = NULL
             WHERE destination = ?1 AND state <> 'running' AND EXISTS (SELECT 1 FROM deliveries d
                WHERE d.destination = ?1 AND d.replay = replays.id AND d.state = 'retry')",
            [destination],
        )?;
        Ok(())
    }
}

impl EventReader {
    /// One replay.
    ///
    /// # Errors
    /// [`NoReplay`](RelayError::NoReplay).
    pub fn replay(&self, id: i64) -> Result<Replay> {
        self.read(|connection, _| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM replays WHERE id = ?1"))?
                .query_row([id], replay)
                .optional()?
                .ok_or(RelayError::NoReplay(id))
        })
    }

    /// The replays of a destination, or of all, the newest first: at most 1,000. Those alone that
    /// are running, or all.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn replays(&self, destination: Option<i64>, running: bool) -> Result<Vec<Replay>> {
        self.read(|connection, _| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM replays
                 WHERE (?1 IS NULL OR destination = ?1) AND (NOT ?2 OR state = 'running')
                 ORDER BY id DESC LIMIT 1000"
            ))?;
            let found = statement.query_map(params![destination, running], replay)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn replay(row: &Row<'_>) -> rusqlite::Result<Replay> {
    let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
    let state = row.get_ref(7)?.as_str()?;
    Ok(Replay {
        id: row.get(0)?,
        asked: NewReplay {
            destination: row.get(1)?,
            filter: row.get(2)?,
            first_seq: row.get(3)?,
            last_seq: row.get(4)?,
            rate: row.get(5)?,
        },
        cursor: row.get(6)?,
        // The file allows no other.
        state: match state {
            "done" => ReplayState::Done,
            "cancelled" => ReplayState::Cancelled,
            _ => ReplayState::Running,
        },
        made_ms: row.get(8)?,
        ended_ms: row.get(9)?,
        matched: count(10)?,
        delivered: count(11)?,
        dead: count(12)?,
        discarded: count(13)?,
    })
}
