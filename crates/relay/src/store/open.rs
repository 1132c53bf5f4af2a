//! Opening and closing the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use doorward_store::file::{self, Format, WriterLock};
use doorward_webhook::EventKeys;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use secrecy::SecretString;
use tokio::sync::watch;

use super::checkpoints::Checkpoints;
use super::keyring::{Keyring, SealKey, random};
use super::options::{Counted, Figures, StoreOptions};
use super::queue::Queue;
use super::read::EventReader;
use super::room::Room;
use super::schema::FILE;
use super::writer::Writer;
use crate::error::{RelayError, Result};

/// Statements that a connection keeps.
const STATEMENTS: usize = 64;
/// A file of at most so many bytes is looked through when it is opened.
const SMALL: u64 = 32 << 20;
/// What the two keys of the store are bound to.
const DEDUPE: &[u8] = b"dedupe";
const BODIES: &[u8] = b"bodies";

/// Events, durable: taken in, kept, read, and what is owed of them to destinations.
///
/// One process has it open for writing at a time; the lock is let go of when this is dropped, once
/// all that was asked for is written.
pub struct EventStore {
    shared: Arc<Shared>,
    reader: EventReader,
    writer: Option<JoinHandle<()>>,
    // Dropped last.
    _lock: WriterLock,
}

/// Keys that all parts of the store use.
pub(super) struct Keys {
    pub(super) ring: Keyring,
    /// Seals bodies about nobody.
    pub(super) bodies: SealKey,
}

/// What all parts of the store share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) keys: Arc<Keys>,
    pub(super) queue: Queue,
    pub(super) room: Room,
    pub(super) counted: Counted,
    /// Number of the newest event on disk.
    pub(super) committed: watch::Sender<i64>,
    events: EventKeys,
}

impl EventStore {
    /// Opens the store at `path`, making it if need be at `now_ms` (milliseconds of Unix time) and
    /// bringing an older format up to date. `key` is the installation's audit key: people's keys are
    /// wrapped under a key made from it. A large file is not looked through here, see
    /// [`EventReader::check`].
    ///
    /// # Errors
    /// [`StoreError::Locked`](doorward_store::StoreError::Locked) when another process has it open
    /// for writing, others of its kind for a file that can't be used, which is then left as it is;
    /// [`WrongKey`](RelayError::WrongKey) for another key than it was made with.
    pub fn open(
        path: &Path,
        key: &SecretString,
        options: &StoreOptions,
        now_ms: i64,
    ) -> Result<Self> {
        let ring = Keyring::new(key)?;
        let name = file::resolve(path)?;
        let lock = WriterLock::take(&name)?;
        file::make(&name)?;
        let opened = open_writer(&name, ring, options, now_ms);
        let (connection, keys, events) = opened.map_err(|error| at(error, path))?;
        let next_seq = next_seq(&connection).map_err(|error| at(error, path))?;
        let keys = Arc::new(keys);
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            keys: Arc::clone(&keys),
            queue: Queue::new(options.waiting, options.waiting_bytes),
            room: Room::new(&name, options.reserve),
            counted: Counted::default(),
            committed: watch::Sender::new(next_seq - 1),
            events,
        });
        let checkpoints = Checkpoints::start(&name, Duration::from_millis(options.patience_ms))?;
        let writer = Writer::new(connection, Arc::clone(&shared), next_seq, checkpoints);
        let writer = std::thread::Builder::new()
            .name("relay-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| RelayError::Failed(error.to_string()))?;
        Ok(Self {
            reader: EventReader::new(name, keys),
            shared,
            writer: Some(writer),
            _lock: lock,
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Makes the keys of events.
    pub fn keys(&self) -> EventKeys {
        self.shared.events.clone()
    }

    /// Reads.
    pub fn reader(&self) -> &EventReader {
        &self.reader
    }

    /// Tells the number of the newest event each time that moves.
    pub fn newest(&self) -> watch::Receiver<i64> {
        self.shared.committed.subscribe()
    }

    /// What was counted since it was opened.
    pub fn figures(&self) -> Figures {
        let shared = &self.shared;
        let no_room = shared.room.is_short();
        shared.counted.figures(shared.queue.len(), no_room)
    }

    /// Takes nothing more, and waits until what was asked for is written. Blocks.
    pub fn close(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of events broke off");
        }
    }
}

impl Drop for EventStore {
    fn drop(&mut self) {
        self.finish();
    }
}

impl std::fmt::Debug for EventStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventStore({})", self.path().display())
    }
}

/// Says which file is damaged.
pub(super) fn at(error: RelayError, path: &Path) -> RelayError {
    match error {
        RelayError::Store(error) => RelayError::Store(file::at(error, path)),
        other => other,
    }
}

/// A connection to a store that is there.
pub(super) fn connect(path: &Path, writes: bool) -> Result<Connection> {
    // Not `SQLITE_OPEN_URI`: a path is a path, whatever it starts with.
    let access = if writes {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    file::configure(&connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn open_writer(
    name: &Path,
    ring: Keyring,
    options: &StoreOptions,
    now_ms: i64,
) -> Result<(Connection, Keys, EventKeys)> {
    let mut connection = connect(name, true)?;
    connection.busy_timeout(Duration::from_millis(options.patience_ms))?;
    // Before the first write: a file that is not ours must stay as it is.
    let found = FILE.identify(&connection, name)?;
    look(&connection, name, found)?;
    file::narrow(name)?;
    if found == 0 {
        // So that the file gets smaller when events are removed. It must be said before the first
        // table.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    file::configure_writer(&connection)?;
    // What is deleted is overwritten where its page is written anyway. A page that becomes free as a
    // whole holds bodies, which are sealed; keys of people are overwritten before they go.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    if options.most_bytes > 0 {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = options.most_bytes / page.unsigned_abs().max(1);
        // Answers with what it came to: never less than there is.
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    FILE.migrate(&mut connection, found, FILE.newest())?;
    let (keys, events) = load_keys(&connection, ring, now_ms)?;
    super::erase::scrub(&connection)?;
    Ok((connection, keys, events))
}

/// Looks whether the file is whole: all of a small one, the ends of what is in a large one.
fn look(connection: &Connection, name: &Path, found: i64) -> Result<()> {
    let size = std::fs::metadata(name).map_or(0, |metadata| metadata.len());
    if size <= SMALL || found == 0 {
        return Ok(Format::check_whole(connection, name)?);
    }
    for table in ["events", "bodies", "subjects"] {
        for end in ["ASC", "DESC"] {
            let sql = format!("SELECT * FROM {table} ORDER BY rowid {end} LIMIT 1");
            connection.query_row(&sql, [], |_| Ok(())).optional()?;
        }
    }
    Ok(())
}

/// The keys of the store, made when it is new.
fn load_keys(connection: &Connection, ring: Keyring, now_ms: i64) -> Result<(Keys, EventKeys)> {
    let wrapped = |whose: &[u8]| ring.wrap(whose, &zeroize::Zeroizing::new(random()?));
    connection.execute(
        "INSERT OR IGNORE INTO store (id, made_ms, dedupe_key, body_key) VALUES (1, ?1, ?2, ?3)",
        params![now_ms, wrapped(DEDUPE)?, wrapped(BODIES)?],
    )?;
    read_keys(connection, ring)
}

/// The keys of a store that is there.
pub(super) fn read_keys(connection: &Connection, ring: Keyring) -> Result<(Keys, EventKeys)> {
    let (dedupe, bodies): (Vec<u8>, Vec<u8>) = connection.query_row(
        "SELECT dedupe_key, body_key FROM store WHERE id = 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let events = EventKeys::new(&*ring.unwrap(DEDUPE, &dedupe)?);
    let bodies = SealKey::new(&*ring.unwrap(BODIES, &bodies)?)?;
    Ok((Keys { ring, bodies }, events))
}

/// The number of the next event: no number is given twice, though its event be gone.
fn next_seq(connection: &Connection) -> Result<i64> {
    let highest: i64 = connection.query_row(
        "SELECT max((SELECT last_seq FROM store), (SELECT coalesce(max(seq), 0) FROM events))",
        [],
        |row| row.get(0),
    )?;
    Ok(highest + 1)
}
