//! The values of a rotation's two keys: read and held against what they were, tried, and erased.

use std::sync::Arc;

use doorward_keys::rotation::Rotation;
use doorward_secrets::{Error as SecretError, SecretRef};
use doorward_store::{StoreError, UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::USER_AGENT;
use secrecy::SecretString;

use super::calls::{Trouble, call_name};
use super::parts::{blocking, print};
use super::pulse::{Pulse, pulse, sure_pulse};
use super::steps::{Steps, Which};

impl Steps {
    /// Takes a key out of use, then its value from where it is kept. What has another print than the
    /// key's is somebody else's, and stays.
    pub(super) async fn forget(
        &self,
        key_id: Option<String>,
        reference: &str,
        expected: Option<[u8; 8]>,
    ) -> Result<(), Trouble> {
        let reference: SecretRef = reference.parse().map_err(Trouble::lasting)?;
        let parts = Arc::clone(&self.parts);
        blocking(move || {
            if let Some(id) = key_id {
                match parts
                    .store
                    .set_upstream_key_state(&id, UpstreamKeyState::Retired)
                {
                    // A key that never was promoted has no record.
                    Ok(_) | Err(StoreError::NotFound { .. }) => {}
                    Err(error) => return Err(Trouble::passing(error)),
                }
            }
            parts
                .gate
                .swap()
                .map_err(|error| Trouble::passing(error.message))?;
            match parts.secrets.find(&reference) {
                Ok(found) if expected.is_some_and(|expected| print(&found.secret) != expected) => {
                    tracing::warn!(%reference, "not erased: it holds another value than that of the key");
                    return Ok(());
                }
                Ok(_) => {}
                Err(SecretError::Missing { .. }) => return Ok(()),
                Err(error) => return Err(secret_trouble(&error)),
            }
            match parts.secrets.erase(&reference) {
                Ok(()) | Err(SecretError::Missing { .. }) => Ok(()),
                Err(error) => Err(secret_trouble(&error)),
            }
        })
        .await
    }

    /// The value of a key: the inner error when it is not to be had.
    pub(super) async fn value(
        &self,
        workspace: &Workspace,
        rotation: &Rotation,
        which: Which,
    ) -> Result<Result<SecretString, String>, Trouble> {
        let reference = match which {
            Which::New => self.slot()?,
            Which::Old => {
                let old = old_key(workspace, rotation)?;
                old.reference.parse().map_err(Trouble::lasting)?
            }
        };
        match self.parts.find(&reference).await {
            Ok(found) if which == Which::New && print(&found.secret) != wanted(rotation)? => {
                Ok(Err(format!("{reference} holds another key than was made")))
            }
            // Whose it is, and whether that one works, says nothing of the old key.
            Ok(found) if which == Which::Old && is_another(rotation, &found.secret) => {
                Ok(Err(format!(
                    "{reference} holds another value than that of the old key: somebody wrote it"
                )))
            }
            Ok(found) => Ok(Ok(found.secret)),
            Err(error) if error.is_trouble() => Err(secret_trouble(&error)),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// One read under one of the keys; with `sure`, a dead one is asked again.
    pub(super) async fn ask(
        &self,
        workspace: &Workspace,
        rotation: &Rotation,
        which: Which,
        sure: bool,
    ) -> Result<Result<Pulse, String>, Trouble> {
        let value = match self.value(workspace, rotation, which).await? {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        };
        let name = format!("{USER_AGENT} {}", call_name()?);
        let client = self.parts.client(workspace, value, &name);
        let client = client.map_err(Trouble::lasting)?;
        let scopes = match which {
            Which::New => rotation.plan().scopes(),
            // It may have more than the new one; what is not known of it is not asked for.
            Which::Old => {
                let known = old_key(workspace, rotation)?.scope_set();
                known.unwrap_or_else(|| rotation.plan().scopes())
            }
        };
        Ok(Ok(match sure {
            true => sure_pulse(&client, scopes).await,
            false => pulse(&client, scopes).await,
        }))
    }
}

/// The record of the key that is replaced.
pub(super) fn old_key<'w>(
    workspace: &'w Workspace,
    rotation: &Rotation,
) -> Result<&'w UpstreamKey, Trouble> {
    let old = rotation.plan().old();
    let old = old.ok_or_else(|| Trouble::lasting("there is no old key"))?;
    let mut keys = workspace.upstream_keys.iter();
    keys.find(|key| key.id == old.key_id)
        .ok_or_else(|| Trouble::lasting("the old key's record is gone"))
}

pub(super) fn wanted(rotation: &Rotation) -> Result<[u8; 8], Trouble> {
    rotation
        .new_key()
        .map(|new| new.print)
        .ok_or_else(no_new_key)
}

pub(super) fn no_new_key() -> Trouble {
    Trouble::lasting("there is no new key")
}

pub(super) fn secret_trouble(error: &SecretError) -> Trouble {
    match error {
        // Somebody else wrote it meanwhile: it is read again.
        SecretError::Conflict { .. } | SecretError::Exists { .. } => Trouble::passing(error),
        error if error.is_trouble() => Trouble::passing(error),
        error => Trouble::lasting(error),
    }
}

/// Whether a value that lies where the old key is kept is not the old key's.
fn is_another(rotation: &Rotation, value: &SecretString) -> bool {
    let known = rotation.plan().old().and_then(|old| old.print);
    known.is_some_and(|known| known != print(value))
}
