//! Admin tokens, and who made clients.

use doorward_policy::Timestamp;
use rusqlite::{Row, params};

use super::SqliteStore;
use super::makers;
use super::rows::{Reader, collect, one, taken};
use crate::admin_token_store::{AdminToken, AdminTokenStore};
use crate::check::check_name;
use crate::error::{Result, StoreError, What};

/// The tables. A name is one person's as long as the token is not revoked.
pub(super) const STEP: &str = "
    CREATE TABLE admin_tokens (
        id          TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 16),
        name        TEXT NOT NULL,
        hash        BLOB NOT NULL CHECK (length(hash) = 32),
        created_at  INTEGER NOT NULL,
        expires_at  INTEGER,
        revoked_at  INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX admin_tokens_name ON admin_tokens (name COLLATE NOCASE)
        WHERE revoked_at IS NULL;

    CREATE TABLE client_makers (
        client_id  TEXT PRIMARY KEY NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
        names      TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

const TOKEN: &str = "SELECT id, name, hash, created_at, expires_at, revoked_at FROM admin_tokens";

fn read(row: &Row<'_>) -> Result<AdminToken> {
    let from = Reader {
        row,
        what: What::AdminToken,
    };
    Ok(AdminToken {
        name: from.text("name")?,
        id: from.text("id")?,
        hash: row.get("hash")?,
        created_at: from.time("created_at")?,
        expires_at: from.optional_time("expires_at")?,
        revoked_at: from.optional_time("revoked_at")?,
    })
}

impl AdminTokenStore for SqliteStore {
    fn add_admin_token(&self, token: &AdminToken) -> Result<()> {
        check_name("the name of the admin token", &token.name)?;
        self.note(|tx| {
            tx.execute(
                "INSERT INTO admin_tokens (id, name, hash, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    token.id,
                    token.name,
                    token.hash,
                    token.created_at.millis(),
                    token.expires_at.map(Timestamp::millis),
                ],
            )
            .map_err(|error| taken(error, What::AdminToken, &token.name))?;
            Ok(())
        })
    }

    fn admin_token(&self, id: &str) -> Result<Option<AdminToken>> {
        self.read(|tx| one(tx, &format!("{TOKEN} WHERE id = ?1"), [id], read))
    }

    fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        let sql = format!("{TOKEN} ORDER BY name, created_at, id");
        self.read(|tx| collect(tx, &sql, [], read))
    }

    fn revoke_admin_token(&self, name_or_id: &str, now: Timestamp) -> Result<AdminToken> {
        self.note(|tx| {
            let sql = format!(
                "{TOKEN} WHERE revoked_at IS NULL AND (id = ?1 OR name = ?1 COLLATE NOCASE)
                 ORDER BY id <> ?1 LIMIT 1"
            );
            let found = one(tx, &sql, [name_or_id], read)?;
            let token = found.ok_or_else(|| StoreError::not_found(What::AdminToken, name_or_id))?;
            tx.execute(
                "UPDATE admin_tokens SET revoked_at = ?2 WHERE id = ?1",
                params![token.id, now.millis()],
            )?;
            Ok(AdminToken {
                revoked_at: Some(now),
                ..token
            })
        })
    }

    fn note_client_makers(&self, client_id: &str, names: &[String]) -> Result<()> {
        self.note(|tx| makers::note(tx, client_id, names))
    }

    fn client_makers(&self, client_id: &str) -> Result<Vec<String>> {
        self.read(|tx| makers::all(tx, client_id))
    }
}
