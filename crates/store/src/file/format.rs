//! A file's format and how an older one is brought up to date.

use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

use crate::error::{Result, StoreError};

/// A format of a database file: whose it is, and its steps.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Marks the file as ours in its header.
    pub application_id: i64,
    /// The steps from an empty file to the present format, each in parts. The file's `user_version`
    /// is the number of steps taken. A step that was released is never changed; what changes is a
    /// new step.
    pub steps: &'static [&'static [&'static str]],
}

/// Settings of every connection.
///
/// # Errors
/// When the file is no database.
pub fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A database that was tampered with can't have its own functions run.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Settings of a connection that writes.
///
/// # Errors
/// When the file can't be written.
pub fn configure_writer(connection: &Connection) -> rusqlite::Result<()> {
    // Answers with the mode it came to, which is another for a database in memory.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // A commit is on disk when it returns, also through a loss of power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten.
    connection.pragma_update(None, "secure_delete", true)
}

impl Format {
    /// The present format.
    pub const fn newest(&self) -> i64 {
        self.steps.len() as i64
    }

    /// Whose file it is, and in which format.
    ///
    /// # Errors
    /// [`NotOurs`](StoreError::NotOurs) and [`TooNew`](StoreError::TooNew).
    pub fn identify(&self, connection: &Connection, path: &Path) -> Result<i64> {
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
        let application: i64 = number("application_id")?;
        let found: i64 = number("user_version")?;
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        let fresh = application == 0 && found == 0 && tables == 0;
        if !fresh && application != self.application_id {
            return Err(StoreError::NotOurs {
                path: path.to_owned(),
            });
        }
        if found > self.newest() {
            return Err(StoreError::TooNew {
                path: path.to_owned(),
                found,
                known: self.newest(),
            });
        }
        Ok(found)
    }

    /// Takes the steps up to format `to`, each whole or not at all.
    ///
    /// # Errors
    /// When one can't be taken; those before it are.
    pub fn migrate(&self, connection: &mut Connection, from: i64, to: i64) -> Result<()> {
        for (format, step) in (1..).zip(self.steps) {
            if format <= from || format > to {
                continue;
            }
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for part in *step {
                transaction.execute_batch(part)?;
            }
            transaction.pragma_update(None, "application_id", self.application_id)?;
            transaction.pragma_update(None, "user_version", format)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// Looks through the whole file; it takes as long as to read it.
    ///
    /// # Errors
    /// [`Corrupt`](StoreError::Corrupt), with what was found.
    pub fn check_whole(connection: &Connection, path: &Path) -> Result<()> {
        let health: String =
            connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if health == "ok" {
            return Ok(());
        }
        let detail = health
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        Err(StoreError::Corrupt {
            path: path.to_owned(),
            detail,
        })
    }
}
