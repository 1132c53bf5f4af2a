//! Listing: what is held, what Instantly lists, what was used.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_audit::Audit;
use doorward_audit::instantly::{PullOptions, Source, pull_once, read_to};
use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_keys::inventory::{Held, HeldState, Listing, Uses, rows};
use doorward_store::{KeyRole, ProbeOutcome, UpstreamKey, UpstreamKeyState, Workspace};
use tokio::runtime::Handle as Runtime;

use super::types::{Inventory, UpstreamList};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::inventory::{KEYS_MAX, Reach, Sought, keeper, list_keys, sightings, uses_since};
use crate::server::{Sources, watch_key, watch_options};

/// Most readings of one log: each goes on where the one before stopped.
const READINGS_MAX: usize = 5;

impl Handle<UpstreamList> for Admin {
    fn handle(&self, call: UpstreamList) -> Result<Vec<Inventory>, AdminError> {
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let workspaces = self.workspaces(&call.of)?;
        let rotations = (self.parts.rotations)()?;
        let logs = match call.fetch {
            true => self.logs(&workspaces)?,
            false => Vec::new(),
        };
        let each = workspaces.iter().map(|workspace| {
            let mut told = Vec::new();
            let listing = match call.fetch {
                true => {
                    read_log(&audit, &logs, workspace, &mut told)?;
                    self.listing(&reach, workspace, &mut told)
                }
                false => None,
            };
            let now = audit.now();
            let sought = Sought {
                workspace_id: &workspace.id,
                api_key_id: None,
                since: call.since,
            };
            let (seen, whole) = sightings(self.store(), &audit.reader(), sought, now)?;
            if !whole {
                told.push(
                    "Instantly's audit log or the ledger has more than is looked at: say --since"
                        .to_owned(),
                );
            }
            let used = uses_since(&audit.reader(), &workspace.id, call.since)?;
            if !used.whole {
                told.push("the ledger has more leaves than are looked at: say --since".to_owned());
            }
            let keys = workspace.upstream_keys.iter();
            let watches = watch_key(&workspace.upstream_keys).map(|key| &key.id);
            let held: Vec<Held> = keys
                .map(|key| Held {
                    own_use: own_use(key, watches == Some(&key.id)),
                    ..held(key, learnt.get(&key.id))
                })
                .collect();
            let log_read_to = read_to(self.store(), &workspace.id)?;
            if log_read_to.is_none() {
                told.push(
                    "Instantly's audit log was never read, so that use around Doorward is not seen: a \
                     key with audit_logs:read reads it"
                        .to_owned(),
                );
            }
            Ok(Inventory {
                workspace: workspace.name.clone(),
                workspace_id: workspace.id.clone(),
                since: call.since,
                keys: rows(
                    &held,
                    listing.as_ref(),
                    &with_those_before(workspace, used.by_key),
                    &seen,
                ),
                listed: listing.is_some_and(|listing| listing.whole),
                log_read_to,
                owed: rotations.revocations().list(Some(&workspace.id), true)?,
                told,
            })
        });
        each.collect()
    }
}

impl Admin {
    /// How Instantly is asked about keys.
    pub(in crate::admin) fn reach(&self) -> Result<Reach, AdminError> {
        Ok(Reach {
            secrets: self.secrets()?,
            plain_http: self.parts.plain_http,
            pacing: self.parts.pacing.clone(),
        })
    }

    /// The keys that Instantly lists; when they can't be had, `told` says why and what to do.
    pub(super) fn listing(
        &self,
        reach: &Reach,
        workspace: &Workspace,
        told: &mut Vec<String>,
    ) -> Option<Listing> {
        match self.try_listing(reach, workspace) {
            Ok((listing, _)) => {
                if !listing.whole {
                    told.push(format!(
                        "Instantly lists more than {KEYS_MAX} keys; the rest is left out"
                    ));
                }
                Some(listing)
            }
            Err(error) => {
                told.push(error.message);
                None
            }
        }
    }

    /// The keys that Instantly lists, and its id of the workspace.
    ///
    /// # Errors
    /// When no key may list them, or Instantly does not answer: says what to do.
    pub(super) fn try_listing(
        &self,
        reach: &Reach,
        workspace: &Workspace,
    ) -> Result<(Listing, Option<String>), AdminError> {
        let Some(key) = keeper(workspace, &[Op::ListAPIKey], None) else {
            return Err(AdminError::failed(format_args!(
                "no upstream key of '{0}' may list the workspace's API keys: which others there are, \
                 their age, their ids and whether keys that Doorward holds are still there can't be \
                 known. Make a key with api_keys:read, api_keys:create and api_keys:delete in Instantly \
                 (Settings, Integrations, API Keys) and give it with `doorward upstream adopt manager \
                 --workspace {0} --manages`",
                workspace.name
            )));
        };
        let client = reach.under(workspace, key)?;
        let listed = Runtime::current().block_on(list_keys(&client));
        listed.map_err(|error| {
            AdminError::failed(format_args!(
                "the workspace's API keys could not be listed under '{}': {error}",
                key.name
            ))
        })
    }

    /// The audit logs of these workspaces, where a key may read them.
    pub(in crate::admin) fn logs(
        &self,
        workspaces: &[Workspace],
    ) -> Result<Vec<LogOf>, AdminError> {
        let sources = Sources::new(
            Arc::clone(&self.parts.store),
            self.secrets()?,
            self.parts.plain_http,
        )
        .only(workspaces);
        let sources = match &self.parts.pacing {
            Some(pacing) => sources.paced(pacing.clone()),
            None => sources,
        };
        let options = watch_options(&self.parts.instantly).pull;
        let logs = sources.now().into_iter();
        Ok(logs.map(|source| LogOf(source, options)).collect())
    }
}

/// An audit log of Instantly's, and how it is read.
pub(in crate::admin) struct LogOf(Source, PullOptions);

/// Reads what is new in a workspace's of these logs.
pub(in crate::admin) fn read_log(
    audit: &Arc<Audit>,
    logs: &[LogOf],
    workspace: &Workspace,
    told: &mut Vec<String>,
) -> Result<(), AdminError> {
    for LogOf(source, options) in logs {
        if source.workspace != workspace.id {
            continue;
        }
        for _ in 0..READINGS_MAX {
            let pulled = pull_once(audit, source, options, audit.now());
            let pulled = Runtime::current().block_on(pulled)?;
            let stuck = pulled.told.is_some();
            told.extend(pulled.told);
            if pulled.complete || stuck {
                break;
            }
        }
    }
    Ok(())
}

/// What a key was used for counts for the one that took its place.
fn with_those_before(
    workspace: &Workspace,
    mut by_key: BTreeMap<String, Uses>,
) -> BTreeMap<String, Uses> {
    let alone = by_key.clone();
    for key in &workspace.upstream_keys {
        let all = by_key.entry(key.id.clone()).or_default();
        for before in those_before(workspace, key) {
            if let Some(uses) = alone.get(&before.id) {
                all.join(uses);
            }
        }
    }
    by_key
}

/// The keys that this one took the place of, one after the other, as far as they are kept.
pub(in crate::admin) fn those_before<'w>(
    workspace: &'w Workspace,
    key: &UpstreamKey,
) -> impl Iterator<Item = &'w UpstreamKey> {
    let name = format!("{}~", key.name);
    let keys = workspace.upstream_keys.iter();
    keys.filter(move |one| one.name.starts_with(&name))
}

/// What Doorward itself does under a key.
pub(in crate::admin) fn own_use(key: &UpstreamKey, watches: bool) -> Option<String> {
    let own = match (key.role, watches) {
        (KeyRole::Manages, false) => "lists, makes and deletes keys",
        (KeyRole::Manages, true) => "lists, makes and deletes keys; reads Instantly's audit log",
        (KeyRole::Carries, true) => "reads Instantly's audit log",
        (KeyRole::Carries, false) => return None,
    };
    Some(own.to_owned())
}

/// A key as the inventory takes it. What the store does not know of its id may have been learnt from
/// Instantly's log.
pub(super) fn held(key: &UpstreamKey, learnt: Option<&String>) -> Held {
    let alive = key.probe.as_ref().and_then(|probe| match probe.outcome {
        ProbeOutcome::Alive => Some(true),
        ProbeOutcome::Dead => Some(false),
        ProbeOutcome::Unclear => None,
    });
    Held {
        key_id: key.id.clone(),
        name: key.name.clone(),
        api_key_id: key.api_key_id.as_ref().or(learnt).cloned(),
        reference: key.reference.clone(),
        scopes: key.scopes.clone(),
        state: match key.state {
            UpstreamKeyState::Active => HeldState::Active,
            UpstreamKeyState::Retiring => HeldState::Retiring,
            UpstreamKeyState::Retired => HeldState::Retired,
        },
        alive,
        manages: key.role == KeyRole::Manages,
        own_use: None,
        owner: (!key.owner.is_empty()).then(|| key.owner.clone()),
        since: key.made_at.unwrap_or(key.created_at),
    }
}
