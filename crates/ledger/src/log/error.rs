//! What can go wrong with a log, and what to do then.

use std::io;
use std::sync::Arc;

use super::AnchorError;

/// Why a log can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder, within the log's folder.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process writes this log.
    #[error("another process writes this ledger: stop it first, or only read")]
    Locked,
    /// There is no room for the reserve, so not even a full disk could be recorded.
    #[error("the ledger's disk is full: free {needed} bytes, then start again")]
    DiskFull {
        /// Bytes that are needed at least.
        needed: u64,
    },
    /// Something in the log's folder was changed or lost.
    #[error(
        "the ledger is damaged at leaf {sequence} ({path}): {why}. Keep the folder as it is, and \
         restore the ledger from a backup or a copy of its tiles"
    )]
    Damaged {
        /// The first leaf that can't be read.
        sequence: u64,
        /// The file, within the log's folder.
        path: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The log ends before its last signed checkpoint.
    #[error(
        "the ledger ends at {have} leaves but {signed} were signed: the folder was turned back or \
         leaves were lost. Put the newest copy of the folder back; do not start with this one"
    )]
    Behind {
        /// Leaves that are there.
        have: u64,
        /// Leaves that a signed checkpoint speaks of.
        signed: u64,
    },
    /// The tree doesn't have the root that was signed.
    #[error(
        "the ledger's first {size} leaves don't have the root that was signed: some were changed. \
         Run the verifier to see which, and restore them from a backup"
    )]
    OtherRoot {
        /// Size of the signed checkpoint.
        size: u64,
    },
    /// There are leaves or a checkpoint, but nothing in the anchor.
    #[error(
        "the store holds no checkpoint of this ledger of {size} leaves: connect the store it was \
         written with, or, if that is lost, verify the ledger and adopt it"
    )]
    NotAnchored {
        /// Leaves that are there.
        size: u64,
    },
    /// A file of another log.
    #[error("{path} belongs to another ledger: compare the origin in the configuration")]
    OtherLog {
        /// The file, within the log's folder.
        path: String,
    },
    /// A checkpoint that can't be trusted.
    #[error("the {place} holds a checkpoint that can't be used: {source}")]
    Checkpoint {
        /// Where it is.
        place: &'static str,
        /// What is wrong.
        source: crate::Error,
    },
    /// The anchor can't be used.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// Something in the configuration or what was signed.
    #[error(transparent)]
    Format(#[from] crate::Error),
    /// The leaf was pruned.
    #[error("leaf {sequence} was pruned: leaves are kept from {minimum} on")]
    Pruned {
        /// The leaf that was asked for.
        sequence: u64,
        /// The first that is kept.
        minimum: u64,
    },
    /// The leaf was not written yet.
    #[error("leaf {sequence} is not written yet: the ledger has {size}")]
    NotYet {
        /// The leaf that was asked for.
        sequence: u64,
        /// Leaves that are durable.
        size: u64,
    },
    /// The log is halted.
    #[error(transparent)]
    Halted(#[from] Halt),
}

impl LogError {
    pub(crate) fn io(path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(sequence: u64, path: &str, why: &'static str) -> Self {
        Self::Damaged {
            sequence,
            path: path.to_owned(),
            why,
        }
    }

    pub(crate) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if disk_full(source))
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

pub(crate) fn disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Why a log takes no more leaves until it is opened again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Halt {
    /// It was closed.
    #[error("the ledger is closed")]
    Closed,
    /// Its disk is full.
    #[error("the ledger's disk is full: free some room, then start again")]
    DiskFull,
    /// A write failed, or another writer was found.
    #[error("the ledger can't be written: {0}; mend the cause, then start again")]
    Failed(Arc<str>),
}

/// Why a leaf was not recorded, or is not known to be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// More wait for the disk than may. The leaf was not recorded; it may be tried again.
    #[error("the ledger's queue is full: {waiting} leaves wait for the disk")]
    QueueFull {
        /// Leaves that wait.
        waiting: usize,
    },
    /// The log halted. A leaf that was waiting may or may not have been recorded.
    #[error(transparent)]
    Halted(#[from] Halt),
}
