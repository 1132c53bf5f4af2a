//! Who had a hand in a client: names are added and never taken away.

use rusqlite::{OptionalExtension, Transaction};

use super::rows::to_json;
use crate::error::{Result, StoreError, What};

/// Most names of one client. Whoever comes after can't change the client: one that so many hands
/// are on is made anew.
const NAMES_MAX: usize = 1_000;

/// Adds names to those that are noted. Empty ones are none.
pub(super) fn note(tx: &Transaction<'_>, client_id: &str, names: &[String]) -> Result<()> {
    let mut known = all(tx, client_id)?;
    let before = known.len();
    for name in names.iter().map(|name| name.trim()) {
        if !name.is_empty() && !known.iter().any(|other| other == name) {
            known.push(name.to_owned());
        }
    }
    if known.len() == before {
        return Ok(());
    }
    if known.len() > NAMES_MAX {
        return Err(StoreError::Field {
            field: "who had a hand in the client".to_owned(),
            fault: "too many people; make a new client",
        });
    }
    tx.execute(
        "INSERT OR REPLACE INTO client_makers (client_id, names) VALUES (?1, ?2)",
        [client_id, &to_json(&known)?],
    )?;
    Ok(())
}

/// The names that are noted, the first the first.
pub(super) fn all(tx: &Transaction<'_>, client_id: &str) -> Result<Vec<String>> {
    let sql = "SELECT names FROM client_makers WHERE client_id = ?1";
    let names: Option<String> = tx
        .query_row(sql, [client_id], |row| row.get(0))
        .optional()?;
    let Some(names) = names else {
        return Ok(Vec::new());
    };
    // What can't be read is no reason to forget who it was.
    serde_json::from_str(&names).map_err(|error| StoreError::Unreadable {
        what: What::Client,
        name: client_id.to_owned(),
        detail: error.to_string(),
    })
}
