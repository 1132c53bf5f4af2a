//! Clients.

use doorward_policy::Timestamp;
use doorward_store::{ClientChange, Controls, NewClient};

use super::error::AdminError;
use super::service::{Admin, Handle, now};
use super::types::{ClientCreate, ClientDelete, ClientList, ClientSet, ClientShow, End};
use super::views::ClientView;

impl Handle<ClientCreate> for Admin {
    fn handle(&self, call: ClientCreate) -> Result<ClientView, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let new = NewClient {
            owner: call.owner,
            purpose: call.purpose,
            expires_at: call.expires_at,
            controls: call.controls.of(Controls::default()),
            makers: call.by,
            ..NewClient::new(&workspace.id, &call.name, call.environment, call.grant)
        };
        let now = now();
        check_end(new.expires_at, now)?;
        let beyond = (new.name.as_str(), new.environment);
        self.alert_break_glass(beyond, &workspace, Some(&new.grant), now)?;
        let client = self.store().create_client(&new, now)?;
        self.changed()?;
        Ok(ClientView::of(&client, &workspace, now))
    }
}

fn check_end(end: Option<Timestamp>, now: Timestamp) -> Result<(), AdminError> {
    if end.is_some_and(|at| at <= now) {
        return Err(AdminError::usage(
            "the client would have expired already; choose a later end",
        ));
    }
    Ok(())
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
        let now = now();
        let controls =
            (!call.controls.is_empty()).then(|| call.controls.of(client.controls.clone()));
        let change = ClientChange {
            owner: call.owner,
            purpose: call.purpose,
            grant: call.grant,
            controls,
            expires_at: call.end.map(End::time),
            disabled: call.disabled,
        };
        check_end(change.expires_at.flatten(), now)?;
        let beyond = (client.name.as_str(), client.environment);
        self.alert_break_glass(beyond, &workspace, change.grant.as_ref(), now)?;
        let client = self.store().change_client(&client.id, &change, now)?;
        self.changed()?;
        Ok(ClientView::of(&client, &workspace, now))
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
