//! A place in the log, for those who follow it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::index::BatchCursor;
use super::{Log, LogError, Reader};
use crate::segment::{Storage, read_all, replace};

/// A leaf with its place in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its index, from zero.
    pub sequence: u64,
    /// Its bytes: canonical JSON.
    pub leaf: Vec<u8>,
}

/// Walks through the log in order. Holds at most one bundle or batch.
pub struct Cursor {
    reader: Reader,
    next: u64,
    chunk: VecDeque<Record>,
    batches: Option<BatchCursor>,
}

impl Cursor {
    pub(super) fn new(reader: Reader, next: u64) -> Self {
        Self {
            reader,
            next,
            chunk: VecDeque::new(),
            batches: None,
        }
    }

    /// Sequence of the leaf that comes next.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The next leaf; `None` when there is none yet. May be asked again.
    ///
    /// # Errors
    ///
    /// When it was pruned or can't be read.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator could not go on after its end"
    )]
    pub fn next(&mut self) -> Result<Option<Record>, LogError> {
        if self.chunk.is_empty() && self.next < self.reader.size() {
            self.fill()?;
        }
        let record = self.chunk.pop_front();
        if let Some(record) = &record {
            self.next = record.sequence + 1;
        }
        Ok(record)
    }

    /// The next leaf, waiting for it; `None` when the time ran out or the log was closed.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn follow(&mut self, timeout: Duration) -> Result<Option<Record>, LogError> {
        if let Some(record) = self.next()? {
            return Ok(Some(record));
        }
        if self.reader.wait_for(self.next, timeout)? {
            self.next()
        } else {
            Ok(None)
        }
    }

    fn fill(&mut self) -> Result<(), LogError> {
        // At the end of the log, batch by batch; before that, in bundles.
        if let Some(batches) = &mut self.batches {
            match batches.next_batch() {
                Ok(Some(batch)) => {
                    self.take(&batch);
                    return Ok(());
                }
                // The segment may have been removed since: then there are bundles.
                Ok(None) | Err(_) => self.batches = None,
            }
        }
        if let Some(records) = self.reader.bundle(self.next)? {
            self.chunk = records.into();
            return Ok(());
        }
        let minimum = self.reader.minimum();
        if self.next < minimum {
            return Err(LogError::Pruned {
                sequence: self.next,
                minimum,
            });
        }
        let mut batches = BatchCursor::new(Arc::clone(&self.reader.index), self.next);
        match batches.next_batch() {
            Ok(Some(batch)) => self.take(&batch),
            Ok(None) => return Ok(()),
            Err(error) => {
                // Bundled and removed between the two looks.
                let Some(records) = self.reader.bundle(self.next)? else {
                    return Err(error);
                };
                self.chunk = records.into();
                return Ok(());
            }
        }
        self.batches = Some(batches);
        Ok(())
    }

    fn take(&mut self, batch: &crate::segment::Batch) {
        self.chunk = batch
            .leaves()
            .filter(|(sequence, ..)| *sequence >= self.next)
            .map(|(sequence, leaf, _)| Record {
                sequence,
                leaf: leaf.to_vec(),
            })
            .collect();
    }
}

/// Remembers how far someone came, across restarts. What was handled but not yet remembered is seen
/// again: at least once.
pub struct CursorFile {
    storage: Arc<dyn Storage>,
    path: String,
}

impl CursorFile {
    /// Under this name, of lower-case letters, digits and dashes.
    ///
    /// # Errors
    ///
    /// When the name has anything else, or the folder can't be made.
    pub fn new(storage: Arc<dyn Storage>, name: &str) -> Result<Self, LogError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
            return Err(LogError::io("cursors")(io::ErrorKind::InvalidInput.into()));
        }
        storage
            .create_folder("cursors")
            .map_err(LogError::io("cursors"))?;
        storage.sync_folder("").map_err(LogError::io("cursors"))?;
        Ok(Self {
            storage,
            path: format!("cursors/{name}"),
        })
    }

    /// Under this name, beside the files of an open log.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn beside(log: &Log, name: &str) -> Result<Self, LogError> {
        Self::new(Arc::clone(&log.shared.storage), name)
    }

    /// The sequence that comes next; `None` when nothing was remembered yet.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub fn load(&self) -> Result<Option<u64>, LogError> {
        match read_all(&*self.storage, &self.path, 32) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LogError::io(&self.path)(error)),
            Ok(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.trim_end().parse().ok())
                .map(Some)
                .ok_or_else(|| LogError::damaged(0, &self.path, "it holds no number")),
        }
    }

    /// Remembers, durably, that all before `next` was handled.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn store(&self, next: u64) -> Result<(), LogError> {
        replace(&*self.storage, &self.path, format!("{next}\n").as_bytes())
            .map_err(LogError::io(&self.path))
    }
}
