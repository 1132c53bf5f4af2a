//! Erasing a person: the key goes, and with it every body that was sealed under it.

use doorward_store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use super::open::EventStore;
use super::write::Writing;
use crate::error::{RelayError, Result};

/// What an erasure found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Whether there was such a person.
    pub found: bool,
    /// Events about the person; what is known of them is kept, their bodies open no more.
    pub events: u64,
    /// Deliveries of them that were owed still, and are given up.
    pub given_up: u64,
}

impl EventStore {
    /// Erases a lead, by e-mail address: the key that bodies about the lead are sealed under is
    /// destroyed, in the file and in its write-ahead log. An event about the same lead that comes
    /// later is under a new key.
    ///
    /// # Errors
    /// [`StoreError::NotScrubbed`] when nobody is given the key any more but its bytes may be left in
    /// the files: ask again. Others, when it was not erased.
    pub async fn erase(&self, lead: &str) -> Result<Erased> {
        let entry = self.shared().keys.ring.entry(lead);
        let erased = self.write(move |writing| writing.erase(&entry)).await?;
        let scrubbed = self.alone(|connection| scrub(connection)).await;
        match scrubbed {
            Err(RelayError::Store(StoreError::NotScrubbed)) if !erased.found => Ok(erased),
            Err(error) => Err(error),
            Ok(()) => Ok(erased),
        }
    }
}

impl Writing<'_> {
    fn erase(&mut self, entry: &[u8; 32]) -> Result<Erased> {
        let found: Option<i64> = self
            .tx
            .query_row("SELECT id FROM subjects WHERE entry = ?1", [entry], |row| {
                row.get(0)
            })
            .optional()?;
        let Some(subject) = found else {
            return Ok(Erased::default());
        };
        self.destroy_key(subject)?;
        let mut erased = Erased {
            found: true,
            ..Erased::default()
        };
        let mut statement = self
            .tx
            .prepare_cached("SELECT seq FROM events WHERE subject = ?1")?;
        let events = statement.query_map([subject], |row| row.get(0))?;
        let events: Vec<i64> = events.collect::<rusqlite::Result<_>>()?;
        erased.events = events.len() as u64;
        let mut give_up = self.tx.prepare_cached(
            "WITH lanes (destination, replay) AS (
                SELECT destination, 0 FROM cursors UNION ALL
                SELECT destination, id FROM replays WHERE first_seq <= ?1 AND last_seq >= ?1)
             UPDATE deliveries SET state = 'discarded', note = 'the person was erased'
             WHERE seq = ?1 AND state IN ('retry', 'held')
                AND (destination, replay) IN (SELECT destination, replay FROM lanes)",
        )?;
        for seq in events {
            erased.given_up += give_up.execute([seq])? as u64;
        }
        Ok(erased)
    }

    /// Overwrites a person's key and entry, and takes note that older bytes of them may be about.
    pub(super) fn destroy_key(&mut self, subject: i64) -> Result<()> {
        self.people.forget_all();
        for change in [
            "entry = randomblob(32), wrapped_key = zeroblob(length(wrapped_key))",
            "entry = NULL",
        ] {
            let sql = format!("UPDATE subjects SET {change} WHERE id = ?1");
            self.tx.prepare_cached(&sql)?.execute(params![subject])?;
        }
        self.tx.execute("UPDATE store SET scrub = 1", [])?;
        Ok(())
    }
}

/// Removes from the files what is left of erased bytes, if something may be.
pub(super) fn scrub(connection: &Connection) -> Result<()> {
    let pending: bool = connection.query_row("SELECT scrub FROM store", [], |row| row.get(0))?;
    if !pending {
        return Ok(());
    }
    // Answers "busy" in its first column when a reader still needs the write-ahead log.
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::NotScrubbed.into());
    }
    connection.execute("UPDATE store SET scrub = 0", [])?;
    Ok(())
}
