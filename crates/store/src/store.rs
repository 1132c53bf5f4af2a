//! The trait that all durable state is behind.

use doorward_catalog::Op;
use doorward_keys::KeyId;
use doorward_policy::Timestamp;

use crate::admin_token_store::AdminTokenStore;
use crate::approval_store::ApprovalStore;
use crate::check_store::CheckStore;
use crate::client::{Client, ClientChange, ClientKeyRecord, NewClient, NewClientKey, ReplacedKeys};
use crate::error::Result;
use crate::idempotency_store::IdempotencyStore;
use crate::instantly_log_store::InstantlyLogStore;
use crate::ledger_store::LedgerStore;
use crate::observed::ObservedScope;
use crate::pace_store::PaceStore;
use crate::policy_store::PolicyStore;
use crate::relay_store::RelayStore;
use crate::revocation_store::RevocationStore;
use crate::rotation_store::RotationStore;
use crate::snapshot::Snapshot;
use crate::workspace::{
    NewUpstreamKey, NewWorkspace, Probe, UpstreamKey, UpstreamKeyChange, UpstreamKeyState,
    Workspace, WorkspaceChange,
};

/// Durable state. Every call blocks; every change is durable when the call returns, and there
/// whole or not at all.
///
/// Where a record is asked for by `id_or_name`, ids come first; they can't be mistaken for one
/// another, since a name that looks like an id is refused. The time of a change is an argument.
///
/// # Errors
/// Every call fails when the medium does. Beyond that: [`NotFound`] where a record is named that
/// is not there, [`Duplicate`] where a name is taken, [`Field`] where a value does not fit, each
/// leaving everything as it was.
///
/// [`NotFound`]: crate::StoreError::NotFound
/// [`Duplicate`]: crate::StoreError::Duplicate
/// [`Field`]: crate::StoreError::Field
pub trait Store:
    LedgerStore
    + InstantlyLogStore
    + IdempotencyStore
    + PaceStore
    + PolicyStore
    + ApprovalStore
    + AdminTokenStore
    + RotationStore
    + RelayStore
    + RevocationStore
    + CheckStore
{
    /// Counts the changes that a [`Snapshot`] shows: as long as it stands still, so does what
    /// [`Store::load_snapshot`] gives, but for when an observed scope was last seen.
    fn generation(&self) -> Result<u64>;

    /// All that a server decides from, read in one transaction, grants resolved as of `now`.
    fn load_snapshot(&self, now: Timestamp) -> Result<Snapshot>;

    /// Notes the pepper's [check value](doorward_keys::Pepper::check_value) the first time, and
    /// compares it ever after: [`WrongPepper`](crate::StoreError::WrongPepper) when it is another
    /// and there are client keys. With none left, the new one is noted.
    fn confirm_pepper(&self, check_value: &str) -> Result<()>;

    /// Adds a workspace.
    fn create_workspace(&self, new: &NewWorkspace, now: Timestamp) -> Result<Workspace>;

    /// Every workspace with its upstream keys, by name.
    fn workspaces(&self) -> Result<Vec<Workspace>>;

    /// One workspace with its upstream keys.
    fn workspace(&self, id_or_name: &str) -> Result<Workspace>;

    /// Changes a workspace.
    fn change_workspace(&self, id: &str, change: &WorkspaceChange) -> Result<Workspace>;

    /// Deletes a workspace and its upstream keys' records.
    /// [`InUse`](crate::StoreError::InUse) as long as it has clients, sources or
    /// destinations,
    /// [`Rotating`](crate::StoreError::Rotating) as long as a key of it is rotated,
    /// [`Revoking`](crate::StoreError::Revoking) as long as one is revoked.
    fn delete_workspace(&self, id: &str) -> Result<()>;

    /// Adds an upstream key to a workspace, active.
    fn add_upstream_key(
        &self,
        workspace_id: &str,
        new: &NewUpstreamKey,
        now: Timestamp,
    ) -> Result<UpstreamKey>;

    /// Changes what is known of an upstream key.
    fn change_upstream_key(&self, id: &str, change: &UpstreamKeyChange) -> Result<UpstreamKey>;

    /// Changes whether an upstream key is used.
    fn set_upstream_key_state(&self, id: &str, state: UpstreamKeyState) -> Result<UpstreamKey>;

    /// Notes what a probe found, and the scopes it found when it could tell.
    fn record_probe(
        &self,
        id: &str,
        probe: &Probe,
        scopes: Option<&[String]>,
    ) -> Result<UpstreamKey>;

    /// Deletes an upstream key's record. Its value, where it is kept, is not touched.
    /// [`Rotating`](crate::StoreError::Rotating) as long as a rotation needs it,
    /// [`Revoking`](crate::StoreError::Revoking) until it is proved dead.
    fn delete_upstream_key(&self, id: &str) -> Result<()>;

    /// Makes a client. Its grant is resolved first:
    /// [`Grant`](crate::StoreError::Grant) when it is refused.
    fn create_client(&self, new: &NewClient, now: Timestamp) -> Result<Client>;

    /// The clients of a workspace, or of all, by workspace's name and name.
    fn clients(&self, workspace_id: Option<&str>) -> Result<Vec<Client>>;

    /// One client, by its id or by its name in the workspace.
    fn client(&self, workspace_id: &str, id_or_name: &str) -> Result<Client>;

    /// Changes a client. A new grant is resolved first, as for a new client.
    fn change_client(&self, id: &str, change: &ClientChange, now: Timestamp) -> Result<Client>;

    /// Deletes a client and its keys.
    fn delete_client(&self, id: &str) -> Result<()>;

    /// Records a key issued to a client.
    fn add_client_key(
        &self,
        client_id: &str,
        new: &NewClientKey,
        now: Timestamp,
    ) -> Result<ClientKeyRecord>;

    /// Records a key issued to a client in the place of its others that are in force, or of `only`
    /// one of them: those end at `ends`, or when they would have ended if that is earlier; they are
    /// revoked when `ends` is not later than `now`. [`NoKeyInForce`] when there is none.
    ///
    /// [`NoKeyInForce`]: crate::StoreError::NoKeyInForce
    fn replace_client_keys(
        &self,
        client_id: &str,
        new: &NewClientKey,
        only: Option<KeyId>,
        ends: Timestamp,
        now: Timestamp,
    ) -> Result<ReplacedKeys>;

    /// The keys of a client, or of all, by time of issue and id.
    fn client_keys(&self, client_id: Option<&str>) -> Result<Vec<ClientKeyRecord>>;

    /// Revokes a key. Revoking what is revoked keeps the first time.
    fn revoke_client_key(&self, id: KeyId, now: Timestamp) -> Result<ClientKeyRecord>;

    /// Gives a key an earlier or later end; `None` for never. What is revoked stays so.
    fn set_client_key_expiry(
        &self,
        id: KeyId,
        expires_at: Option<Timestamp>,
    ) -> Result<ClientKeyRecord>;

    /// Notes when keys were last used. Unknown keys and earlier times are passed over. Does not
    /// move the generation.
    fn record_key_uses(&self, uses: &[(KeyId, Timestamp)]) -> Result<()>;

    /// Notes the scopes that the real API asked for. Moves the generation only when they are news.
    fn record_observed_scope(
        &self,
        workspace_id: &str,
        operation: Op,
        required: &[String],
        now: Timestamp,
    ) -> Result<()>;

    /// What the real API said about scopes, by workspace's name and operation.
    fn observed_scopes(&self) -> Result<Vec<ObservedScope>>;
}
