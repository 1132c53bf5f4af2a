//! Keys: those that nobody here holds, making one with given scopes, noting what one is for.

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_keys::rotation::{Timing, Why};
use doorward_store::{KeyRole, UpstreamKeyChange, UpstreamKeyState, check_name};
use tokio::runtime::Handle as Runtime;

use super::types::{KeyMake, KeyNote, KeyStrangers, StrangersFound};
use super::{RotationView, UpstreamKeyView};
use crate::admin::error::AdminError;
use crate::admin::probing::MANAGING;
use crate::admin::reaching::told;
use crate::admin::service::{Admin, Handle, now};
use crate::admin::views::WorkspaceView;
use crate::rotation::Asked;

/// Most keys that are listed.
const KEYS_MAX: usize = 10_000;

impl Handle<KeyStrangers> for Admin {
    fn handle(&self, call: KeyStrangers) -> Result<StrangersFound, AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let client = self.client_for(&workspace, &[Op::ListAPIKey], "list API keys")?;
        let listed = Runtime::current().block_on(client.api_keys().list().all(KEYS_MAX));
        let listed = listed.map_err(|error| {
            AdminError::failed(format_args!("the API keys can't be listed: {error}"))
        })?;
        let audit = self.parts.audit.get()?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let keys = workspace.upstream_keys.iter();
        let used = keys.filter(|key| key.state != UpstreamKeyState::Retired);
        let (mut ids, mut may_be_held) = (Vec::new(), Vec::new());
        for key in used {
            match key.api_key_id.as_ref().or_else(|| learnt.get(&key.id)) {
                Some(id) => ids.push(id.clone()),
                None => may_be_held.push(key.name.clone()),
            }
        }
        let strangers = listed.iter().filter(|key| !ids.contains(&key.id));
        let keys = strangers.map(|key| {
            let scopes = key.scopes.iter().map(|scope| told(scope)).collect();
            (told(&key.id), told(&key.name), scopes)
        });
        Ok(StrangersFound {
            keys: keys.collect(),
            may_be_held,
        })
    }
}

impl Handle<KeyMake> for Admin {
    fn handle(&self, call: KeyMake) -> Result<RotationView, AdminError> {
        check_name("the upstream key", &call.name)?;
        let workspace = self.workspace(Some(&call.workspace))?;
        let setup = &self.parts.secret_setup;
        let reference = match &call.to {
            Some(text) => setup
                .reference(text)
                .map_err(|error| AdminError::usage(format_args!("kept_at: {error}")))?,
            None => setup
                .kept(&format!("upstream/{}/{}", workspace.name, call.name))
                .map_err(AdminError::usage)?,
        };
        let asked = Asked {
            workspace: workspace.id,
            key: call.name,
            why: Why::Mint,
            scopes: Some(call.scopes),
            api_key_id: None,
            reference: Some(reference),
            consumers: Vec::new(),
            timing: Timing::at_once(),
        };
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(rotations.begin(&asked))
    }
}

impl Handle<KeyNote> for Admin {
    fn handle(&self, call: KeyNote) -> Result<UpstreamKeyView, AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let mut keys = workspace.upstream_keys.iter();
        let key = keys.find(|key| key.name == call.name).ok_or_else(|| {
            AdminError::failed(format_args!(
                "workspace '{}' has no upstream key of that name any more",
                workspace.name
            ))
        })?;
        let scopes = key.scope_set().unwrap_or_default();
        if call.manages == Some(true) && !MANAGING.iter().all(|op| scopes.covers(*op)) {
            return Err(AdminError::usage(
                "a key that manages the others needs api_keys:create, api_keys:read and \
                 api_keys:delete",
            ));
        }
        let change = UpstreamKeyChange {
            role: call.manages.map(|manages| match manages {
                true => KeyRole::Manages,
                false => KeyRole::Carries,
            }),
            owner: call.owner,
            rotate_every: call.rotate_every.map(Some),
            ..UpstreamKeyChange::default()
        };
        let id = key.id.clone();
        self.store().change_upstream_key(&id, &change)?;
        self.changed()?;
        let workspace = self.store().workspace(&workspace.id)?;
        let view = WorkspaceView::of(&workspace, &self.store().clients(None)?, now());
        let mut keys = view.upstream_keys.into_iter();
        keys.find(|key| key.id == id)
            .ok_or_else(|| AdminError::failed("the key is gone"))
    }
}
