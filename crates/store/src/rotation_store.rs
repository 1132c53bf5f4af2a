//! Rotations of upstream keys: how far each is, and the swap of one key for another.

use doorward_policy::Timestamp;

use crate::check::{check_foreign_id, check_name, check_reference};
use crate::error::{Result, StoreError};
use crate::workspace::UpstreamKey;

/// Most bytes of a rotation's state.
const STATE_MAX: usize = 256 * 1024;

/// A rotation to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRotation {
    /// Its id, as it stands in the names of the keys that it makes.
    pub id: String,
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Name of the upstream key, which stays when its value changes.
    pub key: String,
    /// Where the new key's value is to be kept.
    pub reference: String,
    /// Its state as JSON, without secrets; the store does not look into it. At most 256 KiB.
    pub state: String,
}

/// A rotation, under way or over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRecord {
    /// Its id.
    pub id: String,
    /// Doorward's id of the workspace.
    pub workspace_id: String,
    /// Name of the upstream key.
    pub key: String,
    /// Where the new key's value is, or was to be, kept.
    pub reference: String,
    /// Doorward's id of the new key: `uk_…`, also before there is a record of it.
    pub new_key_id: String,
    /// Its state as JSON.
    pub state: String,
    /// Whether it is under way.
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

/// A key that takes another's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotedKey {
    /// Doorward's id of the key whose place it takes; `None` for one that is new.
    pub old: Option<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Instantly's id of it.
    pub api_key_id: String,
}

/// Rotations. A key's name stays where its calls go: promoting gives it to the new key and leaves the
/// old one behind it as `name~old`, retiring; demoting turns that round, and what is over is
/// `name~<rotation>`, retired. No name that a person can give has a `~`.
///
/// Only [`promote_key`](Self::promote_key), [`demote_key`](Self::demote_key) and
/// [`end_rotation`](Self::end_rotation) move [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait RotationStore: Send + Sync {
    /// Adds a rotation, open, version 1.
    ///
    /// # Errors
    /// [`Duplicate`](StoreError::Duplicate) when one of that key is open, or its id is taken.
    fn begin_rotation(&self, new: &NewRotation, now: Timestamp) -> Result<RotationRecord>;

    /// One rotation.
    fn rotation(&self, id: &str) -> Result<RotationRecord>;

    /// The rotations that are open, the oldest first.
    fn open_rotations(&self) -> Result<Vec<RotationRecord>>;

    /// Rotations of a workspace and of a key, or of all, the newest first.
    fn rotations(
        &self,
        workspace_id: Option<&str>,
        key: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RotationRecord>>;

    /// Changes the state of an open rotation if it still has this version. The version after, or
    /// `None`, and nothing is changed, when it has another or is over.
    fn save_rotation(
        &self,
        id: &str,
        version: u64,
        state: &str,
        now: Timestamp,
    ) -> Result<Option<u64>>;

    /// The same for the last time: it is over. The key with Doorward's id `retire` is retired with
    /// it, if there is one.
    fn end_rotation(
        &self,
        id: &str,
        version: u64,
        state: &str,
        retire: Option<&str>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Gives the rotated key's name to the new key, active, and leaves the old one retiring. What
    /// is known of the old one beside its value is so of the new one. Done again it changes nothing.
    fn promote_key(&self, id: &str, new: &PromotedKey, now: Timestamp) -> Result<UpstreamKey>;

    /// Gives the name back to the old key, active, and leaves the new one retiring. Done again, or
    /// where nothing was promoted, it changes nothing.
    fn demote_key(&self, id: &str, old: Option<&str>) -> Result<()>;
}

pub(crate) fn check_rotation(new: &NewRotation) -> Result<()> {
    check_foreign_id("the rotation's id", &new.id)?;
    check_name("the upstream key", &new.key)?;
    check_reference(&new.reference)?;
    check_rotation_state(&new.state)
}

pub(crate) fn check_rotation_state(state: &str) -> Result<()> {
    let fault = if state.len() > STATE_MAX {
        "is longer than 256 KiB"
    } else if crate::check::holds_key(state) {
        "holds a key"
    } else {
        return Ok(());
    };
    Err(StoreError::Field {
        field: "the rotation's state".to_owned(),
        fault,
    })
}
