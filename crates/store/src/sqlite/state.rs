//! The generation, the pepper's check value, what was observed, and the snapshot of it all.

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::rows::{Reader, collect, to_json};
use super::{clients, policies, upstream_keys, workspaces};
use crate::error::{Result, StoreError, What};
use crate::observed::ObservedScope;
use crate::snapshot::Snapshot;

pub(super) fn generation(tx: &Transaction<'_>) -> Result<u64> {
    let generation: i64 = tx.query_row("SELECT generation FROM state", [], |row| row.get(0))?;
    Ok(generation.unsigned_abs())
}

pub(super) fn bump(tx: &Transaction<'_>) -> Result<()> {
    tx.execute("UPDATE state SET generation = generation + 1", [])?;
    Ok(())
}

pub(super) fn snapshot(tx: &Transaction<'_>, now: Timestamp) -> Result<Snapshot> {
    Ok(Snapshot::assemble(
        generation(tx)?,
        now,
        workspaces::all(tx)?,
        clients::all(tx, None)?,
        &clients::keys(tx, None)?,
        observed_scopes(tx)?,
        policies::all(tx)?,
    ))
}

pub(super) fn confirm_pepper(tx: &Transaction<'_>, check_value: &str) -> Result<()> {
    let noted: Option<String> =
        tx.query_row("SELECT pepper_check FROM state", [], |row| row.get(0))?;
    if noted.as_deref() == Some(check_value) {
        return Ok(());
    }
    let has_keys: bool = tx.query_row("SELECT EXISTS (SELECT 1 FROM client_keys)", [], |row| {
        row.get(0)
    })?;
    if noted.is_some() && has_keys {
        return Err(StoreError::WrongPepper);
    }
    tx.execute("UPDATE state SET pepper_check = ?1", [check_value])?;
    Ok(())
}

pub(super) fn record_observed_scope(
    tx: &Transaction<'_>,
    workspace_id: &str,
    operation: Op,
    required: &[String],
    now: Timestamp,
) -> Result<()> {
    let workspace = workspaces::get(tx, workspace_id)?;
    let required = to_json(&upstream_keys::checked_scopes(required)?)?;
    let known: Option<String> = tx
        .query_row(
            "SELECT required FROM observed_scopes WHERE workspace_id = ?1 AND operation = ?2",
            [&workspace.id, operation.id()],
            |row| row.get(0),
        )
        .optional()?;
    let news = known.as_deref() != Some(&required);
    tx.execute(
        "INSERT INTO observed_scopes (workspace_id, operation, required, first_seen, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT (workspace_id, operation) DO UPDATE SET
             first_seen = iif(required = excluded.required, first_seen, excluded.first_seen),
             required = excluded.required,
             last_seen = excluded.last_seen",
        params![workspace.id, operation.id(), required, now.millis()],
    )?;
    if news { bump(tx) } else { Ok(()) }
}

pub(super) fn observed_scopes(tx: &Transaction<'_>) -> Result<Vec<ObservedScope>> {
    let sql = "SELECT o.operation, o.workspace_id, o.required, o.first_seen, o.last_seen
         FROM observed_scopes o JOIN workspaces w ON w.id = o.workspace_id
         ORDER BY w.name, o.operation";
    let observed = collect(tx, sql, [], read)?;
    Ok(observed.into_iter().flatten().collect())
}

/// `None` for an operation that the catalog does not know any more.
fn read(row: &Row<'_>) -> Result<Option<ObservedScope>> {
    let from = Reader {
        row,
        what: What::Workspace,
    };
    let Some(operation) = Op::from_id(&from.text("operation")?) else {
        return Ok(None);
    };
    Ok(Some(ObservedScope {
        workspace_id: from.text("workspace_id")?,
        operation,
        required: from.json("required")?,
        first_seen: from.time("first_seen")?,
        last_seen: from.time("last_seen")?,
    }))
}
