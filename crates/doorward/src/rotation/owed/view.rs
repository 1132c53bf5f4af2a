//! Revocations as they are shown.

use doorward_keys::revocation::{Phase, Revocation};
use doorward_keys::rotation::{Proof, Why};
use doorward_policy::Timestamp;
use doorward_store::{RevocationRecord, Workspace};
use serde::{Deserialize, Serialize};

/// How often a step failed once somebody should look.
pub(super) const TOLD_FROM: u32 = 3;

/// A revocation, owed or over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RevocationView {
    /// Its id: `rv-` and ten characters.
    pub(crate) id: String,
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Doorward's id of it.
    pub(crate) workspace_id: String,
    /// Name of the upstream key here, if there is a record of it.
    pub(crate) key: Option<String>,
    /// Doorward's id of it.
    pub(crate) key_id: Option<String>,
    /// Instantly's id of the key.
    pub(crate) api_key_id: String,
    /// Why: `asked` or `leak`.
    pub(crate) why: Why,
    /// Where it is: `revoke`, `prove-dead`, `done` or `abandoned`.
    pub(crate) step: String,
    /// Whether it is owed.
    pub(crate) open: bool,
    /// Since when it is there.
    pub(crate) since: Timestamp,
    /// How often the step at hand failed.
    pub(crate) tries: u32,
    /// What went wrong last; of one that is done, why there is no proof.
    pub(crate) trouble: Option<String>,
    /// When it began.
    pub(crate) begun_at: Timestamp,
    /// When the key was deleted, or first seen to be dead.
    pub(crate) revoked_at: Option<Timestamp>,
    /// Whether it was seen to work long after.
    pub(crate) lives_on: bool,
    /// Milliseconds from the deletion to the first refusal.
    pub(crate) millis_to_death: Option<i64>,
    /// When it was proved dead.
    pub(crate) proved_at: Option<Timestamp>,
    /// The refusals that prove it.
    pub(crate) refusals: Option<u32>,
    /// When it was over.
    pub(crate) ended_at: Option<Timestamp>,
}

impl RevocationView {
    /// Of a workspace, as long as it is known.
    pub(super) fn of(
        record: &RevocationRecord,
        revocation: &Revocation,
        workspace: Option<&Workspace>,
    ) -> Self {
        let proof = revocation.proof();
        let key = workspace.and_then(|workspace| {
            let mut keys = workspace.upstream_keys.iter();
            keys.find(|key| Some(&key.id) == record.key_id.as_ref())
        });
        Self {
            id: record.id.clone(),
            workspace: workspace
                .map_or(&record.workspace_id, |one| &one.name)
                .clone(),
            workspace_id: record.workspace_id.clone(),
            key: key.map(|key| key.name.clone()),
            key_id: record.key_id.clone(),
            api_key_id: record.api_key_id.clone(),
            why: revocation.why(),
            step: revocation.phase().as_str().to_owned(),
            open: record.open,
            since: revocation.since(),
            tries: revocation.tries(),
            trouble: revocation.trouble().map(str::to_owned),
            begun_at: record.begun_at,
            revoked_at: revocation.revoked_at(),
            lives_on: revocation.lives_on(),
            millis_to_death: proof.map(Proof::millis_to_death),
            proved_at: proof.map(|proof| proof.last),
            refusals: proof.map(|proof| proof.refusals),
            ended_at: record.ended_at,
        }
    }

    /// What to call the key.
    pub(crate) fn title(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.api_key_id)
    }

    /// Whether the deletion failed so often that whoever asked is told to wait no longer.
    pub(crate) fn is_put_off(&self) -> bool {
        self.open && self.step == Phase::Revoking.as_str() && self.tries >= TOLD_FROM
    }

    /// Whether it ended as it was meant to.
    pub(crate) fn is_done(&self) -> bool {
        self.step == Phase::Done.as_str()
    }
}
