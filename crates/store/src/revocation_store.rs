//! Revocations of upstream keys that nothing takes the place of: owed until they are over.

use doorward_policy::Timestamp;

use crate::check::{check_foreign_id, holds_key};
use crate::error::{Result, StoreError};

/// Most bytes of a revocation's state.
const STATE_MAX: usize = 16 * 1024;

/// A revocation to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    /// Its id.
    pub id: String,
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Instantly's id of the key.
    pub api_key_id: String,
    /// Doorward's id of the key, if there is a record of it: it is retired in the same change.
    pub key_id: Option<String>,
    /// Its state as JSON, without secrets; the store does not look into it. At most 16 KiB.
    pub state: String,
}

/// A revocation, owed or over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRecord {
    /// Its id.
    pub id: String,
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Instantly's id of the key.
    pub api_key_id: String,
    /// Doorward's id of the key, if there was a record of it.
    pub key_id: Option<String>,
    /// Its state as JSON.
    pub state: String,
    /// Whether it is owed.
    pub open: bool,
    /// Counts the changes of its state.
    pub version: u64,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// Revocations. A key of a workspace has one that is open, at most; as long as it is, neither the key's
/// record nor the workspace can be deleted.
///
/// Only [`begin_revocation`](Self::begin_revocation) moves
/// [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait RevocationStore: Send + Sync {
    /// Adds a revocation, open, version 1, and retires the key.
    ///
    /// # Errors
    /// [`Duplicate`](StoreError::Duplicate) when one of that key is open, or its id is taken.
    fn begin_revocation(&self, new: &NewRevocation, now: Timestamp) -> Result<RevocationRecord>;

    /// One revocation.
    fn revocation(&self, id: &str) -> Result<RevocationRecord>;

    /// The revocations that are open, the oldest first.
    fn open_revocations(&self) -> Result<Vec<RevocationRecord>>;

    /// Revocations of a workspace, or all, the newest first.
    fn revocations(
        &self,
        workspace_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RevocationRecord>>;

    /// Changes the state of an open revocation if it still has this version; with `over`, for the last
    /// time. The version after, or `None`, and nothing is changed, when it has another or is over.
    fn save_revocation(
        &self,
        id: &str,
        version: u64,
        state: &str,
        over: bool,
        now: Timestamp,
    ) -> Result<Option<u64>>;
}

pub(crate) fn check_revocation(new: &NewRevocation) -> Result<()> {
    check_foreign_id("the revocation's id", &new.id)?;
    check_foreign_id("Instantly's id of the key", &new.api_key_id)?;
    check_revocation_state(&new.state)
}

pub(crate) fn check_revocation_state(state: &str) -> Result<()> {
    let fault = if state.len() > STATE_MAX {
        "is longer than 16 KiB"
    } else if holds_key(state) {
        "holds a key"
    } else {
        return Ok(());
    };
    Err(StoreError::Field {
        field: "the revocation's state".to_owned(),
        fault,
    })
}
