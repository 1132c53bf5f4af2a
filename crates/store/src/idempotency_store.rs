//! Writes that were made under an idempotency key, and what became of them.

use std::fmt;
use std::time::Duration;

use doorward_catalog::Op;
use doorward_policy::Timestamp;

use crate::error::{Result, StoreError};

/// Most bytes of a sealed answer that are taken.
const ANSWER_MAX: usize = 20 * 1024 * 1024;

/// Names a record: a keyed hash of whose key it is and for what. Nothing of the key is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyId([u8; 32]);

impl IdempotencyId {
    /// What the short form begins with.
    pub const PREFIX: &str = "idem_";

    /// From the hash.
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes, as the short form has them.
    pub fn head(&self) -> [u8; 8] {
        let mut head = [0; 8];
        head.iter_mut()
            .zip(self.0)
            .for_each(|(to, from)| *to = from);
        head
    }

    /// Reads the short form, `idem_` and 16 hexadecimal digits: the first eight bytes.
    pub fn parse_short(text: &str) -> Option<[u8; 8]> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let plain = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| plain)?;
        Some(number.to_be_bytes())
    }
}

/// The short form, by which people name it.
impl fmt::Display for IdempotencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        self.head()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for IdempotencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How far a write under an idempotency key is. One that never left has no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdempotencyState {
    /// It may have left, and there is no answer yet.
    Sent,
    /// It was answered.
    Answered,
    /// It may have been carried out: its answer was lost.
    Unknown,
}

impl IdempotencyState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Unknown => "unknown",
        }
    }

    /// The state of a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sent, Self::Answered, Self::Unknown]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A write under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Its name.
    pub id: IdempotencyId,
    /// Whose it is.
    pub client_id: String,
    /// The operation.
    pub operation: Op,
    /// The sub-workspace acted on.
    pub as_workspace: Option<String>,
    /// A keyed hash of the whole request.
    pub fingerprint: [u8; 32],
    /// How far it is.
    pub state: IdempotencyState,
    /// The name of the call that sent it last.
    pub request_id: String,
    /// When that was.
    pub sent_at: Timestamp,
    /// From when on it is forgotten.
    pub expires_at: Timestamp,
    /// The status of the answer; `None` without one.
    pub status: Option<u16>,
    /// The answer, sealed. `None` when there is none, or it was too large to be kept, or it was not
    /// asked for.
    pub answer: Option<Vec<u8>>,
}

/// What noting a write before it leaves came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It is noted, and may leave.
    Done,
    /// It was answered before; it must not leave.
    Answered,
    /// The client has as many records as it may have; the first ends then.
    Full(Timestamp),
}

/// Writes under idempotency keys.
///
/// None of these calls moves [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait IdempotencyStore: Send + Sync {
    /// The record of a name, with its answer; none that has expired.
    fn idempotency_record(
        &self,
        id: &IdempotencyId,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRecord>>;

    /// Notes that a write is about to leave, in the place of one of that name that was not answered
    /// or has expired. A client may have `most` records. `record` is taken with its state.
    fn note_sent(&self, record: &IdempotencyRecord, most: u32, now: Timestamp) -> Result<Noted>;

    /// Notes the answer to what `request_id` sent. An answer that would take the client's answers
    /// beyond `most_bytes` is left out. Whether there was such a record.
    fn note_answer(
        &self,
        id: &IdempotencyId,
        request_id: &str,
        status: u16,
        answer: Option<&[u8]>,
        most_bytes: u64,
    ) -> Result<bool>;

    /// Notes that the answer to what `request_id` sent was lost, and that it left at `sent_at` at the
    /// latest. Whether there was such a record.
    fn note_unknown(
        &self,
        id: &IdempotencyId,
        request_id: &str,
        sent_at: Timestamp,
    ) -> Result<bool>;

    /// Forgets what `request_id` sent. Whether there was such a record.
    fn forget_idempotency(&self, id: &IdempotencyId, request_id: &str) -> Result<bool>;

    /// Notes as unknown whatever was sent and has no answer: after a start, nothing is under way.
    /// Each may have left so much later than it was noted. How many there were.
    fn end_interrupted_writes(&self, late: Duration) -> Result<u64>;

    /// The records of a client, or of all, newest first, `limit` at most; without answers.
    fn idempotency_records(
        &self,
        client_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<IdempotencyRecord>>;

    /// The records whose names begin so; without answers.
    fn idempotency_records_named(&self, head: [u8; 8]) -> Result<Vec<IdempotencyRecord>>;

    /// Forgets what has expired. How many there were.
    fn prune_idempotency(&self, now: Timestamp) -> Result<u64>;
}

/// Checks an answer that is to be kept.
pub(crate) fn check_answer(answer: Option<&[u8]>) -> Result<()> {
    if answer.is_none_or(|answer| answer.len() <= ANSWER_MAX) {
        return Ok(());
    }
    Err(StoreError::Field {
        field: "the answer to be kept".to_owned(),
        fault: "is longer than 20 MiB",
    })
}
