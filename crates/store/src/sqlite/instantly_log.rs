//! Records of Instantly's audit log and what became of them.

use doorward_policy::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::SqliteStore;
use super::rows::collect;
use crate::error::{Result, StoreError, What};
use crate::instantly_log_store::{InstantlyLogStore, Judgement, LogRow, check_row, check_state};

/// The tables. A record is open as long as `judged` is 0; `call` and `trace` say whose it is.
pub(super) const STEP: &str = "
    CREATE TABLE instantly_log (
        workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        id            TEXT NOT NULL,
        at            INTEGER NOT NULL,
        record        TEXT NOT NULL,
        judged        INTEGER NOT NULL DEFAULT 0 CHECK (judged IN (0, 1)),
        call          INTEGER,
        trace         INTEGER,
        PRIMARY KEY (workspace_id, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX instantly_log_at ON instantly_log (workspace_id, at, id);
    CREATE INDEX instantly_log_open ON instantly_log (at) WHERE judged = 0;
    CREATE INDEX instantly_log_matched ON instantly_log (at) WHERE call IS NOT NULL;

    CREATE TABLE watch_state (
        workspace_id  TEXT NOT NULL,
        name          TEXT NOT NULL,
        value         TEXT NOT NULL,
        PRIMARY KEY (workspace_id, name)
    ) STRICT, WITHOUT ROWID;
";

fn add(tx: &Transaction<'_>, workspace_id: &str, rows: &[LogRow]) -> Result<u64> {
    let known = tx
        .prepare_cached("SELECT 1 FROM workspaces WHERE id = ?1")?
        .exists([workspace_id])?;
    if !known {
        return Err(StoreError::not_found(What::Workspace, workspace_id));
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO instantly_log (workspace_id, id, at, record) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?;
    let mut new = 0;
    for row in rows {
        check_row(row)?;
        new += insert.execute(params![workspace_id, row.id, row.at.millis(), row.record])?;
    }
    Ok(new as u64)
}

fn read_row(row: &Row<'_>) -> Result<LogRow> {
    Ok(LogRow {
        id: row.get("id")?,
        at: Timestamp::from_millis(row.get("at")?),
        record: row.get("record")?,
    })
}

/// A bound as SQLite counts.
fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn judge(tx: &Transaction<'_>, judged: &[(&str, &str, Judgement)]) -> Result<()> {
    let mut update = tx.prepare_cached(
        "UPDATE instantly_log SET judged = 1, call = ?3, trace = ?4
         WHERE workspace_id = ?1 AND id = ?2",
    )?;
    for (workspace, id, judgement) in judged {
        let (call, trace) = match judgement {
            Judgement::Matched { call, trace } => (Some(call.cast_signed()), Some(*trace)),
            Judgement::Unmatched => (None, None),
        };
        update.execute(params![workspace, id, call, trace])?;
    }
    Ok(())
}

impl InstantlyLogStore for SqliteStore {
    fn add_log_records(&self, workspace_id: &str, rows: &[LogRow]) -> Result<u64> {
        self.note(|tx| add(tx, workspace_id, rows))
    }

    fn log_records(
        &self,
        workspace_id: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<LogRow>> {
        let sql = "SELECT id, at, record FROM instantly_log
             WHERE workspace_id = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id LIMIT ?4";
        let bounds = params![workspace_id, from.millis(), to.millis(), bound(limit)];
        self.read(|tx| collect(tx, sql, bounds, read_row))
    }

    fn open_log_records(&self, to: Timestamp, limit: usize) -> Result<Vec<(String, LogRow)>> {
        let sql = "SELECT workspace_id, id, at, record FROM instantly_log
             WHERE judged = 0 AND at < ?1 ORDER BY at LIMIT ?2";
        let read = |row: &Row<'_>| Ok((row.get("workspace_id")?, read_row(row)?));
        self.read(|tx| collect(tx, sql, params![to.millis(), bound(limit)], read))
    }

    fn judge_log_records(&self, judged: &[(&str, &str, Judgement)]) -> Result<()> {
        self.note(|tx| judge(tx, judged))
    }

    fn matched_traces(&self, from: Timestamp, to: Timestamp) -> Result<Vec<(u64, u8)>> {
        let sql = "SELECT call, trace FROM instantly_log
             WHERE call IS NOT NULL AND at >= ?1 AND at < ?2 ORDER BY call, trace";
        let read = |row: &Row<'_>| {
            let call: i64 = row.get(0)?;
            Ok((call.cast_unsigned(), row.get(1)?))
        };
        self.read(|tx| collect(tx, sql, params![from.millis(), to.millis()], read))
    }

    fn prune_log_records(&self, before: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM instantly_log WHERE at < ?1";
        self.note(|tx| Ok(tx.execute(sql, [before.millis()])? as u64))
    }

    fn watch_state(&self, workspace_id: &str, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM watch_state WHERE workspace_id = ?1 AND name = ?2";
        self.read(|tx| {
            let value = tx.query_row(sql, [workspace_id, name], |row| row.get(0));
            Ok(value.optional()?)
        })
    }

    fn watch_states(&self, workspace_id: &str, prefix: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT name, value FROM watch_state
             WHERE workspace_id = ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.read(|tx| collect(tx, sql, [workspace_id, prefix], read))
    }

    fn set_watch_state(&self, workspace_id: &str, name: &str, value: &str) -> Result<()> {
        check_state(name, value)?;
        let sql = "INSERT INTO watch_state (workspace_id, name, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (workspace_id, name) DO UPDATE SET value = excluded.value";
        self.note(|tx| {
            tx.execute(sql, [workspace_id, name, value])?;
            Ok(())
        })
    }
}
