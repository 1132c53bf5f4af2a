//! Policies.

use doorward_policy::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::SqliteStore;
use super::rows::collect;
use crate::error::{Result, StoreError, What};
use crate::policy_store::{POLICIES_MAX, Policy, PolicyStore, check_policy};

/// The table.
pub(super) const STEP: &str = "
    CREATE TABLE policies (
        name        TEXT PRIMARY KEY NOT NULL,
        text        TEXT NOT NULL,
        schema      TEXT NOT NULL,
        created_at  INTEGER NOT NULL,
        updated_at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

const COLUMNS: &str = "SELECT name, text, schema, created_at, updated_at FROM policies";

fn read(row: &Row<'_>) -> Result<Policy> {
    Ok(Policy {
        name: row.get("name")?,
        text: row.get("text")?,
        schema: row.get("schema")?,
        created_at: Timestamp::from_millis(row.get("created_at")?),
        updated_at: Timestamp::from_millis(row.get("updated_at")?),
    })
}

pub(super) fn all(tx: &Transaction<'_>) -> Result<Vec<Policy>> {
    collect(tx, &format!("{COLUMNS} ORDER BY name"), [], read)
}

fn get(tx: &Transaction<'_>, name: &str) -> Result<Policy> {
    let sql = format!("{COLUMNS} WHERE name = ?1");
    let found = tx.query_row(&sql, [name], |row| Ok(read(row))).optional()?;
    found.ok_or_else(|| StoreError::not_found(What::Policy, name))?
}

fn save(
    tx: &Transaction<'_>,
    name: &str,
    text: &str,
    schema: &str,
    now: Timestamp,
) -> Result<Policy> {
    check_policy(name, text)?;
    tx.execute(
        "INSERT INTO policies VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (name) DO UPDATE
         SET text = excluded.text, schema = excluded.schema, updated_at = excluded.updated_at",
        params![name, text, schema, now.millis()],
    )?;
    let count: i64 = tx.query_row("SELECT count(*) FROM policies", [], |row| row.get(0))?;
    if count > POLICIES_MAX {
        return Err(StoreError::Field {
            field: "the policy".to_owned(),
            fault: "would be one more than 1,000; put several into one text, or remove some",
        });
    }
    get(tx, name)
}

impl PolicyStore for SqliteStore {
    fn save_policy(&self, name: &str, text: &str, schema: &str, now: Timestamp) -> Result<Policy> {
        self.change(|tx| save(tx, name, text, schema, now))
    }

    fn policies(&self) -> Result<Vec<Policy>> {
        self.read(all)
    }

    fn policy(&self, name: &str) -> Result<Policy> {
        self.read(|tx| get(tx, name))
    }

    fn delete_policy(&self, name: &str) -> Result<Policy> {
        self.change(|tx| {
            let policy = get(tx, name)?;
            tx.execute("DELETE FROM policies WHERE name = ?1", [name])?;
            Ok(policy)
        })
    }
}
