//! Finding out which key leaked.

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::UpstreamKeyFormat;
use doorward_keys::{ClientKey, KeyId, Pepper, authenticate};
use doorward_store::{UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::Liveness;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::runtime::Handle as Runtime;

use super::types::{LeakFind, LeakProbe, Leaked, Probed};
use crate::admin::deeds::may_be_secret;
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};
use crate::admin::views::KeyView;
use crate::inventory::Reach;
use crate::leak::Found;
use crate::output::clean;
use crate::scrubbed::scrub;
use crate::secret;
use crate::server::fingerprint;

impl Handle<LeakFind> for Admin {
    fn handle(&self, call: LeakFind) -> Result<Found, AdminError> {
        self.find_leaked(&call.key)
    }
}

impl Handle<LeakProbe> for Admin {
    fn handle(&self, call: LeakProbe) -> Result<Probed, AdminError> {
        let reach = self.reach()?;
        let client = match (&call.key.value, &call.key.id) {
            (Some(value), _) => {
                let workspace = self.place_of_stranger(call.key.workspace.as_deref())?;
                {
                    let value = value.expose_secret().to_owned().into();
                    reach.with(&workspace, value)?
                }
            }
            (None, Some(id)) => {
                let (workspace, key) =
                    self.held(id, call.key.workspace.as_deref())?
                        .ok_or_else(|| {
                            AdminError::usage(
                                "there is no such upstream key here that could be tried",
                            )
                        })?;
                reach.under(&workspace, &key)?
            }
            (None, None) => return Err(no_key()),
        };
        let probe = Runtime::current().block_on(client.probe());
        let (alive, why) = match probe.alive {
            Liveness::Alive => (Some(true), None),
            Liveness::Dead => (Some(false), None),
            Liveness::Unknown { why } => (None, Some(scrub(clean(&why)))),
        };
        Ok(Probed {
            at: now(),
            alive,
            why,
        })
    }
}

fn no_key() -> AdminError {
    AdminError::usage("say which key: pipe its value in, or give its id with --key")
}

impl Admin {
    /// Which key a value or an id is.
    pub(in crate::admin) fn find_leaked(&self, leaked: &Leaked) -> Result<Found, AdminError> {
        match (&leaked.value, &leaked.id) {
            (Some(value), _) => self.by_value(value.expose_secret(), leaked),
            (None, Some(id)) => self.by_id(id, leaked),
            (None, None) => Err(no_key()),
        }
    }

    fn by_value(&self, value: &str, leaked: &Leaked) -> Result<Found, AdminError> {
        let value = value.trim();
        let pepper = secret::read_pepper(&self.parts.own_secrets, &self.parts.pepper)?;
        if ClientKey::parse(value).is_ok() {
            return self.client_key_of(&pepper, value).map(Found::ClientKey);
        }
        if !UpstreamKeyFormat::matches(value) {
            return Err(AdminError::usage(
                "that is neither a client key of Doorward's nor an Instantly API key: it may not be \
                 whole. Copy it again, or give its id with --key",
            ));
        }
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let print = fingerprint(&pepper, value);
        let value = SecretString::from(value.to_owned());
        if let Some((workspace, key)) = self.holding(&reach, &value)? {
            let said = leaked.api_key_id.as_deref();
            let mut found = self.describe(&audit, &reach, (&workspace, &key), said)?;
            found.fingerprint = Some(print);
            return Ok(Found::UpstreamKey(Box::new(found)));
        }
        let mut found = self.stranger(&reach, &value, leaked)?;
        found.fingerprint = Some(print);
        Ok(Found::UpstreamKey(Box::new(found)))
    }

    fn by_id(&self, id: &str, leaked: &Leaked) -> Result<Found, AdminError> {
        let workspace = leaked.workspace.as_deref();
        if may_be_secret(id) {
            return Err(AdminError::usage(
                "that looks like a key itself. What is typed as an argument stays in the shell's \
                 history and can be seen by other users of this machine: pipe it in with `--key -`. It \
                 has to be answered as a leak all the same",
            ));
        }
        if let Ok(key_id) = id.parse::<KeyId>() {
            let keys = self.store().client_keys(None)?;
            if let Some(record) = keys.iter().find(|key| key.id == key_id) {
                return self.view_of_client_key(record).map(Found::ClientKey);
            }
        }
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        if let Some((workspace, key)) = self.held(id, workspace)? {
            let said = leaked.api_key_id.as_deref();
            let found = self.describe(&audit, &reach, (&workspace, &key), said)?;
            return Ok(Found::UpstreamKey(Box::new(found)));
        }
        let found = self.listed_somewhere(&reach, (id, leaked.api_key_id.as_deref()), workspace)?;
        found
            .map(|found| Found::UpstreamKey(Box::new(found)))
            .ok_or_else(|| {
                AdminError::usage(
                    "no client key, no upstream key held here and no key that Instantly lists has that \
                     id; `doorward key list` and `doorward upstream list` show them",
                )
            })
    }

    fn client_key_of(&self, pepper: &Pepper, value: &str) -> Result<KeyView, AdminError> {
        let keys = self.store().client_keys(None)?;
        let known = authenticate(pepper, value, |id| {
            let record = keys.iter().find(|key| key.id == id)?;
            Some((record.hash, record))
        });
        match known {
            Ok((_, record)) => self.view_of_client_key(record),
            Err(_) => Err(AdminError::usage(
                "that has the form of a client key, and is none of those that were issued here: it \
                 opens nothing at this Doorward",
            )),
        }
    }

    pub(super) fn view_of_client_key(
        &self,
        record: &doorward_store::ClientKeyRecord,
    ) -> Result<KeyView, AdminError> {
        let clients = self.store().clients(None)?;
        let client = clients.iter().find(|client| client.id == record.client_id);
        let client = client.ok_or_else(|| AdminError::failed("the key's client is gone"))?;
        let workspace = self.store().workspace(&client.workspace_id)?;
        Ok(KeyView::of(record, client, &workspace, now()))
    }

    /// The upstream key that is held with this value: each is compared, in the same time.
    fn holding(
        &self,
        reach: &Reach,
        value: &SecretString,
    ) -> Result<Option<(Workspace, UpstreamKey)>, AdminError> {
        let bare = |value: &SecretString| value.expose_secret().trim_end_matches('=').to_owned();
        let wanted = zeroize::Zeroizing::new(bare(value));
        let mut found = None;
        for workspace in self.store().workspaces()? {
            for key in &workspace.upstream_keys {
                let Ok(reference) = key.reference.parse() else {
                    continue;
                };
                // One that can't be read must not keep the others from being compared.
                let Ok(held) = reach.secrets.read(&reference) else {
                    continue;
                };
                let held = zeroize::Zeroizing::new(bare(&held));
                if bool::from(held.as_bytes().ct_eq(wanted.as_bytes())) {
                    // One in force goes before one that was.
                    let better = found.as_ref().is_none_or(|(_, other): &(_, UpstreamKey)| {
                        other.state == UpstreamKeyState::Retired
                    });
                    if better {
                        found = Some((workspace.clone(), key.clone()));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The upstream key that is held under an id of Doorward's or Instantly's, or a name.
    pub(super) fn held(
        &self,
        id: &str,
        workspace: Option<&str>,
    ) -> Result<Option<(Workspace, UpstreamKey)>, AdminError> {
        let audit = self.parts.audit.get()?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let mut found = Vec::new();
        for each in self.store().workspaces()? {
            if workspace.is_some_and(|name| name != each.name && name != each.id) {
                continue;
            }
            for key in &each.upstream_keys {
                let there = key.api_key_id.as_ref().or_else(|| learnt.get(&key.id));
                let is = key.id == id || key.name == id || there.is_some_and(|there| there == id);
                if is {
                    found.push((each.clone(), key.clone()));
                }
            }
        }
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(AdminError::usage(
                "several upstream keys have that name; say which workspace with --workspace, or give \
                 its id",
            )),
        }
    }
}
