//! What became of an event that was to be taken in.

use std::path::PathBuf;

use super::EventId;

/// The event is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was not there before.
    Stored(EventId),
    /// It was there already; nothing was written.
    Known(EventId),
}

impl Taken {
    /// The event's id.
    pub fn id(self) -> EventId {
        match self {
            Self::Stored(id) | Self::Known(id) => id,
        }
    }
}

/// Why an event was not taken in. All of them pass: who sent it is to send it again (503).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// More is waiting to be written than is held in memory.
    #[error("more events are waiting to be written than are held; send it again")]
    Busy,
    /// The disk is full, or nearly: what is left is for what was taken already.
    #[error("no room is left for events; make some, or let fewer be kept")]
    Full,
    /// Another process is writing the file.
    #[error("another process is writing {}", path.display())]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// The file can't be written.
    #[error("the events can't be written: {0}")]
    Failed(String),
    /// The store is being closed.
    #[error("the event store is closed")]
    Closed,
}
