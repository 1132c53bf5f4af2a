//! The ends of the relay in SQLite.

use doorward_policy::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::SqliteStore;
use super::rows::{Reader, collect, fresh_id, one, taken};
use crate::error::{Result, StoreError, What};
use crate::relay_store::{
    ENDS_MAX, EndChange, EndKind, EndState, NewEnd, RelayEnd, RelayStore, check_end,
    check_end_name, check_settings, check_why,
};

/// The table. A number is never given twice: events and deliveries are kept under it.
pub(super) const STEP: &str = "
    CREATE TABLE relay_ends (
        number        INTEGER PRIMARY KEY AUTOINCREMENT,
        id            TEXT NOT NULL UNIQUE,
        kind          TEXT NOT NULL CHECK (kind IN ('source', 'destination')),
        workspace_id  TEXT REFERENCES workspaces (id) ON DELETE RESTRICT,
        name          TEXT NOT NULL,
        settings      TEXT NOT NULL,
        state         TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
        why           TEXT NOT NULL,
        version       INTEGER NOT NULL,
        created_at    INTEGER NOT NULL,
        changed_at    INTEGER NOT NULL,
        UNIQUE (kind, name),
        CHECK (kind = 'destination' OR workspace_id IS NOT NULL)
    ) STRICT;
    CREATE INDEX relay_ends_workspace ON relay_ends (workspace_id);
";

const ALL: &str = "SELECT id, number, kind, workspace_id, name, settings, state, why, version, \
     created_at, changed_at FROM relay_ends";

fn what(kind: EndKind) -> What {
    match kind {
        EndKind::Source => What::Source,
        EndKind::Destination => What::Destination,
    }
}

fn read(row: &Row<'_>) -> Result<RelayEnd> {
    let mut from = Reader {
        row,
        what: What::Destination,
    };
    let kind = from.named("kind", EndKind::of)?;
    from.what = what(kind);
    Ok(RelayEnd {
        id: from.text("id")?,
        number: row.get("number")?,
        kind,
        workspace_id: from.optional_text("workspace_id")?,
        name: from.text("name")?,
        settings: from.text("settings")?,
        state: from.named("state", EndState::of)?,
        why: from.text("why")?,
        version: row.get::<_, i64>("version")?.unsigned_abs(),
        created_at: from.time("created_at")?,
        changed_at: from.time("changed_at")?,
    })
}

fn by_id(tx: &Transaction<'_>, id: &str) -> Result<RelayEnd> {
    let kind = if id.starts_with("src_") {
        EndKind::Source
    } else {
        EndKind::Destination
    };
    one(tx, &format!("{ALL} WHERE id = ?1"), [id], read)?
        .ok_or_else(|| StoreError::not_found(what(kind), id))
}

fn get(tx: &Transaction<'_>, kind: EndKind, id_or_name: &str) -> Result<RelayEnd> {
    let sql = format!("{ALL} WHERE kind = ?1 AND (id = ?2 OR name = ?2) ORDER BY id <> ?2 LIMIT 1");
    one(tx, &sql, params![kind.as_str(), id_or_name], read)?
        .ok_or_else(|| StoreError::not_found(what(kind), id_or_name))
}

fn add(tx: &Transaction<'_>, new: &NewEnd, now: Timestamp) -> Result<RelayEnd> {
    check_end(new)?;
    if let Some(workspace) = &new.workspace_id {
        super::workspaces::get(tx, workspace)?;
    }
    let sql = "SELECT count(*) FROM relay_ends WHERE kind = ?1";
    let count: i64 = tx.query_row(sql, [new.kind.as_str()], |row| row.get(0))?;
    if count >= ENDS_MAX {
        return Err(StoreError::Field {
            field: format!("the {}", new.kind.as_str()),
            fault: "would be one more than 1,000; remove some",
        });
    }
    let prefix = match new.kind {
        EndKind::Source => "src",
        EndKind::Destination => "dst",
    };
    let id = fresh_id(tx, prefix)?;
    tx.execute(
        "INSERT INTO relay_ends (id, kind, workspace_id, name, settings, state, why, version,
             created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'active', '', 1, ?6, ?6)",
        params![
            id,
            new.kind.as_str(),
            new.workspace_id,
            new.name,
            new.settings,
            now.millis()
        ],
    )
    .map_err(|error| taken(error, what(new.kind), &new.name))?;
    by_id(tx, &id)
}

fn change(
    tx: &Transaction<'_>,
    id: &str,
    version: u64,
    change: &EndChange,
    now: Timestamp,
) -> Result<Option<RelayEnd>> {
    let there = by_id(tx, id)?;
    if there.version != version {
        return Ok(None);
    }
    let EndChange {
        name,
        settings,
        state,
    } = change;
    if let Some(name) = name {
        check_end_name(there.kind, name)?;
    }
    if let Some(settings) = settings {
        check_settings(settings)?;
    }
    if let Some((_, why)) = state {
        check_why(why)?;
    }
    let name = name.as_ref().unwrap_or(&there.name);
    tx.execute(
        "UPDATE relay_ends SET name = ?2, settings = ifnull(?3, settings),
             state = ifnull(?4, state), why = ifnull(?5, why), version = version + 1,
             changed_at = ?6 WHERE id = ?1",
        params![
            id,
            name,
            settings,
            state.as_ref().map(|(state, _)| state.as_str()),
            state.as_ref().map(|(_, why)| why),
            now.millis()
        ],
    )
    .map_err(|error| taken(error, what(there.kind), name))?;
    by_id(tx, id).map(Some)
}

impl RelayStore for SqliteStore {
    fn add_relay_end(&self, new: &NewEnd, now: Timestamp) -> Result<RelayEnd> {
        self.note(|tx| add(tx, new, now))
    }

    fn relay_ends(&self, kind: EndKind) -> Result<Vec<RelayEnd>> {
        let sql = format!("{ALL} WHERE kind = ?1 ORDER BY name");
        self.read(|tx| collect(tx, &sql, [kind.as_str()], read))
    }

    fn relay_end(&self, kind: EndKind, id_or_name: &str) -> Result<RelayEnd> {
        self.read(|tx| get(tx, kind, id_or_name))
    }

    fn change_relay_end(
        &self,
        id: &str,
        version: u64,
        to: &EndChange,
        now: Timestamp,
    ) -> Result<Option<RelayEnd>> {
        self.note(|tx| change(tx, id, version, to, now))
    }

    fn delete_relay_end(&self, id: &str) -> Result<RelayEnd> {
        self.note(|tx| {
            let there = by_id(tx, id)?;
            tx.execute("DELETE FROM relay_ends WHERE id = ?1", [id])?;
            Ok(there)
        })
    }
}
