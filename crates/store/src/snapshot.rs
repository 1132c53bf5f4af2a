//! All that a server decides from, read at one moment.

use doorward_keys::{KeyHash, KeyId, KeyRefused, Pepper, authenticate_parsed};
use doorward_policy::{ClientView, EffectiveGrant, GrantRefused, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

use crate::client::{Client, ClientKeyRecord};
use crate::observed::ObservedScope;
use crate::policy_store::Policy;
use crate::workspace::Workspace;

/// The store's content at one generation, with every grant resolved.
///
/// Held in memory and swapped whole when the store changes.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The store's generation at which it was read.
    pub generation: u64,
    /// When it was read.
    pub taken_at: Timestamp,
    /// The workspaces with their upstream keys, by name.
    pub workspaces: Vec<Workspace>,
    /// The clients, by workspace and name.
    pub clients: Vec<SnapshotClient>,
    /// What the real API said about scopes.
    pub observed_scopes: Vec<ObservedScope>,
    /// The policies, by name.
    pub policies: Vec<Policy>,
    keys: HashMap<KeyId, KeyInForce>,
}

/// A client with its grant resolved.
#[derive(Debug, Clone)]
pub struct SnapshotClient {
    /// The record.
    pub record: Client,
    /// Its id, to be shared.
    pub id: Arc<str>,
    /// Its name, to be shared.
    pub name: Arc<str>,
    /// Id of its workspace, to be shared.
    pub workspace_id: Arc<str>,
    /// What it may do, or why its grant is not valid any more.
    pub grant: Result<EffectiveGrant, GrantRefused>,
    /// Where its workspace is in [`Snapshot::workspaces`].
    workspace: usize,
}

impl SnapshotClient {
    /// The client as the policy sees it, without a key: nothing of a key is expired or revoked.
    pub fn view(&self) -> ClientView<'_> {
        ClientView {
            name: &self.name,
            workspace: &self.workspace_id,
            environment: self.record.environment,
            disabled_at: self.record.disabled_at,
            expires_at: self.record.expires_at,
            key_expires_at: None,
            key_revoked_at: None,
            grant: self.grant.as_ref().ok(),
        }
    }
}

/// What a snapshot knows of a client key.
#[derive(Debug, Clone, Copy)]
pub struct KeyInForce {
    /// The keyed hash.
    pub hash: KeyHash,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    client: usize,
}

/// Whose a presented key is. Whether it may still be used is for the policy to say.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The key's public id.
    pub key_id: KeyId,
    /// The key's end and revocation.
    pub key: KeyInForce,
    /// The client.
    pub client: &'a SnapshotClient,
    /// The client's workspace.
    pub workspace: &'a Workspace,
}

impl<'a> Known<'a> {
    /// The client and its key as the policy sees them.
    pub fn view(&self) -> ClientView<'a> {
        ClientView {
            key_expires_at: self.key.expires_at,
            key_revoked_at: self.key.revoked_at,
            ..self.client.view()
        }
    }
}

impl Snapshot {
    /// A snapshot of nothing, to start from.
    pub fn empty(taken_at: Timestamp) -> Self {
        Self::assemble(0, taken_at, vec![], vec![], &[], vec![], vec![])
    }

    pub(crate) fn assemble(
        generation: u64,
        taken_at: Timestamp,
        workspaces: Vec<Workspace>,
        clients: Vec<Client>,
        client_keys: &[ClientKeyRecord],
        observed_scopes: Vec<ObservedScope>,
        policies: Vec<Policy>,
    ) -> Self {
        let place: HashMap<&str, usize> = workspaces
            .iter()
            .enumerate()
            .map(|(n, w)| (w.id.as_str(), n))
            .collect();
        let ids: HashMap<usize, Arc<str>> = workspaces
            .iter()
            .enumerate()
            .map(|(n, w)| (n, Arc::from(w.id.as_str())))
            .collect();
        let mut resolved = Vec::with_capacity(clients.len());
        for record in clients {
            // A foreign key sees to it that the workspace is there.
            let Some(n) = place.get(record.workspace_id.as_str()).copied() else {
                continue;
            };
            let (Some(workspace), Some(id)) = (workspaces.get(n), ids.get(&n)) else {
                continue;
            };
            resolved.push(SnapshotClient {
                id: Arc::from(record.id.as_str()),
                name: Arc::from(record.name.as_str()),
                workspace_id: Arc::clone(id),
                grant: record
                    .grant
                    .resolve_stored(record.environment, workspace.kind, taken_at),
                record,
                workspace: n,
            });
        }
        let clients: HashMap<&str, usize> = resolved
            .iter()
            .enumerate()
            .map(|(n, c)| (c.record.id.as_str(), n))
            .collect();
        let in_force = |key: &ClientKeyRecord| {
            let client = clients.get(key.client_id.as_str()).copied()?;
            let ClientKeyRecord {
                hash,
                expires_at,
                revoked_at,
                ..
            } = *key;
            Some((
                key.id,
                KeyInForce {
                    hash,
                    expires_at,
                    revoked_at,
                    client,
                },
            ))
        };
        let keys = client_keys.iter().filter_map(in_force).collect();
        Self {
            generation,
            taken_at,
            workspaces,
            clients: resolved,
            observed_scopes,
            policies,
            keys,
        }
    }

    /// Whose the presented key is, in the same time whether there is such a key or not. A key that
    /// names another environment than its client's is nobody's.
    ///
    /// # Errors
    /// Why it is nobody's: for the record only, the caller is told the same each time.
    pub fn authenticate(&self, pepper: &Pepper, presented: &str) -> Result<Known<'_>, KeyRefused> {
        let (parsed, (key, client, workspace)) = authenticate_parsed(pepper, presented, |id| {
            let key = *self.keys.get(&id)?;
            let client = self.clients.get(key.client)?;
            let workspace = self.workspaces.get(client.workspace)?;
            Some((key.hash, (key, client, workspace)))
        })?;
        let key_id = parsed.id();
        if parsed.environment() != client.record.environment {
            return Err(KeyRefused::Mismatch(key_id));
        }
        Ok(Known {
            key_id,
            key,
            client,
            workspace,
        })
    }

    /// Whose the key of that id is: of one that was authenticated before, and may have been revoked
    /// or deleted since.
    pub fn known(&self, id: KeyId) -> Option<Known<'_>> {
        let key = *self.keys.get(&id)?;
        let client = self.clients.get(key.client)?;
        Some(Known {
            key_id: id,
            key,
            client,
            workspace: self.workspaces.get(client.workspace)?,
        })
    }

    /// The workspace of that id or name.
    pub fn workspace(&self, id_or_name: &str) -> Option<&Workspace> {
        self.workspaces
            .iter()
            .find(|w| w.id == id_or_name || w.name == id_or_name)
    }

    /// The workspace of a client.
    pub fn workspace_of(&self, client: &SnapshotClient) -> Option<&Workspace> {
        self.workspace(&client.record.workspace_id)
    }

    /// The client of that id.
    pub fn client(&self, id: &str) -> Option<&SnapshotClient> {
        self.clients.iter().find(|client| client.record.id == id)
    }
}
