//! Workspaces and their upstream keys.

use std::collections::BTreeSet;

use doorward_catalog::ScopeSet;
use doorward_gateway::PaceId;
use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_secrets::SecretRef;
use doorward_store::{
    KeyRole, NewUpstreamKey, NewWorkspace, Probe, ProbeOutcome, StoreError, UpstreamKeyChange,
    UpstreamKeyState, Workspace, WorkspaceChange, check_name,
};
use doorward_upstream::{BaseUrl, INSTANTLY};

use super::error::AdminError;
use super::probing::{Asked, Found, FoundKey, MANAGING, probe_keys};
use super::service::{Admin, Handle, now};
use super::types::{
    Needed, WorkspaceAdd, WorkspaceAdded, WorkspaceKeyRemove, WorkspaceList, WorkspaceRemove,
    WorkspaceShow,
};
use super::views::{UpstreamKeyView, WorkspaceView, known_scopes};
use crate::output::clean;
use crate::server::OwnPace;

/// Why a key is none that manages others.
const MANAGES: &str = "a key that manages the others needs the scopes api_keys:create, \
     api_keys:read and api_keys:delete; make one with exactly these in Instantly's settings";
/// Most upstream keys given at once.
const KEYS_MAX: usize = 32;

impl Handle<WorkspaceList> for Admin {
    fn handle(&self, _: WorkspaceList) -> Result<Vec<WorkspaceView>, AdminError> {
        let clients = self.store().clients(None)?;
        let now = now();
        let all = self.store().workspaces()?;
        Ok(all
            .iter()
            .map(|each| WorkspaceView::of(each, &clients, now))
            .collect())
    }
}

impl Handle<WorkspaceShow> for Admin {
    fn handle(&self, call: WorkspaceShow) -> Result<WorkspaceView, AdminError> {
        self.view(&self.workspace(call.name.as_deref())?, now())
    }
}

impl Handle<WorkspaceRemove> for Admin {
    fn handle(&self, call: WorkspaceRemove) -> Result<WorkspaceView, AdminError> {
        let workspace = self.store().workspace(&call.name)?;
        self.store().delete_workspace(&workspace.id)?;
        self.changed()?;
        self.view(&workspace, now())
    }
}

impl Handle<WorkspaceKeyRemove> for Admin {
    fn handle(&self, call: WorkspaceKeyRemove) -> Result<UpstreamKeyView, AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let view = self.view(&workspace, now())?;
        let named = |key: &UpstreamKeyView| key.name == call.key || key.id == call.key;
        let key = view.upstream_keys.into_iter().find(named).ok_or_else(|| {
            AdminError::failed(format_args!(
                "workspace '{0}' has no upstream key '{1}'; `doorward workspace show {0}` shows \
                 what there is",
                workspace.name,
                clean(&call.key)
            ))
        })?;
        self.store().delete_upstream_key(&key.id)?;
        self.changed()?;
        Ok(key)
    }
}

impl Handle<WorkspaceAdd> for Admin {
    fn handle(&self, call: WorkspaceAdd) -> Result<WorkspaceAdded, AdminError> {
        check_name("the workspace", &call.name)?;
        let kind = if call.sandbox {
            WorkspaceKind::Sandbox
        } else {
            WorkspaceKind::Live
        };
        let base_url = call
            .base_url
            .as_deref()
            .unwrap_or(INSTANTLY)
            .trim_end_matches('/');
        let known = match self.store().workspace(&call.name) {
            Ok(known) => Some(known),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(known) = &known {
            self.check_same(known, kind, base_url)?;
        }
        let references = self.references(&call, known.as_ref())?;
        if call.manages && call.scopes.is_some_and(|said| !manages(said)) {
            return Err(AdminError::usage(MANAGES));
        }

        // Nothing is stored unless every key is alive and of this one workspace.
        let plain_http = call.sandbox && self.parts.plain_http;
        if call.sandbox && !plain_http && is_plain_elsewhere(base_url) {
            return Err(AdminError::usage(
                "plain http to another machine shows the key to the network: use https, or, for a \
                 sandbox in a network of containers, set gateway.plain_http = true in the \
                 configuration",
            ));
        }
        let secrets = self.secrets()?;
        let asked = Asked {
            base_url,
            plain_http,
            public_only: !call.sandbox && !self.parts.plain_http,
            pace: self.parts.pacing.clone().map(|pacing| OwnPace {
                pacing,
                workspace: match &known {
                    Some(known) => PaceId::of(known),
                    None => PaceId::unrecorded(base_url),
                },
            }),
        };
        let found = probe_keys(&secrets, &asked, &references, call.scopes)?;
        let instantly_id = found.instantly_id.clone();
        check_identity(known.as_ref(), instantly_id.as_deref())?;
        let unfit = |key: &FoundKey| {
            let scopes = key.scopes.as_deref().map(known_scopes);
            scopes.is_some_and(|scopes| !manages(scopes))
        };
        if call.manages && found.keys.iter().any(unfit) {
            return Err(AdminError::usage(MANAGES));
        }

        let now = now();
        let workspace = match known {
            Some(known) => known,
            None => self.store().create_workspace(
                &NewWorkspace {
                    instantly_id: instantly_id.clone(),
                    ..NewWorkspace::new(&call.name, kind, base_url)
                },
                now,
            )?,
        };
        if workspace.instantly_id.is_none() && instantly_id.is_some() {
            let change = WorkspaceChange {
                instantly_id,
                ..WorkspaceChange::default()
            };
            self.store().change_workspace(&workspace.id, &change)?;
        }
        let role = match call.manages {
            true => KeyRole::Manages,
            false => KeyRole::Carries,
        };
        let added_keys = self.add_keys(&workspace, &found, role, now)?;
        self.changed()?;
        let workspace = self.store().workspace(&workspace.id)?;
        if let Some(pace) = &asked.pace {
            let of = PaceId::of(&workspace);
            pace.pacing.recorded(&pace.workspace, &of);
        }
        Ok(WorkspaceAdded {
            needs: needs(&workspace),
            workspace: self.view(&workspace, now)?,
            added_keys,
            sub_workspaces: found.sub_workspaces,
        })
    }
}

impl Admin {
    fn view(&self, workspace: &Workspace, now: Timestamp) -> Result<WorkspaceView, AdminError> {
        Ok(WorkspaceView::of(
            workspace,
            &self.store().clients(None)?,
            now,
        ))
    }

    fn check_same(
        &self,
        known: &Workspace,
        kind: WorkspaceKind,
        base_url: &str,
    ) -> Result<(), AdminError> {
        if known.kind == kind && known.base_url == base_url {
            return Ok(());
        }
        Err(AdminError::usage(format_args!(
            "there is a workspace '{}' already, {} at {}; say the same to add keys to it, or \
             choose another name",
            known.name, known.kind, known.base_url
        )))
    }

    fn references(
        &self,
        call: &WorkspaceAdd,
        known: Option<&Workspace>,
    ) -> Result<Vec<SecretRef>, AdminError> {
        let texts = &call.references;
        if texts.is_empty() || texts.len() > KEYS_MAX {
            return Err(AdminError::usage(format_args!(
                "give 1 to {KEYS_MAX} keys by --key-from"
            )));
        }
        let mut references: Vec<SecretRef> = Vec::with_capacity(texts.len());
        for text in texts {
            let reference = self
                .parts
                .secret_setup
                .reference(text)
                .map_err(|error| AdminError::usage(format_args!("--key-from: {error}")))?;
            let stored = |workspace: &Workspace| {
                workspace
                    .upstream_keys
                    .iter()
                    .any(|key| key.reference == reference.to_string())
            };
            if references.contains(&reference) {
                return Err(AdminError::usage(format_args!(
                    "the key {reference} is given twice; leave one out"
                )));
            }
            // Said with its scopes, a key that is there is tried again.
            if call.scopes.is_none() && known.is_some_and(stored) {
                return Err(AdminError::usage(format_args!(
                    "the workspace has the key {reference} already; leave it out, or say with \
                     --scopes what it may do"
                )));
            }
            references.push(reference);
        }
        Ok(references)
    }

    fn add_keys(
        &self,
        workspace: &Workspace,
        found: &Found,
        role: KeyRole,
        now: Timestamp,
    ) -> Result<Vec<String>, AdminError> {
        let mut taken: BTreeSet<String> = workspace
            .upstream_keys
            .iter()
            .map(|key| key.name.clone())
            .collect();
        let mut names = Vec::new();
        for key in &found.keys {
            let probe = Probe {
                at: now,
                outcome: ProbeOutcome::Alive,
                detail: key.detail.clone(),
            };
            let scopes = key.scopes.as_deref();
            let reference = key.reference.to_string();
            let stored = workspace.upstream_keys.iter();
            if let Some(stored) = stored
                .into_iter()
                .find(|known| known.reference == reference)
            {
                self.store().record_probe(&stored.id, &probe, scopes)?;
                let change = UpstreamKeyChange {
                    role: Some(role),
                    api_key_id: key.api_key_id.clone(),
                    ..UpstreamKeyChange::default()
                };
                self.store().change_upstream_key(&stored.id, &change)?;
                continue;
            }
            let name = free_name(&key.reference, &taken);
            taken.insert(name.clone());
            let new = NewUpstreamKey {
                scopes: key.scopes.clone(),
                role,
                api_key_id: key.api_key_id.clone(),
                ..NewUpstreamKey::new(&name, &reference)
            };
            let added = self.store().add_upstream_key(&workspace.id, &new, now)?;
            self.store().record_probe(&added.id, &probe, scopes)?;
            names.push(name);
        }
        Ok(names)
    }
}

/// Whether a key of these scopes can manage the others.
fn manages(scopes: ScopeSet) -> bool {
    MANAGING.iter().all(|op| scopes.covers(*op))
}

/// Whether a URL is one that only the configuration can allow.
fn is_plain_elsewhere(base_url: &str) -> bool {
    BaseUrl::parse(base_url).is_err() && BaseUrl::parse_allowing(base_url, true).is_ok()
}

pub(super) fn check_identity(
    known: Option<&Workspace>,
    found: Option<&str>,
) -> Result<(), AdminError> {
    let stored = known.and_then(|known| known.instantly_id.as_deref());
    match (stored, found) {
        (Some(stored), Some(found)) if stored != found => Err(AdminError::usage(format_args!(
            "the key is of another Instantly workspace ({found}) than this one ({stored}); add it \
             under another name"
        ))),
        _ => Ok(()),
    }
}

/// A name for a key after where it is kept: the file's or the variable's, made fit.
fn free_name(reference: &SecretRef, taken: &BTreeSet<String>) -> String {
    let stem = match (reference.as_file(), reference.as_env()) {
        (Some(path), _) => path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("key"),
        (None, Some(name)) => name,
        (None, None) => "key",
    };
    let fit: String = stem
        .to_ascii_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(48)
        .collect();
    let fit = fit.trim_start_matches(['-', '_', '.']);
    let fit = if fit.is_empty() { "key" } else { fit };
    if !taken.contains(fit) {
        return fit.to_owned();
    }
    (2..)
        .map(|n| format!("{fit}-{n}"))
        .find(|name| !taken.contains(name))
        .unwrap_or_default()
}

/// What Doorward itself would need of the workspace's keys, and whether they have it.
fn needs(workspace: &Workspace) -> Vec<Needed> {
    let keys = workspace.upstream_keys.iter();
    let known: Option<Vec<_>> = keys
        .filter(|key| key.state != UpstreamKeyState::Retired)
        .map(|key| key.scopes.as_deref().map(known_scopes))
        .collect();
    super::probing::OWN_NEEDS
        .iter()
        .map(|(purpose, operations)| {
            let held = known.as_ref().map(|keys| {
                operations
                    .iter()
                    .all(|op| keys.iter().any(|scopes| scopes.covers(*op)))
            });
            let operations: doorward_catalog::OpSet = operations.iter().copied().collect();
            Needed {
                purpose: (*purpose).to_owned(),
                scopes: operations
                    .narrow_scopes()
                    .iter()
                    .map(|scope| scope.to_string())
                    .collect(),
                held,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_after_where_they_are() {
        let name = |text: &str, taken: &[&str]| {
            let taken = taken.iter().map(|name| (*name).to_owned()).collect();
            free_name(&text.parse().unwrap(), &taken)
        };
        assert_eq!(
            name("file:///run/secrets/Reader Key.key", &[]),
            "reader-key"
        );
        assert_eq!(name("env://INSTANTLY_KEY", &[]), "instantly_key");
        assert_eq!(name("env://KEY", &["key", "key-2"]), "key-3");
        assert_eq!(name("file:///_", &[]), "key");
        for text in ["file:///ä/ö", "env://_", "file:///x.y.z"] {
            assert!(check_name("it", &name(text, &[])).is_ok(), "{text}");
        }
    }
}
