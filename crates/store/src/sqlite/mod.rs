//! The embedded store: one SQLite file.

mod admin_tokens;
mod approvals;
mod checks;
mod clients;
mod copy;
mod idempotency;
mod instantly_log;
mod ledger;
mod makers;
mod pace;
mod policies;
mod relay_ends;
mod revocations;
mod rotations;
mod rows;
mod schema;
mod state;
mod upstream_keys;
mod workspaces;

use doorward_catalog::Op;
use doorward_keys::KeyId;
use doorward_policy::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::client::{Client, ClientChange, ClientKeyRecord, NewClient, NewClientKey, ReplacedKeys};
use crate::error::{Result, StoreError};
use crate::file::{self, WriterLock, at};
use crate::observed::ObservedScope;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::workspace::{
    NewUpstreamKey, NewWorkspace, Probe, UpstreamKey, UpstreamKeyChange, UpstreamKeyState,
    Workspace, WorkspaceChange,
};

/// [`Store`] in one SQLite file, in write-ahead mode, each commit synchronous.
///
/// The file and its companions (`-wal`, `-shm`, `.lock`) are made with mode 0600; those that others
/// may read are narrowed when the store is opened for writing. A symbolic link to the file is the
/// same store, under the same lock.
#[derive(Debug)]
pub struct SqliteStore {
    // Dropped in this order: the lock is let go of when the database is closed.
    connection: Mutex<Connection>,
    _lock: Option<WriterLock>,
    path: PathBuf,
    writes: bool,
}

impl SqliteStore {
    /// Opens the store at `path` for writing, making it if need be and bringing an older format up
    /// to date. The folder must be there.
    ///
    /// # Errors
    /// [`Locked`](StoreError::Locked) when another process has it open for writing;
    /// [`Corrupt`](StoreError::Corrupt), [`NotOurs`](StoreError::NotOurs) and
    /// [`TooNew`](StoreError::TooNew) for a file that can't be used, which is then left as it is.
    pub fn open(path: &Path) -> Result<Self> {
        let name = &file::resolve(path)?;
        let lock = WriterLock::take(name)?;
        file::make(name)?;
        // Not `SQLITE_OPEN_URI`: a path is a path, whatever it starts with.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let opened = Connection::open_with_flags(name, flags)
            .map_err(StoreError::from)
            .and_then(|connection| Self::prepare(connection, path, || file::narrow(name)));
        Ok(Self {
            connection: Mutex::new(opened.map_err(|error| at(error, path))?),
            _lock: Some(lock),
            path: path.to_owned(),
            writes: true,
        })
    }

    /// Opens the store at `path` for reading, also while another process has it open for writing.
    /// Every change is refused with [`ReadOnly`](StoreError::ReadOnly).
    ///
    /// # Errors
    /// As [`SqliteStore::open`], but never `Locked`;
    /// [`NeedsMigration`](StoreError::NeedsMigration) for an older format.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        // SQLite's own error for a file that is not there says less.
        std::fs::metadata(path).map_err(|source| StoreError::Io {
            doing: "open",
            path: path.to_owned(),
            source,
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            schema::configure(&connection)?;
            match schema::inspect(&connection, path)? {
                schema::FORMAT => Ok(connection),
                found => Err(StoreError::NeedsMigration {
                    path: path.to_owned(),
                    found,
                }),
            }
        };
        Ok(Self {
            connection: Mutex::new(open().map_err(|error| at(error, path))?),
            _lock: None,
            path: path.to_owned(),
            writes: false,
        })
    }

    /// A store in memory, gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self> {
        let path = PathBuf::from("(memory)");
        let connection = Self::prepare(Connection::open_in_memory()?, &path, || Ok(()))?;
        Ok(Self {
            connection: Mutex::new(connection),
            _lock: None,
            path,
            writes: true,
        })
    }

    fn prepare(
        mut connection: Connection,
        path: &Path,
        narrow: impl FnOnce() -> Result<()>,
    ) -> Result<Connection> {
        schema::configure(&connection)?;
        // Before the first write: a file that is not ours must stay as it is.
        let found = schema::inspect(&connection, path)?;
        narrow()?;
        schema::configure_writer(&connection)?;
        schema::migrate(&mut connection, found, schema::FORMAT)?;
        match ledger::scrub(&mut connection) {
            // A reader is in the way, or the disk is full: the store is of use all the same, and
            // the next erasure or opening tries again.
            Ok(()) | Err(StoreError::NotScrubbed | StoreError::Full) => Ok(connection),
            Err(error) => Err(error),
        }
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn transact<T>(
        &self,
        behavior: TransactionBehavior,
        act: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        // A panic while the lock was held rolled its transaction back: the connection is fine.
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(behavior)?;
        let outcome = act(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    /// Reads at one moment.
    fn read<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.transact(TransactionBehavior::Deferred, act)
            .map_err(|error| at(error, &self.path))
    }

    /// Changes what a snapshot shows.
    fn change<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.note(|tx| {
            let outcome = act(tx)?;
            state::bump(tx)?;
            Ok(outcome)
        })
    }

    /// Changes what a snapshot does not show.
    fn note<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        if !self.writes {
            return Err(StoreError::ReadOnly);
        }
        self.transact(TransactionBehavior::Immediate, act)
            .map_err(|error| at(error, &self.path))
    }
}

impl Store for SqliteStore {
    fn generation(&self) -> Result<u64> {
        self.read(state::generation)
    }

    fn load_snapshot(&self, now: Timestamp) -> Result<Snapshot> {
        self.read(|tx| state::snapshot(tx, now))
    }

    fn confirm_pepper(&self, check_value: &str) -> Result<()> {
        self.note(|tx| state::confirm_pepper(tx, check_value))
    }

    fn create_workspace(&self, new: &NewWorkspace, now: Timestamp) -> Result<Workspace> {
        self.change(|tx| workspaces::create(tx, new, now))
    }

    fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.read(workspaces::all)
    }

    fn workspace(&self, id_or_name: &str) -> Result<Workspace> {
        self.read(|tx| workspaces::get(tx, id_or_name))
    }

    fn change_workspace(&self, id: &str, change: &WorkspaceChange) -> Result<Workspace> {
        self.change(|tx| workspaces::change(tx, id, change))
    }

    fn delete_workspace(&self, id: &str) -> Result<()> {
        self.change(|tx| workspaces::delete(tx, id))
    }

    fn add_upstream_key(
        &self,
        workspace_id: &str,
        new: &NewUpstreamKey,
        now: Timestamp,
    ) -> Result<UpstreamKey> {
        self.change(|tx| upstream_keys::add_key(tx, workspace_id, new, now))
    }

    fn change_upstream_key(&self, id: &str, change: &UpstreamKeyChange) -> Result<UpstreamKey> {
        self.change(|tx| upstream_keys::change_key(tx, id, change))
    }

    fn set_upstream_key_state(&self, id: &str, state: UpstreamKeyState) -> Result<UpstreamKey> {
        self.change(|tx| upstream_keys::set_key_state(tx, id, state))
    }

    fn record_probe(
        &self,
        id: &str,
        probe: &Probe,
        scopes: Option<&[String]>,
    ) -> Result<UpstreamKey> {
        self.change(|tx| upstream_keys::record_probe(tx, id, probe, scopes))
    }

    fn delete_upstream_key(&self, id: &str) -> Result<()> {
        self.change(|tx| upstream_keys::delete_key(tx, id))
    }

    fn create_client(&self, new: &NewClient, now: Timestamp) -> Result<Client> {
        self.change(|tx| clients::create(tx, new, now))
    }

    fn clients(&self, workspace_id: Option<&str>) -> Result<Vec<Client>> {
        self.read(|tx| clients::all(tx, workspace_id))
    }

    fn client(&self, workspace_id: &str, id_or_name: &str) -> Result<Client> {
        self.read(|tx| clients::get(tx, workspace_id, id_or_name))
    }

    fn change_client(&self, id: &str, change: &ClientChange, now: Timestamp) -> Result<Client> {
        self.change(|tx| clients::change(tx, id, change, now))
    }

    fn delete_client(&self, id: &str) -> Result<()> {
        self.change(|tx| clients::delete(tx, id))
    }

    fn add_client_key(
        &self,
        client_id: &str,
        new: &NewClientKey,
        now: Timestamp,
    ) -> Result<ClientKeyRecord> {
        self.change(|tx| clients::add_key(tx, client_id, new, now))
    }

    fn replace_client_keys(
        &self,
        client_id: &str,
        new: &NewClientKey,
        only: Option<KeyId>,
        ends: Timestamp,
        now: Timestamp,
    ) -> Result<ReplacedKeys> {
        self.change(|tx| clients::replace_keys(tx, client_id, new, only, ends, now))
    }

    fn client_keys(&self, client_id: Option<&str>) -> Result<Vec<ClientKeyRecord>> {
        self.read(|tx| clients::keys(tx, client_id))
    }

    fn revoke_client_key(&self, id: KeyId, now: Timestamp) -> Result<ClientKeyRecord> {
        self.change(|tx| clients::revoke_key(tx, id, now))
    }

    fn set_client_key_expiry(
        &self,
        id: KeyId,
        expires_at: Option<Timestamp>,
    ) -> Result<ClientKeyRecord> {
        self.change(|tx| clients::set_key_expiry(tx, id, expires_at))
    }

    fn record_key_uses(&self, uses: &[(KeyId, Timestamp)]) -> Result<()> {
        self.note(|tx| clients::record_key_uses(tx, uses))
    }

    fn record_observed_scope(
        &self,
        workspace_id: &str,
        operation: Op,
        required: &[String],
        now: Timestamp,
    ) -> Result<()> {
        self.note(|tx| state::record_observed_scope(tx, workspace_id, operation, required, now))
    }

    fn observed_scopes(&self) -> Result<Vec<ObservedScope>> {
        self.read(state::observed_scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Environment;
    use doorward_policy::{Grant, WorkspaceKind};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn with_workspace() -> (SqliteStore, Workspace) {
        let store = SqliteStore::in_memory().unwrap();
        let new = NewWorkspace::new("acme", WorkspaceKind::Live, "https://api.instantly.ai");
        let workspace = store.create_workspace(&new, NOW).unwrap();
        (store, workspace)
    }

    fn client(workspace: &Workspace, name: &str) -> NewClient {
        let grant = Grant::for_use_case("lead-import");
        NewClient::new(&workspace.id, name, Environment::Production, grant)
    }

    /// The generation after a failure is that of the last success, and the next write works.
    #[test]
    fn a_full_disk_loses_nothing_that_was_acknowledged() {
        let (store, workspace) = with_workspace();
        let pages = |count: i64| {
            let connection = store.connection.lock().unwrap();
            connection
                .query_row(&format!("PRAGMA max_page_count = {count}"), [], |_| Ok(()))
                .unwrap();
        };
        pages(1);
        let mut made = 0_u64;
        let refused = loop {
            match store.create_client(&client(&workspace, &format!("c{made}")), NOW) {
                Ok(_) => made += 1,
                Err(error) => break error,
            }
            assert!(made < 10_000, "the limit was never reached");
        };
        assert!(matches!(refused, StoreError::Full), "{refused:?}");
        assert_eq!(store.generation().unwrap(), made + 2);
        assert_eq!(store.clients(None).unwrap().len() as u64, made);
        pages(100_000);
        store
            .create_client(&client(&workspace, "after"), NOW)
            .unwrap();
        assert_eq!(store.generation().unwrap(), made + 3);
    }

    #[test]
    fn a_change_that_fails_half_way_is_not_there_at_all() {
        let (store, workspace) = with_workspace();
        let before = store.generation().unwrap();
        let outcome: Result<()> = store.change(|tx| {
            clients::create(tx, &client(&workspace, "half"), NOW)?;
            Err(StoreError::ReadOnly)
        });
        assert!(outcome.is_err());
        assert!(store.clients(None).unwrap().is_empty());
        assert_eq!(store.generation().unwrap(), before);
    }

    #[test]
    fn a_panic_half_way_leaves_the_store_usable() {
        let (store, workspace) = with_workspace();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.change(|tx| -> Result<()> {
                clients::create(tx, &client(&workspace, "half"), NOW)?;
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        assert!(store.clients(None).unwrap().is_empty());
        store
            .create_client(&client(&workspace, "whole"), NOW)
            .unwrap();
    }

    /// A record that this version can't read is named; nothing is guessed.
    #[test]
    fn what_cannot_be_read_is_named() {
        let (store, workspace) = with_workspace();
        let made = store
            .create_client(&client(&workspace, "importer"), NOW)
            .unwrap();
        let tamper = |sql: &str| {
            store
                .connection
                .lock()
                .unwrap()
                .execute(sql, [&made.id])
                .unwrap();
        };
        tamper("UPDATE clients SET granted = '{\"everything\":true}' WHERE id = ?1");
        let error = store.clients(None).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the stored client '{}' can't be read", made.id)));

        // Well formed but beyond what may be granted: the snapshot is there, the client denied.
        tamper("UPDATE clients SET granted = '{\"scopes\":[\"all:all\"]}' WHERE id = ?1");
        let snapshot = store.load_snapshot(NOW).unwrap();
        let loaded = snapshot.client(&made.id).unwrap();
        assert_eq!(loaded.grant.as_ref().unwrap_err().code(), "wildcard_scope");
        assert!(loaded.view().grant.is_none());
    }
}
