//! Whether the disk has room for more events.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The disk is asked so often at the most.
const EVERY: Duration = Duration::from_millis(250);

/// Looks how much of the disk is free.
pub(super) struct Room {
    folder: PathBuf,
    reserve: u64,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Room {
    pub(super) fn new(file: &Path, reserve: u64) -> Self {
        Self {
            folder: file.parent().unwrap_or(Path::new(".")).to_owned(),
            reserve,
            last: Mutex::new(None),
        }
    }

    /// Whether more than the reserve is free, as of a moment ago. A disk that can't be asked has
    /// room: the write itself will tell.
    pub(super) fn has(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, has)) = *last
            && at.elapsed() < EVERY
        {
            return has;
        }
        let has = free(&self.folder).is_none_or(|free| free >= self.reserve);
        *last = Some((Instant::now(), has));
        has
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
        assert!(Room::new(&file, 0).has());
        assert!(!Room::new(&file, u64::MAX).has());
        assert!(Room::new(Path::new("/nowhere/at/all/x"), u64::MAX).has());
    }
}
