//! What waits to be written: events, bounded in number and bytes, and all else.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::write::Writing;
use crate::error::{RelayError, Result};
use crate::events::{NewEvent, TakeError, Taken};

/// Most events of one commit.
const GROUP: usize = 256;
/// Bytes of payloads after which no more go into one commit.
const GROUP_BYTES: usize = 4 << 20;
/// Most other writes of one commit.
const GROUP_JOBS: usize = 64;
/// Most other writes that wait.
const JOBS: usize = 4_096;

/// An event that is to be written.
pub(super) struct TakeWork {
    pub(super) event: NewEvent,
    /// Where its lead is found.
    pub(super) entry: Option<[u8; 32]>,
    pub(super) tell: oneshot::Sender<std::result::Result<Taken, TakeError>>,
}

/// A write within the commit that events are written in.
pub(super) trait Within: Send {
    /// Writes. A failure of its own undoes what it wrote, and nothing else.
    fn run(&mut self, writing: &mut Writing<'_>);

    /// Tells who asked what came of it, once the commit is on disk or is not.
    fn tell(self: Box<Self>, committed: std::result::Result<(), &RelayError>);
}

/// Another write.
pub(super) enum Job {
    /// Together with others.
    Within(Box<dyn Within>),
    /// By itself, between commits.
    Alone(Alone),
}

/// What is done between two commits.
pub(super) type Alone = Box<dyn FnOnce(&mut Connection) + Send>;

/// What is written next.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) takes: Vec<TakeWork>,
    pub(super) jobs: Vec<Box<dyn Within>>,
    /// What is done after these are committed.
    pub(super) alone: Option<Alone>,
}

#[derive(Default)]
struct Waiting {
    takes: VecDeque<TakeWork>,
    bytes: usize,
    jobs: VecDeque<Job>,
    closed: bool,
    /// Whether the writer sleeps.
    idle: bool,
}

/// The queue.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    most: usize,
    most_bytes: usize,
}

impl Queue {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            most,
            most_bytes,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting().takes.len()
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let idle = std::mem::take(&mut waiting.idle);
        drop(waiting);
        if idle {
            self.arrived.notify_one();
        }
    }

    pub(super) fn take(&self, work: TakeWork) -> std::result::Result<(), TakeError> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(TakeError::Closed);
        }
        let bytes = work.event.body.len();
        // One that is larger than all that may wait is taken when nothing else waits.
        let fits = waiting.bytes + bytes <= self.most_bytes || waiting.takes.is_empty();
        if waiting.takes.len() >= self.most || !fits {
            return Err(TakeError::Busy);
        }
        waiting.bytes += bytes;
        waiting.takes.push_back(work);
        self.wake(waiting);
        Ok(())
    }

    pub(super) fn job(&self, job: Job) -> Result<()> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(RelayError::Closed);
        }
        if waiting.jobs.len() >= JOBS {
            return Err(RelayError::Busy);
        }
        waiting.jobs.push_back(job);
        self.wake(waiting);
        Ok(())
    }

    /// Takes nothing more; what waits is written still.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        self.wake(waiting);
    }

    /// Nobody writes any more: what waits is dropped, which whoever waits for it is told by.
    pub(super) fn abandon(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        let left = (
            std::mem::take(&mut waiting.takes),
            std::mem::take(&mut waiting.jobs),
        );
        drop(waiting);
        drop(left);
    }

    /// What is to be written next, as soon as there is something; `None` at the end.
    pub(super) fn next(&self) -> Option<Batch> {
        let mut waiting = self.waiting();
        loop {
            if !waiting.takes.is_empty() || !waiting.jobs.is_empty() {
                return Some(waiting.batch());
            }
            if waiting.closed {
                return None;
            }
            waiting.idle = true;
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
            waiting.idle = false;
        }
    }
}

impl Waiting {
    fn batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.takes.len() < GROUP
            && bytes < GROUP_BYTES
            && let Some(work) = self.takes.pop_front()
        {
            bytes += work.event.body.len();
            batch.takes.push(work);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        // What goes alone ends the group.
        while batch.jobs.len() < GROUP_JOBS
            && let Some(job) = self.jobs.pop_front()
        {
            match job {
                Job::Within(job) => batch.jobs.push(job),
                Job::Alone(act) => {
                    batch.alone = Some(act);
                    break;
                }
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::events::Origin;

    fn work(bytes: usize) -> TakeWork {
        TakeWork {
            event: NewEvent {
                key: crate::events::EventKey::new([0; 32]),
                source: 1,
                workspace: String::new(),
                event_type: String::new(),
                campaign: None,
                lead: None,
                event_ms: None,
                received_ms: 0,
                origin: Origin::Webhook,
                quarantined: None,
                body: Bytes::from(vec![0; bytes]),
            },
            entry: None,
            tell: oneshot::channel().0,
        }
    }

    #[test]
    fn it_is_bounded_in_number_and_in_bytes() {
        let queue = Queue::new(3, 100);
        assert_eq!(queue.take(work(500)), Ok(()), "one always fits");
        assert_eq!(queue.take(work(1)), Err(TakeError::Busy));
        assert_eq!(queue.next().unwrap().takes.len(), 1);
        for _ in 0..3 {
            assert_eq!(queue.take(work(10)), Ok(()));
        }
        assert_eq!(queue.take(work(10)), Err(TakeError::Busy));
        assert_eq!(queue.next().unwrap().takes.len(), 3);
        assert_eq!(queue.take(work(90)), Ok(()));
        assert_eq!(queue.take(work(11)), Err(TakeError::Busy));
        assert_eq!(queue.take(work(10)), Ok(()));
        queue.close();
        assert_eq!(queue.take(work(0)), Err(TakeError::Closed));
        assert_eq!(
            queue.next().unwrap().takes.len(),
            2,
            "what waits is written"
        );
        assert!(queue.next().is_none());
    }
}
