//! Writes under idempotency keys.

use std::time::Duration;

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::SqliteStore;
use super::rows::collect;
use crate::error::{Result, StoreError, What};
use crate::idempotency_store::{
    IdempotencyId, IdempotencyRecord, IdempotencyState, IdempotencyStore, Noted, check_answer,
};

/// The table. `answer_bytes` is in the index, so that a client's can be summed up without reading
/// the answers.
pub(super) const STEP: &str = "
    CREATE TABLE idempotency (
        id            BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 32),
        client_id     TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
        operation     TEXT NOT NULL,
        as_workspace  TEXT,
        fingerprint   BLOB NOT NULL CHECK (length(fingerprint) = 32),
        state         TEXT NOT NULL CHECK (state IN ('sent', 'answered', 'unknown')),
        request_id    TEXT NOT NULL,
        sent_at       INTEGER NOT NULL,
        expires_at    INTEGER NOT NULL,
        status        INTEGER,
        answer_bytes  INTEGER NOT NULL DEFAULT 0,
        answer        BLOB
    ) STRICT;
    CREATE INDEX idempotency_client ON idempotency (client_id, expires_at, answer_bytes);
    CREATE INDEX idempotency_expiry ON idempotency (expires_at);
    CREATE INDEX idempotency_sent ON idempotency (state) WHERE state = 'sent';
";

/// All but the answer.
const RECORD: &str = "SELECT id, client_id, operation, as_workspace, fingerprint, state, \
     request_id, sent_at, expires_at, status";

fn read_row(row: &Row<'_>) -> Result<IdempotencyRecord> {
    let id = IdempotencyId::new(row.get("id")?);
    let unreadable = |detail: &str| StoreError::Unreadable {
        what: What::IdempotencyRecord,
        name: id.to_string(),
        detail: detail.to_owned(),
    };
    let (operation, state): (String, String) = (row.get("operation")?, row.get("state")?);
    Ok(IdempotencyRecord {
        id,
        client_id: row.get("client_id")?,
        operation: Op::from_id(&operation).ok_or_else(|| unreadable("no such operation"))?,
        as_workspace: row.get("as_workspace")?,
        fingerprint: row.get("fingerprint")?,
        state: IdempotencyState::parse(&state).ok_or_else(|| unreadable("no such state"))?,
        request_id: row.get("request_id")?,
        sent_at: Timestamp::from_millis(row.get("sent_at")?),
        expires_at: Timestamp::from_millis(row.get("expires_at")?),
        status: row.get("status")?,
        answer: None,
    })
}

fn get(
    tx: &Transaction<'_>,
    id: &IdempotencyId,
    now: Timestamp,
) -> Result<Option<IdempotencyRecord>> {
    let sql = format!("{RECORD}, answer FROM idempotency WHERE id = ?1 AND expires_at > ?2");
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![id.bytes(), now.millis()])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let record = read_row(row)?;
    Ok(Some(IdempotencyRecord {
        answer: row.get("answer")?,
        ..record
    }))
}

fn note_sent(
    tx: &Transaction<'_>,
    record: &IdempotencyRecord,
    most: u32,
    now: Timestamp,
) -> Result<Noted> {
    let known = tx
        .prepare_cached("SELECT 1 FROM clients WHERE id = ?1")?
        .exists([&record.client_id])?;
    if !known {
        return Err(StoreError::not_found(What::Client, &record.client_id));
    }
    let answered: Option<bool> = tx
        .prepare_cached(
            "SELECT state = 'answered' FROM idempotency WHERE id = ?1 AND expires_at > ?2",
        )?
        .query_row(params![record.id.bytes(), now.millis()], |row| row.get(0))
        .optional()?;
    if answered == Some(true) {
        return Ok(Noted::Answered);
    }
    let (count, first): (u32, Option<i64>) = tx
        .prepare_cached(
            "SELECT count(*), min(expires_at) FROM idempotency
             WHERE client_id = ?1 AND expires_at > ?2",
        )?
        .query_row(params![record.client_id, now.millis()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if answered.is_none() && count >= most {
        return Ok(Noted::Full(first.map_or(now, Timestamp::from_millis)));
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO idempotency (id, client_id, operation, as_workspace, fingerprint,
            state, request_id, sent_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        record.id.bytes(),
        record.client_id,
        record.operation.id(),
        record.as_workspace,
        record.fingerprint,
        record.state.as_str(),
        record.request_id,
        record.sent_at.millis(),
        record.expires_at.millis(),
    ])?;
    Ok(Noted::Done)
}

fn note_answer(
    tx: &Transaction<'_>,
    id: &IdempotencyId,
    request_id: &str,
    status: u16,
    answer: Option<&[u8]>,
    most_bytes: u64,
) -> Result<bool> {
    let held: Option<i64> = tx
        .prepare_cached(
            "SELECT coalesce(sum(answer_bytes), 0) FROM idempotency WHERE client_id =
                (SELECT client_id FROM idempotency WHERE id = ?1)",
        )?
        .query_row([id.bytes()], |row| row.get(0))
        .optional()?;
    let held = u64::try_from(held.unwrap_or_default()).unwrap_or_default();
    let fits = |bytes: &&[u8]| held.saturating_add(bytes.len() as u64) <= most_bytes;
    let answer = answer.filter(fits);
    let changed = tx
        .prepare_cached(
            "UPDATE idempotency SET state = 'answered', status = ?3, answer = ?4,
                answer_bytes = coalesce(length(?4), 0)
             WHERE id = ?1 AND request_id = ?2 AND state <> 'answered'",
        )?
        .execute(params![id.bytes(), request_id, status, answer])?;
    Ok(changed > 0)
}

impl IdempotencyStore for SqliteStore {
    fn idempotency_record(
        &self,
        id: &IdempotencyId,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRecord>> {
        self.read(|tx| get(tx, id, now))
    }

    fn note_sent(&self, record: &IdempotencyRecord, most: u32, now: Timestamp) -> Result<Noted> {
        self.note(|tx| note_sent(tx, record, most, now))
    }

    fn note_answer(
        &self,
        id: &IdempotencyId,
        request_id: &str,
        status: u16,
        answer: Option<&[u8]>,
        most_bytes: u64,
    ) -> Result<bool> {
        check_answer(answer)?;
        self.note(|tx| note_answer(tx, id, request_id, status, answer, most_bytes))
    }

    fn note_unknown(
        &self,
        id: &IdempotencyId,
        request_id: &str,
        sent_at: Timestamp,
    ) -> Result<bool> {
        // A clock that was put back does not make it leave before it was noted.
        let sql = "UPDATE idempotency SET state = 'unknown', sent_at = max(sent_at, ?3)
             WHERE id = ?1 AND request_id = ?2 AND state = 'sent'";
        let of = params![id.bytes(), request_id, sent_at.millis()];
        self.note(|tx| Ok(tx.execute(sql, of)? > 0))
    }

    fn forget_idempotency(&self, id: &IdempotencyId, request_id: &str) -> Result<bool> {
        let sql = "DELETE FROM idempotency WHERE id = ?1 AND request_id = ?2";
        self.note(|tx| Ok(tx.execute(sql, params![id.bytes(), request_id])? > 0))
    }

    fn end_interrupted_writes(&self, late: Duration) -> Result<u64> {
        let late = i64::try_from(late.as_millis().min(1 << 40)).unwrap_or_default();
        let sql = "UPDATE idempotency SET state = 'unknown', sent_at = sent_at + ?1
             WHERE state = 'sent'";
        self.note(|tx| Ok(tx.execute(sql, [late])? as u64))
    }

    fn idempotency_records(
        &self,
        client_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<IdempotencyRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "{RECORD} FROM idempotency WHERE ?1 IS NULL OR client_id = ?1
             ORDER BY sent_at DESC, id LIMIT ?2"
        );
        self.read(|tx| collect(tx, &sql, params![client_id, limit], read_row))
    }

    fn idempotency_records_named(&self, head: [u8; 8]) -> Result<Vec<IdempotencyRecord>> {
        let sql = format!("{RECORD} FROM idempotency WHERE substr(id, 1, 8) = ?1 ORDER BY id");
        self.read(|tx| collect(tx, &sql, params![head], read_row))
    }

    fn prune_idempotency(&self, now: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM idempotency WHERE expires_at <= ?1";
        self.note(|tx| Ok(tx.execute(sql, [now.millis()])? as u64))
    }
}
