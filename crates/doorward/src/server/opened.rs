//! The store of a data folder, under its lock.

use std::sync::Arc;

use doorward_store::{SqliteStore, StoreError};

use crate::admin::AdminError;
use crate::context::Context;
use crate::exit::Failure;

/// Opens the store of a data folder under its lock.
///
/// # Errors
/// When another process has it, or it can't be used.
pub(crate) fn open_store(context: &Context) -> Result<Arc<SqliteStore>, Failure> {
    let data = &context.data_dir;
    data.check_own()?;
    match SqliteStore::open(&data.store()) {
        Ok(store) => Ok(Arc::new(store)),
        Err(StoreError::Locked { pid, .. }) => {
            let by = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            Err(Failure::usage(format_args!(
                "Doorward runs on {} already{by}; use it, stop it, or choose another folder with \
                 --data-dir",
                data.path().display()
            )))
        }
        Err(error) => Err(AdminError::from(error).into()),
    }
}
