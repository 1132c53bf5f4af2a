//! Moving what was written from the write-ahead log to the file, beside the writer.
//!
//! By itself SQLite does so within a commit, and whoever waits for that commit waits for it too.
//! Here a thread with a connection of its own does it while the writer goes on. As long as the
//! writer never rests, the log can't begin anew, so once it is long the writer does the rest itself:
//! little is left by then.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Result;

/// Bytes of payloads between two checkpoints.
const BYTES: usize = 4 << 20;
/// Commits between two.
const COMMITS: usize = 500;
/// Pages of the log from which on the writer does the rest: 32 MiB.
const LONG: i64 = 8_192;

/// The thread's end of it.
#[derive(Debug)]
pub(super) struct Checkpoints {
    bytes: usize,
    commits: usize,
    /// Pages of the log when the thread looked last.
    pages: Arc<AtomicI64>,
    nudge: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// How long the writer waits for others at other times.
    patience: Duration,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(path: &Path, patience: Duration) -> Result<Self> {
        let connection = super::open::connect(path, true)?;
        let pages = Arc::new(AtomicI64::new(0));
        let (nudge, nudged) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("relay-checkpoint".to_owned())
            .spawn({
                let pages = Arc::clone(&pages);
                move || run(&connection, &nudged, &pages)
            })
            .map_err(|error| crate::error::RelayError::Failed(error.to_string()))?;
        Ok(Self {
            bytes: 0,
            commits: 0,
            pages,
            nudge: Some(nudge),
            thread: Some(thread),
            patience,
        })
    }

    /// Takes note of a commit. Where the disk is short of room, what was written is moved at once, so
    /// that the log does not grow.
    pub(super) fn wrote(&mut self, bytes: usize, short: bool, connection: &Connection) {
        if short {
            self.make_room(connection);
        }
        self.bytes += bytes;
        self.commits += 1;
        if self.bytes < BYTES && self.commits < COMMITS {
            return;
        }
        (self.bytes, self.commits) = (0, 0);
        if self.pages.load(Ordering::Relaxed) > LONG {
            self.pages.store(0, Ordering::Relaxed);
            checkpoint(connection);
        } else if let Some(nudge) = &self.nudge {
            // One that is under way will do.
            let _ = nudge.try_send(());
        }
    }
}

impl Checkpoints {
    /// Moves all to the file and gives the log's room back, if no reader is in the way.
    pub(super) fn make_room(&self, connection: &Connection) {
        let truncated = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .and_then(|()| connection.busy_timeout(self.patience));
        if let Err(error) = truncated {
            tracing::warn!(%error, "the events' write-ahead log could not be made smaller");
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.nudge = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, nudged: &Receiver<()>, pages: &AtomicI64) {
    while nudged.recv().is_ok() {
        if let Some(found) = checkpoint(connection) {
            pages.store(found, Ordering::Relaxed);
        }
    }
}

/// Moves what can be moved without anybody waiting; the pages of the log.
fn checkpoint(connection: &Connection) -> Option<i64> {
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
    match moved {
        Ok(pages) => Some(pages),
        Err(error) => {
            tracing::warn!(%error, "the events' write-ahead log could not be moved to the file");
            None
        }
    }
}
