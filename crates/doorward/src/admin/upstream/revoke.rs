//! Revoking: deleted at Instantly by id, and proved dead.

use std::time::Duration;

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_keys::rotation::Why;
use tokio::runtime::Handle as Runtime;

use super::target::held_under;
use super::types::{UpstreamRevoke, UpstreamRevoked, WhichKey};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::inventory::keeper;
use crate::rotation::Revoke;

/// Most operations that a refusal names.
const LOST_SHOWN: usize = 8;
/// How long the proof is waited for.
const WAIT: Duration = Duration::from_secs(150);

impl Handle<UpstreamRevoke> for Admin {
    fn handle(&self, call: UpstreamRevoke) -> Result<UpstreamRevoked, AdminError> {
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let workspace = self.workspace(Some(&call.workspace))?;
        let (listing, _) = self.try_listing(&reach, &workspace)?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let which = WhichKey::Id(call.api_key_id.clone());
        let target = self.target(
            &workspace,
            (&listing, &learnt),
            &which,
            call.force,
            audit.now(),
        )?;
        if !target.lost.is_empty() && !call.force {
            let shown: Vec<&str> = target
                .lost
                .iter()
                .take(LOST_SHOWN)
                .map(String::as_str)
                .collect();
            return Err(AdminError::usage(format_args!(
                "clients are granted {} operations that no other working key is known to cover ({}{}): \
                 rotate it, or add a key that covers them first; --force revokes it all the same",
                target.lost.len(),
                shown.join(", "),
                if target.lost.len() > LOST_SHOWN {
                    ", …"
                } else {
                    ""
                }
            )));
        }
        let held = held_under(&workspace, &learnt, &target.api_key_id);
        let but = held.map(|held| held.id.as_str());
        let manager = keeper(&workspace, &[Op::ListAPIKey, Op::DeleteAPIKey], but);
        if manager.is_none() {
            return Err(AdminError::failed(format_args!(
                "no other upstream key of '{0}' may delete API keys (api_keys:read, api_keys:delete): \
                 delete it in Instantly's settings, or give Doorward a key that may with `doorward \
                 upstream adopt manager --workspace {0} --manages`",
                workspace.name
            )));
        }

        let rotations = (self.parts.rotations)()?;
        if let Some(held) = held.filter(|_| !call.force) {
            rotations.refuse_twin(held, &target.api_key_id)?;
        }

        // From here on it is owed, whatever becomes of this request.
        let revoke = Revoke {
            workspace: &workspace,
            api_key_id: &target.api_key_id,
            held,
            why: Why::Asked,
        };
        let revocations = rotations.revocations();
        let begun = revocations.begin(&revoke)?;
        let ended = revocations.wait(&begun.id, false, WAIT);
        let ended = Runtime::current().block_on(ended)?;
        Ok(UpstreamRevoked {
            was_gone: target.name_there.is_none(),
            target,
            revocation: ended,
        })
    }
}
