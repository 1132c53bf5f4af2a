//! How far something is done, by name: kept beside the events that it is about.

use rusqlite::{OptionalExtension, params};

use super::open::EventStore;
use super::read::EventReader;
use crate::error::Result;

impl EventStore {
    /// Notes how far something is done, unless that is less far than was noted.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn mark(&self, name: String, value: i64) -> Result<()> {
        self.write(move |writing| {
            writing
                .tx
                .prepare_cached(
                    "INSERT INTO marks (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                )?
                .execute(params![name, value])?;
            Ok(())
        })
        .await
    }
}

impl EventReader {
    /// How far something is done; `None` when nothing was noted.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn mark(&self, name: &str) -> Result<Option<i64>> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached("SELECT value FROM marks WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?)
        })
    }
}
