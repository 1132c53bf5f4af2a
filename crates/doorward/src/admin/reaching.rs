//! Calling Instantly under a key of a workspace that may.

use doorward_catalog::{Op, OpSet};
use doorward_store::Workspace;
use doorward_upstream::{Client, Error, Outcome};

use super::error::AdminError;
use super::service::Admin;
use crate::inventory::keeper;
use crate::output::clean;
use crate::scrubbed::scrub;

/// Most characters of a text of Instantly's.
const TEXT_MAX: usize = 512;

impl Admin {
    /// A client of Instantly under the narrowest key of the workspace that covers these operations.
    ///
    /// # Errors
    /// When there is none: `what` says what it is needed for.
    pub(super) fn client_for(
        &self,
        workspace: &Workspace,
        operations: &[Op],
        what: &str,
    ) -> Result<Client, AdminError> {
        let Some(key) = keeper(workspace, operations, None) else {
            let needed: OpSet = operations.iter().copied().collect();
            let scopes = needed.narrow_scopes();
            return Err(AdminError::failed(format_args!(
                "no upstream key of '{0}' is known that may {what} ({scopes}): make one with `doorward \
                 upstream adopt NAME --workspace {0}`, or say the scopes of one that is there with \
                 `--scopes`",
                workspace.name
            )));
        };
        self.reach()?.under(workspace, key)
    }
}

/// A text of Instantly's as it may be told.
pub(super) fn told(text: &str) -> String {
    let short: String = text.chars().take(TEXT_MAX).collect();
    scrub(clean(&short))
}

/// What went wrong with a call that changes something.
pub(super) fn not_done(what: &str, error: &Error) -> AdminError {
    match error.outcome() {
        Outcome::NotDone => AdminError::failed(format_args!("Instantly did not {what}: {error}")),
        _ => AdminError::lost(format_args!(
            "whether Instantly did {what} is not known: {error}; look before you ask again"
        )),
    }
}
