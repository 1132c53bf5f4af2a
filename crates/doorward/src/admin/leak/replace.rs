//! Replacing a key that leaked.

use doorward_keys::rotation::{Event, Timing, Why};
use tokio::runtime::Handle as Runtime;

use super::types::LeakStop;
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, now};
use crate::leak::LeakedUpstream;
use crate::rotation::Asked;

/// How far back it is looked what a key was used for.
const USED_DAYS: i64 = 90;
const DAY: i64 = 86_400_000;

impl Admin {
    /// Begins a rotation that revokes the old key as soon as the new one works. Its id.
    pub(super) fn replace_leaked(
        &self,
        key: &LeakedUpstream,
        call: &LeakStop,
    ) -> Result<String, AdminError> {
        let rotations = (self.parts.rotations)()?;
        if let Some(id) = self.hurried(key)? {
            return Ok(id);
        }
        let name = key.key_id.clone().or_else(|| key.name.clone());
        let reference = match &call.to {
            Some(text) => {
                let parsed = self.parts.secret_setup.reference(text);
                Some(parsed.map_err(|error| AdminError::usage(format_args!("--to: {error}")))?)
            }
            None => None,
        };
        let asked = Asked {
            workspace: key.workspace_id.clone(),
            key: name.unwrap_or_default(),
            why: Why::Leak,
            scopes: call.scopes,
            api_key_id: key.api_key_id.clone(),
            reference,
            consumers: Vec::new(),
            timing: Timing::at_once(),
        };
        let begun = Runtime::current().block_on(rotations.begin(&asked))?;
        Ok(begun.id)
    }

    /// Why a key is not replaced; of one that may do everything also what its successor would need.
    pub(super) fn why_not(
        &self,
        key: &LeakedUpstream,
        call: &LeakStop,
        error: &AdminError,
    ) -> String {
        let everything = key.scopes.iter().flatten().any(|scope| scope == "all:all");
        let (true, None, Some(id)) = (everything, call.scopes, &key.key_id) else {
            return error.message.clone();
        };
        let since = now().plus_millis(-USED_DAYS * DAY);
        match self.used_scopes(&key.workspace_id, id, since) {
            Ok(used) => format!(
                "{error}. What it was used for in {USED_DAYS} days needs --scopes {}",
                used.iter()
                    .map(|scope| scope.to_string())
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            Err(_) => error.message.clone(),
        }
    }

    /// The rotation that replaces the key already, told to wait for nobody from now on; none if no
    /// rotation of it is open.
    fn hurried(&self, key: &LeakedUpstream) -> Result<Option<String>, AdminError> {
        let open = self.store().open_rotations()?;
        let name = key.name.as_deref();
        let mut open = open
            .into_iter()
            .filter(|one| one.workspace_id == key.workspace_id && Some(one.key.as_str()) == name);
        let Some(record) = open.next() else {
            return Ok(None);
        };
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(async {
            let view = rotations.view(&record.id).await?;
            if view.old_api_key_id != key.api_key_id {
                return Err(AdminError::failed(format_args!(
                    "the rotation {0} is putting this very key in the place of another: end it with \
                     `doorward upstream rollback {0}`, or wait for its end, and run this again",
                    record.id
                )));
            }
            // Without a server nobody goes on with those that are open.
            if !rotations.is_driven(&record.id) {
                rotations.resume_open()?;
            }
            rotations.tell(&record.id, Event::Hurry).await.map_err(|error| {
                AdminError::failed(format_args!(
                    "the rotation {0} of it can't be hurried ({error}): see `doorward upstream status \
                     {0}`; to have the key revoked all the same, `doorward upstream revoke {1} --force`",
                    record.id,
                    key.api_key_id.as_deref().unwrap_or("ID")
                ))
            })?;
            Ok(Some(record.id))
        })
    }
}
