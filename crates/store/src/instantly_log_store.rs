//! What was read of Instantly's own audit log, and what became of it.

use doorward_policy::Timestamp;

use crate::check::check_foreign_id;
use crate::error::{Result, StoreError};

/// Most bytes of one record.
const RECORD_MAX: usize = 32 * 1_024;
/// Most bytes of a state.
const STATE_MAX: usize = 16 * 1_024 * 1_024;
/// Most characters in a state's name.
const STATE_NAME_MAX: usize = 128;

/// One record of Instantly's audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Instantly's id of it.
    pub id: String,
    /// When it says it happened.
    pub at: Timestamp,
    /// What is kept of it, as JSON; the store does not look into it. At most 32 KiB.
    pub record: String,
}

/// What a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The trace of a call of ours.
    Matched {
        /// Place in the ledger of the leaf of the call.
        call: u64,
        /// Which of the traces that the call leaves, from zero.
        trace: u8,
    },
    /// Nobody's that the ledger knows.
    Unmatched,
}

/// What was read of Instantly's own audit log, the position of that reading, and what was seen of
/// each workspace last. Records are by Doorward's id of the workspace through which they were read.
///
/// None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait InstantlyLogStore: Send + Sync {
    /// Adds records; those that are there already stay as they are. How many are new.
    ///
    /// # Errors
    /// [`Field`](StoreError::Field) when one does not fit, [`NotFound`](StoreError::NotFound) when
    /// there is no such workspace; then none is added.
    fn add_log_records(&self, workspace_id: &str, rows: &[LogRow]) -> Result<u64>;

    /// The records of a workspace from `from` on and before `to`, by time and id, `limit` at most.
    fn log_records(
        &self,
        workspace_id: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<LogRow>>;

    /// The records before `to` that were not judged yet, with their workspace, oldest first,
    /// `limit` at most.
    fn open_log_records(&self, to: Timestamp, limit: usize) -> Result<Vec<(String, LogRow)>>;

    /// Notes what records turned out to be: workspace, record, judgement.
    fn judge_log_records(&self, judged: &[(&str, &str, Judgement)]) -> Result<()>;

    /// The traces of calls that records from `from` on and before `to` were matched with.
    fn matched_traces(&self, from: Timestamp, to: Timestamp) -> Result<Vec<(u64, u8)>>;

    /// Forgets the records before `before`. How many there were.
    fn prune_log_records(&self, before: Timestamp) -> Result<u64>;

    /// What was noted under a name, for a workspace or (with an empty id) for all.
    fn watch_state(&self, workspace_id: &str, name: &str) -> Result<Option<String>>;

    /// What was noted for a workspace under names that begin like this, by name.
    fn watch_states(&self, workspace_id: &str, prefix: &str) -> Result<Vec<(String, String)>>;

    /// Notes a text of at most 16 MiB under a name, in the place of what was there.
    fn set_watch_state(&self, workspace_id: &str, name: &str, value: &str) -> Result<()>;
}

/// Checks a record that is to be added.
pub(crate) fn check_row(row: &LogRow) -> Result<()> {
    check_foreign_id("the id of the audit record", &row.id)?;
    if row.record.len() <= RECORD_MAX {
        return Ok(());
    }
    Err(StoreError::Field {
        field: "the audit record".to_owned(),
        fault: "is longer than 32 KiB",
    })
}

/// Checks a state that is to be noted.
pub(crate) fn check_state(name: &str, value: &str) -> Result<()> {
    let fault = if !(1..=STATE_NAME_MAX).contains(&name.len())
        || !name.bytes().all(|byte| byte.is_ascii_graphic())
    {
        "has a name that is not 1 to 128 visible characters"
    } else if value.len() > STATE_MAX {
        "is longer than 16 MiB"
    } else {
        return Ok(());
    };
    Err(StoreError::Field {
        field: "what is to be noted".to_owned(),
        fault,
    })
}
