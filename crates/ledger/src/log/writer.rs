//! The one thread that writes segments: a batch, a sync, then everyone in it is told.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::Halt;
use super::error::disk_full;
use super::queue::Pending;
use super::run::Shared;
use crate::segment::{Batch, LogId, SegmentWriter, fill_checks, parent, segment_path};

/// The file whose room a full disk falls back on.
pub(crate) const RESERVE: &str = "reserve";

/// The writer's own state.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogId,
    pub(crate) segment: SegmentWriter,
    /// Callers that seem to be about: as many as the last batch had, and waited beside it.
    pub(crate) callers: usize,
    /// How long the last sync took.
    pub(crate) sync: Duration,
}

impl Writer {
    /// Writes batches until the log halts.
    pub(crate) fn run(mut self) {
        let halt = loop {
            match self.next() {
                Err(halt) => break halt,
                Ok(batch) => {
                    if let Err(halt) = self.write(batch) {
                        self.shared.halt(halt);
                    }
                }
            }
        };
        self.end(&halt);
    }

    /// The next batch, once there is one; why there will be none.
    fn next(&mut self) -> Result<Pending, Halt> {
        let mut queue = self.shared.queue();
        let mut gathered = false;
        loop {
            match &queue.halt {
                Some(halt) if *halt != Halt::Closed || queue.waiting() == 0 => {
                    return Err(halt.clone());
                }
                Some(_) => gathered = true,
                None => {}
            }
            // Those who were just told come back at once, if they have more: sharing the next
            // sync with them beats hurrying ahead. One who is alone is never kept waiting.
            let ready = queue.waiting() >= self.callers || (gathered && queue.waiting() > 0);
            if ready && let Some(batch) = queue.pop() {
                self.callers = batch.count as usize + queue.waiting();
                return Ok(batch);
            }
            let delay = self.shared.options.tuning.batch_delay.min(self.sync / 2);
            if queue.waiting() == 0 && (gathered || self.callers <= 1 || delay.is_zero()) {
                self.callers = 1;
                queue.wake_at = 1;
                queue = self
                    .shared
                    .work
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            } else {
                queue.wake_at = self.callers;
                (queue, _) = self
                    .shared
                    .work
                    .wait_timeout(queue, delay)
                    .unwrap_or_else(PoisonError::into_inner);
                gathered = true;
            }
            queue.wake_at = usize::MAX;
        }
    }

    /// Makes a batch durable, and tells.
    fn write(&mut self, mut batch: Pending) -> Result<(), Halt> {
        let result = self.append(&mut batch);
        let halt = result.as_ref().err().map(|(what, error)| {
            if disk_full(error) {
                Halt::DiskFull
            } else {
                Halt::Failed(format!("{what} failed ({error})").into())
            }
        });
        // Nobody may append between the failure and its being known.
        if let Some(halt) = &halt {
            self.shared.halt(halt.clone());
        }
        batch.settle(halt.clone().map_or(Ok(()), Err));
        halt.map_or(Ok(()), Err)
    }

    fn append(&mut self, batch: &mut Pending) -> Result<(), (&'static str, std::io::Error)> {
        let (first, count) = (batch.first, batch.count);
        if !self.segment.fits(batch.bytes.len() as u64) {
            self.rotate(first, batch.bytes.len() as u64)
                .map_err(|error| ("beginning a segment", error))?;
        }
        let offset = self.segment.offset();
        let leaves = fill_checks(&mut batch.bytes, std::mem::take(&mut batch.leaves));
        self.segment
            .append(first, count, &mut batch.bytes)
            .map_err(|error| ("writing leaves", error))?;
        let started = Instant::now();
        if let Err(error) = self.segment.sync() {
            self.segment.rewind(offset);
            return Err(("making leaves durable", error));
        }
        self.sync = started.elapsed();
        self.shared.synced(self.sync);
        let bytes = std::mem::take(&mut batch.bytes);
        let written = Batch::written(first, offset, bytes, leaves);
        self.shared.index.remember(written);
        self.shared.durable(first, offset, first + u64::from(count));
        Ok(())
    }

    fn rotate(&mut self, first: u64, batch: u64) -> std::io::Result<()> {
        let room = self.shared.options.tuning.segment_bytes;
        let room = room.max(batch + crate::segment::SEGMENT_HEADER_LEN as u64);
        let next = SegmentWriter::create(&*self.shared.storage, self.log, first, room)?;
        // Only room that was set aside and not used: it is given back at the next start otherwise.
        let _ = std::mem::replace(&mut self.segment, next).finish();
        self.shared.index.begin(first);
        Ok(())
    }

    /// Tells all who still wait, and records a full disk in the room that was reserved for it.
    fn end(mut self, halt: &Halt) {
        loop {
            let batch = self.shared.queue().pop();
            let Some(batch) = batch else { break };
            batch.settle(Err(halt.clone()));
        }
        match halt {
            Halt::Closed => {
                // The next start does it otherwise.
                let _ = self.segment.finish();
            }
            Halt::DiskFull => self.record_full_disk(),
            Halt::Failed(_) => {}
        }
        self.shared.writer_ended();
    }

    fn record_full_disk(&mut self) {
        let storage = &*self.shared.storage;
        // Errors change nothing here: the log is halted and says why.
        let _ = storage.remove(RESERVE);
        let _ = storage.sync_folder(parent(RESERVE));
        let options = &self.shared.options;
        let Some(leaf) = (options.disk_full_leaf)(options.clock.now()) else {
            return;
        };
        let first = self.shared.index.durable();
        // A segment that was only just begun must not stand beside a leaf written to the one before.
        if self.segment.first() != first {
            let begun = segment_path(first);
            let gone = match storage.remove(&begun) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => storage.sync_folder(parent(&begun)),
            };
            if gone.is_err() {
                return;
            }
        }
        let mut batch = self.shared.queue().last_words(first, &leaf);
        let offset = self.segment.offset();
        fill_checks(&mut batch.bytes, std::mem::take(&mut batch.leaves));
        let written = self
            .segment
            .append(first, batch.count, &mut batch.bytes)
            .and_then(|()| self.segment.sync());
        if written.is_ok() {
            self.shared.durable(first, offset, first + 1);
        }
        batch.settle(written.map_err(|_| Halt::DiskFull));
    }
}

/// Halts the log should the writer ever give up by a fault of its own, so that nobody waits for it.
pub(crate) struct Watch(pub(crate) Arc<Shared>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.halt(Halt::Failed("the writer gave up".into()));
            while let Some(batch) = { self.0.queue().pop() } {
                batch.settle(Err(Halt::Failed("the writer gave up".into())));
            }
            self.0.writer_ended();
        }
    }
}
