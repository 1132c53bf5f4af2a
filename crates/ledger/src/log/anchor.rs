//! Where the last signed checkpoint is also kept, apart from the log.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::MAX_NOTE_BYTES;
use crate::segment::{Storage, read_all, replace};

/// One row that is compared and swapped: the log's last signed checkpoint, in a place that whoever
/// turns the log's folder back does not also turn back.
pub trait Anchor: Send + Sync {
    /// The checkpoint that was last swapped in, as it was given.
    ///
    /// # Errors
    ///
    /// [`AnchorError::Unavailable`].
    fn load(&self) -> Result<Option<Vec<u8>>, AnchorError>;

    /// Replaces `old` by `new`, durably, and only if `old` is what is there.
    ///
    /// # Errors
    ///
    /// [`AnchorError::Conflict`] when something else is there; otherwise it is not known whether
    /// `new` is.
    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AnchorError>;
}

/// Why an anchor could not be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnchorError {
    /// Something else is there than was expected.
    #[error("another checkpoint is anchored than this log's last")]
    Conflict,
    /// It can't be reached now.
    #[error("the anchor can't be reached: {0}")]
    Unavailable(String),
}

/// An anchor in a file: for logs without a store. Put it on another disk than the log.
pub struct FileAnchor {
    storage: Arc<dyn Storage>,
    // One swap at a time within this process; the log's lock keeps other processes out.
    lock: Mutex<()>,
}

impl FileAnchor {
    const PATH: &str = "anchor";

    /// In the file `anchor` of this folder.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            lock: Mutex::new(()),
        }
    }
}

impl Anchor for FileAnchor {
    fn load(&self) -> Result<Option<Vec<u8>>, AnchorError> {
        match read_all(&*self.storage, Self::PATH, MAX_NOTE_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AnchorError::Unavailable(error.to_string())),
        }
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AnchorError> {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.load()?.as_deref() != old {
            return Err(AnchorError::Conflict);
        }
        replace(&*self.storage, Self::PATH, new)
            .map_err(|error| AnchorError::Unavailable(error.to_string()))
    }
}
