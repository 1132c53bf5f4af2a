//! What the ledger keeps apart from itself.

use doorward_policy::Timestamp;
use std::fmt;

use crate::check::check_name;
use crate::error::{Result, StoreError};

/// Most bytes in an anchor: a checkpoint with all its signatures.
const ANCHOR_MAX: usize = 64 * 1_024;
/// Most bytes in a wrapped key.
const WRAPPED_MAX: usize = 128;
/// Most characters in the name of a log.
const LOG_MAX: usize = 255;

/// What the ledger keeps apart from itself: its anchor, and keys that can be destroyed.
///
/// The anchor is the last checkpoint that was signed. A log that was set back to an earlier state
/// is found by it, so long as the store was not set back with it. The keys are wrapped by whoever
/// keeps them here; the store sees opaque bytes.
///
/// None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store): [`Field`](StoreError::Field) where a value does not fit, and
/// any call when the medium fails.
pub trait LedgerStore: Send + Sync {
    /// The anchor of the log of this name.
    fn ledger_anchor(&self, log: &str) -> Result<Option<Vec<u8>>>;

    /// Puts `new` in the place of `old` (`None` where there is none yet). Whether it was swapped:
    /// `false`, with nothing changed, when something else than `old` is there. Durable.
    fn swap_ledger_anchor(&self, log: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool>;

    /// The subject under this index entry, unless erased.
    fn subject_by_index(&self, index: &[u8; 32]) -> Result<Option<SubjectRow>>;

    /// The subject of this id, unless erased.
    fn subject(&self, id: &[u8; 16]) -> Result<Option<SubjectRow>>;

    /// Adds a subject. One that is there under that index entry already wins and is given.
    ///
    /// # Errors
    /// [`Field`](StoreError::Field) also for an id that is taken, by an erased subject too.
    fn add_subject(&self, new: &SubjectRow, now: Timestamp) -> Result<SubjectRow>;

    /// Destroys a subject's key and index entry: their bytes are overwritten in the database file
    /// and gone from its write-ahead log when the call returns. Whether there was one. What stays
    /// is the id and the kind, so that the id is never used again.
    ///
    /// # Errors
    /// [`NotScrubbed`](StoreError::NotScrubbed) when the key is gone for every reader of the
    /// store, and its bytes may still be in the files. The next erasure or opening, or the same
    /// call again, mends it.
    fn erase_subject(&self, id: &[u8; 16]) -> Result<bool>;

    /// The wrapped commitment key of this name, unless erased.
    fn commitment_key(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Adds a commitment key. One that is there already wins and is given. The name of an erased
    /// key is free again; commitments under the old key do not open with the new one, so give it
    /// another.
    fn add_commitment_key(&self, name: &str, wrapped: &[u8], now: Timestamp) -> Result<Vec<u8>>;

    /// The names of the commitment keys that are not erased, sorted.
    fn commitment_key_names(&self) -> Result<Vec<String>>;

    /// Destroys a commitment key, as [`LedgerStore::erase_subject`] does a subject's.
    ///
    /// # Errors
    /// As for [`LedgerStore::erase_subject`].
    fn erase_commitment_key(&self, name: &str) -> Result<bool>;
}

/// A person whose data the ledger holds sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectRow {
    /// The random id that leaves name the person by.
    pub id: [u8; 16],
    /// The keyed hash that the person is found by.
    pub index: [u8; 32],
    /// What the person is known by: `ip`, `email`, `admin`, `actor`. 1 to 16 of `a-z` and `_`.
    pub kind: String,
    /// The key that the person's values are sealed under, itself wrapped: 1 to 128 bytes.
    pub wrapped_key: Vec<u8>,
}

impl fmt::Debug for SubjectRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectRow")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

fn field(field: &str, fault: &'static str) -> StoreError {
    StoreError::Field {
        field: field.to_owned(),
        fault,
    }
}

/// Checks the name of a log: its origin, 1 to 255 visible characters of ASCII.
pub(crate) fn check_log(log: &str) -> Result<()> {
    if (1..=LOG_MAX).contains(&log.len()) && log.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(field(
        "the name of the log",
        "is not 1 to 255 visible characters of ASCII",
    ))
}

/// Checks the size of an anchor.
pub(crate) fn check_anchor(anchor: &[u8]) -> Result<()> {
    if (1..=ANCHOR_MAX).contains(&anchor.len()) {
        return Ok(());
    }
    Err(field("the ledger's anchor", "is not 1 to 65536 bytes"))
}

/// Checks a subject that is to be added.
pub(crate) fn check_subject(new: &SubjectRow) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if !(1..=16).contains(&new.kind.len()) || !new.kind.bytes().all(plain) {
        return Err(field(
            "the kind of the subject",
            "is not 1 to 16 of a-z and '_'",
        ));
    }
    check_wrapped("the key of the subject", &new.wrapped_key)
}

/// Checks a commitment key that is to be added.
pub(crate) fn check_commitment_key(name: &str, wrapped: &[u8]) -> Result<()> {
    check_name("the commitment key", name)?;
    check_wrapped("the commitment key", wrapped)
}

fn check_wrapped(of: &str, wrapped: &[u8]) -> Result<()> {
    if !(1..=WRAPPED_MAX).contains(&wrapped.len()) {
        return Err(field(of, "is not 1 to 128 bytes"));
    }
    // What was erased is zeros; nothing that lives may look so.
    if wrapped.iter().all(|byte| *byte == 0) {
        return Err(field(of, "is nothing but zeros"));
    }
    Ok(())
}
