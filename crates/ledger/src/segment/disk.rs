//! The real file system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Storage, StoredFile};

/// A folder on disk. Files in it are readable by their owner and group alone.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder, created when it is missing.
    ///
    /// # Errors
    ///
    /// When it can't be created or opened.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
            File::open(above)?.sync_all()?;
        }
        Ok(Self { root })
    }

    /// An existing folder.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn existing(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        if fs::metadata(&root)?.is_dir() {
            Ok(Self { root })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> io::Result<PathBuf> {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
        if path.is_empty() {
            Ok(self.root.clone())
        } else if path.split('/').all(plain) {
            Ok(self.root.join(path))
        } else {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }
}

impl Storage for Disk {
    fn create(&self, path: &str, room: u64) -> io::Result<Arc<dyn StoredFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(self.at(path)?)?;
        if room > 0 {
            set_aside(&file, room)?;
        }
        Ok(Arc::new(DiskFile(file)))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn StoredFile>> {
        let path = self.at(path)?;
        // A reader may have no right to write, or have it all from a medium that can't be written.
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                File::open(&path)?
            }
            other => other?,
        };
        Ok(Arc::new(DiskFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from)?, self.at(to)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path)?)
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.at(path)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        match fs::read_dir(self.at(folder)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            // Names that are no UTF-8 are not ours.
            Ok(entries) => entries
                .filter_map(|entry| {
                    entry
                        .map(|entry| entry.file_name().into_string().ok())
                        .transpose()
                })
                .collect(),
        }
    }

    fn create_folder(&self, path: &str) -> io::Result<bool> {
        match fs::create_dir(self.at(path)?) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        File::open(self.at(path)?)?.sync_all()
    }

    fn free(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(self.root.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[derive(Debug)]
struct DiskFile(File);

impl StoredFile for DiskFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Blocks are claimed now, so that a full disk is met when a file is created and not in the middle
/// of a batch. Where the file system can't, the file is only made that long.
fn set_aside(file: &File, room: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::empty(), 0, room) {
            Ok(()) => return Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    file.set_len(room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{read_all, replace};

    #[test]
    fn paths_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().join("log")).unwrap();
        for path in ["../x", "/x", "a/../x", "a//b", "./a", "a/"] {
            assert!(disk.create(path, 0).is_err(), "{path}");
        }
    }

    #[test]
    fn one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        let guard = disk.lock().unwrap();
        let refused = Disk::new(folder.path()).unwrap().lock();
        assert_eq!(refused.err().unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(guard);
        disk.lock().unwrap();
    }

    #[test]
    fn a_file_is_replaced_whole_and_room_reads_as_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path()).unwrap();
        replace(&disk, "a", b"one").unwrap();
        replace(&disk, "a", b"three").unwrap();
        assert_eq!(read_all(&disk, "a", 5).unwrap(), b"three");
        assert!(read_all(&disk, "a", 4).is_err());
        disk.create("b", 5000).unwrap();
        assert_eq!(read_all(&disk, "b", 5000).unwrap(), vec![0; 5000]);
        assert!(disk.free().unwrap() > 0);
    }
}
