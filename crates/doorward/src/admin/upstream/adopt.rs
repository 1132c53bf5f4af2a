//! Taking a key in that is there already.

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_gateway::PaceId;
use doorward_policy::WorkspaceKind;
use doorward_secrets::SecretRef;
use doorward_store::{
    KeyRole, NewUpstreamKey, Probe, ProbeOutcome, UpstreamKey, UpstreamKeyChange, UpstreamKeyState,
    Workspace, check_name,
};
use secrecy::ExposeSecret;

use super::identify::Question;
use super::types::{UpstreamAdopt, UpstreamAdopted};
use crate::admin::error::AdminError;
use crate::admin::probing::{Asked, Found, MANAGING, probe_keys};
use crate::admin::service::{Admin, Handle};
use crate::admin::views::known_scopes;
use crate::admin::workspaces::check_identity;
use crate::inventory::Reach;
use crate::server::OwnPace;

impl Handle<UpstreamAdopt> for Admin {
    fn handle(&self, call: UpstreamAdopt) -> Result<UpstreamAdopted, AdminError> {
        check_name("the upstream key", &call.name)?;
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let keys = workspace.upstream_keys.iter();
        let held = keys.clone().find(|key| key.name == call.name);
        let reference = self.adopted_reference(&call, held, &workspace)?;

        let found = self.try_adopted(&workspace, &reference, &call)?;
        check_identity(Some(&workspace), found.instantly_id.as_deref())?;
        let Some(key) = found.keys.first() else {
            return Err(AdminError::failed("nothing was found out of the key"));
        };
        refuse_twice(&reach, &workspace, &reference, held)?;
        let scopes = key.scopes.as_deref().map(known_scopes);
        let manages = |op: &Op| scopes.is_some_and(|scopes| scopes.covers(*op));
        if call.manages == Some(true) && !MANAGING.iter().all(manages) {
            return Err(AdminError::usage(
                "a key that manages the others needs api_keys:create, api_keys:read and \
                 api_keys:delete",
            ));
        }
        let known = self.identify(&Question {
            reach: &reach,
            workspace: &workspace,
            call: &call,
            held,
            found: &found,
            key,
            learnt: &learnt_keys(audit.store().as_ref())?,
        })?;
        let probe = Probe {
            at: audit.now(),
            outcome: ProbeOutcome::Alive,
            detail: key.detail.clone(),
        };
        let role = call.manages.map(|manages| match manages {
            true => KeyRole::Manages,
            false => KeyRole::Carries,
        });
        let (api_key_id, made_at) = match &known {
            Some(known) => (Some(known.api_key_id.clone()), known.made_at),
            None => (None, None),
        };
        let stored = match held {
            Some(held) => {
                let change = UpstreamKeyChange {
                    role,
                    api_key_id,
                    owner: call.owner.clone(),
                    made_at,
                    ..UpstreamKeyChange::default()
                };
                self.store().change_upstream_key(&held.id, &change)?
            }
            None => {
                let new = NewUpstreamKey {
                    scopes: key.scopes.clone(),
                    role: role.unwrap_or(KeyRole::Carries),
                    api_key_id,
                    owner: call.owner.clone().unwrap_or_default(),
                    made_at,
                    ..NewUpstreamKey::new(&call.name, &reference.to_string())
                };
                self.store()
                    .add_upstream_key(&workspace.id, &new, audit.now())?
            }
        };
        let stored = self
            .store()
            .record_probe(&stored.id, &probe, key.scopes.as_deref())?;
        self.changed()?;
        Ok(UpstreamAdopted {
            name: stored.name,
            key_id: stored.id,
            api_key_id: stored.api_key_id,
            known_by: known.map(|known| known.by.to_owned()),
            scopes: stored.scopes,
            reference: stored.reference,
            added: held.is_none(),
            detail: key.detail.clone(),
        })
    }
}

impl Admin {
    /// Where the key's value is.
    fn adopted_reference(
        &self,
        call: &UpstreamAdopt,
        held: Option<&UpstreamKey>,
        workspace: &Workspace,
    ) -> Result<SecretRef, AdminError> {
        let typed = match &call.reference {
            Some(text) => {
                let parsed = self.parts.secret_setup.reference(text);
                Some(parsed.map_err(AdminError::usage)?)
            }
            None => None,
        };
        match (typed, held) {
            (None, None) => Err(AdminError::usage(format_args!(
                "workspace '{}' has no upstream key '{}': say where its value is, or pipe it in",
                workspace.name, call.name
            ))),
            (None, Some(held)) => held.reference.parse().map_err(AdminError::failed),
            (Some(typed), Some(held)) if held.reference != typed.to_string() => {
                Err(AdminError::usage(format_args!(
                    "workspace '{}' has an upstream key '{}' already, kept at {}; choose another name",
                    workspace.name, held.name, held.reference
                )))
            }
            (Some(typed), _) => Ok(typed),
        }
    }

    fn try_adopted(
        &self,
        workspace: &Workspace,
        reference: &SecretRef,
        call: &UpstreamAdopt,
    ) -> Result<Found, AdminError> {
        let asked = Asked {
            base_url: &workspace.base_url,
            plain_http: self.parts.plain_http,
            public_only: workspace.kind == WorkspaceKind::Live && !self.parts.plain_http,
            pace: self.parts.pacing.clone().map(|pacing| OwnPace {
                pacing,
                workspace: PaceId::of(workspace),
            }),
        };
        let references = std::slice::from_ref(reference);
        probe_keys(&*self.secrets()?, &asked, references, call.scopes)
    }
}

/// Refuses a key that is held under another name.
fn refuse_twice(
    reach: &Reach,
    workspace: &Workspace,
    reference: &SecretRef,
    held: Option<&UpstreamKey>,
) -> Result<(), AdminError> {
    let value = reach.secrets.read(reference).map_err(AdminError::usage)?;
    for other in &workspace.upstream_keys {
        if held.is_some_and(|held| held.id == other.id) || other.state == UpstreamKeyState::Retired
        {
            continue;
        }
        let same = other.reference == reference.to_string()
            || reach
                .value(other)
                .is_ok_and(|known| known.expose_secret() == value.expose_secret());
        if same {
            return Err(AdminError::usage(format_args!(
                "that is the upstream key '{}', which is held already",
                other.name
            )));
        }
    }
    Ok(())
}
