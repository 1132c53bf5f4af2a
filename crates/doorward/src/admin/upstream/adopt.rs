//! Taking a key in that is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use doorward_audit::Audit;
use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_gateway::PaceId;
use doorward_keys::inventory::{Listing, Wanted, Which, single_out};
use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_secrets::SecretRef;
use doorward_store::{
    KeyRole, NewUpstreamKey, Probe, ProbeOutcome, UpstreamKey, UpstreamKeyChange, UpstreamKeyState,
    Workspace, check_name,
};
use secrecy::ExposeSecret;
use tokio::runtime::Handle as Runtime;

use super::types::{UpstreamAdopt, UpstreamAdopted};
use crate::admin::error::AdminError;
use crate::admin::probing::{Asked, Found, FoundKey, MANAGING, probe_keys};
use crate::admin::service::{Admin, Handle};
use crate::admin::views::known_scopes;
use crate::admin::workspaces::check_identity;
use crate::inventory::{Reach, list_keys};
use crate::server::OwnPace;

/// Most candidates that are named.
const CANDIDATES_MAX: usize = 10;

/// Instantly's id of a key, and how it is known.
struct Known {
    api_key_id: String,
    made_at: Option<Timestamp>,
    by: &'static str,
}

impl Handle<UpstreamAdopt> for Admin {
    fn handle(&self, call: UpstreamAdopt) -> Result<UpstreamAdopted, AdminError> {
        check_name("the upstream key", &call.name)?;
        let audit = self.parts.audit.get()?;
        let reach = self.reach(&audit)?;
        let workspace = self.workspace(call.workspace.as_deref())?;
        let keys = workspace.upstream_keys.iter();
        let held = keys.clone().find(|key| key.name == call.name);
        let reference = self.adopted_reference(&call, held, &workspace)?;

        let found = self.try_adopted(&workspace, &reference, &call)?;
        check_identity(Some(&workspace), found.instantly_id.as_deref())?;
        let Some(key) = found.keys.first() else {
            return Err(AdminError::failed("nothing was found out of the key"));
        };
        refuse_twice(&reach, &workspace, &reference, held)?;
        let scopes = key.scopes.as_deref().map(known_scopes);
        let manages = |op: &Op| scopes.is_some_and(|scopes| scopes.covers(*op));
        if call.manages == Some(true) && !MANAGING.iter().all(manages) {
            return Err(AdminError::usage(
                "a key that manages the others needs api_keys:create, api_keys:read and \
                 api_keys:delete",
            ));
        }
        let known = self.identify(&audit, &reach, &workspace, &call, held, &found, key)?;
        let probe = Probe {
            at: audit.now(),
            outcome: ProbeOutcome::Alive,
            detail: key.detail.clone(),
        };
        let role = call.manages.map(|manages| match manages {
            true => KeyRole::Manages,
            false => KeyRole::Carries,
        });
        let (api_key_id, made_at) = match &known {
            Some(known) => (Some(known.api_key_id.clone()), known.made_at),
            None => (None, None),
        };
        let stored = match held {
            Some(held) => {
                let change = UpstreamKeyChange {
                    role,
                    api_key_id,
                    owner: call.owner.clone(),
                    made_at,
                    ..UpstreamKeyChange::default()
                };
                self.store().change_upstream_key(&held.id, &change)?
            }
            None => {
                let new = NewUpstreamKey {
                    scopes: key.scopes.clone(),
                    role: role.unwrap_or(KeyRole::Carries),
                    api_key_id,
                    owner: call.owner.clone().unwrap_or_default(),
                    made_at,
                    ..NewUpstreamKey::new(&call.name, &reference.to_string())
                };
                self.store()
                    .add_upstream_key(&workspace.id, &new, audit.now())?
            }
        };
        let stored = self
            .store()
            .record_probe(&stored.id, &probe, key.scopes.as_deref())?;
        self.changed()?;
        Ok(UpstreamAdopted {
            name: stored.name,
            key_id: stored.id,
            api_key_id: stored.api_key_id,
            known_by: known.map(|known| known.by.to_owned()),
            scopes: stored.scopes,
            reference: stored.reference,
            added: held.is_none(),
            detail: key.detail.clone(),
        })
    }
}

impl Admin {
    /// Where the key's value is.
    fn adopted_reference(
        &self,
        call: &UpstreamAdopt,
        held: Option<&UpstreamKey>,
        workspace: &Workspace,
    ) -> Result<SecretRef, AdminError> {
        let typed = match &call.reference {
            Some(text) => {
                let parsed = self.parts.secret_setup.reference(text);
                Some(parsed.map_err(AdminError::usage)?)
            }
            None => None,
        };
        match (typed, held) {
            (None, None) => Err(AdminError::usage(format_args!(
                "workspace '{}' has no upstream key '{}': say where its value is, or pipe it in",
                workspace.name, call.name
            ))),
            (None, Some(held)) => held.reference.parse().map_err(AdminError::failed),
            (Some(typed), Some(held)) if held.reference != typed.to_string() => {
                Err(AdminError::usage(format_args!(
                    "workspace '{}' has an upstream key '{}' already, kept at {}; choose another name",
                    workspace.name, held.name, held.reference
                )))
            }
            (Some(typed), _) => Ok(typed),
        }
    }

    fn try_adopted(
        &self,
        workspace: &Workspace,
        reference: &SecretRef,
        call: &UpstreamAdopt,
    ) -> Result<Found, AdminError> {
        let asked = Asked {
            base_url: &workspace.base_url,
            plain_http: self.parts.plain_http,
            public_only: workspace.kind == WorkspaceKind::Live && !self.parts.plain_http,
            pace: self.parts.pacing.clone().map(|pacing| OwnPace {
                pacing,
                workspace: PaceId::of(workspace),
            }),
        };
        let references = std::slice::from_ref(reference);
        probe_keys(&self.parts.secrets, &asked, references, call.scopes)
    }

    /// Instantly's id of the key, by what is certain alone.
    #[expect(clippy::too_many_arguments, reason = "each is a source of its own")]
    fn identify(
        &self,
        audit: &Arc<Audit>,
        reach: &Reach,
        workspace: &Workspace,
        call: &UpstreamAdopt,
        held: Option<&UpstreamKey>,
        found: &Found,
        key: &FoundKey,
    ) -> Result<Option<Known>, AdminError> {
        let learnt = learnt_keys(audit.store().as_ref())?;
        let own = held.and_then(|held| held.api_key_id.as_ref().or(learnt.get(&held.id)));
        let certain = match (&key.api_key_id, own) {
            (Some(id), _) => Some((id, "its own entry in the list of keys")),
            (None, Some(id)) => Some((id, "records of calls that went out under it")),
            (None, None) => None,
        };
        let listing = self.listing_for(reach, workspace, &key.reference, key, call);
        if let Some((id, by)) = certain {
            if call.api_key_id.as_ref().is_some_and(|said| said != id) {
                return Err(AdminError::usage(format_args!(
                    "its id at Instantly is {id}, not the one that was said: known by {by}"
                )));
            }
            let made_at = listing.ok().and_then(|(listing, _)| {
                let mut keys = listing.keys.into_iter();
                keys.find(|listed| listed.api_key_id == *id)?.created_at
            });
            return Ok(Some(Known {
                api_key_id: id.clone(),
                made_at,
                by,
            }));
        }
        let (listing, same_workspace) = match listing {
            Ok((listing, Place::OfTheKey)) => (listing, true),
            Ok((listing, Place::Named(place))) => {
                let same = place.is_some() && place == found.instantly_id;
                (listing, same)
            }
            Err(_) if call.without_id && call.api_key_id.is_none() => return Ok(None),
            Err(error) => return Err(error),
        };
        let others = others(workspace, held, &learnt);
        // Scopes that were said are somebody's word.
        let exact = key.scopes.as_deref().filter(|_| call.scopes.is_none());
        let wanted = Wanted {
            scopes: exact,
            same_workspace,
            said: call.api_key_id.as_deref(),
            others: &others,
        };
        let candidates = match single_out(&wanted, &listing) {
            Which::This(listed) => {
                return Ok(Some(Known {
                    api_key_id: listed.api_key_id.clone(),
                    made_at: listed.created_at,
                    by: match call.api_key_id {
                        Some(_) => "your word",
                        None => "its scopes, which no other key of the workspace has",
                    },
                }));
            }
            Which::NotThat(why) => return Err(AdminError::usage(why)),
            Which::None => String::from("; no key that is listed has its scopes"),
            Which::OneOf(all) => {
                let named = all.iter().take(CANDIDATES_MAX);
                let named = named.map(|key| format!("\n  {}  {}", key.api_key_id, key.name));
                format!("; it may be one of these:{}", named.collect::<String>())
            }
        };
        if call.without_id {
            return Ok(None);
        }
        Err(AdminError::usage(format_args!(
            "which of Instantly's keys it is can't be told for certain{candidates}\nSay which with --id \
             ID, or take it in without with --without-id: Doorward can't revoke or rotate it then"
        )))
    }

    /// The keys that Instantly lists: under the key itself where it may, since then they are of its own
    /// workspace for sure.
    fn listing_for(
        &self,
        reach: &Reach,
        workspace: &Workspace,
        reference: &SecretRef,
        key: &FoundKey,
        call: &UpstreamAdopt,
    ) -> Result<(Listing, Place), AdminError> {
        let lists = key.scopes.as_deref().map(known_scopes);
        if lists.is_some_and(|scopes| scopes.covers(Op::ListAPIKey)) && call.scopes.is_none() {
            let as_held = UpstreamKey {
                reference: reference.to_string(),
                ..blank(&call.name)
            };
            let client = reach.under(workspace, &as_held)?;
            let listed = Runtime::current().block_on(list_keys(&client));
            if let Ok((listing, _)) = listed {
                return Ok((listing, Place::OfTheKey));
            }
        }
        let (listing, place) = self.try_listing(reach, workspace)?;
        Ok((listing, Place::Named(place)))
    }
}

/// Of which workspace a list of keys is.
enum Place {
    /// Of the key's own.
    OfTheKey,
    /// Of this one, as its keys say.
    Named(Option<String>),
}

/// A record of a key that is not stored.
fn blank(name: &str) -> UpstreamKey {
    UpstreamKey {
        id: String::new(),
        workspace_id: String::new(),
        name: name.to_owned(),
        reference: String::new(),
        scopes: None,
        state: UpstreamKeyState::Active,
        role: KeyRole::Carries,
        api_key_id: None,
        owner: String::new(),
        made_by: None,
        made_at: None,
        rotate_every: None,
        probe: None,
        created_at: Timestamp::from_millis(0),
    }
}

/// Instantly's ids of the other keys that are held.
fn others(
    workspace: &Workspace,
    held: Option<&UpstreamKey>,
    learnt: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let keys = workspace.upstream_keys.iter();
    let others = keys.filter(|key| held.is_none_or(|held| held.id != key.id));
    others
        .filter_map(|key| key.api_key_id.as_ref().or(learnt.get(&key.id)))
        .cloned()
        .collect()
}

/// Refuses a key that is held under another name.
fn refuse_twice(
    reach: &Reach,
    workspace: &Workspace,
    reference: &SecretRef,
    held: Option<&UpstreamKey>,
) -> Result<(), AdminError> {
    let value = reach.secrets.read(reference).map_err(AdminError::usage)?;
    for other in &workspace.upstream_keys {
        if held.is_some_and(|held| held.id == other.id) || other.state == UpstreamKeyState::Retired
        {
            continue;
        }
        let same = other.reference == reference.to_string()
            || reach
                .value(other)
                .is_ok_and(|known| known.expose_secret() == value.expose_secret());
        if same {
            return Err(AdminError::usage(format_args!(
                "that is the upstream key '{}', which is held already",
                other.name
            )));
        }
    }
    Ok(())
}
