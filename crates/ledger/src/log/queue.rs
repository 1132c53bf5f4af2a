//! Leaves that wait for the disk, gathered into batches.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{AppendError, Halt, Tuning};
use crate::LeafBytes;
use crate::segment::{BATCH_HEADER_LEN, MAX_BATCH_LEAVES, RECORD_HEADER_LEN, push_record};

/// A batch is closed at this size, in bytes, however few its leaves.
const BATCH_BYTES: usize = 1 << 20;

pub(crate) type Callback = Box<dyn FnOnce(Result<u64, AppendError>) + Send>;
pub(crate) type Outcome = OnceLock<Result<(), Halt>>;

/// A leaf on its way to the disk.
#[derive(Clone, Debug)]
#[must_use = "the leaf is durable only once `wait` says so"]
pub struct Ticket {
    sequence: u64,
    outcome: Arc<Outcome>,
}

impl Ticket {
    /// The leaf's sequence, if it gets durable.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Blocks until the leaf is durable, and tells its sequence.
    ///
    /// # Errors
    ///
    /// When the log halted; the leaf may or may not be recorded then.
    pub fn wait(self) -> Result<u64, AppendError> {
        self.outcome.wait().clone()?;
        Ok(self.sequence)
    }

    /// Whether the leaf is durable; `None` when that is not decided yet.
    pub fn is_durable(&self) -> Option<bool> {
        self.outcome.get().map(Result::is_ok)
    }
}

/// A batch that is being filled or waits for its turn.
pub(crate) struct Pending {
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// Room for the batch's header, then its records.
    pub(crate) bytes: Vec<u8>,
    /// Where each leaf is in `bytes`. The checks before them are still to be filled in: hashed
    /// together they take a third of the time.
    pub(crate) leaves: Vec<Range<usize>>,
    outcome: Arc<Outcome>,
    callbacks: Vec<(u64, Callback)>,
}

impl Pending {
    /// Tells everyone who waits.
    pub(crate) fn settle(self, result: Result<(), Halt>) {
        // Nobody else sets it.
        let _ = self.outcome.set(result.clone());
        for (sequence, callback) in self.callbacks {
            let told = result
                .clone()
                .map(|()| sequence)
                .map_err(AppendError::Halted);
            // A caller's fault must not stop the log for all.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| callback(told)));
        }
    }
}

/// All that waits.
pub(crate) struct Queue {
    batches: VecDeque<Pending>,
    next: u64,
    leaves: usize,
    bytes: usize,
    /// Bytes of a recent batch.
    usual: usize,
    limits: Tuning,
    /// No more leaves are taken.
    pub(crate) halt: Option<Halt>,
    /// The writer sleeps and must be woken when so many leaves wait.
    pub(crate) wake_at: usize,
}

impl Queue {
    pub(crate) fn new(next: u64, limits: Tuning) -> Self {
        Self {
            batches: VecDeque::new(),
            next,
            leaves: 0,
            bytes: 0,
            usual: 0,
            limits,
            halt: None,
            wake_at: usize::MAX,
        }
    }

    /// Puts a leaf at the end.
    pub(crate) fn push(
        &mut self,
        leaf: &LeafBytes,
        callback: Option<Callback>,
    ) -> Result<Ticket, (AppendError, Option<Callback>)> {
        if let Some(halt) = &self.halt {
            return Err((AppendError::Halted(halt.clone()), callback));
        }
        let leaf = leaf.as_bytes();
        let size = RECORD_HEADER_LEN + leaf.len();
        if self.leaves >= self.limits.queue_leaves || self.bytes + size > self.limits.queue_bytes {
            return Err((
                AppendError::QueueFull {
                    waiting: self.leaves,
                },
                callback,
            ));
        }
        let most = self.limits.batch_leaves.clamp(1, MAX_BATCH_LEAVES);
        let room = |batch: &Pending| batch.count < most && batch.bytes.len() + size <= BATCH_BYTES;
        if !self.batches.back().is_some_and(room) {
            let batch = self.empty_batch();
            self.batches.push_back(batch);
        }
        let Some(batch) = self.batches.back_mut() else {
            return Err((
                AppendError::QueueFull {
                    waiting: self.leaves,
                },
                callback,
            ));
        };
        push_record(&mut batch.bytes, leaf);
        let end = batch.bytes.len();
        batch.leaves.push(end - leaf.len()..end);
        batch.count += 1;
        let sequence = self.next;
        batch
            .callbacks
            .extend(callback.map(|callback| (sequence, callback)));
        self.next += 1;
        self.leaves += 1;
        self.bytes += size;
        Ok(Ticket {
            sequence,
            outcome: Arc::clone(&batch.outcome),
        })
    }

    fn empty_batch(&self) -> Pending {
        // As large as the last ones were, more or less.
        let mut bytes = Vec::with_capacity(BATCH_HEADER_LEN + self.usual);
        bytes.resize(BATCH_HEADER_LEN, 0);
        Pending {
            first: self.next,
            count: 0,
            bytes,
            leaves: Vec::new(),
            outcome: Arc::default(),
            callbacks: Vec::new(),
        }
    }

    /// The batch whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<Pending> {
        let batch = self.batches.pop_front()?;
        self.leaves = self.leaves.saturating_sub(batch.count as usize);
        let records = batch.bytes.len().saturating_sub(BATCH_HEADER_LEN);
        self.usual = records;
        self.bytes = self.bytes.saturating_sub(records);
        Some(batch)
    }

    /// Leaves that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.leaves
    }

    /// A batch of one leaf that no longer passes through the queue.
    pub(crate) fn last_words(&mut self, first: u64, leaf: &LeafBytes) -> Pending {
        self.next = first;
        let mut batch = self.empty_batch();
        push_record(&mut batch.bytes, leaf.as_bytes());
        let end = batch.bytes.len();
        batch.leaves.push(end - leaf.as_bytes().len()..end);
        batch.count = 1;
        self.next += 1;
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> LeafBytes {
        let leaf = format!(r#"{{"at":"2026-01-01T00:00:00Z","kind":"{text}","v":1}}"#);
        LeafBytes::from_canonical(leaf.into_bytes()).unwrap()
    }

    #[test]
    fn batches_are_bounded_and_so_is_the_queue() {
        let limits = Tuning {
            queue_leaves: 300,
            ..Tuning::default()
        };
        let mut queue = Queue::new(7, limits);
        let leaf = leaf("a");
        for n in 0..300 {
            assert_eq!(queue.push(&leaf, None).ok().unwrap().sequence(), 7 + n);
        }
        let refused = queue.push(&leaf, None).map_err(|(error, _)| error);
        assert_eq!(
            refused.err().unwrap(),
            AppendError::QueueFull { waiting: 300 }
        );
        let (one, two) = (queue.pop().unwrap(), queue.pop().unwrap());
        assert_eq!(
            (one.first, one.count, two.first, two.count),
            (7, 256, 263, 44)
        );
        assert!(queue.pop().is_none());
        assert_eq!((queue.leaves, queue.bytes), (0, 0));
    }

    #[test]
    fn everyone_of_a_batch_is_told() {
        let mut queue = Queue::new(0, Tuning::default());
        let leaf = leaf("a");
        let ticket = queue.push(&leaf, None).ok().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let callback: Callback = Box::new(move |result| tell.send(result).unwrap());
        let _ = queue.push(&leaf, Some(callback)).ok().unwrap();
        let _ = queue
            .push(&leaf, Some(Box::new(|_| panic!("a caller's fault"))))
            .ok()
            .unwrap();
        assert_eq!(ticket.is_durable(), None);
        queue.pop().unwrap().settle(Ok(()));
        assert_eq!(ticket.wait(), Ok(0));
        assert_eq!(told.recv().unwrap(), Ok(1));
        queue.halt = Some(Halt::Closed);
        assert!(queue.push(&leaf, None).is_err());
    }
}
