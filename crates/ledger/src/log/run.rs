//! A running log: its threads, and what they share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::index::Index;
use super::publisher::Publisher;
use super::queue::{Callback, Queue};
use super::{AppendError, Halt, LogError, LogOptions, Reader, Ticket};
use crate::segment::Storage;
use crate::{LeafBytes, TILE_WIDTH};

/// The publisher looks for news this often within the time between checkpoints.
const TICKS: u32 = 4;
/// And so much more often under load.
const BUSY: u32 = 8;

/// How far the publisher's thread steps back on a busy machine: enough to be interrupted by whoever
/// wakes up, with a share that is still enough for it to keep up.
#[cfg(target_os = "linux")]
const PUBLISHER_NICE: i32 = 5;

/// How a log is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// Leaves that are durable.
    pub durable: u64,
    /// Leaves under the last signed checkpoint.
    pub signed: u64,
    /// Leaves that wait for the disk.
    pub waiting: usize,
    /// Batches that were made durable since it was opened, each by one sync.
    pub batches: u64,
    /// How long their syncs took together.
    pub syncing: Duration,
    /// Why it takes no more leaves.
    pub halt: Option<Halt>,
    /// Why the last checkpoint could not be signed or anchored; it is tried again.
    pub unsigned: Option<String>,
}

/// What the threads and readers of a log share.
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: LogOptions,
    pub(crate) index: Arc<Index>,
    pub(crate) minimum: Arc<AtomicU64>,
    queue: Mutex<Queue>,
    /// Leaves wait, or the log halted.
    pub(crate) work: Condvar,
    progress: Mutex<Progress>,
    /// Whether the queue is halted: asked before each call, when it mostly is not.
    halted: AtomicBool,
    batches: AtomicU64,
    sync_nanos: AtomicU64,
    /// Leaves got durable, a checkpoint was signed, or the log halted.
    moved: Condvar,
}

#[derive(Default)]
struct Progress {
    signed: u64,
    unsigned: Option<String>,
    ended: bool,
}

impl Shared {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        options: LogOptions,
        index: Arc<Index>,
        minimum: u64,
        signed: u64,
    ) -> Self {
        Self {
            queue: Mutex::new(Queue::new(index.durable(), options.tuning)),
            work: Condvar::new(),
            progress: Mutex::new(Progress {
                signed,
                ..Progress::default()
            }),
            halted: AtomicBool::new(false),
            batches: AtomicU64::new(0),
            sync_nanos: AtomicU64::new(0),
            moved: Condvar::new(),
            minimum: Arc::new(AtomicU64::new(minimum)),
            storage,
            options,
            index,
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch was made durable by a sync that took so long.
    pub(crate) fn synced(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sync_nanos.fetch_add(nanos, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn halted(&self) -> Option<Halt> {
        let halted = self.halted.load(Ordering::SeqCst);
        halted.then(|| self.queue().halt.clone()).flatten()
    }

    /// Takes no more leaves. The first reason stands, but for being closed.
    pub(crate) fn halt(&self, halt: Halt) {
        let mut queue = self.queue();
        if matches!(queue.halt, None | Some(Halt::Closed)) {
            queue.halt = Some(halt);
        }
        self.halted.store(true, Ordering::SeqCst);
        drop(queue);
        self.work.notify_all();
        drop(self.progress());
        self.moved.notify_all();
    }

    /// Halts because of an error.
    fn fail(&self, error: &LogError) {
        self.halt(match error {
            LogError::Halted(halt) => halt.clone(),
            error if error.is_disk_full() => Halt::DiskFull,
            error => Halt::Failed(format!("publishing failed ({error})").into()),
        });
    }

    /// A batch is durable.
    pub(crate) fn durable(&self, first: u64, offset: u64, end: u64) {
        self.index.advance(first, offset, end);
        // Whoever looked before waits by now.
        drop(self.progress());
        self.moved.notify_all();
    }

    pub(crate) fn signed(&self, size: u64) {
        let mut progress = self.progress();
        progress.signed = size;
        progress.unsigned = None;
        drop(progress);
        self.moved.notify_all();
    }

    pub(crate) fn unsigned(&self, why: Option<String>) {
        self.progress().unsigned = why;
    }

    /// The writer writes nothing more.
    pub(crate) fn writer_ended(&self) {
        self.progress().ended = true;
        self.moved.notify_all();
    }

    /// Waits until leaf `sequence` is durable; `false` when the time ran out or the log halted.
    pub(crate) fn wait_for(&self, sequence: u64, timeout: Duration) -> bool {
        self.wait_until(timeout, |_| self.index.durable() > sequence)
    }

    fn wait_until(&self, timeout: Duration, done: impl Fn(&Progress) -> bool) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut progress = self.progress();
        loop {
            if done(&progress) {
                return true;
            }
            if progress.ended {
                return false;
            }
            // A deadline too far to be told is no deadline.
            let left = deadline.map_or(Duration::MAX, |at| {
                at.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return false;
            }
            (progress, _) = self
                .moved
                .wait_timeout(progress, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// An open log: the one writer of its folder. Shared by reference between threads; closed when
/// dropped.
pub struct Log {
    pub(super) shared: Arc<Shared>,
    pub(super) publisher: Arc<Mutex<Publisher>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    background: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

impl Log {
    pub(super) fn start(
        shared: Arc<Shared>,
        publisher: Publisher,
        writer: super::writer::Writer,
        lock: Box<dyn Send + Sync>,
    ) -> Result<Self, LogError> {
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(LogError::io("a thread"))
        };
        let watch = super::writer::Watch(Arc::clone(&shared));
        let writing = spawn(
            "ledger-writer",
            Box::new(move || {
                let _watch = watch;
                writer.run();
            }),
        )?;
        let log = Self {
            publisher: Arc::new(Mutex::new(publisher)),
            shared,
            writer: Mutex::new(Some(writing)),
            background: Mutex::new(None),
            lock: Mutex::new(Some(lock)),
        };
        if log.shared.options.tuning.background {
            let (shared, publisher) = (Arc::clone(&log.shared), Arc::clone(&log.publisher));
            let thread = spawn(
                "ledger-publisher",
                Box::new(move || publish(&shared, &publisher)),
            )?;
            *log.background
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        Ok(log)
    }

    /// Puts a leaf on its way. It is recorded once the ticket's `wait` returns its sequence.
    ///
    /// # Errors
    ///
    /// When the queue is full or the log halted: the leaf is not recorded.
    pub fn append(&self, leaf: &LeafBytes) -> Result<Ticket, AppendError> {
        self.push(leaf, None).map_err(|(error, _)| error)
    }

    /// Puts leaves on their way together, in their order: the tickets of those that were taken, and
    /// why the next one was not.
    pub fn append_all(&self, leaves: &[LeafBytes]) -> (Vec<Ticket>, Option<AppendError>) {
        let mut tickets = Vec::with_capacity(leaves.len());
        let mut refused = None;
        let mut queue = self.shared.queue();
        for leaf in leaves {
            match queue.push(leaf, None) {
                Ok(ticket) => tickets.push(ticket),
                Err((error, _)) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        self.wake_writer(queue);
        (tickets, refused)
    }

    /// As [`append`](Self::append), calling back instead: with the sequence once the leaf is
    /// durable, or why it is not. Called exactly once, mostly on the writer's thread: it must be
    /// quick, such as sending into a channel.
    pub fn append_then(
        &self,
        leaf: &LeafBytes,
        then: impl FnOnce(Result<u64, AppendError>) + Send + 'static,
    ) {
        if let Err((error, Some(then))) = self.push(leaf, Some(Box::new(then))) {
            then(Err(error));
        }
    }

    fn push(
        &self,
        leaf: &LeafBytes,
        then: Option<Callback>,
    ) -> Result<Ticket, (AppendError, Option<Callback>)> {
        let mut queue = self.shared.queue();
        let ticket = queue.push(leaf, then)?;
        self.wake_writer(queue);
        Ok(ticket)
    }

    /// Wakes the writer, if enough leaves wait that it is to be woken.
    fn wake_writer(&self, mut queue: MutexGuard<'_, Queue>) {
        let wake = queue.waiting() >= queue.wake_at;
        if wake {
            queue.wake_at = usize::MAX;
        }
        drop(queue);
        if wake {
            self.shared.work.notify_one();
        }
    }

    /// Publishes what is due now: what the background thread does by itself.
    ///
    /// # Errors
    ///
    /// When a file can't be written or the anchor holds something else; the log is halted then.
    pub fn tick(&self) -> Result<(), LogError> {
        tick(&self.shared, &self.publisher, false)
    }

    /// Signs a checkpoint of all that is durable now, unless the last one says so already.
    ///
    /// # Errors
    ///
    /// As [`tick`](Self::tick).
    pub fn checkpoint(&self) -> Result<(), LogError> {
        tick(&self.shared, &self.publisher, true)
    }

    /// Waits until leaf `sequence` is under a signed checkpoint; `false` when the time ran out or
    /// the log ended before.
    pub fn wait_signed(&self, sequence: u64, timeout: Duration) -> bool {
        self.shared
            .wait_until(timeout, |progress| progress.signed > sequence)
    }

    /// Reads beside the writer.
    pub fn reader(&self) -> Reader {
        Reader::live(Arc::clone(&self.shared))
    }

    /// Why it takes no more leaves; `None` when it does.
    pub fn halted(&self) -> Option<Halt> {
        self.shared.halted()
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        let (waiting, halt) = {
            let queue = self.shared.queue();
            (queue.waiting(), queue.halt.clone())
        };
        let durable = self.shared.index.durable();
        let progress = self.shared.progress();
        Status {
            durable,
            signed: progress.signed,
            waiting,
            batches: self.shared.batches.load(Ordering::Relaxed),
            syncing: Duration::from_nanos(self.shared.sync_nanos.load(Ordering::Relaxed)),
            halt,
            unsigned: progress.unsigned.clone(),
        }
    }

    /// Takes no more leaves, writes those that wait, signs them, and ends the threads.
    ///
    /// # Errors
    ///
    /// When the last checkpoint could not be published: it will be at the next start.
    pub fn close(&self) -> Result<(), LogError> {
        self.shared.halt(Halt::Closed);
        for thread in [&self.writer, &self.background] {
            let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(thread) = thread {
                thread.thread().unpark();
                // It has told all who wait, however it ended.
                let _ = thread.join();
            }
        }
        let Some(lock) = self
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        else {
            return self
                .shared
                .halted()
                .filter(|halt| *halt != Halt::Closed)
                .map_or(Ok(()), |halt| Err(halt.into()));
        };
        let done = tick(&self.shared, &self.publisher, true);
        drop(lock);
        match self.shared.halted() {
            Some(halt) if halt != Halt::Closed => Err(halt.into()),
            _ => done,
        }
    }

    pub(super) fn minimum(&self) -> u64 {
        self.shared.minimum.load(Ordering::Acquire)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.close();
    }
}

fn tick(shared: &Shared, publisher: &Mutex<Publisher>, wanted: bool) -> Result<(), LogError> {
    let mut publisher = publisher.lock().unwrap_or_else(PoisonError::into_inner);
    match shared.halted() {
        Some(Halt::Failed(why)) => return Err(Halt::Failed(why).into()),
        Some(Halt::DiskFull) => return publisher.last_tick(),
        Some(Halt::Closed) | None => {}
    }
    publisher
        .tick(wanted)
        .inspect_err(|error| shared.fail(error))
}

fn publish(shared: &Shared, publisher: &Mutex<Publisher>) {
    step_back();
    let pause = shared.options.tuning.checkpoint_every / TICKS;
    loop {
        match shared.halted() {
            // Closing publishes what is left.
            Some(Halt::Closed | Halt::Failed(_)) => return,
            Some(Halt::DiskFull) => {
                // Once the writer has recorded it, with the room of the reserve.
                shared.wait_until(Duration::from_secs(10), |progress| progress.ended);
                let _ = tick(shared, publisher, true);
                return;
            }
            None => {}
        }
        // The error is told by every append from now on.
        let before = shared.index.durable();
        let _ = tick(shared, publisher, false);
        // Under load in small steps, so that what was written is still in memory.
        let busy = shared.index.durable() - before > TILE_WIDTH;
        std::thread::park_timeout(if busy { pause / BUSY } else { pause });
    }
}

/// Lets those go first who wait for a leaf to be durable: tiles have a second's time. Where it can't
/// be had, nothing is lost.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, PUBLISHER_NICE);
}
