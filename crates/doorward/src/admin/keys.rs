//! Client keys.

use doorward_catalog::wire::SecretText;
use doorward_keys::{ClientKey, KeyId};
use doorward_store::NewClientKey;

use super::error::AdminError;
use super::service::{Admin, Handle, now};
use super::types::{IssuedKey, KeyIssue, KeyList, KeyRevoke};
use super::views::KeyView;
use crate::secret;

impl Handle<KeyIssue> for Admin {
    fn handle(&self, call: KeyIssue) -> Result<IssuedKey, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client = self.store().client(&workspace.id, &call.client)?;
        let now = now();
        if call.expires_at.is_some_and(|at| at <= now) {
            return Err(AdminError::usage(
                "the key would have expired already; choose a later end",
            ));
        }
        let pepper = secret::read_pepper(&self.parts.own_secrets, &self.parts.pepper)?;
        self.store().confirm_pepper(&pepper.check_value())?;
        let key = ClientKey::generate(client.environment, &*secret::random()?);
        let new = NewClientKey::of(&key, &pepper).expiring(call.expires_at);
        let record = self.store().add_client_key(&client.id, &new, now)?;
        self.changed()?;
        Ok(IssuedKey {
            record: KeyView::of(&record, &client, &workspace, now),
            key: SecretText::new(key.expose().to_owned()),
        })
    }
}

impl Handle<KeyList> for Admin {
    fn handle(&self, call: KeyList) -> Result<Vec<KeyView>, AdminError> {
        let now = now();
        let mut views = Vec::new();
        for workspace in self.workspaces(&call.of)? {
            let clients = match &call.client {
                Some(name) => match self.store().client(&workspace.id, name) {
                    Ok(client) => vec![client],
                    // Of several workspaces, not each must have a client of that name.
                    Err(doorward_store::StoreError::NotFound { .. }) if call.of.all => continue,
                    Err(error) => return Err(error.into()),
                },
                None => self.store().clients(Some(&workspace.id))?,
            };
            for client in clients {
                let keys = self.store().client_keys(Some(&client.id))?;
                let shown = keys
                    .iter()
                    .map(|key| KeyView::of(key, &client, &workspace, now));
                views.extend(shown);
            }
        }
        Ok(views)
    }
}

impl Handle<KeyRevoke> for Admin {
    fn handle(&self, call: KeyRevoke) -> Result<KeyView, AdminError> {
        let id: KeyId = call.key_id.parse().map_err(|error| {
            AdminError::usage(format_args!("{error}; `doorward key list` shows the ids"))
        })?;
        let now = now();
        let record = self.store().revoke_client_key(id, now)?;
        self.changed()?;
        let clients = self.store().clients(None)?;
        let client = clients.iter().find(|client| client.id == record.client_id);
        let client = client.ok_or_else(|| AdminError::failed("the key's client is gone"))?;
        let workspace = self.store().workspace(&client.workspace_id)?;
        Ok(KeyView::of(&record, client, &workspace, now))
    }
}
