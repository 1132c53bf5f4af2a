//! The store's file and its companions: which they are, and who may read them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::lock::{beside, private};
use crate::error::{Result, StoreError};

/// The file that `path` stands for, so that whatever name it goes by, it is under one lock.
///
/// A symbolic link to nothing is refused: who could put it there chose where the store would be.
///
/// # Errors
/// When it is such a link, or can't be looked at.
pub fn resolve(path: &Path) -> Result<PathBuf> {
    let failed = |source| StoreError::Io {
        doing: "open",
        path: path.to_owned(),
        source,
    };
    match std::fs::canonicalize(path) {
        Ok(file) => return Ok(file),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        Err(error) if std::fs::symlink_metadata(path).is_ok() => return Err(failed(error)),
        Err(_) => {}
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = std::fs::canonicalize(folder).map_err(failed)?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// Makes the file if it is not there, readable by its owner alone.
///
/// One that is there is not opened: closing it again would let go of the locks that another
/// connection of this process has on it.
///
/// # Errors
/// When it can't be made.
pub fn make(file: &Path) -> Result<()> {
    match private().create_new(true).open(file) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(StoreError::Io {
            doing: "make",
            path: file.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Takes from others what they may do with the file and its companions.
///
/// # Errors
/// When it can't be done.
pub fn narrow(file: &Path) -> Result<()> {
    #[cfg(unix)]
    for name in ["", "-wal", "-shm", ".lock"].map(|suffix| beside(file, suffix)) {
        use std::os::unix::fs::PermissionsExt;
        let failed = |source| StoreError::Io {
            doing: "narrow",
            path: name.clone(),
            source,
        };
        let mut permissions = match std::fs::symlink_metadata(&name) {
            Ok(metadata) if metadata.is_file() => metadata.permissions(),
            Ok(_) => continue,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            std::fs::set_permissions(&name, permissions).map_err(failed)?;
        }
    }
    Ok(())
}
