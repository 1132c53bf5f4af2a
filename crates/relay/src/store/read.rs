//! Reading, beside the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use doorward_store::StoreError;
use doorward_store::file::Format;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::SecretString;

use super::event_rows::{BODY_COLUMNS, BODY_TABLES, COLUMNS, body, event};
use super::keyring::Keyring;
use super::open::{Keys, at, connect, read_keys};
use super::schema::FILE;
use crate::error::{RelayError, Result};
use crate::events::{Event, EventId};

/// Connections that are kept open.
const KEPT: usize = 4;

/// Reads events, at any time and from any thread; cloning gives another handle to the same. Calls
/// block: an async caller uses its runtime's blocking pool.
#[derive(Clone)]
pub struct EventReader {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    keys: Arc<Keys>,
    idle: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for EventReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventReader({})", self.inner.path.display())
    }
}

impl EventReader {
    pub(super) fn new(path: PathBuf, keys: Arc<Keys>) -> Self {
        Self {
            inner: Arc::new(Inner {
                path,
                keys,
                idle: Mutex::default(),
            }),
        }
    }

    /// Opens the store at `path` for reading, also while another process writes it.
    ///
    /// # Errors
    /// When there is none, it can't be used, or has an older format; or the key is another.
    pub fn open(path: &Path, key: &SecretString) -> Result<Self> {
        let ring = Keyring::new(key)?;
        std::fs::metadata(path).map_err(|source| StoreError::Io {
            doing: "open",
            path: path.to_owned(),
            source,
        })?;
        let open = || {
            let connection = connect(path, false)?;
            let found = FILE.identify(&connection, path)?;
            if found != FILE.newest() {
                return Err(RelayError::Store(StoreError::NeedsMigration {
                    path: path.to_owned(),
                    found,
                }));
            }
            read_keys(&connection, ring)
        };
        let (keys, _) = open().map_err(|error| at(error, path))?;
        Ok(Self::new(path.to_owned(), Arc::new(keys)))
    }

    /// Reads at one moment.
    pub(super) fn read<T>(&self, act: impl FnOnce(&Connection, &Keys) -> Result<T>) -> Result<T> {
        self.with(|connection| {
            let tx = connection.transaction()?;
            act(&tx, &self.inner.keys)
        })
    }

    /// Does something with a connection.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let kept = self.idle().pop();
        let outcome = (|| {
            let mut connection = match kept {
                Some(connection) => connection,
                None => connect(&self.inner.path, false)?,
            };
            let outcome = act(&mut connection)?;
            let mut idle = self.idle();
            if idle.len() < KEPT {
                idle.push(connection);
            }
            Ok(outcome)
        })();
        outcome.map_err(|error| at(error, &self.inner.path))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks through the whole file, which takes as long as to read it.
    ///
    /// # Errors
    /// What was found.
    pub fn check(&self) -> Result<()> {
        let path = &self.inner.path;
        self.read(|connection, _| Ok(Format::check_whole(connection, path)?))
    }

    /// One event, with its body.
    ///
    /// # Errors
    /// [`NoEvent`](RelayError::NoEvent).
    pub fn event(&self, id: &EventId) -> Result<Event> {
        self.read(|connection, keys| {
            let sql =
                format!("SELECT {COLUMNS}, {BODY_COLUMNS} FROM {BODY_TABLES} WHERE e.id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id.as_bytes()])?;
            let row = rows.next()?.ok_or(RelayError::NoEvent(*id))?;
            let mut found = event(row)?;
            found.body = body(row, 12, &found, keys)?;
            Ok(found)
        })
    }

    /// One event by its number, with its body; `None` of one that is gone.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn event_at(&self, seq: i64) -> Result<Option<Event>> {
        Ok(self
            .after(seq - 1, 1, 0)?
            .pop()
            .filter(|found| found.seq == seq))
    }

    /// The events after one, in their order, with their bodies: at most so many, and none more once
    /// their bodies have so many bytes. The bodies of those in quarantine are not read.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn after(&self, seq: i64, most: usize, bytes: usize) -> Result<Vec<Event>> {
        self.read(|connection, keys| {
            let sql = format!(
                "SELECT {COLUMNS}, {BODY_COLUMNS} FROM {BODY_TABLES} WHERE e.seq > ?1
                 ORDER BY e.seq LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![seq, most as i64])?;
            let (mut found, mut read) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let mut one = event(row)?;
                if one.quarantined.is_none() {
                    one.body = body(row, 12, &one, keys)?;
                }
                read += one.body.bytes().map_or(0, bytes::Bytes::len);
                found.push(one);
                if read >= bytes {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// The number that stands for a lead, if there is one.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn subject_of(&self, lead: &str) -> Result<Option<i64>> {
        self.read(|connection, keys| {
            let entry = keys.ring.entry(lead);
            Ok(connection
                .prepare_cached("SELECT id FROM subjects WHERE entry = ?1")?
                .query_row([entry], |row| row.get(0))
                .optional()?)
        })
    }

    /// Number of the oldest and of the newest event; `None` when there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn ends(&self) -> Result<Option<(i64, i64)>> {
        self.read(|connection, _| {
            let sql = "SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)";
            let ends: (Option<i64>, Option<i64>) =
                connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(ends.0.zip(ends.1))
        })
    }

    /// Bytes of the file that are in use, of those it has.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn size(&self) -> Result<(u64, u64)> {
        self.read(|connection, _| size(connection))
    }
}

/// Bytes in use, and those of the file.
pub(super) fn size(connection: &Connection) -> Result<(u64, u64)> {
    let number = |name: &str| -> Result<u64> {
        let found: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
        Ok(found.unsigned_abs())
    };
    let page = number("page_size")?;
    let pages = number("page_count")?;
    let free = number("freelist_count")?;
    Ok((pages.saturating_sub(free) * page, pages * page))
}
