//! Which key is to be revoked, and what would be lost with it.

use std::collections::{BTreeMap, BTreeSet};

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::{Op, OpSet};
use doorward_keys::inventory::{Listed, Listing, lost_without};
use doorward_policy::Timestamp;
use doorward_store::{KeyRole, UpstreamKey, UpstreamKeyState, Workspace};

use super::list::own_use;
use super::types::{Target, UpstreamTarget, WhichKey};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::inventory::{may_be, standing};
use crate::output::clean;
use crate::server::watch_key;

impl Handle<UpstreamTarget> for Admin {
    fn handle(&self, call: UpstreamTarget) -> Result<Target, AdminError> {
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let (listing, _) = self.try_listing(&reach, &workspace)?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let known = (&listing, &learnt);
        self.target(&workspace, known, &call.which, call.force, audit.now())
    }
}

impl Admin {
    /// The one key that is meant.
    ///
    /// # Errors
    /// When none or several are, or the one is not to be revoked.
    pub(super) fn target(
        &self,
        workspace: &Workspace,
        (listing, learnt): (&Listing, &BTreeMap<String, String>),
        which: &WhichKey,
        force: bool,
        now: Timestamp,
    ) -> Result<Target, AdminError> {
        let api_key_id = id_of(workspace, listing, learnt, which)?;
        let listed = listing.keys.iter().find(|key| key.api_key_id == api_key_id);
        let held = held_under(workspace, learnt, &api_key_id);
        if listed.is_none() && held.is_none() {
            return Err(AdminError::usage(format_args!(
                "Instantly lists no key {} in workspace '{}'; `doorward upstream list` shows those there \
                 are",
                clean(&api_key_id),
                workspace.name
            )));
        }
        if let Some(held) = held {
            if !force {
                self.refuse_rotating(workspace, held)?;
            }
            let another = |key: &UpstreamKey| {
                key.id != held.id
                    && key.state == UpstreamKeyState::Active
                    && key.scope_set().is_some_and(|scopes| {
                        scopes.covers(Op::DeleteAPIKey) && scopes.covers(Op::ListAPIKey)
                    })
            };
            let manages = held.role == KeyRole::Manages;
            if manages && !workspace.upstream_keys.iter().any(another) {
                return Err(AdminError::usage(format_args!(
                    "'{}' is the key that the others are managed under, and there is no other: without \
                     it Doorward can revoke and rotate nothing. Take another in first with `doorward \
                     upstream adopt NAME --manages`, or delete it in Instantly's settings",
                    held.name
                )));
            }
        }
        if let (None, Some(listed), false) = (held, listed, force) {
            refuse_doubtful(workspace, learnt, listed)?;
        }
        let lost = match held {
            Some(held) => lost_without(
                &standing(workspace),
                &held.id,
                self.granted(workspace, now)?,
            ),
            None => OpSet::EMPTY,
        };
        Ok(Target {
            workspace: workspace.name.clone(),
            api_key_id,
            name_there: listed.map(|key| key.name.clone()),
            scopes: listed
                .map(|key| key.scopes.clone())
                .or_else(|| held.and_then(|held| held.scopes.clone())),
            created_at: listed.and_then(|key| key.created_at),
            key_id: held.map(|held| held.id.clone()),
            name: held.map(|held| held.name.clone()),
            reference: held.map(|held| held.reference.clone()),
            own_use: held.and_then(|held| {
                let watches = watch_key(&workspace.upstream_keys);
                own_use(held, watches.is_some_and(|key| key.id == held.id))
            }),
            lost: lost.iter().map(|op| op.id().to_owned()).collect(),
        })
    }

    /// The operations that the workspace's clients are granted now.
    pub(super) fn granted(
        &self,
        workspace: &Workspace,
        now: Timestamp,
    ) -> Result<OpSet, AdminError> {
        let mut granted = OpSet::EMPTY;
        for client in self.store().clients(Some(&workspace.id))? {
            let over = client.expires_at.is_some_and(|at| at <= now);
            if over || client.disabled_at.is_some() {
                continue;
            }
            let grant = client
                .grant
                .resolve_stored(client.environment, workspace.kind, now);
            if let Ok(grant) = grant {
                granted = granted.union(grant.operations(now));
            }
        }
        Ok(granted)
    }

    /// Refuses a key that a rotation is about.
    fn refuse_rotating(&self, workspace: &Workspace, held: &UpstreamKey) -> Result<(), AdminError> {
        let name = held.name.split('~').next().unwrap_or_default();
        let open = self.store().open_rotations()?;
        let about = open.iter().find(|rotation| {
            rotation.workspace_id == workspace.id
                && (rotation.key == name || rotation.new_key_id == held.id)
        });
        match about {
            Some(rotation) => Err(AdminError::usage(format_args!(
                "'{}' is being rotated ({}): see `doorward upstream status`, or have it undone with \
                 `doorward upstream rollback`; --force revokes it all the same",
                rotation.key, rotation.id
            ))),
            None => Ok(()),
        }
    }
}

/// Refuses a key that may be one that calls go out under.
fn refuse_doubtful(
    workspace: &Workspace,
    learnt: &BTreeMap<String, String>,
    listed: &Listed,
) -> Result<(), AdminError> {
    let held = may_be(workspace, learnt, &listed.scopes);
    let Some(first) = held.first() else {
        return Ok(());
    };
    let names: Vec<&str> = held.iter().map(|key| key.name.as_str()).collect();
    Err(AdminError::usage(format_args!(
        "{0} may be {1}, which Doorward calls under and whose id at Instantly is not known: say which \
         id is whose with `doorward upstream adopt {2} --id ID`; --force revokes it all the same",
        clean(&listed.api_key_id),
        names.join(" or "),
        first.name
    )))
}

/// The key that is held under an id of Instantly's; one that is used before one that is not.
pub(super) fn held_under<'w>(
    workspace: &'w Workspace,
    learnt: &BTreeMap<String, String>,
    api_key_id: &str,
) -> Option<&'w UpstreamKey> {
    let keys = workspace.upstream_keys.iter();
    keys.filter(|key| known_id(key, learnt) == Some(api_key_id))
        .min_by_key(|key| key.state == UpstreamKeyState::Retired)
}

fn known_id<'k>(key: &'k UpstreamKey, learnt: &'k BTreeMap<String, String>) -> Option<&'k str> {
    let id = key.api_key_id.as_ref().or_else(|| learnt.get(&key.id));
    id.map(String::as_str)
}

/// Instantly's id of the key that is meant.
fn id_of(
    workspace: &Workspace,
    listing: &Listing,
    learnt: &BTreeMap<String, String>,
    which: &WhichKey,
) -> Result<String, AdminError> {
    let unknown = |key: &UpstreamKey| {
        AdminError::usage(format_args!(
            "Instantly's id of '{0}' is not known: say it with `doorward upstream adopt {0} --id ID`",
            key.name
        ))
    };
    let mut keys = workspace.upstream_keys.iter();
    match which {
        WhichKey::Id(id) => match keys.find(|key| key.id == *id) {
            Some(held) => match known_id(held, learnt) {
                Some(id) => Ok(id.to_owned()),
                None => Err(unknown(held)),
            },
            None => Ok(id.clone()),
        },
        WhichKey::Name(name) => {
            let here = keys.find(|key| key.name == *name);
            let mine = here.map(|held| known_id(held, learnt).ok_or_else(|| unknown(held)));
            let there = listing.keys.iter().filter(|key| key.name == *name);
            let mut ids: BTreeSet<String> = there.map(|key| key.api_key_id.clone()).collect();
            if let Some(mine) = mine {
                ids.insert(mine?.to_owned());
            }
            let mut all = ids.iter();
            match (all.next(), all.next()) {
                (_, None) if !listing.whole => Err(AdminError::usage(format_args!(
                    "Instantly lists so many keys in workspace '{}' that not all were read, and others \
                     may be called '{}'; say which by its id",
                    workspace.name,
                    clean(name)
                ))),
                (Some(only), None) => Ok(only.clone()),
                (None, _) => Err(AdminError::usage(format_args!(
                    "no key of workspace '{}' is called '{}', here or at Instantly",
                    workspace.name,
                    clean(name)
                ))),
                (Some(_), Some(_)) => Err(AdminError::usage(format_args!(
                    "{} keys are called '{}'; say which by its id:\n  {}",
                    ids.len(),
                    clean(name),
                    ids.iter().cloned().collect::<Vec<_>>().join("\n  ")
                ))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_keys::inventory::Listed;

    #[test]
    fn a_name_is_nobodys_while_not_all_keys_are_listed() {
        let workspace = Workspace {
            id: "ws_0123456789abcdef".into(),
            name: "acme".into(),
            instantly_id: None,
            kind: doorward_policy::WorkspaceKind::Sandbox,
            base_url: "https://sandbox.example".into(),
            environments: std::collections::BTreeSet::new(),
            upstream_keys: vec![],
            created_at: Timestamp::from_millis(0),
        };
        let listed = Listed {
            api_key_id: "one".into(),
            name: "writer".into(),
            scopes: vec![],
            created_at: None,
        };
        let mut listing = Listing {
            keys: vec![listed],
            whole: true,
        };
        let by_name = WhichKey::Name("writer".into());
        let id = |listing: &Listing, which: &WhichKey| {
            id_of(&workspace, listing, &BTreeMap::new(), which)
        };
        assert_eq!(id(&listing, &by_name).unwrap(), "one");
        listing.whole = false;
        let refused = id(&listing, &by_name).unwrap_err();
        assert!(refused.message.contains("by its id"), "{refused}");
        assert_eq!(id(&listing, &WhichKey::Id("one".into())).unwrap(), "one");
    }
}
