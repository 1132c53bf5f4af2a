//! Approvals.

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::SqliteStore;
use super::rows::{Reader, collect, fresh_id, one};
use crate::approval_store::{
    ApprovalRecord, ApprovalState, ApprovalStore, AskedFor, check_reason, check_request,
};
use crate::error::{Result, StoreError, What};

/// The table. A request has one that is open, at most.
pub(super) const STEP: &str = "
    CREATE TABLE approvals (
        id            TEXT PRIMARY KEY NOT NULL,
        digest        BLOB NOT NULL CHECK (length(digest) = 32),
        client_id     TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
        client        TEXT NOT NULL,
        owner         TEXT NOT NULL,
        workspace_id  TEXT NOT NULL,
        operation     TEXT NOT NULL,
        policy        TEXT NOT NULL,
        state         TEXT NOT NULL
            CHECK (state IN ('pending', 'approved', 'denied', 'spent', 'expired')),
        asked         INTEGER NOT NULL,
        asked_at      INTEGER NOT NULL,
        expires_at    INTEGER NOT NULL,
        decided_by    TEXT,
        decided_at    INTEGER,
        reason        TEXT,
        spent_at      INTEGER,
        request       BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX approvals_open ON approvals (digest)
        WHERE state IN ('pending', 'approved');
    CREATE INDEX approvals_client ON approvals (client_id, state);
    CREATE INDEX approvals_expiry ON approvals (expires_at);
";

const ALL: &str = "SELECT id, digest, client_id, client, owner, workspace_id, operation, policy, \
     state, asked, asked_at, expires_at, decided_by, decided_at, reason, spent_at";

fn read_head(row: &Row<'_>) -> Result<ApprovalRecord> {
    let from = Reader {
        row,
        what: What::Approval,
    };
    Ok(ApprovalRecord {
        id: from.text("id")?,
        digest: row.get("digest")?,
        client_id: from.text("client_id")?,
        client: from.text("client")?,
        owner: from.text("owner")?,
        workspace_id: from.text("workspace_id")?,
        operation: from.named("operation", Op::from_id)?,
        policy: from.text("policy")?,
        state: from.named("state", ApprovalState::parse)?,
        asked: row.get::<_, i64>("asked")?.unsigned_abs(),
        asked_at: from.time("asked_at")?,
        expires_at: from.time("expires_at")?,
        decided_by: from.optional_text("decided_by")?,
        decided_at: from.optional_time("decided_at")?,
        reason: from.optional_text("reason")?,
        spent_at: from.optional_time("spent_at")?,
        request: Vec::new(),
    })
}

fn read_whole(row: &Row<'_>) -> Result<ApprovalRecord> {
    Ok(ApprovalRecord {
        request: row.get("request")?,
        ..read_head(row)?
    })
}

fn get(tx: &Transaction<'_>, id: &str) -> Result<ApprovalRecord> {
    let sql = format!("{ALL}, request FROM approvals WHERE id = ?1");
    one(tx, &sql, [id], read_whole)?.ok_or_else(|| StoreError::not_found(What::Approval, id))
}

/// Ends those whose time is over. They hold no request any more.
fn expire(tx: &Transaction<'_>, now: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "UPDATE approvals SET state = 'expired', request = x''
         WHERE expires_at <= ?1 AND state IN ('pending', 'approved')",
    )?
    .execute([now.millis()])?;
    Ok(())
}

fn ask(tx: &Transaction<'_>, new: &ApprovalRecord, most: u32, now: Timestamp) -> Result<AskedFor> {
    let sql = format!(
        "{ALL} FROM approvals WHERE digest = ?1 AND state IN ('pending', 'approved')
         AND expires_at > ?2"
    );
    if let Some(there) = one(tx, &sql, params![new.digest, now.millis()], read_head)? {
        if there.state == ApprovalState::Pending {
            tx.prepare_cached("UPDATE approvals SET asked = asked + 1 WHERE id = ?1")?
                .execute([&there.id])?;
        }
        return Ok(AskedFor::There(there));
    }
    let known = tx
        .prepare_cached("SELECT 1 FROM clients WHERE id = ?1")?
        .exists([&new.client_id])?;
    if !known {
        return Err(StoreError::not_found(What::Client, &new.client_id));
    }
    let pending: u32 = tx
        .prepare_cached(
            "SELECT count(*) FROM approvals
             WHERE client_id = ?1 AND state = 'pending' AND expires_at > ?2",
        )?
        .query_row(params![new.client_id, now.millis()], |row| row.get(0))?;
    if pending >= most {
        return Ok(AskedFor::Full);
    }
    // One of the same digest whose time is over stands in the way of the index.
    tx.prepare_cached(
        "UPDATE approvals SET state = 'expired', request = x''
         WHERE digest = ?1 AND state IN ('pending', 'approved')",
    )?
    .execute([new.digest])?;
    let id = if new.id.is_empty() {
        fresh_id(tx, "ap")?
    } else {
        new.id.clone()
    };
    tx.prepare_cached(
        "INSERT INTO approvals (id, digest, client_id, client, owner, workspace_id, operation,
             policy, state, asked, asked_at, expires_at, request)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', 1, ?9, ?10, ?11)",
    )?
    .execute(params![
        id,
        new.digest,
        new.client_id,
        new.client,
        new.owner,
        new.workspace_id,
        new.operation.id(),
        new.policy,
        new.asked_at.millis(),
        new.expires_at.millis(),
        new.request,
    ])?;
    get(tx, &id).map(AskedFor::New)
}

fn decide(
    tx: &Transaction<'_>,
    id: &str,
    until: Option<Timestamp>,
    by: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Option<ApprovalRecord>> {
    let before = get(tx, id)?;
    let state = match until {
        Some(_) => ApprovalState::Approved,
        None => ApprovalState::Denied,
    };
    let changed = tx
        .prepare_cached(
            "UPDATE approvals SET state = ?2, expires_at = ?3, decided_by = ?4, decided_at = ?5,
                 reason = ?6, request = iif(?2 = 'denied', x'', request)
             WHERE id = ?1 AND state = 'pending' AND expires_at > ?5",
        )?
        .execute(params![
            id,
            state.as_str(),
            until.unwrap_or(before.expires_at).millis(),
            by,
            now.millis(),
            reason,
        ])?;
    if changed == 0 {
        return Ok(None);
    }
    get(tx, id).map(Some)
}

impl ApprovalStore for SqliteStore {
    fn ask_approval(&self, new: &ApprovalRecord, most: u32, now: Timestamp) -> Result<AskedFor> {
        check_request(new)?;
        self.note(|tx| ask(tx, new, most, now))
    }

    fn count_asks(&self, asks: &[(String, u64)]) -> Result<()> {
        self.note(|tx| {
            let sql = "UPDATE approvals SET asked = asked + ?2 WHERE id = ?1";
            let mut statement = tx.prepare_cached(sql)?;
            for (id, count) in asks {
                statement.execute(params![id, i64::try_from(*count).unwrap_or(i64::MAX)])?;
            }
            Ok(())
        })
    }

    fn approval(&self, id: &str) -> Result<ApprovalRecord> {
        self.read(|tx| get(tx, id))
    }

    fn approvals(&self, all: bool, limit: usize) -> Result<Vec<ApprovalRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "{ALL} FROM approvals WHERE ?1 OR state IN ('pending', 'approved')
             ORDER BY asked_at DESC, id LIMIT ?2"
        );
        self.read(|tx| collect(tx, &sql, params![all, limit], read_head))
    }

    fn decide_approval(
        &self,
        id: &str,
        until: Option<Timestamp>,
        by: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<ApprovalRecord>> {
        check_reason(reason)?;
        self.note(|tx| decide(tx, id, until, by, reason, now))
    }

    fn spend_approval(&self, id: &str, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE approvals SET state = 'spent', spent_at = ?2, request = x''
             WHERE id = ?1 AND state = 'approved' AND expires_at > ?2";
        self.note(|tx| Ok(tx.execute(sql, params![id, now.millis()])? > 0))
    }

    fn return_approval(&self, id: &str, spent_at: Timestamp, request: &[u8]) -> Result<bool> {
        let sql = "UPDATE approvals SET state = 'approved', spent_at = NULL, request = ?3
             WHERE id = ?1 AND state = 'spent' AND spent_at = ?2 AND NOT EXISTS (
                 SELECT 1 FROM approvals AS other WHERE other.digest = approvals.digest
                 AND other.state IN ('pending', 'approved'))";
        self.note(|tx| Ok(tx.execute(sql, params![id, spent_at.millis(), request])? > 0))
    }

    fn expire_approvals(&self, now: Timestamp, forget: Timestamp) -> Result<Vec<ApprovalRecord>> {
        let over = format!(
            "{ALL} FROM approvals WHERE expires_at <= ?1 AND state IN ('pending', 'approved')"
        );
        self.note(|tx| {
            let ended = collect(tx, &over, [now.millis()], read_head)?;
            expire(tx, now)?;
            tx.execute(
                "DELETE FROM approvals WHERE state IN ('denied', 'spent', 'expired')
                 AND max(expires_at, coalesce(spent_at, 0)) < ?1",
                [forget.millis()],
            )?;
            Ok(ended)
        })
    }
}
