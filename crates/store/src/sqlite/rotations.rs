//! Rotations in SQLite.

use doorward_policy::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::SqliteStore;
use super::rows::{Reader, collect, fresh_id, one, taken};
use super::upstream_keys::{self, checked_scopes, rename};
use crate::check::check_foreign_id;
use crate::error::{Result, StoreError, What};
use crate::rotation_store::{
    NewRotation, PromotedKey, RotationRecord, RotationStore, check_rotation, check_rotation_state,
};
use crate::workspace::{KeyRole, UpstreamKey, UpstreamKeyState};

/// The table. A key has one rotation that is open, at most.
pub(super) const STEP: &str = "
    CREATE TABLE rotations (
        id            TEXT PRIMARY KEY NOT NULL,
        workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        key           TEXT NOT NULL,
        reference     TEXT NOT NULL,
        new_key_id    TEXT NOT NULL,
        state         TEXT NOT NULL,
        open          INTEGER NOT NULL CHECK (open IN (0, 1)),
        version       INTEGER NOT NULL,
        begun_at      INTEGER NOT NULL,
        changed_at    INTEGER NOT NULL,
        ended_at      INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX rotations_open ON rotations (workspace_id, key) WHERE open = 1;
    CREATE INDEX rotations_begun ON rotations (begun_at);
";

const ALL: &str = "SELECT id, workspace_id, key, reference, new_key_id, state, open, version, \
     begun_at, changed_at, ended_at FROM rotations";

fn read(row: &Row<'_>) -> Result<RotationRecord> {
    let from = Reader {
        row,
        what: What::Rotation,
    };
    Ok(RotationRecord {
        id: from.text("id")?,
        workspace_id: from.text("workspace_id")?,
        key: from.text("key")?,
        reference: from.text("reference")?,
        new_key_id: from.text("new_key_id")?,
        state: from.text("state")?,
        open: row.get("open")?,
        version: row.get::<_, i64>("version")?.unsigned_abs(),
        begun_at: from.time("begun_at")?,
        changed_at: from.time("changed_at")?,
        ended_at: from.optional_time("ended_at")?,
    })
}

fn get(tx: &Transaction<'_>, id: &str) -> Result<RotationRecord> {
    one(tx, &format!("{ALL} WHERE id = ?1"), [id], read)?
        .ok_or_else(|| StoreError::not_found(What::Rotation, id))
}

/// Whether a rotation that is open needs the key of that id: rotates it, makes it or is managed by it.
pub(super) fn holds(tx: &Transaction<'_>, key_id: &str) -> Result<bool> {
    // Ids stand in the state in quotes, and are of fixed length.
    let sql = "SELECT 1 FROM rotations WHERE open = 1
         AND (new_key_id = ?1 OR instr(state, '\"' || ?1 || '\"') > 0)";
    Ok(tx.prepare_cached(sql)?.exists([key_id])?)
}

/// Whether a key of the workspace is being rotated.
pub(super) fn any_open(tx: &Transaction<'_>, workspace_id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM rotations WHERE open = 1 AND workspace_id = ?1";
    Ok(tx.prepare_cached(sql)?.exists([workspace_id])?)
}

fn begin(tx: &Transaction<'_>, new: &NewRotation, now: Timestamp) -> Result<RotationRecord> {
    check_rotation(new)?;
    let workspace = super::workspaces::get(tx, &new.workspace_id)?;
    tx.execute(
        "INSERT INTO rotations VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 1, ?7, ?7, NULL)",
        params![
            new.id,
            workspace.id,
            new.key,
            new.reference,
            fresh_id(tx, "uk")?,
            new.state,
            now.millis(),
        ],
    )
    .map_err(|error| taken(error, What::Rotation, &new.key))?;
    get(tx, &new.id)
}

fn save(
    tx: &Transaction<'_>,
    id: &str,
    version: u64,
    state: &str,
    ended: bool,
    now: Timestamp,
) -> Result<bool> {
    check_rotation_state(state)?;
    let changed = tx.execute(
        "UPDATE rotations SET state = ?3, version = version + 1, changed_at = ?4, open = ?5,
             ended_at = iif(?5, NULL, ?4)
         WHERE id = ?1 AND version = ?2 AND open = 1",
        params![
            id,
            i64::try_from(version).unwrap_or(i64::MAX),
            state,
            now.millis(),
            !ended,
        ],
    )?;
    Ok(changed > 0)
}

/// The key of a workspace with this name.
fn named(tx: &Transaction<'_>, workspace_id: &str, name: &str) -> Result<Option<String>> {
    let sql = "SELECT id FROM upstream_keys WHERE workspace_id = ?1 AND name = ?2";
    one(tx, sql, [workspace_id, name], |row| Ok(row.get(0)?))
}

/// Makes a name free: whoever has it is called by its id as well.
fn make_room(tx: &Transaction<'_>, workspace_id: &str, name: &str, but: &str) -> Result<()> {
    match named(tx, workspace_id, name)? {
        Some(id) if id != but => {
            let state = upstream_keys::key(tx, &id)?.state;
            rename(tx, &id, &format!("{name}~{id}"), state)
        }
        _ => Ok(()),
    }
}

fn promote(
    tx: &Transaction<'_>,
    id: &str,
    new: &PromotedKey,
    now: Timestamp,
) -> Result<UpstreamKey> {
    check_foreign_id("Instantly's id of the key", &new.api_key_id)?;
    let RotationRecord {
        workspace_id,
        key,
        reference,
        new_key_id,
        ..
    } = get(tx, id)?;
    let old = new.old.as_deref();
    let before = old.map(|old| upstream_keys::key(tx, old)).transpose()?;
    if let Some(before) = &before {
        let behind = format!("{key}~old");
        make_room(tx, &workspace_id, &behind, &before.id)?;
        rename(tx, &before.id, &behind, UpstreamKeyState::Retiring)?;
    }
    let there = named_id(tx, &new_key_id)?;
    if there {
        rename(tx, &new_key_id, &key, UpstreamKeyState::Active)?;
    } else {
        let (role, owner, rotate_every) = match before {
            Some(before) => (before.role, before.owner, before.rotate_every),
            None => (KeyRole::Carries, String::new(), None),
        };
        let added = UpstreamKey {
            id: new_key_id.clone(),
            workspace_id,
            name: key,
            reference,
            scopes: Some(checked_scopes(&new.scopes)?),
            state: UpstreamKeyState::Active,
            role,
            api_key_id: Some(new.api_key_id.clone()),
            owner,
            made_by: Some(id.to_owned()),
            made_at: Some(now),
            rotate_every,
            probe: None,
            created_at: now,
        };
        upstream_keys::insert(tx, &added)?;
    }
    upstream_keys::key(tx, &new_key_id)
}

fn named_id(tx: &Transaction<'_>, key_id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM upstream_keys WHERE id = ?1";
    Ok(tx.prepare_cached(sql)?.exists([key_id])?)
}

fn demote(tx: &Transaction<'_>, id: &str, old: Option<&str>) -> Result<()> {
    let RotationRecord {
        workspace_id,
        key,
        new_key_id,
        ..
    } = get(tx, id)?;
    if named_id(tx, &new_key_id)? {
        let behind = format!("{key}~new");
        make_room(tx, &workspace_id, &behind, &new_key_id)?;
        rename(tx, &new_key_id, &behind, UpstreamKeyState::Retiring)?;
    }
    match old {
        Some(old) => rename(tx, old, &key, UpstreamKeyState::Active),
        None => Ok(()),
    }
}

/// Retires the key that a rotation leaves behind, if there is a record of it.
fn retire(tx: &Transaction<'_>, id: &str, key_id: &str) -> Result<()> {
    if !named_id(tx, key_id)? {
        return Ok(());
    }
    let name = format!("{}~{id}", get(tx, id)?.key);
    rename(tx, key_id, &name, UpstreamKeyState::Retired)
}

impl RotationStore for SqliteStore {
    fn begin_rotation(&self, new: &NewRotation, now: Timestamp) -> Result<RotationRecord> {
        self.note(|tx| begin(tx, new, now))
    }

    fn rotation(&self, id: &str) -> Result<RotationRecord> {
        self.read(|tx| get(tx, id))
    }

    fn open_rotations(&self) -> Result<Vec<RotationRecord>> {
        let sql = format!("{ALL} WHERE open = 1 ORDER BY begun_at, id");
        self.read(|tx| collect(tx, &sql, [], read))
    }

    fn rotations(
        &self,
        workspace_id: Option<&str>,
        key: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RotationRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "{ALL} WHERE (?1 IS NULL OR workspace_id = ?1) AND (?2 IS NULL OR key = ?2)
             ORDER BY begun_at DESC, id LIMIT ?3"
        );
        self.read(|tx| collect(tx, &sql, params![workspace_id, key, limit], read))
    }

    fn save_rotation(
        &self,
        id: &str,
        version: u64,
        state: &str,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let saved = self.note(|tx| save(tx, id, version, state, false, now))?;
        Ok(saved.then(|| version.saturating_add(1)))
    }

    fn end_rotation(
        &self,
        id: &str,
        version: u64,
        state: &str,
        retired: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        self.change(|tx| {
            let ended = save(tx, id, version, state, true, now)?;
            if let Some(key_id) = retired.filter(|_| ended) {
                retire(tx, id, key_id)?;
            }
            Ok(ended)
        })
    }

    fn promote_key(&self, id: &str, new: &PromotedKey, now: Timestamp) -> Result<UpstreamKey> {
        self.change(|tx| promote(tx, id, new, now))
    }

    fn demote_key(&self, id: &str, old: Option<&str>) -> Result<()> {
        self.change(|tx| demote(tx, id, old))
    }
}
