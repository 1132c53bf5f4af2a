//! The file's format and how an older one is brought up to date.

use rusqlite::Connection;
use std::path::Path;

use crate::error::Result;
use crate::file::Format;

/// Marks the file as ours in its header: `DwSt`.
const APPLICATION_ID: i64 = 0x4477_5374;

/// The steps from an empty file to the present format, each in parts. The file's `user_version` is the number of
/// steps taken. A step that was released is never changed; what changes is a new step.
pub(super) const STEPS: [&[&str]; 9] = [
    &["
    CREATE TABLE state (
        id            INTEGER PRIMARY KEY CHECK (id = 1),
        generation    INTEGER NOT NULL,
        pepper_check  TEXT
    ) STRICT;
    INSERT INTO state (id, generation) VALUES (1, 1);

    CREATE TABLE workspaces (
        id            TEXT PRIMARY KEY NOT NULL,
        name          TEXT NOT NULL UNIQUE,
        instantly_id  TEXT,
        kind          TEXT NOT NULL CHECK (kind IN ('sandbox', 'live')),
        base_url      TEXT NOT NULL,
        environments  TEXT NOT NULL,
        created_at    INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Two records of one workspace would each spend the whole of its upstream limit.
    CREATE UNIQUE INDEX workspaces_upstream ON workspaces (base_url, instantly_id)
        WHERE instantly_id IS NOT NULL;

    CREATE TABLE upstream_keys (
        id             TEXT PRIMARY KEY NOT NULL,
        workspace_id   TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        name           TEXT NOT NULL,
        reference      TEXT NOT NULL,
        scopes         TEXT,
        state          TEXT NOT NULL CHECK (state IN ('active', 'retiring', 'retired')),
        probed_at      INTEGER,
        probe_outcome  TEXT CHECK (probe_outcome IN ('alive', 'dead', 'unclear')),
        probe_detail   TEXT,
        created_at     INTEGER NOT NULL,
        UNIQUE (workspace_id, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE clients (
        id            TEXT PRIMARY KEY NOT NULL,
        workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
        name          TEXT NOT NULL,
        owner         TEXT NOT NULL,
        environment   TEXT NOT NULL CHECK (environment IN ('development', 'staging', 'production')),
        purpose       TEXT NOT NULL,
        granted       TEXT NOT NULL,
        source        TEXT NOT NULL,
        expires_at    INTEGER,
        disabled_at   INTEGER,
        created_at    INTEGER NOT NULL,
        UNIQUE (workspace_id, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE client_keys (
        key_id        TEXT PRIMARY KEY NOT NULL CHECK (length(key_id) = 12),
        client_id     TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
        hash          BLOB NOT NULL CHECK (length(hash) = 32),
        created_at    INTEGER NOT NULL,
        expires_at    INTEGER,
        revoked_at    INTEGER,
        last_used_at  INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX client_keys_client ON client_keys (client_id);
    "],
    &["
    CREATE TABLE observed_scopes (
        workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        operation     TEXT NOT NULL,
        required      TEXT NOT NULL,
        first_seen    INTEGER NOT NULL,
        last_seen     INTEGER NOT NULL,
        PRIMARY KEY (workspace_id, operation)
    ) STRICT, WITHOUT ROWID;
    "],
    &[super::ledger::STEP],
    &[super::instantly_log::STEP],
    &[
        super::clients::CONTROLS_STEP,
        super::idempotency::STEP,
        super::pace::STEP,
        super::policies::STEP,
        super::approvals::STEP,
        super::admin_tokens::STEP,
    ],
    &[super::upstream_keys::STEP, super::rotations::STEP],
    &[super::relay_ends::STEP],
    &[super::revocations::STEP],
    &[super::checks::STEP],
];

/// The newest format known here.
pub(super) const FORMAT: i64 = STEPS.len() as i64;

pub(super) use crate::file::{configure, configure_writer};

const FILE: Format = Format {
    application_id: APPLICATION_ID,
    steps: &STEPS,
};

/// Whose file it is, in which format, and whether it is whole.
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<i64> {
    let found = FILE.identify(connection, path)?;
    Format::check_whole(connection, path)?;
    Ok(found)
}

/// Takes the steps up to format `to`, each whole or not at all.
pub(super) fn migrate(connection: &mut Connection, from: i64, to: i64) -> Result<()> {
    FILE.migrate(connection, from, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::StoreError;
    use crate::sqlite::SqliteStore;
    use crate::store::Store;
    use doorward_catalog::Op;
    use doorward_policy::Timestamp;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn raw(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        configure(&connection).unwrap();
        connection
    }

    /// All that the schema consists of.
    fn schema(path: &Path) -> Vec<String> {
        let connection = raw(path);
        let mut statement = connection
            .prepare("SELECT coalesce(sql, name) FROM sqlite_master ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn an_older_file_is_brought_up_to_date_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
        drop(SqliteStore::open(&new).unwrap());
        for from in 1..FORMAT {
            let _ = std::fs::remove_file(&old);
            let mut connection = raw(&old);
            migrate(&mut connection, 0, from).unwrap();
            connection
                .execute_batch(
                    "INSERT INTO workspaces VALUES ('ws_1', 'acme', NULL, 'live',
                        'https://api.instantly.ai', '[\"production\"]', 1);
                     INSERT INTO upstream_keys (id, workspace_id, name, reference, state, created_at)
                        VALUES ('uk_1', 'ws_1', 'reader', 'env://KEY', 'active', 1);
                     INSERT INTO clients (id, workspace_id, name, owner, environment, purpose,
                        granted, source, created_at) VALUES ('cl_1', 'ws_1', 'importer', '',
                        'production', '', '{\"use_cases\":[\"lead-import\"]}', 'cli', 1);",
                )
                .unwrap();
            drop(connection);

            let refused = SqliteStore::open_read_only(&old).unwrap_err();
            assert!(matches!(refused, StoreError::NeedsMigration { found, .. } if found == from));

            let store = SqliteStore::open(&old).unwrap();
            assert_eq!(store.client("ws_1", "importer").unwrap().id, "cl_1");
            let key = store.workspace("ws_1").unwrap().upstream_keys.remove(0);
            assert_eq!(key.role, crate::workspace::KeyRole::Carries);
            assert_eq!((key.api_key_id, key.made_by, &*key.owner), (None, None, ""));
            store
                .record_observed_scope("ws_1", Op::ShareCampaign, &["campaigns:all".into()], NOW)
                .unwrap();
            assert_eq!(store.observed_scopes().unwrap().len(), 1);
            drop(store);
            assert_eq!(schema(&old), schema(&new), "however it came about");
            drop(SqliteStore::open_read_only(&old).unwrap());
        }
    }

    #[test]
    fn a_newer_file_and_one_of_another_program_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("newer.db");
        drop(SqliteStore::open(&path).unwrap());
        raw(&path)
            .pragma_update(None, "user_version", FORMAT + 1)
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert!(
            matches!(refused, StoreError::TooNew { found, known, .. }
                if found == FORMAT + 1 && known == FORMAT),
            "{refused:?}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);

        let path = folder.path().join("foreign.db");
        raw(&path)
            .execute_batch("CREATE TABLE notes (text)")
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(refused, StoreError::NotOurs { .. }), "{refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, 0, 1).unwrap();
        // What the second step is to make is in its way.
        connection
            .execute_batch("CREATE TABLE observed_scopes (x)")
            .unwrap();
        assert!(migrate(&mut connection, 1, 2).is_err());
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 1);
    }

    #[test]
    fn the_database_itself_holds_the_constraints() {
        let mut connection = Connection::open_in_memory().unwrap();
        configure(&connection).unwrap();
        migrate(&mut connection, 0, FORMAT).unwrap();
        for sql in [
            // No workspace of that id.
            "INSERT INTO clients VALUES ('cl_1', 'ws_0', 'c', '', 'production', '', '{}', 'cli',
                NULL, NULL, 1)",
            "INSERT INTO client_keys VALUES ('abcdefghijkl', 'cl_0', zeroblob(32), 1, NULL, NULL,
                NULL)",
            // No such kind, environment count, or type.
            "INSERT INTO workspaces VALUES ('ws_1', 'w', NULL, 'real', 'https://x', '[]', 1)",
            "INSERT INTO workspaces VALUES ('ws_1', 'w', NULL, 'live', 'https://x', '[]', 'now')",
            "INSERT INTO state (id, generation) VALUES (2, 1)",
        ] {
            assert!(connection.execute(sql, []).is_err(), "{sql}");
        }
    }

    #[test]
    fn writes_are_logged_ahead_and_synchronous() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let connection = raw(&path);
        configure_writer(&connection).unwrap();
        let text = |name: &str| -> String {
            connection
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap()
        };
        let number = |name: &str| -> i64 {
            connection
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap()
        };
        assert_eq!(text("journal_mode"), "wal");
        assert_eq!((number("synchronous"), number("foreign_keys")), (2, 1));
        assert_eq!((number("secure_delete"), number("trusted_schema")), (1, 0));
    }
}
