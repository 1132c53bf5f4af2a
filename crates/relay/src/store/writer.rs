//! The thread that writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use doorward_store::StoreError;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::checkpoints::Checkpoints;
use super::keyring::Nonces;
use super::open::Shared;
use super::people::People;
use super::queue::{Batch, TakeWork, Within};
use super::write::Writing;
use crate::error::{RelayError, Result};
use crate::events::Taken;

/// Writes what is in the queue until that is closed and empty.
pub(super) struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    people: People,
    nonces: Nonces,
    next_seq: i64,
    checkpoints: Checkpoints,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        shared: Arc<Shared>,
        next_seq: i64,
        checkpoints: Checkpoints,
    ) -> Self {
        Self {
            connection,
            shared,
            people: People::default(),
            nonces: Nonces::default(),
            next_seq,
            checkpoints,
        }
    }

    pub(super) fn run(mut self) {
        let _end = End(Arc::clone(&self.shared));
        // What a process left in the log that was killed: were it left there, each that is killed soon
        // would add to it, and each start would take longer.
        self.checkpoints.make_room(&self.connection);
        while let Some(batch) = self.shared.queue.next() {
            let Batch { takes, jobs, alone } = batch;
            let bytes = takes.iter().map(|work| work.event.body.len()).sum();
            if !takes.is_empty() || !jobs.is_empty() {
                self.group(takes, jobs);
            }
            if let Some(act) = alone {
                act(&mut self.connection);
            }
            let short = self.shared.room.is_short();
            self.checkpoints.wrote(bytes, short, &self.connection);
        }
        self.checkpoints.make_room(&self.connection);
    }

    /// Commits a group and tells each of it.
    fn group(&mut self, takes: Vec<TakeWork>, mut jobs: Vec<Box<dyn Within>>) {
        let before = self.next_seq;
        let mut begun = false;
        let outcome = self.commit(&takes, &mut jobs, &mut begun);
        let error = match outcome {
            Ok(taken) => {
                self.tell(takes, &taken, before);
                jobs.into_iter().for_each(|job| job.tell(Ok(())));
                return;
            }
            Err(error) => error,
        };
        self.next_seq = before;
        self.people.forget_all();
        if !begun && takes.len() > 1 && concerns_one(&error) {
            // One of them can't be written: the others must not suffer for it.
            for work in takes {
                self.group(vec![work], Vec::new());
            }
            return self.group(Vec::new(), jobs);
        }
        tracing::warn!(%error, events = takes.len(), "nothing of a group could be written");
        let counted = &self.shared.counted;
        let full = matches!(error, RelayError::Store(StoreError::Full));
        counted.is_full.store(full, Ordering::Relaxed);
        if full {
            // What is in the log already makes room for more of it.
            self.checkpoints.make_room(&self.connection);
        }
        let counter = if full { &counted.full } else { &counted.failed };
        counter.fetch_add(takes.len() as u64, Ordering::Relaxed);
        for work in takes {
            let _ = work.tell.send(Err(error.refusal(&self.shared.path)));
        }
        jobs.into_iter().for_each(|job| job.tell(Err(&error)));
    }

    /// Writes a group and waits until it is on disk. `begun` says whether a job was run.
    fn commit(
        &mut self,
        takes: &[TakeWork],
        jobs: &mut [Box<dyn Within>],
        begun: &mut bool,
    ) -> Result<Vec<Taken>> {
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writing = Writing {
            tx: &tx,
            people: &mut self.people,
            nonces: &mut self.nonces,
            next_seq: &mut self.next_seq,
            shared: &self.shared,
        };
        let mut taken = Vec::with_capacity(takes.len());
        for work in takes {
            taken.push(writing.take(work)?);
        }
        for job in jobs {
            *begun = true;
            job.run(&mut writing);
            if tx.is_autocommit() {
                // There was no room for it, and all of the transaction was taken back.
                return Err(RelayError::Store(StoreError::Full));
            }
        }
        tx.commit()?;
        Ok(taken)
    }

    fn tell(&self, takes: Vec<TakeWork>, taken: &[Taken], before: i64) {
        let shared = &self.shared;
        let counted = &shared.counted;
        let stored = (self.next_seq - before).unsigned_abs();
        counted.commits.fetch_add(1, Ordering::Relaxed);
        counted.stored.fetch_add(stored, Ordering::Relaxed);
        let known = (takes.len() as u64).saturating_sub(stored);
        counted.known.fetch_add(known, Ordering::Relaxed);
        counted.is_full.store(false, Ordering::Relaxed);
        for (work, taken) in takes.into_iter().zip(taken) {
            let _ = work.tell.send(Ok(*taken));
        }
        if stored > 0 {
            shared.committed.send_replace(self.next_seq - 1);
        }
    }
}

/// However the thread ends, nobody waits for it any longer.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}

/// Whether a failure is of one event alone, and not of the file or the disk.
fn concerns_one(error: &RelayError) -> bool {
    match error {
        RelayError::Store(StoreError::Database(error)) => matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
        ),
        RelayError::Failed(_) | RelayError::Unreadable { .. } => true,
        _ => false,
    }
}
