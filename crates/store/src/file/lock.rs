//! One process writes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};

/// Holds the advisory lock beside the store's file until it is dropped or the process ends,
/// however it ends: the operating system lets go of it.
///
/// The lock file stays when the lock is gone. Removing it would let two processes each lock a file
/// of that name.
#[derive(Debug)]
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the store at `path`, at once or not at all.
    ///
    /// # Errors
    /// [`Locked`](StoreError::Locked) when somebody holds it.
    pub fn take(path: &Path) -> Result<Self> {
        let lock_path = beside(path, ".lock");
        let failed = |doing| {
            let path = lock_path.clone();
            move |source| StoreError::Io {
                doing,
                path,
                source,
            }
        };
        let mut options = private();
        options.create(true).truncate(false);
        let mut file = options.open(&lock_path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut file);
                return Err(StoreError::Locked {
                    path: path.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        // For the error text of others only; what counts is the lock.
        let noted = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        noted.map_err(failed("write"))?;
        Ok(Self { _file: file })
    }
}

/// Options to open for writing a file that only its owner may read, and no symbolic link to one.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_link = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(no_link.cast_signed());
    }
    options
}

/// The name of a companion of the store's file.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // Bounded: whoever may write here could write much.
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
