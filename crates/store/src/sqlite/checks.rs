//! Runs of the checklist, what they found, and what is muted.

use doorward_policy::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::SqliteStore;
use super::rows::collect;
use crate::check_store::{
    CheckRun, CheckStore, FINDINGS_MAX, GONE_KEPT_MS, KeptFinding, KeptMute, MUTES_MAX,
    NewCheckRun, RUNS_KEPT, SeenFinding, check_mute, check_run,
};
use crate::error::{Result, StoreError, What};

/// The tables. A finding that came back is there once more.
pub(super) const STEP: &str = "
    CREATE TABLE check_runs (
        id      TEXT PRIMARY KEY NOT NULL,
        at      INTEGER NOT NULL,
        record  TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX check_runs_at ON check_runs (at);

    CREATE TABLE check_findings (
        fingerprint  TEXT NOT NULL,
        began_at     INTEGER NOT NULL,
        gone_at      INTEGER,
        muted        INTEGER NOT NULL CHECK (muted IN (0, 1)),
        record       TEXT NOT NULL,
        PRIMARY KEY (fingerprint, began_at)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX check_findings_there ON check_findings (fingerprint)
        WHERE gone_at IS NULL;

    CREATE TABLE check_mutes (
        what     TEXT PRIMARY KEY NOT NULL,
        reason   TEXT NOT NULL,
        owner    TEXT NOT NULL,
        until    TEXT NOT NULL,
        made_at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

fn keep(
    tx: &Transaction<'_>,
    run: &NewCheckRun,
    seen: &[SeenFinding],
    gone: &[String],
) -> Result<()> {
    let at = run.at.millis();
    tx.execute(
        "INSERT INTO check_runs VALUES (?1, ?2, ?3)",
        params![run.id, at, run.record],
    )?;
    tx.execute(
        "DELETE FROM check_runs WHERE id NOT IN
             (SELECT id FROM check_runs ORDER BY at DESC, id DESC LIMIT ?1)",
        [RUNS_KEPT],
    )?;
    let mut end = tx.prepare_cached(
        "UPDATE check_findings SET gone_at = ?2 WHERE fingerprint = ?1 AND gone_at IS NULL",
    )?;
    for fingerprint in gone {
        end.execute(params![fingerprint, at])?;
    }
    let mut go_on = tx.prepare_cached(
        "UPDATE check_findings SET muted = ?2, record = ?3
         WHERE fingerprint = ?1 AND gone_at IS NULL",
    )?;
    // One that went and came within a millisecond was not gone.
    let mut begin = tx.prepare_cached(
        "INSERT INTO check_findings VALUES (?1, ?2, NULL, ?3, ?4)
         ON CONFLICT (fingerprint, began_at) DO UPDATE
         SET gone_at = NULL, muted = excluded.muted, record = excluded.record",
    )?;
    for one in seen {
        if go_on.execute(params![one.fingerprint, one.muted, one.record])? == 0 {
            begin.execute(params![one.fingerprint, at, one.muted, one.record])?;
        }
    }
    tx.execute(
        "DELETE FROM check_findings WHERE gone_at < ?1",
        [run.at.plus_millis(-GONE_KEPT_MS).millis()],
    )?;
    let most = i64::try_from(FINDINGS_MAX).unwrap_or(i64::MAX);
    tx.execute(
        "DELETE FROM check_findings WHERE (fingerprint, began_at) IN
             (SELECT fingerprint, began_at FROM check_findings WHERE gone_at IS NOT NULL
              ORDER BY gone_at DESC LIMIT -1 OFFSET ?1)",
        [most],
    )?;
    Ok(())
}

fn read_run(row: &Row<'_>) -> Result<CheckRun> {
    Ok(CheckRun {
        id: row.get("id")?,
        at: Timestamp::from_millis(row.get("at")?),
        record: row.get("record")?,
    })
}

fn read_finding(row: &Row<'_>) -> Result<KeptFinding> {
    let gone: Option<i64> = row.get("gone_at")?;
    Ok(KeptFinding {
        fingerprint: row.get("fingerprint")?,
        began_at: Timestamp::from_millis(row.get("began_at")?),
        gone_at: gone.map(Timestamp::from_millis),
        muted: row.get("muted")?,
        record: row.get("record")?,
    })
}

fn read_mute(row: &Row<'_>) -> Result<KeptMute> {
    Ok(KeptMute {
        what: row.get("what")?,
        reason: row.get("reason")?,
        owner: row.get("owner")?,
        until: row.get("until")?,
        made_at: Timestamp::from_millis(row.get("made_at")?),
    })
}

fn keep_mute(tx: &Transaction<'_>, mute: &KeptMute) -> Result<()> {
    tx.execute(
        "INSERT INTO check_mutes VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (what) DO UPDATE
         SET reason = excluded.reason, owner = excluded.owner, until = excluded.until,
             made_at = excluded.made_at",
        params![
            mute.what,
            mute.reason,
            mute.owner,
            mute.until,
            mute.made_at.millis()
        ],
    )?;
    let count: i64 = tx.query_row("SELECT count(*) FROM check_mutes", [], |row| row.get(0))?;
    if count <= MUTES_MAX {
        return Ok(());
    }
    Err(StoreError::Field {
        field: "the mute".to_owned(),
        fault: "would be one more than 1,000; remove those that are over",
    })
}

impl CheckStore for SqliteStore {
    fn keep_check_run(
        &self,
        run: &NewCheckRun,
        seen: &[SeenFinding],
        gone: &[String],
    ) -> Result<()> {
        check_run(run, seen)?;
        self.note(|tx| keep(tx, run, seen, gone))
    }

    fn check_runs(&self, limit: usize) -> Result<Vec<CheckRun>> {
        let sql = "SELECT id, at, record FROM check_runs ORDER BY at DESC, id DESC LIMIT ?1";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|tx| collect(tx, sql, [limit], read_run))
    }

    fn check_findings(&self) -> Result<Vec<KeptFinding>> {
        let sql = "SELECT fingerprint, began_at, gone_at, muted, record FROM check_findings
             ORDER BY fingerprint, began_at";
        self.read(|tx| collect(tx, sql, [], read_finding))
    }

    fn keep_check_mute(&self, mute: &KeptMute) -> Result<()> {
        check_mute(mute)?;
        self.note(|tx| keep_mute(tx, mute))
    }

    fn check_mutes(&self) -> Result<Vec<KeptMute>> {
        let sql = "SELECT what, reason, owner, until, made_at FROM check_mutes ORDER BY what";
        self.read(|tx| collect(tx, sql, [], read_mute))
    }

    fn delete_check_mute(&self, what: &str) -> Result<KeptMute> {
        self.note(|tx| {
            let sql = "SELECT what, reason, owner, until, made_at FROM check_mutes WHERE what = ?1";
            let found = tx.query_row(sql, [what], |row| Ok(read_mute(row)));
            let found = found.optional()?;
            let mute = found.ok_or_else(|| StoreError::not_found(What::CheckMute, what))??;
            tx.execute("DELETE FROM check_mutes WHERE what = ?1", [what])?;
            Ok(mute)
        })
    }
}
