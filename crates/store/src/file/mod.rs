//! What every database file of Doorward has in common: who may open it, whose it is, how an older
//! format is brought up to date, and how its connections are set.

mod format;
mod lock;
mod names;

pub use format::{Format, configure, configure_writer};
pub use lock::{WriterLock, beside};
pub use names::{make, narrow, resolve};

use rusqlite::ErrorCode;
use std::path::Path;

use crate::error::StoreError;

/// Says which file is damaged.
pub fn at(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Database(source) => match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt {
                path: path.to_owned(),
                detail: source.to_string(),
            },
            _ => StoreError::Database(source),
        },
        other => other,
    }
}
