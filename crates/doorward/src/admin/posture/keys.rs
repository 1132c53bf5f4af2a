//! The keys that are held, and what they were used for.

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_posture::here::{HeldKey, KeyUses};
use doorward_posture::live::{Cause, Seen};
use doorward_store::{UpstreamKey, UpstreamKeyState};

use super::known::Known;
use crate::admin::error::AdminError;
use crate::admin::upstream::{own_use, those_before};
use crate::inventory::{Used, keeper, uses_since};
use crate::relay::Source;
use crate::server::watch_key;

impl Known<'_> {
    /// The keys that are held and not retired.
    pub(super) fn keys(&self) -> Result<Vec<HeldKey>, AdminError> {
        let audit = self.admin.parts.audit.get()?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let used = match self.uses {
            true => Some(uses_since(
                &audit.reader(),
                &self.workspace.id,
                self.round.since,
            )?),
            false => None,
        };
        let watches = watch_key(&self.workspace.upstream_keys).map(|key| &key.id);
        let sources = Source::all(self.admin.store())?;
        let receives = sources
            .iter()
            .any(|source| source.workspace_id() == self.workspace.id);
        let lists = keeper(self.workspace, &[Op::ListWebhook], None).map(|key| &key.id);
        let rotation = &self.round.context.config.rotation;
        let keys = self.workspace.upstream_keys.iter();
        let keys = keys.filter(|key| key.state != UpstreamKeyState::Retired);
        let keys = keys.map(|key| {
            let own = own_use(key, watches == Some(&key.id));
            let hooks = receives && lists == Some(&key.id);
            let every = rotation.every(&self.workspace.name, &key.name, key.rotate_every);
            let consumers = rotation.consumers.iter();
            let consumers = consumers.filter(|one| one.holds(&self.workspace.name, &key.name));
            HeldKey {
                id: key.id.clone(),
                name: key.name.clone(),
                api_key_id: key.api_key_id.as_ref().or(learnt.get(&key.id)).cloned(),
                scopes: key.scopes.clone(),
                manages: key.role == doorward_store::KeyRole::Manages,
                own_use: own.or_else(|| hooks.then(|| "lists webhook subscriptions".to_owned())),
                owner: Some(key.owner.clone()).filter(|owner| !owner.trim().is_empty()),
                made_at: key.made_at.unwrap_or(key.created_at),
                added_at: key.created_at,
                rotate_every: every.map(|every| every.as_millis()),
                consumers: consumers.map(|one| one.name.clone()).collect(),
                environments: self.workspace.environments.clone(),
                uses: self.uses_of(key, used.as_ref()),
            }
        });
        Ok(keys.collect())
    }

    /// What a key, and those that it took the place of, were used for.
    fn uses_of(&self, key: &UpstreamKey, used: Option<&Used>) -> Seen<KeyUses> {
        let Some(used) = used else {
            return Seen::default();
        };
        if !used.whole {
            return Seen::not(
                Cause::TooMuch,
                "the ledger has more leaves than are looked at: look back at fewer days \
                 (`look_back_days` under [check])",
            );
        }
        let mut uses = KeyUses::default();
        let before = those_before(self.workspace, key).map(|one| &one.id);
        for id in std::iter::once(&key.id).chain(before) {
            if let Some(calls) = used.by_key.get(id) {
                uses.calls.join(calls);
            }
            if let Some(whence) = used.whence.get(id) {
                for (place, calls) in &whence.places {
                    *uses.places.entry(place.clone()).or_default() += calls;
                }
                uses.clients.extend(whence.clients.iter().cloned());
            }
        }
        Seen::Looked(uses)
    }
}
