//! What can go wrong with events.

use doorward_store::StoreError;

use crate::events::{EventId, TakeError};

/// Outcome of a call.
pub type Result<T> = std::result::Result<T, RelayError>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The database failed, or is not to be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key is not the one that the events were sealed under.
    #[error(
        "the events were sealed under another key; give the one that they were sealed under \
         (the ledger's audit key of that time)"
    )]
    WrongKey,
    /// The key is too short.
    #[error("the key has {0} bytes; it must have at least 32")]
    ShortKey(usize),
    /// The system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
    /// There is no such event.
    #[error("there is no event {0}; `doorward events list` shows those there are")]
    NoEvent(EventId),
    /// There is no such replay.
    #[error("there is no replay {0}; `doorward replay list` shows those there are")]
    NoReplay(i64),
    /// There is no such delivery, or it is in another state.
    #[error("there is no such delivery in that state; `doorward deliveries list` shows them")]
    NoDelivery,
    /// A stored value that this version can't read.
    #[error("what is stored of event number {seq} can't be read: {detail}")]
    Unreadable {
        /// The event's place.
        seq: i64,
        /// What is wrong.
        detail: &'static str,
    },
    /// More is waiting to be written than is held in memory.
    #[error("the event store has too much to write; try again")]
    Busy,
    /// What others wrote at the same time could not be written, nor this.
    #[error("the events can't be written: {0}")]
    Failed(String),
    /// The store is being closed.
    #[error("the event store is closed")]
    Closed,
}

impl From<rusqlite::Error> for RelayError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl RelayError {
    /// Whether another process has the file.
    fn is_locked(&self) -> bool {
        match self {
            Self::Store(StoreError::Locked { .. }) => true,
            Self::Store(StoreError::Database(error)) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            _ => false,
        }
    }

    /// What it means to whoever waits for an event to be taken in.
    pub(crate) fn refusal(&self, path: &std::path::Path) -> TakeError {
        match self {
            Self::Store(StoreError::Full) => TakeError::Full,
            Self::Closed => TakeError::Closed,
            Self::Busy => TakeError::Busy,
            error if error.is_locked() => TakeError::Locked {
                path: path.to_owned(),
            },
            error => TakeError::Failed(error.to_string()),
        }
    }

    /// The same for one of many that failed together.
    pub(crate) fn shared(&self) -> Self {
        match self {
            Self::Store(StoreError::Full) => Self::Store(StoreError::Full),
            Self::Closed => Self::Closed,
            error => Self::Failed(error.to_string()),
        }
    }
}
