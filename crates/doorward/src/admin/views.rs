//! Records as they are shown: what the store has, with what can be said about it now.

use std::collections::BTreeSet;

use doorward_catalog::{Environment, Op, OpSet, Scope, ScopeSet};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{
    Client, ClientKeyRecord, Controls, KeyRole, ProbeOutcome, UpstreamKey, UpstreamKeyState,
    Workspace,
};
use serde::{Deserialize, Serialize};

/// A workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkspaceView {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Instantly's id of it, once known.
    pub(crate) instantly_id: Option<String>,
    pub(crate) kind: WorkspaceKind,
    pub(crate) base_url: String,
    pub(crate) environments: BTreeSet<Environment>,
    pub(crate) upstream_keys: Vec<UpstreamKeyView>,
    pub(crate) clients: usize,
    /// Operations granted to clients that no upstream key covers, by `operationId`.
    pub(crate) uncovered: Vec<String>,
    pub(crate) created_at: Timestamp,
}

/// An upstream key: where it is, never what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpstreamKeyView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) reference: String,
    /// None when not known.
    pub(crate) scopes: Option<Vec<String>>,
    /// Of its scopes, those that no call of a client goes out under it for.
    pub(crate) unused: ScopeSet,
    pub(crate) state: UpstreamKeyState,
    pub(crate) role: KeyRole,
    /// Instantly's id of it, once known.
    pub(crate) api_key_id: Option<String>,
    pub(crate) owner: String,
    /// When it was made at Instantly, where that is known.
    pub(crate) made_at: Option<Timestamp>,
    /// After how many milliseconds it is rotated; what is configured when nothing is noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotate_every: Option<i64>,
    pub(crate) alive: Option<ProbeOutcome>,
    pub(crate) probed_at: Option<Timestamp>,
    pub(crate) detail: Option<String>,
}

/// A client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) workspace: String,
    pub(crate) workspace_id: String,
    /// `active`, `disabled`, `expired` or `grant_invalid`.
    pub(crate) status: String,
    pub(crate) environment: Environment,
    pub(crate) owner: String,
    pub(crate) purpose: String,
    /// As written.
    pub(crate) grant: Grant,
    /// Why the grant is not valid any more.
    pub(crate) grant_fault: Option<String>,
    /// The operations granted now, by `operationId`.
    pub(crate) operations: Vec<String>,
    /// The scopes to show for them.
    pub(crate) scopes: ScopeSet,
    /// What is set for it beside its grant.
    pub(crate) controls: Controls,
    pub(crate) source: String,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

/// A client key: what is kept of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyView {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) client_id: String,
    pub(crate) workspace: String,
    pub(crate) workspace_id: String,
    /// `active`, `expired` or `revoked`.
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
}

impl UpstreamKeyView {
    fn of(key: &UpstreamKey, unused: ScopeSet) -> Self {
        let probe = key.probe.as_ref();
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            reference: key.reference.clone(),
            scopes: key.scopes.clone(),
            unused,
            state: key.state,
            role: key.role,
            api_key_id: key.api_key_id.clone(),
            owner: key.owner.clone(),
            made_at: key.made_at,
            rotate_every: key.rotate_every,
            alive: probe.map(|probe| probe.outcome),
            probed_at: probe.map(|probe| probe.at),
            detail: probe.map(|probe| probe.detail.clone()),
        }
    }
}

impl WorkspaceView {
    /// The workspace with its clients held against its keys.
    pub(super) fn of(workspace: &Workspace, clients: &[Client], now: Timestamp) -> Self {
        let mine = clients
            .iter()
            .filter(|client| client.workspace_id == workspace.id);
        let mut wanted = OpSet::EMPTY;
        let mut count = 0;
        for client in mine {
            count += 1;
            let grant = client
                .grant
                .resolve_stored(client.environment, workspace.kind, now);
            if let Ok(grant) = grant {
                wanted = wanted.union(grant.operations(now));
            }
        }
        let share = share(&workspace.upstream_keys, wanted);
        let covered = share
            .iter()
            .fold(OpSet::EMPTY, |all, (_, mine)| all.union(*mine));
        // With one key's scopes unknown, nothing can be said.
        let carrying = workspace.upstream_keys.iter().filter(|key| carries(key));
        let all_known = share.len() == carrying.count();
        let uncovered = if all_known {
            wanted.difference(covered)
        } else {
            OpSet::EMPTY
        };
        let judged = count > 0 && all_known;
        let keys = workspace.upstream_keys.iter().map(|key| {
            let mine = share
                .iter()
                .find(|(id, _)| *id == key.id)
                .map(|(_, mine)| *mine);
            let scopes = key.scope_set().unwrap_or_default();
            let unused = mine.filter(|_| judged).map(|mine| scopes.excess(mine));
            UpstreamKeyView::of(key, unused.unwrap_or_default())
        });
        Self {
            id: workspace.id.clone(),
            name: workspace.name.clone(),
            instantly_id: workspace.instantly_id.clone(),
            kind: workspace.kind,
            base_url: workspace.base_url.clone(),
            environments: workspace.environments.clone(),
            upstream_keys: keys.collect(),
            clients: count,
            uncovered: uncovered.iter().map(|op| op.id().to_owned()).collect(),
            created_at: workspace.created_at,
        }
    }
}

impl ClientView {
    /// The client as it stands now.
    pub(super) fn of(client: &Client, workspace: &Workspace, now: Timestamp) -> Self {
        let grant = client
            .grant
            .resolve_stored(client.environment, workspace.kind, now);
        let over = client.expires_at.is_some_and(|at| at <= now);
        let status = match (&grant, client.disabled_at) {
            (_, Some(_)) => "disabled",
            _ if over => "expired",
            (Err(_), None) => "grant_invalid",
            (Ok(_), None) => "active",
        };
        let operations = grant
            .as_ref()
            .map(|grant| grant.operations(now))
            .unwrap_or_default();
        Self {
            id: client.id.clone(),
            name: client.name.clone(),
            workspace: workspace.name.clone(),
            workspace_id: workspace.id.clone(),
            status: status.to_owned(),
            environment: client.environment,
            owner: client.owner.clone(),
            purpose: client.purpose.clone(),
            grant: client.grant.clone(),
            operations: operations.iter().map(Op::id).map(str::to_owned).collect(),
            scopes: grant
                .as_ref()
                .map(|grant| grant.scopes(now))
                .unwrap_or_default(),
            grant_fault: grant.err().map(|refused| refused.to_string()),
            controls: client.controls.clone(),
            source: client.source.clone(),
            expires_at: client.expires_at,
            disabled_at: client.disabled_at,
            created_at: client.created_at,
        }
    }

    /// What the client is for, in a word or two: its use cases, else how many operations.
    pub(crate) fn use_case(&self) -> String {
        let grant = &self.grant;
        let mut parts: Vec<String> = grant.use_cases.iter().cloned().collect();
        for (names, one) in [(&grant.operations, "operation"), (&grant.scopes, "scope")] {
            match names.len() {
                0 => {}
                1 => parts.push(format!("1 {one}")),
                count => parts.push(format!("{count} {one}s")),
            }
        }
        if grant.learning.is_some() {
            parts.push("learning".to_owned());
        }
        if grant.audit {
            parts.push("ledger entries".to_owned());
        }
        parts.join(" + ")
    }
}

impl KeyView {
    /// The key as it stands now.
    pub(super) fn of(
        key: &ClientKeyRecord,
        client: &Client,
        workspace: &Workspace,
        now: Timestamp,
    ) -> Self {
        let over = key.expires_at.is_some_and(|at| at <= now);
        let status = match key.revoked_at {
            Some(_) => "revoked",
            None if over => "expired",
            None => "active",
        };
        Self {
            id: key.id.to_string(),
            client: client.name.clone(),
            client_id: client.id.clone(),
            workspace: workspace.name.clone(),
            workspace_id: workspace.id.clone(),
            status: status.to_owned(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// Whether calls of clients may go out under the key.
fn carries(key: &UpstreamKey) -> bool {
    key.state != UpstreamKeyState::Retired && key.role == KeyRole::Carries
}

/// Which of the operations go out under which key, by the key's id: the narrowest that covers one
/// takes it. Keys whose scopes are not known, or that are not used any more, are left out.
fn share(keys: &[UpstreamKey], wanted: OpSet) -> Vec<(String, OpSet)> {
    let mut known: Vec<(&UpstreamKey, ScopeSet)> = keys
        .iter()
        .filter(|key| carries(key))
        .filter_map(|key| Some((key, key.scope_set()?)))
        .collect();
    known.sort_by_key(|(key, scopes)| {
        (
            key.state != UpstreamKeyState::Active,
            scopes.allows().len(),
            scopes.len(),
        )
    });
    let mut left = wanted;
    let mut shares = Vec::with_capacity(known.len());
    for (key, scopes) in known {
        let mine = left.intersection(scopes.allows());
        left = left.difference(mine);
        shares.push((key.id.clone(), mine));
    }
    shares
}

/// Scopes of which those that the catalog knows count.
pub(crate) fn known_scopes(scopes: &[String]) -> ScopeSet {
    scopes
        .iter()
        .filter_map(|scope| Scope::parse(scope).ok())
        .collect()
}
