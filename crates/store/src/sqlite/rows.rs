//! From rows to records. What can't be read names the record it is of.

use rusqlite::types::Type;
use rusqlite::{Row, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use doorward_policy::Timestamp;

use crate::error::{Result, StoreError, What};

/// One row on its way to a record.
pub(super) struct Reader<'a> {
    pub(super) row: &'a Row<'a>,
    pub(super) what: What,
}

impl Reader<'_> {
    pub(super) fn text(&self, column: &str) -> Result<String> {
        Ok(self.row.get(column)?)
    }

    pub(super) fn optional_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.row.get(column)?)
    }

    pub(super) fn time(&self, column: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_millis(self.row.get(column)?))
    }

    pub(super) fn optional_time(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self
            .row
            .get::<_, Option<i64>>(column)?
            .map(Timestamp::from_millis))
    }

    /// A column with one of a few names.
    pub(super) fn named<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| self.unreadable(format!("{column} is '{text}'")))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(format!("{column}: {error}")))
    }

    pub(super) fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        match self.row.get_ref(column)?.data_type() {
            Type::Null => Ok(None),
            _ => self.json(column).map(Some),
        }
    }

    /// Every table has the record's id in its first column.
    pub(super) fn unreadable(&self, detail: String) -> StoreError {
        let name = self.row.get(0).unwrap_or_else(|_| "?".to_owned());
        StoreError::Unreadable {
            what: self.what,
            name,
            detail,
        }
    }
}

/// Text for a JSON column.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    let failed = |error| StoreError::Database(rusqlite::Error::ToSqlConversionFailure(error));
    serde_json::to_string(value).map_err(|error| failed(Box::new(error)))
}

/// A fresh id: the prefix and 16 hexadecimal digits of SQLite's generator, which the operating
/// system's seeds.
pub(super) fn fresh_id(transaction: &Transaction<'_>, prefix: &str) -> Result<String> {
    let digits: String =
        transaction.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0))?;
    Ok(format!("{prefix}_{digits}"))
}

/// Collects the records of a query.
pub(super) fn collect<T>(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(read(row)?);
    }
    Ok(records)
}

/// The record of a query by id or name.
pub(super) fn one<T>(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}

/// Tells a taken name from other failures of an insert or update.
pub(super) fn taken(error: rusqlite::Error, what: What, name: &str) -> StoreError {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE) => {
            StoreError::duplicate(what, name)
        }
        _ => error.into(),
    }
}
