//! Uses by client, and the saved pace.

use doorward_policy::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::SqliteStore;
use super::rows::collect;
use crate::error::Result;
use crate::pace_store::{ClientUse, PaceStore, SavedPace, check_pace};

/// The tables. Of each client there is the latest day; of the pace there is one row.
pub(super) const STEP: &str = "
    CREATE TABLE client_uses (
        client_id  TEXT PRIMARY KEY NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
        day        INTEGER NOT NULL,
        calls      INTEGER NOT NULL CHECK (calls >= 0),
        leads      INTEGER NOT NULL CHECK (leads >= 0)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pace (
        id     INTEGER PRIMARY KEY CHECK (id = 1),
        state  TEXT NOT NULL,
        ended  INTEGER NOT NULL CHECK (ended IN (0, 1)),
        at     INTEGER NOT NULL
    ) STRICT;
";

fn save_uses(tx: &Transaction<'_>, uses: &[ClientUse]) -> Result<()> {
    let mut save = tx.prepare_cached(
        "INSERT INTO client_uses (client_id, day, calls, leads)
         SELECT id, ?2, ?3, ?4 FROM clients WHERE id = ?1
         ON CONFLICT (client_id) DO UPDATE
         SET day = excluded.day, calls = excluded.calls, leads = excluded.leads
         WHERE excluded.day >= day",
    )?;
    for used in uses {
        let (calls, leads) = (number(used.calls), number(used.leads));
        save.execute(params![used.client_id, used.day, calls, leads])?;
    }
    Ok(())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl PaceStore for SqliteStore {
    fn client_uses(&self, day: i64) -> Result<Vec<ClientUse>> {
        let sql = "SELECT client_id, day, calls, leads FROM client_uses WHERE day = ?1
             ORDER BY client_id";
        let read = |row: &Row<'_>| {
            Ok(ClientUse {
                client_id: row.get("client_id")?,
                day: row.get("day")?,
                calls: count(row.get("calls")?),
                leads: count(row.get("leads")?),
            })
        };
        self.read(|tx| collect(tx, sql, [day], read))
    }

    fn save_client_uses(&self, uses: &[ClientUse]) -> Result<()> {
        self.note(|tx| save_uses(tx, uses))
    }

    fn saved_pace(&self) -> Result<Option<SavedPace>> {
        let sql = "SELECT state, ended, at FROM pace WHERE id = 1";
        self.read(|tx| {
            let saved = tx.query_row(sql, [], |row| {
                Ok(SavedPace {
                    state: row.get(0)?,
                    ended: row.get(1)?,
                    at: Timestamp::from_millis(row.get(2)?),
                })
            });
            Ok(saved.optional()?)
        })
    }

    fn save_pace(&self, pace: &SavedPace) -> Result<()> {
        check_pace(pace)?;
        let sql = "INSERT INTO pace (id, state, ended, at) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE
             SET state = excluded.state, ended = excluded.ended, at = excluded.at";
        self.note(|tx| {
            tx.execute(sql, params![pace.state, pace.ended, pace.at.millis()])?;
            Ok(())
        })
    }
}
