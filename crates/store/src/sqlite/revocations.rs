//! Revocations in SQLite.

use doorward_policy::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::SqliteStore;
use super::rows::{Reader, collect, one, taken};
use super::upstream_keys::{self, set_key_state};
use crate::error::{Result, StoreError, What};
use crate::revocation_store::{
    NewRevocation, RevocationRecord, RevocationStore, check_revocation, check_revocation_state,
};
use crate::workspace::UpstreamKeyState;

/// The table. A key has one revocation that is open, at most.
pub(super) const STEP: &str = "
    CREATE TABLE revocations (
        id            TEXT PRIMARY KEY NOT NULL,
        workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        api_key_id    TEXT NOT NULL,
        key_id        TEXT,
        state         TEXT NOT NULL,
        open          INTEGER NOT NULL CHECK (open IN (0, 1)),
        version       INTEGER NOT NULL,
        begun_at      INTEGER NOT NULL,
        changed_at    INTEGER NOT NULL,
        ended_at      INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX revocations_open ON revocations (workspace_id, api_key_id) WHERE open = 1;
    CREATE INDEX revocations_begun ON revocations (begun_at);
";

const ALL: &str = "SELECT id, workspace_id, api_key_id, key_id, state, open, version, begun_at, \
     changed_at, ended_at FROM revocations";

fn read(row: &Row<'_>) -> Result<RevocationRecord> {
    let from = Reader {
        row,
        what: What::Revocation,
    };
    Ok(RevocationRecord {
        id: from.text("id")?,
        workspace_id: from.text("workspace_id")?,
        api_key_id: from.text("api_key_id")?,
        key_id: from.optional_text("key_id")?,
        state: from.text("state")?,
        open: row.get("open")?,
        version: row.get::<_, i64>("version")?.unsigned_abs(),
        begun_at: from.time("begun_at")?,
        changed_at: from.time("changed_at")?,
        ended_at: from.optional_time("ended_at")?,
    })
}

fn get(tx: &Transaction<'_>, id: &str) -> Result<RevocationRecord> {
    one(tx, &format!("{ALL} WHERE id = ?1"), [id], read)?
        .ok_or_else(|| StoreError::not_found(What::Revocation, id))
}

/// Whether the key of that id is being revoked.
pub(super) fn holds(tx: &Transaction<'_>, key_id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM revocations WHERE open = 1 AND key_id = ?1";
    Ok(tx.prepare_cached(sql)?.exists([key_id])?)
}

/// Whether a key of the workspace is being revoked.
pub(super) fn any_open(tx: &Transaction<'_>, workspace_id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM revocations WHERE open = 1 AND workspace_id = ?1";
    Ok(tx.prepare_cached(sql)?.exists([workspace_id])?)
}

fn begin(tx: &Transaction<'_>, new: &NewRevocation, now: Timestamp) -> Result<RevocationRecord> {
    check_revocation(new)?;
    let workspace = super::workspaces::get(tx, &new.workspace_id)?;
    if let Some(key_id) = &new.key_id {
        // There must be one of that id.
        upstream_keys::key(tx, key_id)?;
        set_key_state(tx, key_id, UpstreamKeyState::Retired)?;
    }
    tx.execute(
        "INSERT INTO revocations VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?6, NULL)",
        params![
            new.id,
            workspace.id,
            new.api_key_id,
            new.key_id,
            new.state,
            now.millis(),
        ],
    )
    .map_err(|error| taken(error, What::Revocation, &new.api_key_id))?;
    get(tx, &new.id)
}

fn save(
    tx: &Transaction<'_>,
    id: &str,
    version: u64,
    state: &str,
    over: bool,
    now: Timestamp,
) -> Result<bool> {
    check_revocation_state(state)?;
    let changed = tx.execute(
        "UPDATE revocations SET state = ?3, version = version + 1, changed_at = ?4, open = ?5,
             ended_at = iif(?5, NULL, ?4)
         WHERE id = ?1 AND version = ?2 AND open = 1",
        params![
            id,
            i64::try_from(version).unwrap_or(i64::MAX),
            state,
            now.millis(),
            !over,
        ],
    )?;
    Ok(changed > 0)
}

impl RevocationStore for SqliteStore {
    fn begin_revocation(&self, new: &NewRevocation, now: Timestamp) -> Result<RevocationRecord> {
        self.change(|tx| begin(tx, new, now))
    }

    fn revocation(&self, id: &str) -> Result<RevocationRecord> {
        self.read(|tx| get(tx, id))
    }

    fn open_revocations(&self) -> Result<Vec<RevocationRecord>> {
        let sql = format!("{ALL} WHERE open = 1 ORDER BY begun_at, id");
        self.read(|tx| collect(tx, &sql, [], read))
    }

    fn revocations(
        &self,
        workspace_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RevocationRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "{ALL} WHERE (?1 IS NULL OR workspace_id = ?1) ORDER BY begun_at DESC, id LIMIT ?2"
        );
        self.read(|tx| collect(tx, &sql, params![workspace_id, limit], read))
    }

    fn save_revocation(
        &self,
        id: &str,
        version: u64,
        state: &str,
        over: bool,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let saved = self.note(|tx| save(tx, id, version, state, over, now))?;
        Ok(saved.then(|| version.saturating_add(1)))
    }
}
