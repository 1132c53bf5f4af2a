//! Who had a hand in a client: they must not approve what it asks for.
//!
//! Whoever made a client, issued a key of it, granted or set something on it, or owned it may hold
//! the key that asks. They are noted before what they ask for is done, and it is not done when they
//! can't be noted.

use doorward_store::{ApprovalRecord, StoreError};

use super::carry::Who;
use super::error::AdminError;
use super::holder::same_person;
use super::key_rotation::KeyRotate;
use super::learning::ClientLearn;
use super::service::Admin;
use super::types::{ClientSet, KeyIssue};

/// The client that a request gives something, as it was named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gives<'a> {
    workspace: Option<&'a str>,
    client: &'a str,
}

impl KeyIssue {
    pub(super) fn gives_to(&self) -> Option<Gives<'_>> {
        Some(Gives {
            workspace: self.workspace.as_deref(),
            client: &self.client,
        })
    }
}

impl KeyRotate {
    pub(super) fn gives_to(&self) -> Option<Gives<'_>> {
        Some(Gives {
            workspace: self.workspace.as_deref(),
            client: &self.client,
        })
    }
}

impl ClientSet {
    /// Who only disables a client gives it nothing.
    pub(super) fn gives_to(&self) -> Option<Gives<'_>> {
        let rest = Self {
            disabled: None,
            ..self.clone()
        };
        let only_disables = self.disabled == Some(true) && rest.changes_nothing();
        (!only_disables).then_some(Gives {
            workspace: self.workspace.as_deref(),
            client: &self.name,
        })
    }
}

impl ClientLearn {
    /// Who ends the learning gives it nothing.
    pub(super) fn gives_to(&self) -> Option<Gives<'_>> {
        self.until.is_some().then_some(Gives {
            workspace: self.workspace.as_deref(),
            client: &self.name,
        })
    }
}

impl Admin {
    /// Notes who asks, before it is done.
    ///
    /// # Errors
    /// When they can't be noted. A client or workspace that is not there is for the request itself
    /// to tell.
    pub(super) fn note_maker(&self, gives: Gives<'_>, who: &Who) -> Result<(), AdminError> {
        let Ok(workspace) = self.workspace(gives.workspace) else {
            return Ok(());
        };
        let client = match self.store().client(&workspace.id, gives.client) {
            Ok(client) => client,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let noted = self.store().note_client_makers(&client.id, &who.names());
        noted.map_err(|error| {
            AdminError::failed(format_args!(
                "nothing was done, since it can't be noted who asked for it: {error}"
            ))
        })
    }

    /// Refuses those who may have asked: who answers for the client, did, or had a hand in it.
    pub(super) fn check_approver(
        &self,
        record: &ApprovalRecord,
        by: &str,
    ) -> Result<(), AdminError> {
        let mut askers = self.store().client_makers(&record.client_id)?;
        askers.push(record.owner.clone());
        let clients = self.store().clients(Some(&record.workspace_id))?;
        let client = clients.into_iter().find(|one| one.id == record.client_id);
        askers.extend(client.map(|client| client.owner));
        if askers.iter().any(|asker| same_person(asker, by)) {
            return Err(AdminError::usage(format_args!(
                "{by} made, keyed, changed or answered for client '{}', so somebody else has to \
                 decide this",
                record.client
            )));
        }
        Ok(())
    }
}
