//! The ledger's anchor, and keys that are destroyed so that nothing of them is left in the files.
//!
//! SQLite overwrites what is deleted (`secure_delete`). What is to be destroyed is overwritten in
//! place beside that, by a value of the same length, and its row stays: an id is used once. What
//! is left of it then is in the write-ahead log, which is copied back and cut to nothing.

use doorward_policy::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::sync::PoisonError;

use super::rows::collect;
use super::{SqliteStore, at};
use crate::error::{Result, StoreError};
use crate::ledger_store::{
    LedgerStore, SubjectRow, check_anchor, check_commitment_key, check_log, check_subject,
};

/// The tables. `live` is 1 or 0, of the same length in a record.
pub(super) const STEP: &str = "
    CREATE TABLE ledger_anchors (
        log     TEXT PRIMARY KEY NOT NULL,
        anchor  BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE subjects (
        number       INTEGER PRIMARY KEY NOT NULL,
        live         INTEGER NOT NULL CHECK (live IN (0, 1)),
        id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        entry        BLOB NOT NULL CHECK (length(entry) = 32),
        kind         TEXT NOT NULL,
        wrapped_key  BLOB NOT NULL CHECK (length(wrapped_key) BETWEEN 1 AND 128),
        created_at   INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX subjects_entry ON subjects (entry) WHERE live = 1;

    CREATE TABLE commitment_keys (
        number       INTEGER PRIMARY KEY NOT NULL,
        live         INTEGER NOT NULL CHECK (live IN (0, 1)),
        name         TEXT NOT NULL,
        wrapped_key  BLOB NOT NULL CHECK (length(wrapped_key) BETWEEN 1 AND 128),
        created_at   INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX commitment_keys_name ON commitment_keys (name) WHERE live = 1;

    -- Whether something was erased whose bytes may still be in the files.
    CREATE TABLE scrub (
        id       INTEGER PRIMARY KEY CHECK (id = 1),
        pending  INTEGER NOT NULL CHECK (pending IN (0, 1))
    ) STRICT;
    INSERT INTO scrub (id, pending) VALUES (1, 0);
";

fn anchor(tx: &Transaction<'_>, log: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT anchor FROM ledger_anchors WHERE log = ?1";
    Ok(tx.query_row(sql, [log], |row| row.get(0)).optional()?)
}

fn swap_anchor(tx: &Transaction<'_>, log: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool> {
    if anchor(tx, log)?.as_deref() != old {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO ledger_anchors (log, anchor) VALUES (?1, ?2)
         ON CONFLICT (log) DO UPDATE SET anchor = excluded.anchor",
        params![log, new],
    )?;
    Ok(true)
}

fn read_subject(row: &Row<'_>) -> rusqlite::Result<SubjectRow> {
    Ok(SubjectRow {
        id: row.get("id")?,
        index: row.get("entry")?,
        kind: row.get("kind")?,
        wrapped_key: row.get("wrapped_key")?,
    })
}

fn by_index(tx: &Transaction<'_>, index: &[u8; 32]) -> Result<Option<SubjectRow>> {
    let sql = "SELECT id, entry, kind, wrapped_key FROM subjects WHERE entry = ?1 AND live = 1";
    let mut statement = tx.prepare_cached(sql)?;
    Ok(statement.query_row([index], read_subject).optional()?)
}

fn by_id(tx: &Transaction<'_>, id: &[u8; 16]) -> Result<Option<SubjectRow>> {
    let sql = "SELECT id, entry, kind, wrapped_key FROM subjects WHERE id = ?1 AND live = 1";
    let mut statement = tx.prepare_cached(sql)?;
    Ok(statement.query_row([id], read_subject).optional()?)
}

fn add_subject(tx: &Transaction<'_>, new: &SubjectRow, now: Timestamp) -> Result<SubjectRow> {
    if let Some(known) = by_index(tx, &new.index)? {
        return Ok(known);
    }
    let taken = tx
        .prepare_cached("SELECT 1 FROM subjects WHERE id = ?1")?
        .exists([new.id])?;
    if taken {
        return Err(StoreError::Field {
            field: "the id of the subject".to_owned(),
            fault: "is taken; ids are random and used once",
        });
    }
    tx.prepare_cached(
        "INSERT INTO subjects (live, id, entry, kind, wrapped_key, created_at)
         VALUES (1, ?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        new.id,
        new.index,
        new.kind,
        new.wrapped_key,
        now.millis()
    ])?;
    Ok(new.clone())
}

fn commitment_key(tx: &Transaction<'_>, name: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT wrapped_key FROM commitment_keys WHERE name = ?1 AND live = 1";
    Ok(tx.query_row(sql, [name], |row| row.get(0)).optional()?)
}

fn add_commitment_key(
    tx: &Transaction<'_>,
    name: &str,
    wrapped: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>> {
    if let Some(known) = commitment_key(tx, name)? {
        return Ok(known);
    }
    tx.execute(
        "INSERT INTO commitment_keys (live, name, wrapped_key, created_at) VALUES (1, ?1, ?2, ?3)",
        params![name, wrapped, now.millis()],
    )?;
    Ok(wrapped.to_owned())
}

/// Overwrites with `erase` what `find` finds. Whether there was one, or is one that was erased and
/// whose bytes may still be in the files.
fn erase(
    tx: &Transaction<'_>,
    erase: &str,
    find: &str,
    of: impl rusqlite::Params + Copy,
) -> Result<bool> {
    if tx.execute(erase, of)? > 0 {
        tx.execute("UPDATE scrub SET pending = 1", [])?;
        return Ok(true);
    }
    Ok(pending(tx)? && tx.prepare(find)?.exists(of)?)
}

fn pending(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row("SELECT pending FROM scrub", [], |row| row.get(0))?)
}

/// Removes from the files what is left of erased bytes, if something may be.
pub(super) fn scrub(connection: &mut Connection) -> Result<()> {
    if !pending(connection)? {
        return Ok(());
    }
    // Answers "busy" in its first column when a reader still needs the write-ahead log.
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::NotScrubbed);
    }
    connection.execute("UPDATE scrub SET pending = 0", [])?;
    Ok(())
}

impl SqliteStore {
    fn erase(&self, act: impl FnOnce(&Transaction<'_>) -> Result<bool>) -> Result<bool> {
        let found = self.note(act)?;
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match scrub(&mut connection) {
            Ok(()) => Ok(found),
            // It is a failure for who erased; for who found nothing there is none.
            Err(StoreError::NotScrubbed | StoreError::Full) if !found => Ok(false),
            Err(StoreError::Full) => Err(StoreError::NotScrubbed),
            Err(error) => Err(at(error, &self.path)),
        }
    }
}

impl LedgerStore for SqliteStore {
    fn ledger_anchor(&self, log: &str) -> Result<Option<Vec<u8>>> {
        self.read(|tx| anchor(tx, log))
    }

    fn swap_ledger_anchor(&self, log: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool> {
        check_log(log)?;
        check_anchor(new)?;
        self.note(|tx| swap_anchor(tx, log, old, new))
    }

    fn subject_by_index(&self, index: &[u8; 32]) -> Result<Option<SubjectRow>> {
        self.read(|tx| by_index(tx, index))
    }

    fn subject(&self, id: &[u8; 16]) -> Result<Option<SubjectRow>> {
        self.read(|tx| by_id(tx, id))
    }

    fn add_subject(&self, new: &SubjectRow, now: Timestamp) -> Result<SubjectRow> {
        check_subject(new)?;
        self.note(|tx| add_subject(tx, new, now))
    }

    fn erase_subject(&self, id: &[u8; 16]) -> Result<bool> {
        self.erase(|tx| {
            let overwrite = "UPDATE subjects
                 SET live = 0, entry = zeroblob(32), wrapped_key = zeroblob(length(wrapped_key))
                 WHERE id = ?1 AND live = 1";
            erase(tx, overwrite, "SELECT 1 FROM subjects WHERE id = ?1", [id])
        })
    }

    fn commitment_key(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read(|tx| commitment_key(tx, name))
    }

    fn add_commitment_key(&self, name: &str, wrapped: &[u8], now: Timestamp) -> Result<Vec<u8>> {
        check_commitment_key(name, wrapped)?;
        self.note(|tx| add_commitment_key(tx, name, wrapped, now))
    }

    fn commitment_key_names(&self) -> Result<Vec<String>> {
        let sql = "SELECT name FROM commitment_keys WHERE live = 1 ORDER BY name";
        self.read(|tx| collect(tx, sql, [], |row| Ok(row.get(0)?)))
    }

    fn erase_commitment_key(&self, name: &str) -> Result<bool> {
        self.erase(|tx| {
            let overwrite = "UPDATE commitment_keys
                 SET live = 0, wrapped_key = zeroblob(length(wrapped_key))
                 WHERE name = ?1 AND live = 1";
            erase(
                tx,
                overwrite,
                "SELECT 1 FROM commitment_keys WHERE name = ?1",
                [name],
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// Somebody reads while a key is erased: nobody is given the key any more, the caller is told
    /// that its bytes are still about, and to erase it again mends that.
    #[test]
    fn a_reader_in_the_way_is_told_and_the_erasure_is_finished_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doorward.db");
        let subject = |n: u8| SubjectRow {
            id: [n; 16],
            index: [n; 32],
            kind: "ip".to_owned(),
            wrapped_key: b"canary-key-of-a-subject".to_vec(),
        };
        let on_disk = || {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.extend(std::fs::read(folder.path().join("doorward.db-wal")).unwrap_or_default());
            bytes.windows(10).any(|part| part == b"canary-key")
        };
        let open = || {
            let store = SqliteStore::open(&path).unwrap();
            let connection = store.connection.lock().unwrap();
            connection.busy_timeout(std::time::Duration::ZERO).unwrap();
            drop(connection);
            store
        };
        let store = open();
        for mended_by_opening in [false, true] {
            let row = subject(u8::from(mended_by_opening));
            store.add_subject(&row, NOW).unwrap();
            let reader = Connection::open(&path).unwrap();
            reader
                .execute_batch("BEGIN; SELECT count(*) FROM subjects")
                .unwrap();
            let told = store.erase_subject(&row.id);
            assert!(matches!(told, Err(StoreError::NotScrubbed)), "{told:?}");
            assert_eq!(store.subject(&row.id).unwrap(), None);
            assert!(!store.erase_subject(&[9; 16]).unwrap(), "nobody's failure");
            assert!(on_disk(), "the reader's moment still has it");
            drop(reader);
            if !mended_by_opening {
                assert!(store.erase_subject(&row.id).unwrap());
                assert!(!store.erase_subject(&row.id).unwrap());
                assert!(!on_disk());
            }
        }
        drop(store);
        let store = open();
        assert!(!on_disk());
        assert!(!store.erase_subject(&[1; 16]).unwrap());
    }
}
