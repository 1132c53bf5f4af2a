//! Revoking: deleted at Instantly by id, and proved dead.

use std::sync::Arc;

use doorward_audit::Audit;
use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_keys::rotation::Proof;
use doorward_policy::Timestamp;
use doorward_store::{Probe, ProbeOutcome, UpstreamKey, UpstreamKeyState, Workspace};
use tokio::runtime::Handle as Runtime;

use super::target::held_under;
use super::types::{UpstreamRevoke, UpstreamRevoked, WhichKey};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::inventory::{Reach, keeper, prove_dead};

/// Most operations that a refusal names.
const LOST_SHOWN: usize = 8;

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
        let Some(manager) = manager else {
            return Err(AdminError::failed(format_args!(
                "no other upstream key of '{0}' may delete API keys (api_keys:read, api_keys:delete): \
                 delete it in Instantly's settings, or give Doorward a key that may with `doorward \
                 upstream adopt manager --workspace {0} --manages`",
                workspace.name
            )));
        };

        let rotations = (self.parts.rotations)()?;
        if let Some(held) = held.filter(|_| !call.force) {
            rotations.refuse_twin(held, &target.api_key_id)?;
        }

        // No call begins under it any more. One that is under way is made again under another key.
        if let Some(held) = held {
            self.set_state(held, UpstreamKeyState::Retired)?;
        }
        let deleted = rotations.delete_key(&workspace, manager, &target.api_key_id);
        match (Runtime::current().block_on(deleted), held) {
            (Ok(()), _) => {}
            (Err(error), Some(held)) => {
                self.set_state(held, held.state)?;
                return Err(error);
            }
            (Err(error), None) => return Err(error),
        }
        let revoked_at = audit.now();
        let proved = match held {
            Some(held) => self.prove(&audit, &reach, &workspace, held, revoked_at),
            None => Err((
                "Doorward does not hold its value: that Instantly does not list it any more is all that \
                 can be said"
                    .to_owned(),
                false,
            )),
        };
        let (proof, unproved, lives_on) = match proved {
            Ok(proof) => (Some(proof), None, false),
            Err((why, lives_on)) => (None, Some(why), lives_on),
        };
        Ok(UpstreamRevoked {
            was_gone: target.name_there.is_none(),
            target,
            revoked_at,
            dead_after_ms: proof.as_ref().map(Proof::millis_to_death),
            proof,
            unproved,
            lives_on,
        })
    }
}

impl Admin {
    fn set_state(&self, key: &UpstreamKey, state: UpstreamKeyState) -> Result<(), AdminError> {
        self.store().set_upstream_key_state(&key.id, state)?;
        self.changed()
    }

    /// The proof that a key is dead; else why there is none, and whether it was seen to live on.
    fn prove(
        &self,
        audit: &Arc<Audit>,
        reach: &Reach,
        workspace: &Workspace,
        held: &UpstreamKey,
        revoked_at: Timestamp,
    ) -> Result<Proof, (String, bool)> {
        let client = reach
            .under(workspace, held)
            .map_err(|error| (error.message, false))?;
        let scopes = held.scope_set().unwrap_or_default();
        let proof = prove_dead(&client, scopes, revoked_at, || audit.now());
        let proof = Runtime::current().block_on(proof);
        let proof = proof.map_err(|why| {
            let told = format!(
                "it was deleted, and is not proved dead: {why}; try again with `doorward upstream probe \
                 {}`",
                held.name
            );
            (told, true)
        })?;
        let record = Probe {
            at: audit.now(),
            outcome: ProbeOutcome::Dead,
            detail: "revoked and proved dead".to_owned(),
        };
        if let Err(error) = self.store().record_probe(&held.id, &record, None) {
            tracing::warn!(%error, "that a key is dead could not be written down");
        }
        Ok(proof)
    }
}
