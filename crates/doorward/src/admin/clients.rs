//! Clients.

use doorward_store::{ClientChange, NewClient};

use super::error::AdminError;
use super::service::{Admin, Handle, now};
use super::types::{ClientCreate, ClientDelete, ClientList, ClientSet, ClientShow};
use super::views::ClientView;

impl Handle<ClientCreate> for Admin {
    fn handle(&self, call: ClientCreate) -> Result<ClientView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let new = NewClient {
            owner: call.owner,
            purpose: call.purpose,
            expires_at: call.expires_at,
            ..NewClient::new(&workspace.id, &call.name, call.environment, call.grant)
        };
        let now = now();
        if new.expires_at.is_some_and(|at| at <= now) {
            return Err(AdminError::usage(
                "the client would have expired already; choose a later end",
            ));
        }
        let client = self.store().create_client(&new, now)?;
        self.changed()?;
        Ok(ClientView::of(&client, &workspace, now))
    }
}

impl Handle<ClientList> for Admin {
    fn handle(&self, call: ClientList) -> Result<Vec<ClientView>, AdminError> {
        let now = now();
        let mut views = Vec::new();
        for workspace in self.workspaces(&call.of)? {
            let clients = self.store().clients(Some(&workspace.id))?;
            views.extend(
                clients
                    .iter()
                    .map(|client| ClientView::of(client, &workspace, now)),
            );
        }
        Ok(views)
    }
}

impl Handle<ClientShow> for Admin {
    fn handle(&self, call: ClientShow) -> Result<ClientView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client = self.store().client(&workspace.id, &call.name)?;
        Ok(ClientView::of(&client, &workspace, now()))
    }
}

impl Handle<ClientSet> for Admin {
    fn handle(&self, call: ClientSet) -> Result<ClientView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client = self.store().client(&workspace.id, &call.name)?;
        let change = ClientChange {
            disabled: call.disabled,
            grant: call.grant,
            ..ClientChange::default()
        };
        let client = self.store().change_client(&client.id, &change, now())?;
        self.changed()?;
        Ok(ClientView::of(&client, &workspace, now()))
    }
}

impl Handle<ClientDelete> for Admin {
    fn handle(&self, call: ClientDelete) -> Result<ClientView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client = self.store().client(&workspace.id, &call.name)?;
        self.store().delete_client(&client.id)?;
        self.changed()?;
        Ok(ClientView::of(&client, &workspace, now()))
    }
}
