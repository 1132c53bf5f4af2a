//! The ledger's anchor: a compare-and-swap row of the store.

use std::sync::Arc;

use doorward_ledger::log::{Anchor, AnchorError};
use doorward_store::Store;

/// Keeps the last signed checkpoint in the store, apart from the ledger's folder.
pub struct StoreAnchor {
    store: Arc<dyn Store>,
    log: String,
}

impl StoreAnchor {
    /// The row of the log with this origin.
    pub fn new(store: Arc<dyn Store>, log: &str) -> Self {
        Self {
            store,
            log: log.to_owned(),
        }
    }
}

impl Anchor for StoreAnchor {
    fn load(&self) -> Result<Option<Vec<u8>>, AnchorError> {
        self.store
            .ledger_anchor(&self.log)
            .map_err(|error| AnchorError::Unavailable(error.to_string()))
    }

    fn swap(&self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AnchorError> {
        match self.store.swap_ledger_anchor(&self.log, old, new) {
            Ok(true) => Ok(()),
            Ok(false) => Err(AnchorError::Conflict),
            Err(error) => Err(AnchorError::Unavailable(error.to_string())),
        }
    }
}
