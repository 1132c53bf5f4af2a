//! Whether the disk has room for more events.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// What was found is believed so long at the most.
const EVERY: Duration = Duration::from_millis(250);
/// What an event may take of the disk, by its bytes: it is in the log and in the file, and a commit of
/// one event alone writes a page of each table and index.
const TAKES: (u64, u64) = (3, 64 << 10);

/// Looks how much of the disk is free.
pub(super) struct Room {
    folder: PathBuf,
    reserve: u64,
    found: Mutex<Option<Found>>,
}

struct Found {
    at: Instant,
    /// Bytes beyond the reserve that have not been given away since.
    left: u64,
    has: bool,
}

impl Room {
    pub(super) fn new(file: &Path, reserve: u64) -> Self {
        Self {
            folder: file.parent().unwrap_or(Path::new(".")).to_owned(),
            reserve,
            found: Mutex::new(None),
        }
    }

    /// Whether there is room for an event of so many bytes beyond the reserve. A disk that can't be
    /// asked has room: the write itself will tell.
    pub(super) fn has(&self, bytes: usize) -> bool {
        let needed = TAKES.0 * bytes as u64 + TAKES.1;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *found {
            Some(found) if found.at.elapsed() < EVERY && (!found.has || needed <= found.left) => {
                found.left = found.left.saturating_sub(needed);
                found.has
            }
            _ => {
                let left = free(&self.folder).map(|free| free.checked_sub(self.reserve));
                let left = left.unwrap_or(Some(u64::MAX)).unwrap_or(0);
                let has = needed <= left;
                *found = Some(Found {
                    at: Instant::now(),
                    left: left.saturating_sub(needed),
                    has,
                });
                has
            }
        }
    }

    /// Whether there is none, as of the last event.
    pub(super) fn is_short(&self) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().is_some_and(|found| !found.has)
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_kept_free() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.db");
        assert!(Room::new(&file, 0).has(100));
        let short = Room::new(&file, u64::MAX);
        assert!(!short.is_short() && !short.has(0) && short.is_short());
        assert!(Room::new(Path::new("/nowhere/at/all/x"), u64::MAX).has(100));
    }

    #[test]
    fn what_was_given_away_since_the_disk_was_asked_counts() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::new(&folder.path().join("relay.db"), 0);
        *room.found.lock().unwrap() = Some(Found {
            at: Instant::now(),
            left: 140_000,
            has: true,
        });
        for left in [71_464, 2_928] {
            assert!(room.has(1_000));
            assert_eq!(room.found.lock().unwrap().as_ref().unwrap().left, left);
        }
        // The next does not fit in what is left: the disk is asked again, and has more.
        assert!(room.has(1_000));
        assert!(room.found.lock().unwrap().as_ref().unwrap().left > 140_000);
    }
}
