//! A key deleted outside a rotation, by the same calls and on the same record.

use doorward_keys::rotation::Failure;
use doorward_store::{UpstreamKey, Workspace};

use super::calls::Keys;
use super::rotations::Rotations;
use super::twins::refuse_twin;
use crate::admin::AdminError;

/// How often a deletion is tried of which nobody knows whether it was done.
const TRIES: usize = 3;

impl Rotations {
    /// Refuses a key that another record which is in use holds too. Blocks.
    ///
    /// # Errors
    /// Which other there is, and what to do.
    pub(crate) fn refuse_twin(
        &self,
        key: &UpstreamKey,
        api_key_id: &str,
    ) -> Result<(), AdminError> {
        refuse_twin(self.parts(), key, api_key_id)
    }

    /// Deletes a key of a workspace by Instantly's id, under the key that manages; that there is none is
    /// as good. In the ledger before it is sent and when it is over.
    ///
    /// # Errors
    /// When it was not done, and when nobody knows whether it was.
    pub(crate) async fn delete_key(
        &self,
        workspace: &Workspace,
        manager: &UpstreamKey,
        api_key_id: &str,
    ) -> Result<(), AdminError> {
        let keys = Keys {
            parts: self.parts(),
            workspace,
            manager,
        };
        let mut tries = 1;
        loop {
            let trouble = match keys.delete(api_key_id).await {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            if let Ok(listed) = keys.list().await
                && !listed.iter().any(|key| key.id == api_key_id)
            {
                return Ok(());
            }
            if tries == TRIES || trouble.how == Failure::Permanent {
                return Err(AdminError::failed(format_args!(
                    "the key {api_key_id} could not be deleted under '{}': {}",
                    manager.name, trouble.why
                )));
            }
            tries += 1;
        }
    }
}
