//! Replacing a key that leaked.

use doorward_keys::rotation::{Timing, Why};
use tokio::runtime::Handle as Runtime;

use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::leak::LeakedUpstream;
use crate::rotation::Asked;

impl Admin {
    /// Begins a rotation that revokes the old key as soon as the new one works. Its id.
    pub(super) fn replace_leaked(&self, key: &LeakedUpstream) -> Result<String, AdminError> {
        let rotations = (self.parts.rotations)()?;
        let name = key.key_id.clone().or_else(|| key.name.clone());
        let asked = Asked {
            workspace: key.workspace_id.clone(),
            key: name.unwrap_or_default(),
            why: Why::Leak,
            scopes: None,
            api_key_id: key.api_key_id.clone(),
            reference: None,
            consumers: Vec::new(),
            timing: Timing::at_once(),
        };
        let begun = Runtime::current().block_on(rotations.begin(&asked))?;
        Ok(begun.id)
    }
}
