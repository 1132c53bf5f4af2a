//! From what is asked for to a plan: who manages, which key at Instantly is meant, where the new value
//! goes. Reads only.

use std::sync::Arc;

use doorward_catalog::{Scope, ScopeSet};
use doorward_keys::rotation::{Draft, OldKey, Plan, PlanFault, RotationId, Timing, Why};
use doorward_policy::WorkspaceKind;
use doorward_secrets::{Error as SecretError, SecretRef};
use doorward_store::{UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::is_entry_of;
use secrecy::SecretString;

use super::calls::Keys;
use super::identity::identify;
use super::manager::manager_of;
use super::parts::{Parts, blocking, print};
use super::twins::refuse_twin;
use super::view::{Around, PlanView};
use crate::admin::{AdminError, now};
use crate::output::clean;
use crate::scrubbed::known_secrets;

/// How late a creation whose answer was lost can come true in an emulated workspace, ms.
const LATE_AT_SANDBOX: i64 = 5_000;

/// A rotation that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Doorward's id or the name of the workspace.
    pub(crate) workspace: String,
    /// Name, or Doorward's id, of the upstream key; the new key's name where there is no old one.
    pub(crate) key: String,
    /// Why.
    pub(crate) why: Why,
    /// The new key's scopes; those of the old key unless said.
    pub(crate) scopes: Option<ScopeSet>,
    /// Instantly's id of the old key, where it is known to whoever asks.
    pub(crate) api_key_id: Option<String>,
    /// Where the new value is to be kept; the other slot of the old one's unless said.
    pub(crate) reference: Option<SecretRef>,
    /// Names of those outside who hold the key as well; those that are configured when none are said.
    pub(crate) consumers: Vec<String>,
    /// How long each step takes.
    pub(crate) timing: Timing,
}

/// A rotation that can be begun.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(super) plan: Plan,
    pub(super) reference: SecretRef,
    /// What a dry run shows.
    pub(crate) view: PlanView,
}

impl Asked {
    /// Plans it. Asks Instantly for its list of keys, under the key that manages.
    ///
    /// # Errors
    /// Why it can't be, and what to do.
    pub(super) async fn prepare(&self, parts: &Arc<Parts>) -> Result<Prepared, AdminError> {
        let workspace = &parts.store.workspace(&self.workspace)?;
        let old = self.old(workspace)?;
        check_free(parts, workspace, &self.name(old))?;
        let manager = manager_of(workspace, old.map(|old| old.id.as_str()))?;
        let keys = Keys {
            parts,
            workspace,
            manager,
        };
        let listed = keys.list().await.map_err(|trouble| {
            AdminError::failed(format_args!(
                "the workspace's keys can't be listed under '{}': {}",
                manager.name, trouble.why
            ))
        })?;
        let reference = self.reference(workspace, old)?;
        self.check_slot(parts, workspace, &reference).await?;
        let manager_value = value_of(parts, manager).await?;
        let (old_key, scopes, had) = match old {
            Some(old) => {
                let value = value_of(parts, old).await?;
                if print(&value) == print(&manager_value) {
                    return Err(AdminError::usage(PlanFault::ManagesItself));
                }
                let (store, said) = (parts.store.as_ref(), self.api_key_id.as_deref());
                let api_key_id = identify(store, workspace, old, &value, said, &listed)?;
                // A key that leaked dies, whoever else holds it.
                if self.why != Why::Leak {
                    let (parts, old) = (Arc::clone(parts), old.clone());
                    let id = api_key_id.clone();
                    blocking(move || refuse_twin(&parts, &old, &id)).await?;
                }
                let entry = listed.iter().find(|entry| entry.id == api_key_id);
                let scopes = match (self.scopes, entry) {
                    (Some(said), _) => said,
                    (None, Some(entry)) => read_scopes(old, &entry.scopes)?,
                    (None, None) => old.scope_set().ok_or_else(|| unknown_scopes(old))?,
                };
                let old_key = OldKey {
                    key_id: old.id.clone(),
                    api_key_id,
                    print: Some(print(&value)),
                };
                let had = match entry {
                    Some(entry) => read_scopes(old, &entry.scopes).ok(),
                    None => old.scope_set(),
                };
                (Some(old_key), scopes, had)
            }
            None => {
                let none = "say which scopes the new key is to have";
                let scopes = self.scopes.ok_or_else(|| AdminError::usage(none))?;
                (None, scopes, None)
            }
        };
        if let Some(unfit) = scopes.iter().find(|scope| !scope.is_assignable()) {
            return Err(AdminError::usage(format_args!(
                "no key can be given the scope {unfit}; say others with --scopes"
            )));
        }
        let key = self.name(old);
        let consumers = match self.consumers.is_empty() {
            true => parts.outside.holders(&workspace.name, &key),
            false => self.consumers.clone(),
        };
        // After a leak the old key dies first, whoever can't be served; they are checked when told.
        if self.why != Why::Leak {
            let checked = parts.outside.check(&consumers);
            checked.map_err(AdminError::usage)?;
            if old_key.is_some() {
                let seen = parts.outside.check_silence(workspace, had, &consumers);
                seen.map_err(AdminError::usage)?;
            }
        }
        let mut timing = parts.seconds.in_place(self.timing);
        timing.silence = parts.outside.silence(&consumers).unwrap_or(timing.silence);
        // An emulated API answers what it is asked, or has not heard it.
        if workspace.kind == WorkspaceKind::Sandbox {
            timing.late = timing.late.min(LATE_AT_SANDBOX);
        }
        let mut entries = listed.iter();
        let random = crate::secret::random().map_err(AdminError::failed)?;
        let plan = Plan::new(Draft {
            id: RotationId::generate(&random),
            workspace: workspace.id.clone(),
            key,
            why: self.why,
            scopes,
            old: old_key,
            manager: manager.id.clone(),
            manager_api_key_id: entries
                .find(|entry| is_entry_of(entry, &manager_value))
                .map(|entry| entry.id.clone())
                .or_else(|| manager.api_key_id.clone()),
            consumers,
            timing,
            at: now(),
        });
        let plan = plan.map_err(AdminError::usage)?;
        let view = PlanView::of(
            &plan,
            &Around {
                workspace: &workspace.name,
                manager: &manager.name,
                reference: &reference.to_string(),
                old_reference: old.map(|old| old.reference.as_str()),
            },
        );
        Ok(Prepared {
            plan,
            reference,
            view,
        })
    }

    fn name(&self, old: Option<&UpstreamKey>) -> String {
        old.map_or_else(|| self.key.clone(), |old| old.name.clone())
    }

    /// The key that is to go; none for one that is made anew.
    fn old<'w>(&self, workspace: &'w Workspace) -> Result<Option<&'w UpstreamKey>, AdminError> {
        let mut keys = workspace.upstream_keys.iter();
        let found = keys.find(|key| key.name == self.key || key.id == self.key);
        match (found, self.why) {
            (None, Why::Mint) => Ok(None),
            (Some(found), Why::Mint) => Err(AdminError::usage(format_args!(
                "workspace '{}' has an upstream key '{}' already; rotate it with `doorward \
                 upstream rotate`, or choose another name",
                workspace.name, found.name
            ))),
            (None, _) => Err(AdminError::failed(format_args!(
                "workspace '{0}' has no upstream key '{1}'; `doorward workspace show {0}` shows \
                 what there is",
                workspace.name,
                clean(&self.key)
            ))),
            (Some(found), _) if found.state != UpstreamKeyState::Active => {
                Err(AdminError::usage(format_args!(
                    "the upstream key '{}' is {}; only one that is in use can be rotated",
                    found.name,
                    found.state.as_str()
                )))
            }
            (Some(found), _) => Ok(Some(found)),
        }
    }

    fn reference(
        &self,
        workspace: &Workspace,
        old: Option<&UpstreamKey>,
    ) -> Result<SecretRef, AdminError> {
        if let Some(reference) = &self.reference {
            return Ok(reference.clone());
        }
        let old = old.ok_or_else(|| AdminError::usage("say where the new key is to be kept"))?;
        let kept: SecretRef = old.reference.parse().map_err(AdminError::failed)?;
        kept.other_slot().ok_or_else(|| {
            AdminError::usage(format_args!(
                "the key '{0}' is kept at {kept}, where Doorward can write no new one beside it: \
                 say where the new one is to be kept, such as in the encrypted file: `doorward \
                 upstream rotate {0} --workspace {1} --to age://secrets.age#upstream/{1}/{0}`",
                old.name, workspace.name
            ))
        })
    }

    /// Nothing that is needed may be where the new value goes.
    async fn check_slot(
        &self,
        parts: &Arc<Parts>,
        workspace: &Workspace,
        slot: &SecretRef,
    ) -> Result<(), AdminError> {
        let text = slot.to_string();
        let workspaces = parts.store.workspaces()?;
        let mut all = workspaces.iter().flat_map(|one| {
            let keys = one.upstream_keys.iter();
            keys.map(move |key| (one, key))
        });
        let used = |key: &UpstreamKey| key.state != UpstreamKeyState::Retired;
        if let Some((of, key)) = all
            .clone()
            .find(|(_, key)| key.reference == text && used(key))
        {
            return Err(AdminError::usage(format_args!(
                "the key '{}' of {} is kept at {slot}, where the new one would go; say another \
                 place with --to",
                key.name, of.name
            )));
        }
        // What a key that is dead left there may go.
        let ours = all.any(|(of, key)| of.id == workspace.id && key.reference == text);
        match parts.find(slot).await {
            Err(SecretError::Missing { .. }) => Ok(()),
            Ok(_) if ours => Ok(()),
            Ok(_) => Err(AdminError::usage(format_args!(
                "there is a secret at {slot} that Doorward did not put there; move it away, or say \
                 another place with --to"
            ))),
            Err(error) => Err(AdminError::failed(error)),
        }
    }
}

/// A key is rotated by one rotation at a time.
fn check_free(parts: &Parts, workspace: &Workspace, key: &str) -> Result<(), AdminError> {
    let open = parts.store.open_rotations()?;
    let mut open = open.iter();
    match open.find(|one| one.workspace_id == workspace.id && one.key == key) {
        Some(one) => Err(rotated_already(key, &one.id)),
        None => Ok(()),
    }
}

/// Why a second rotation of a key is not begun.
pub(super) fn rotated_already(key: &str, by: &str) -> AdminError {
    AdminError::usage(format_args!(
        "the upstream key '{key}' is being rotated already, by {by}; see `doorward upstream status`"
    ))
}

async fn value_of(parts: &Arc<Parts>, key: &UpstreamKey) -> Result<SecretString, AdminError> {
    let reference: SecretRef = key.reference.parse().map_err(AdminError::failed)?;
    let found = parts.find(&reference).await.map_err(|error| {
        AdminError::failed(format_args!("the upstream key '{}': {error}", key.name))
    })?;
    let known = known_secrets().set("keys being tried", vec![found.secret.clone()]);
    known.map_err(AdminError::failed)?;
    Ok(found.secret)
}

/// All scopes of the old key, or none: a new key must not have fewer because one is not known.
fn read_scopes(old: &UpstreamKey, texts: &[String]) -> Result<ScopeSet, AdminError> {
    let read: Result<ScopeSet, _> = texts.iter().map(|text| Scope::parse(text)).collect();
    read.map_err(|_| unknown_scopes(old))
}

fn unknown_scopes(old: &UpstreamKey) -> AdminError {
    AdminError::usage(format_args!(
        "not all scopes of '{}' are known; say those of the new key with --scopes",
        old.name
    ))
}
