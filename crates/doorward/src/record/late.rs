//! The record, opened when it is first needed.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_audit::Audit;

use crate::admin::AdminError;

type Open = Box<dyn Fn() -> Result<Arc<Audit>, AdminError> + Send + Sync>;

/// The record of a server, or of a command that opens it only when it changes something: a command
/// that looks leaves no trace of having opened the ledger.
pub(crate) struct LateAudit {
    open: Open,
    opened: Mutex<Option<Arc<Audit>>>,
}

impl LateAudit {
    /// One that is open.
    pub(crate) fn opened(audit: Arc<Audit>) -> Self {
        Self {
            opened: Mutex::new(Some(Arc::clone(&audit))),
            open: Box::new(move || Ok(Arc::clone(&audit))),
        }
    }

    /// One that is opened when it is first asked for.
    pub(crate) fn later(
        open: impl Fn() -> Result<Arc<Audit>, AdminError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Box::new(open),
            opened: Mutex::new(None),
        }
    }

    /// The record.
    ///
    /// # Errors
    /// When it can't be opened: then nothing may be done that must be recorded.
    pub(crate) fn get(&self) -> Result<Arc<Audit>, AdminError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(audit) = opened.as_ref() {
            return Ok(Arc::clone(audit));
        }
        let audit = (self.open)()?;
        *opened = Some(Arc::clone(&audit));
        Ok(audit)
    }
}
