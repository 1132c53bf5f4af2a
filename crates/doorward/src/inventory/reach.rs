//! A client of Instantly's under one of a workspace's own keys, and which key that is.

use std::sync::Arc;

use doorward_catalog::{Op, ScopeSet};
use doorward_gateway::{PaceId, Pacing};
use doorward_keys::inventory::Standing;
use doorward_policy::WorkspaceKind;
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::{KeyRole, ProbeOutcome, UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::Client;
use secrecy::SecretString;

use crate::admin::AdminError;
use crate::scrubbed::known_secrets;
use crate::server::OwnPace;

/// How Instantly is reached.
pub(crate) struct Reach {
    /// Where secrets are read.
    pub(crate) secrets: Arc<Secrets>,
    /// Whether an emulated workspace may be called in plain text on other machines.
    pub(crate) plain_http: bool,
    /// Gives calls their turn, when a server runs in this process.
    pub(crate) pacing: Option<Pacing>,
}

impl Reach {
    /// A client under a key that is held.
    ///
    /// # Errors
    /// When its value can't be read, or no client can be made of it.
    pub(crate) fn under(
        &self,
        workspace: &Workspace,
        key: &UpstreamKey,
    ) -> Result<Client, AdminError> {
        self.with(workspace, self.value(key)?)
    }

    /// A client under a key's value.
    ///
    /// # Errors
    /// When it can be no key, or the workspace's address is none.
    pub(crate) fn with(
        &self,
        workspace: &Workspace,
        value: SecretString,
    ) -> Result<Client, AdminError> {
        // What comes back is scrubbed of it from now on.
        known_secrets()
            .set("keys being tried", vec![value.clone()])
            .map_err(AdminError::failed)?;
        let client = Client::builder()
            .base_url(&workspace.base_url)
            .allow_plain_http(self.plain_http)
            .public_only(workspace.kind == WorkspaceKind::Live && !self.plain_http)
            .key(value);
        let client = match &self.pacing {
            Some(pacing) => client.pace(OwnPace {
                pacing: pacing.clone(),
                workspace: PaceId::of(workspace),
            }),
            None => client,
        };
        client.build().map_err(AdminError::failed)
    }

    /// The value of a key that is held.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn value(&self, key: &UpstreamKey) -> Result<SecretString, AdminError> {
        let reference: SecretRef = key.reference.parse().map_err(AdminError::failed)?;
        self.secrets.read(&reference).map_err(|error| {
            AdminError::failed(format_args!("the upstream key '{}': {error}", key.name))
        })
    }
}

/// The key that Doorward itself makes these calls under: one that is there for that, else the narrowest
/// that is known to cover them all.
pub(crate) fn keeper<'w>(
    workspace: &'w Workspace,
    operations: &[Op],
    but: Option<&str>,
) -> Option<&'w UpstreamKey> {
    let covers = |key: &UpstreamKey| {
        let scopes = key.scope_set().unwrap_or_default();
        operations.iter().all(|op| scopes.covers(*op))
    };
    let keys = workspace.upstream_keys.iter();
    keys.filter(|key| key.state == UpstreamKeyState::Active && Some(key.id.as_str()) != but)
        .filter(|key| !is_dead(key) && covers(key))
        .min_by_key(|key| {
            let breadth = key
                .scope_set()
                .map_or(usize::MAX, |scopes| ScopeSet::allows(scopes).len());
            (key.role != KeyRole::Manages, breadth, key.name.clone())
        })
}

/// Whether the last probe found it dead.
fn is_dead(key: &UpstreamKey) -> bool {
    let outcome = key.probe.as_ref().map(|probe| probe.outcome);
    outcome == Some(ProbeOutcome::Dead)
}

/// The workspace's keys as they count for what clients' calls can go out under.
pub(crate) fn standing(workspace: &Workspace) -> Vec<Standing> {
    let keys = workspace.upstream_keys.iter();
    let carrying = keys.filter(|key| key.role == KeyRole::Carries);
    let standing = carrying.map(|key| Standing {
        key_id: key.id.clone(),
        scopes: key.scope_set(),
        works: key.state != UpstreamKeyState::Retired && !is_dead(key),
    });
    standing.collect()
}
