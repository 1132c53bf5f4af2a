//! What can go wrong with the record of acts.

use doorward_ledger::log::{AppendError, LogError};
use doorward_store::StoreError;

/// Why an act can't be recorded or the record can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The ledger can't be opened, read or published.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The ledger takes no leaf.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A leaf or a sealed value is not as it should be.
    #[error(transparent)]
    Leaf(#[from] doorward_ledger::Error),
    /// The store, where people's keys are, can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit key is too short.
    #[error("the audit key has {0} bytes; it needs 32 or more: make one with `doorward init`")]
    ShortKey(usize),
    /// A key in the store does not open under the audit key.
    #[error(
        "a key in the store was wrapped under another audit key than the configured one: \
         put the audit key back that this store was made with"
    )]
    OtherKey,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// What was to be recorded was not, because the record is closed or overloaded.
    #[error("the act can't be recorded: {0}")]
    NotRecorded(&'static str),
    /// A setting of the ledger's does not fit.
    #[error("{what}: {why}")]
    Setting {
        /// What it is about.
        what: &'static str,
        /// Why it does not fit.
        why: &'static str,
    },
    /// What was to be written can't be.
    #[error("it can't be written: {0}")]
    Write(#[from] std::io::Error),
    /// A sink's setting does not fit.
    #[error("sink {sink}: {why}")]
    Sink {
        /// Which sink, by its name.
        sink: String,
        /// Why its setting does not fit.
        why: &'static str,
    },
    /// There is no such format.
    #[error("there is no format `{0}`: use jsonl, ocsf, csv or cef")]
    Format(String),
    /// An application's claim does not fit.
    #[error("{member}: {why}")]
    Claim {
        /// The member that does not fit.
        member: &'static str,
        /// Why not.
        why: &'static str,
    },
}

/// The result of this crate's calls.
pub type Result<T> = std::result::Result<T, AuditError>;
