//! What the log asks of a file system, one operation at a time.

use std::io;
use std::sync::Arc;

/// A folder of files. Paths are relative, with `/` between their parts, and never lead outside.
///
/// Nothing is durable because a call returned: contents are after [`StoredFile::sync`], names after
/// [`Storage::sync_folder`] of the folder that holds them.
pub trait Storage: Send + Sync {
    /// Creates a file, or empties the one that is there, and sets `room` bytes aside that read as
    /// zeros.
    ///
    /// # Errors
    ///
    /// Those of the system; [`io::ErrorKind::StorageFull`] when there is no room.
    fn create(&self, path: &str, room: u64) -> io::Result<Arc<dyn StoredFile>>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn open(&self, path: &str) -> io::Result<Arc<dyn StoredFile>>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Removes a folder and the files in it. No error when there is none.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn remove_folder(&self, path: &str) -> io::Result<()>;

    /// Names in a folder, in no order. No error when there is none.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Creates one folder whose parent exists; `false` when it was there already.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn create_folder(&self, path: &str) -> io::Result<bool>;

    /// Makes the names in a folder durable. The empty path is the top.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Bytes that can still be written.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn free(&self) -> io::Result<u64>;

    /// Keeps other writers out for as long as the guard lives.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is another writer.
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>>;
}

/// An open file.
pub trait StoredFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    ///
    /// Those of the system. Some of the bytes may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads up to `into.len()` bytes; fewer only at the end of the file.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// The file's length in bytes.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file off.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Makes contents and length durable.
    ///
    /// # Errors
    ///
    /// Those of the system. What was written before may then be lost, and a later call may succeed
    /// without having written it.
    fn sync(&self) -> io::Result<()>;
}

/// The folder that holds `path`; the empty path for the top.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// All of a file.
///
/// # Errors
///
/// Those of the system, and [`io::ErrorKind::FileTooLarge`] above `limit` bytes.
pub fn read_all(storage: &dyn Storage, path: &str, limit: usize) -> io::Result<Vec<u8>> {
    let file = storage.open(path)?;
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    if size > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = vec![0; size];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Replaces a file whole: readers see the old or the new one, also after a crash.
///
/// # Errors
///
/// Those of the system. Old and new are then both possible.
pub fn replace(storage: &dyn Storage, path: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{path}.tmp");
    let file = storage.create(&temporary, 0)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    storage.rename(&temporary, path)?;
    storage.sync_folder(parent(path))
}
