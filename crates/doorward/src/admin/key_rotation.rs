//! A new client key in the place of the old ones, both valid for a while.

use doorward_catalog::wire::SecretText;
use doorward_keys::{ClientKey, KeyId};
use doorward_ledger::{Change, Event};
use doorward_policy::Timestamp;
use doorward_store::{ClientKeyRecord, NewClientKey};
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::makers::Gives;
use super::service::{Admin, Handle, now};
use super::types::{Call, End, IssuedKey};
use super::views::KeyView;
use crate::secret;

/// Longest overlap, in days.
const OVERLAP_MAX_DAYS: i64 = 30;
const OVERLAP_MAX_MS: i64 = OVERLAP_MAX_DAYS * 86_400_000;

/// Issues a key in the place of a client's others.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyRotate {
    /// Name or id of the workspace.
    pub(crate) workspace: Option<String>,
    /// Name or id of the client.
    pub(crate) client: String,
    /// Milliseconds that the old keys stay valid; none for not at all.
    pub(crate) overlap: Option<i64>,
    /// When the new key ends; as long from now as the newest old one was to last when none is said.
    pub(crate) end: Option<End>,
    /// Id of the one key to replace; all in force when none is said.
    pub(crate) only: Option<String>,
}

/// A key just issued, and those that make way for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RotatedKey {
    /// The new key.
    #[serde(flatten)]
    pub(crate) issued: IssuedKey,
    /// The old keys, each with its end.
    pub(crate) replaced: Vec<KeyView>,
}

impl Call for KeyRotate {
    const NAME: &'static str = "key/rotate";
    type Answer = RotatedKey;
}

impl KeyRotate {
    fn only(&self) -> Result<Option<KeyId>, AdminError> {
        let id = self.only.as_deref().map(str::parse::<KeyId>).transpose();
        id.map_err(|error| {
            AdminError::usage(format_args!("{error}; `doorward key list` shows the ids"))
        })
    }
}

impl Acts for KeyRotate {
    fn deed(&self) -> Option<Deed> {
        let event = Event::ClientKey {
            change: Change::Created,
        };
        // What was typed for an id is kept only if it is one: it could be the key itself.
        let only = self.only().ok().flatten().map(|id| id.to_string());
        Some(
            Deed::new("client_key.rotate", "client_key", event)
                .of_client_named(&self.client)
                .with("overlap_ms", &self.overlap.unwrap_or(0))
                .with("end", &self.end)
                .with("only", &only),
        )
    }

    fn gives_to(&self) -> Option<Gives<'_>> {
        self.gives_to()
    }

    fn complete(deed: &mut Deed, answer: &RotatedKey) {
        Deed::of_key(deed, &answer.issued.record);
        let old = answer.replaced.iter();
        let old = old.map(|key| {
            serde_json::json!({
                "client_key": key.id,
                "status": key.status,
                "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
            })
        });
        let old = old.collect::<Vec<_>>().into();
        deed.act.metadata.insert("replaced".to_owned(), old);
    }
}

/// As long from now as the newest of the keys in force was to last from when it was issued.
fn as_before(keys: &[ClientKeyRecord], now: Timestamp) -> Option<Timestamp> {
    let in_force = keys
        .iter()
        .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now));
    let newest = in_force.max_by_key(|key| key.created_at)?;
    let lasted = newest.expires_at?.millis_since(newest.created_at);
    Some(now.plus_millis(lasted))
}

impl Handle<KeyRotate> for Admin {
    fn handle(&self, call: KeyRotate) -> Result<RotatedKey, AdminError> {
        let only = call.only()?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client = self.store().client(&workspace.id, &call.client)?;
        let now = now();
        let overlap = call.overlap.unwrap_or(0);
        if !(0..=OVERLAP_MAX_MS).contains(&overlap) {
            return Err(AdminError::usage(format_args!(
                "two keys are valid side by side for {OVERLAP_MAX_DAYS} days at the most; choose a \
                 shorter overlap"
            )));
        }
        let expires_at = match call.end {
            Some(end) => end.time(),
            None => as_before(&self.store().client_keys(Some(&client.id))?, now),
        };
        if expires_at.is_some_and(|at| at <= now) {
            return Err(AdminError::usage(
                "the key would have expired already; choose a later end",
            ));
        }
        let pepper = secret::read_pepper(&self.parts.own_secrets, &self.parts.pepper)?;
        self.store().confirm_pepper(&pepper.check_value())?;
        let key = ClientKey::generate(client.environment, &*secret::random()?);
        let new = NewClientKey::of(&key, &pepper).expiring(expires_at);
        let ends = now.plus_millis(overlap);
        let store = self.store();
        let replaced = store.replace_client_keys(&client.id, &new, only, ends, now)?;
        self.changed()?;
        let view = |key: &ClientKeyRecord| KeyView::of(key, &client, &workspace, now);
        Ok(RotatedKey {
            issued: IssuedKey {
                record: view(&replaced.new),
                key: SecretText::new(key.expose().to_owned()),
            },
            replaced: replaced.old.iter().map(view).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_keys::Pepper;

    #[test]
    fn a_key_lasts_as_long_as_the_newest_in_force_was_to() {
        let at = Timestamp::from_seconds;
        let key = |created: i64, expires: Option<i64>, revoked: Option<i64>| {
            let byte = u8::try_from(created / 10).unwrap();
            let key = ClientKey::generate(
                doorward_catalog::Environment::Staging,
                &[byte; ClientKey::RANDOM_LEN],
            );
            ClientKeyRecord {
                id: key.id(),
                client_id: "cl_1".to_owned(),
                hash: key.hash(&Pepper::new(&[7; 32]).unwrap()),
                created_at: at(created),
                expires_at: expires.map(at),
                revoked_at: revoked.map(at),
                last_used_at: None,
            }
        };
        let now = at(1_000);
        assert_eq!(as_before(&[], now), None);
        let keys = [
            key(10, None, None),
            key(20, Some(1_500), None),
            key(30, Some(9_000), Some(40)),
            key(50, Some(900), None),
        ];
        assert_eq!(as_before(&keys, now), Some(at(1_000 + 1_480)));
        assert_eq!(as_before(&keys[..1], now), None);
    }
}
