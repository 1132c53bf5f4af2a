//! Whose audit logs are read: each workspace with a key that may, and the sub-workspaces that its
//! clients act on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use doorward_audit::instantly::Source;
use doorward_audit::reconcile::{ReconcileOptions, WatchOptions};
use doorward_catalog::Op;
use doorward_gateway::{PaceId, Pacing};
use doorward_policy::WorkspaceKind;
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::{Store, UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::Client;

use super::pace::OwnPace;
use crate::config::InstantlyConfig;

/// What is asked of Instantly for the watch. The first can't be done without.
pub(crate) const WATCHED: [Op; 3] = [Op::ListAuditLog, Op::ListAPIKey, Op::ListWorkspaceMember];
const DAY_MS: i64 = 86_400_000;

/// The sources, made anew when the state has changed.
pub(crate) struct Sources {
    store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
    plain_http: bool,
    pacing: Option<Pacing>,
    /// The workspaces that are asked for, by id; all when none are said.
    only: Option<BTreeSet<String>>,
    made: Mutex<Option<(u64, Vec<Source>)>>,
}

impl Sources {
    /// Over a store; secrets that are read are recorded.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        secrets: impl Into<Arc<Secrets>>,
        plain_http: bool,
    ) -> Self {
        Self {
            store,
            secrets: secrets.into(),
            plain_http,
            pacing: None,
            only: None,
            made: Mutex::new(None),
        }
    }

    /// The same of these workspaces alone: no other's key is read.
    #[must_use]
    pub(crate) fn only(self, workspaces: &[Workspace]) -> Self {
        let ids = workspaces.iter().map(|workspace| workspace.id.clone());
        Self {
            only: Some(ids.collect()),
            ..self
        }
    }

    /// The same, reading at the pace that the workspaces' clients keep.
    #[must_use]
    pub(crate) fn paced(self, pacing: Pacing) -> Self {
        Self {
            pacing: Some(pacing),
            ..self
        }
    }

    /// The sources now. Blocks.
    pub(crate) fn now(&self) -> Vec<Source> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = match self.store.generation() {
            Ok(generation) => generation,
            Err(error) => {
                tracing::warn!(%error, "the workspaces to be watched could not be read");
                return Vec::new();
            }
        };
        if let Some((_, sources)) = made.as_ref().filter(|(at, _)| *at == generation) {
            return sources.clone();
        }
        let sources = self.make().unwrap_or_else(|error| {
            tracing::warn!(%error, "the workspaces to be watched could not be read");
            Vec::new()
        });
        *made = Some((generation, sources.clone()));
        sources
    }

    fn make(&self) -> Result<Vec<Source>, doorward_store::StoreError> {
        let mut subs = BTreeMap::<String, BTreeSet<String>>::new();
        for client in self.store.clients(None)? {
            let acted_on = client.grant.sub_workspaces;
            subs.entry(client.workspace_id)
                .or_default()
                .extend(acted_on);
        }
        let mut sources = Vec::new();
        let wanted = |workspace: &Workspace| {
            let only = self.only.as_ref();
            only.is_none_or(|only| only.contains(&workspace.id))
        };
        for workspace in self.store.workspaces()?.into_iter().filter(wanted) {
            let Some(client) = self.client(&workspace) else {
                tracing::info!(
                    workspace = workspace.name,
                    "no upstream key may read the audit log (audit_logs:read), so that nobody \
                     who goes around Doorward is seen there"
                );
                continue;
            };
            let mine = subs.remove(&workspace.id).unwrap_or_default();
            for sub in mine {
                match client.as_workspace(&sub) {
                    Ok(client) => sources.push(Source {
                        workspace: workspace.id.clone(),
                        sub_workspace: Some(sub),
                        client,
                    }),
                    Err(error) => tracing::warn!(%error, "a sub-workspace is not watched"),
                }
            }
            sources.push(Source {
                workspace: workspace.id,
                sub_workspace: None,
                client,
            });
        }
        Ok(sources)
    }

    /// A client under the key that may do the most of what is asked, and of those the narrowest.
    fn client(&self, workspace: &Workspace) -> Option<Client> {
        let key = watch_key(&workspace.upstream_keys)?;
        let reference: SecretRef = key.reference.parse().ok()?;
        let secret = match self.secrets.read(&reference) {
            Ok(secret) => secret,
            Err(error) => {
                tracing::warn!(%error, key = key.name, "an upstream key could not be read");
                return None;
            }
        };
        let client = Client::builder()
            .base_url(&workspace.base_url)
            .allow_plain_http(self.plain_http)
            .public_only(workspace.kind == WorkspaceKind::Live && !self.plain_http)
            .key(secret);
        let client = match &self.pacing {
            Some(pacing) => client.pace(OwnPace {
                pacing: pacing.clone(),
                workspace: PaceId::of(workspace),
            }),
            None => client,
        };
        client
            .build()
            .inspect_err(|error| tracing::warn!(%error, "a workspace is not watched"))
            .ok()
    }
}

/// The key that the watch asks under.
pub(crate) fn watch_key(keys: &[UpstreamKey]) -> Option<&UpstreamKey> {
    let may = |key: &UpstreamKey, op: Op| key.scope_set().is_some_and(|scopes| scopes.covers(op));
    keys.iter()
        .filter(|key| key.state == UpstreamKeyState::Active && may(key, Op::ListAuditLog))
        .min_by_key(|key| {
            let lacks = WATCHED.iter().filter(|op| !may(key, **op)).count();
            let breadth = key
                .scope_set()
                .map_or(usize::MAX, |scopes| scopes.allows().iter().count());
            (lacks, breadth)
        })
}

/// How the watch is configured.
pub(crate) fn options(config: &InstantlyConfig) -> WatchOptions {
    WatchOptions {
        pull_every: config.pull_every,
        poll_every: config.poll_every,
        keep_ms: i64::try_from(config.keep_days)
            .unwrap_or(i64::MAX)
            .saturating_mul(DAY_MS),
        reconcile: ReconcileOptions {
            egress: config.egress.clone(),
            ..ReconcileOptions::default()
        },
        ..WatchOptions::default()
    }
}
