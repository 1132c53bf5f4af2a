//! Stopping a key that leaked.

use std::time::Duration;

use doorward_keys::KeyId;
use doorward_keys::rotation::Why;
use tokio::runtime::Handle as Runtime;

use super::types::{LeakClose, LeakClosed, LeakStop, Stopped};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::admin::types::KeyIssue;
use crate::admin::views::KeyView;
use crate::leak::{Found, LeakedUpstream, Way, by_hand};
use crate::rotation::{RevocationView, Revoke};

/// How long the deletion is waited for.
const WAIT: Duration = Duration::from_secs(60);

impl Handle<LeakStop> for Admin {
    fn handle(&self, call: LeakStop) -> Result<Stopped, AdminError> {
        // What was shown before may have changed meanwhile.
        match self.find_leaked(&call.key)? {
            Found::ClientKey(key) => self.stop_client_key(&key, call.reissue),
            Found::UpstreamKey(key) => self.stop_upstream_key(key, &call),
        }
    }
}

impl Handle<LeakClose> for Admin {
    fn handle(&self, _: LeakClose) -> Result<LeakClosed, AdminError> {
        Ok(LeakClosed {})
    }
}

impl Admin {
    fn stop_client_key(&self, key: &KeyView, reissue: bool) -> Result<Stopped, AdminError> {
        let id: KeyId = key.id.parse().map_err(AdminError::failed)?;
        let record = self.store().revoke_client_key(id, now())?;
        self.changed()?;
        // The leaked key is dead by now: a failure from here on must say that.
        let reissued = match reissue {
            true => {
                let lasts = key.expires_at.map(|at| at.millis_since(key.created_at));
                let issue = KeyIssue {
                    workspace: Some(key.workspace_id.clone()),
                    client: key.client_id.clone(),
                    expires_at: lasts.map(|lasts| now().plus_millis(lasts)),
                };
                let issued = Handle::<KeyIssue>::handle(self, issue);
                Some(issued.map_err(|error| {
                    AdminError::failed(format_args!(
                        "the key is revoked, and another could not be issued: {error}"
                    ))
                })?)
            }
            false => None,
        };
        let found = Found::ClientKey(self.view_of_client_key(&record)?);
        Ok(Stopped {
            found,
            revoked_at: record.revoked_at,
            rotation: None,
            revocation: None,
            not_replaced: None,
            reissued,
            by_hand: Vec::new(),
        })
    }

    fn stop_upstream_key(
        &self,
        key: Box<LeakedUpstream>,
        call: &LeakStop,
    ) -> Result<Stopped, AdminError> {
        let mut stopped = Stopped {
            revoked_at: None,
            rotation: None,
            revocation: None,
            not_replaced: None,
            reissued: None,
            by_hand: Vec::new(),
            found: Found::UpstreamKey(key.clone()),
        };
        match key.way {
            // What keeps it from being replaced must not keep it alive: whoever asked is told, and may
            // have it revoked all the same.
            Way::Rotate if !call.bare => match self.replace_leaked(&key, call) {
                Ok(rotation) => stopped.rotation = Some(rotation),
                Err(error) => stopped.not_replaced = Some(self.why_not(&key, call, &error)),
            },
            Way::Rotate | Way::Revoke => {
                let why = match self.revoke_leaked(&key) {
                    Ok(view) => {
                        stopped.revoked_at = view.revoked_at;
                        stopped.revocation = Some(view.id);
                        view.trouble
                    }
                    Err(error) => Some(error.message),
                };
                if stopped.revoked_at.is_none() {
                    let why = why.unwrap_or_else(|| "there was not enough time".to_owned());
                    let again = match &stopped.revocation {
                        Some(_) => "It is tried again and again; a person may be faster.",
                        None => "",
                    };
                    stopped.by_hand = vec![format!("Doorward could not revoke it: {why}. {again}")];
                    stopped.by_hand.extend(by_hand(&key));
                }
            }
            Way::ByHand => stopped.by_hand = by_hand(&key),
            Way::Dead => {}
        }
        Ok(stopped)
    }

    /// Begins the revocation of a key that nothing takes the place of, and waits until it is deleted, or
    /// fails again and again: it goes on by itself then.
    fn revoke_leaked(&self, key: &LeakedUpstream) -> Result<RevocationView, AdminError> {
        let workspace = self.store().workspace(&key.workspace_id)?;
        let Some(api_key_id) = &key.api_key_id else {
            return Err(AdminError::failed("its id at Instantly is not known"));
        };
        let mut keys = workspace.upstream_keys.iter();
        let revoke = Revoke {
            workspace: &workspace,
            api_key_id,
            held: keys.find(|held| Some(&held.id) == key.key_id.as_ref()),
            why: Why::Leak,
        };
        let rotations = (self.parts.rotations)()?;
        let revocations = rotations.revocations();
        let begun = revocations.begin(&revoke)?;
        Runtime::current().block_on(revocations.wait(&begun.id, true, WAIT))
    }
}
