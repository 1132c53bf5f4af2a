//! Finding out about an upstream key that leaked: whether it is alive, which of Instantly's it is, and
//! how it can be stopped.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward_audit::Audit;
use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_store::{KeyRole, UpstreamKey, UpstreamKeyState, Workspace};
use doorward_upstream::{Extent, INSTANTLY, Identified, Liveness};
use secrecy::SecretString;
use tokio::runtime::Handle as Runtime;

use super::types::Leaked;
use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::inventory::{Reach, keeper, list_keys, may_be};
use crate::leak::{LeakedUpstream, Way};
use crate::output::clean;
use crate::scrubbed::scrub;

impl Admin {
    /// All that can be found out of a key that is held.
    pub(super) fn describe(
        &self,
        audit: &Arc<Audit>,
        reach: &Reach,
        (workspace, key): (&Workspace, &UpstreamKey),
        said: Option<&str>,
    ) -> Result<LeakedUpstream, AdminError> {
        let learnt = learnt_keys(audit.store().as_ref())?;
        let api_key_id = key.api_key_id.clone();
        let mut found = LeakedUpstream {
            workspace: workspace.name.clone(),
            workspace_id: workspace.id.clone(),
            key_id: Some(key.id.clone()),
            name: Some(key.name.clone()),
            api_key_id: api_key_id.or_else(|| learnt.get(&key.id).cloned()),
            sure: true,
            name_there: None,
            scopes: key.scopes.clone(),
            made_at: key.made_at.or(Some(key.created_at)),
            alive: None,
            unpaid: false,
            fingerprint: None,
            way: Way::ByHand,
            remarks: Vec::new(),
        };
        let reference = key.reference.parse().map_err(AdminError::failed)?;
        match reach.secrets.read(&reference) {
            Ok(value) => self.try_and_place(reach, (workspace, &value), said, &mut found)?,
            Err(error) => found
                .remarks
                .push(format!("its value can't be read here: {error}")),
        }
        found.way = match (key.role, self.way(workspace, Some(key), &mut found)) {
            (KeyRole::Manages, Way::Rotate) => {
                found.remarks.push(
                    "it manages the workspace's keys: another key that may revokes it at once, and its \
                     successor is a person's to make"
                        .to_owned(),
                );
                Way::Revoke
            }
            (_, way) => way,
        };
        // One that is dead and that calls still go out under is replaced all the same.
        if found.alive == Some(false) && found.way != Way::Rotate {
            found.way = Way::Dead;
        }
        Ok(found)
    }

    /// A key that is not held: where it belongs, and whether it is alive.
    pub(super) fn stranger(
        &self,
        reach: &Reach,
        value: &SecretString,
        leaked: &Leaked,
    ) -> Result<LeakedUpstream, AdminError> {
        let workspace = self.place_of_stranger(leaked.workspace.as_deref())?;
        let said = leaked.api_key_id.as_deref();
        let mut found = LeakedUpstream {
            workspace: workspace.name.clone(),
            workspace_id: workspace.id.clone(),
            key_id: None,
            name: None,
            api_key_id: None,
            sure: false,
            name_there: None,
            scopes: None,
            made_at: None,
            alive: None,
            unpaid: false,
            fingerprint: None,
            way: Way::ByHand,
            remarks: vec!["Doorward does not hold it".to_owned()],
        };
        self.try_and_place(reach, (&workspace, value), said, &mut found)?;
        found.way = match found.alive {
            Some(false) => Way::Dead,
            _ => self.way(&workspace, None, &mut found),
        };
        if found.way == Way::Revoke && said != found.api_key_id.as_deref() {
            let place = self.store().workspace(&found.workspace_id)?;
            self.doubt(reach, &place, true, &mut found)?;
        }
        Ok(found)
    }

    /// Where a key that is not held is tried: it is sent to no other host than that.
    pub(super) fn place_of_stranger(
        &self,
        workspace: Option<&str>,
    ) -> Result<Workspace, AdminError> {
        if workspace.is_some() {
            return self.workspace(workspace);
        }
        let mut all = self.store().workspaces()?;
        // An Instantly key is sent to Instantly rather than to something that emulates it.
        if all.iter().any(|each| each.base_url == INSTANTLY) {
            all.retain(|each| each.base_url == INSTANTLY);
        }
        let first = all.first().cloned();
        let one_place = all.windows(2).all(|two| match two {
            [a, b] => a.base_url == b.base_url,
            _ => true,
        });
        match first {
            Some(workspace) if one_place => Ok(workspace),
            _ => self.workspace(None),
        }
    }

    /// Tries a value, and looks for it among the keys that workspaces at the same place list. `said` is
    /// Instantly's id of it, as a person says.
    fn try_and_place(
        &self,
        reach: &Reach,
        (workspace, value): (&Workspace, &SecretString),
        said: Option<&str>,
        found: &mut LeakedUpstream,
    ) -> Result<(), AdminError> {
        let client = reach.with(workspace, value.clone())?;
        let probe = Runtime::current().block_on(client.probe());
        found.unpaid = probe.unpaid;
        match probe.alive {
            Liveness::Alive => found.alive = Some(true),
            Liveness::Dead => found.alive = Some(false),
            Liveness::Unknown { why } => found.remarks.push(format!(
                "whether it is alive can't be told: {}",
                scrub(clean(&why))
            )),
        }
        if probe.scopes.is_some() && probe.extent == Extent::Exact {
            found.scopes = Some(probe.raw_scopes.into_iter().map(scrub).collect());
        }
        if found.api_key_id.is_some() {
            return Ok(());
        }
        // Of which workspace it is, where it may say that itself.
        let home = match probe
            .scopes
            .is_some_and(|scopes| scopes.covers(Op::GetWorkspace))
        {
            true => Runtime::current().block_on(client.workspace().get()).ok(),
            false => None,
        };
        let home = home.map(|workspace| workspace.id);
        for each in self.store().workspaces()? {
            let same = each.base_url == workspace.base_url;
            if !same || (found.key_id.is_some() && each.id != workspace.id) {
                continue;
            }
            let Some(keeper) = keeper(&each, &[Op::ListAPIKey], found.key_id.as_deref()) else {
                continue;
            };
            let under = reach.under(&each, keeper)?;
            match Runtime::current().block_on(under.identify(value)) {
                Ok(Some(known)) if fits(found, &known) => {
                    let here = home.as_ref() == Some(&known.place) || said == Some(&known.id);
                    take(found, &each, known, here);
                    break;
                }
                Ok(_) => {}
                Err(error) => found.remarks.push(scrub(format!(
                    "the keys of {} can't be listed: {error}",
                    each.name
                ))),
            }
        }
        Ok(())
    }

    /// A key that is not held, by Instantly's id.
    pub(super) fn listed_somewhere(
        &self,
        reach: &Reach,
        (id, said): (&str, Option<&str>),
        workspace: Option<&str>,
    ) -> Result<Option<LeakedUpstream>, AdminError> {
        for each in self.store().workspaces()? {
            if workspace.is_some_and(|name| name != each.name && name != each.id) {
                continue;
            }
            let Some(keeper) = keeper(&each, &[Op::ListAPIKey], None) else {
                continue;
            };
            let client = reach.under(&each, keeper)?;
            let Ok((listing, _)) = Runtime::current().block_on(list_keys(&client)) else {
                continue;
            };
            let Some(listed) = listing.keys.iter().find(|key| key.api_key_id == id) else {
                continue;
            };
            let mut found = LeakedUpstream {
                workspace: each.name.clone(),
                workspace_id: each.id.clone(),
                key_id: None,
                name: None,
                api_key_id: Some(listed.api_key_id.clone()),
                sure: true,
                name_there: Some(listed.name.clone()),
                scopes: Some(listed.scopes.clone()),
                made_at: listed.created_at,
                alive: None,
                unpaid: false,
                fingerprint: None,
                way: Way::ByHand,
                remarks: vec![
                    "Doorward does not hold it: without its value it can be revoked, and not be tried"
                        .to_owned(),
                ],
            };
            found.way = self.way(&each, None, &mut found);
            if found.way == Way::Revoke && said != Some(id) {
                self.doubt(reach, &each, false, &mut found)?;
            }
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// A key that calls may go out under is not revoked as a stranger. Those that can be read were
    /// `compared` with its value.
    fn doubt(
        &self,
        reach: &Reach,
        workspace: &Workspace,
        compared: bool,
        found: &mut LeakedUpstream,
    ) -> Result<(), AdminError> {
        let audit = self.parts.audit.get()?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let scopes = found.scopes.as_deref().unwrap_or_default();
        let mut held = may_be(workspace, &learnt, scopes);
        held.retain(|key| {
            let read = key
                .reference
                .parse()
                .map(|at| reach.secrets.read(&at).is_ok());
            !compared || !matches!(read, Ok(true))
        });
        if let Some(first) = held.first() {
            let names: Vec<&str> = held.iter().map(|key| key.name.as_str()).collect();
            let id = found.api_key_id.clone().unwrap_or_default();
            found.remarks.push(format!(
                "it may be a key that Doorward calls under ({}), whose id at Instantly is not known: if it \
                 is, say so with `doorward upstream adopt {} --id {id}`, and it is replaced; if it is not, \
                 say --id {id} here, and it is revoked",
                names.join(" or "),
                first.name,
            ));
            found.way = Way::ByHand;
        }
        Ok(())
    }

    /// How a key that may be alive can be stopped.
    fn way(
        &self,
        workspace: &Workspace,
        held: Option<&UpstreamKey>,
        found: &mut LeakedUpstream,
    ) -> Way {
        let place = self.store().workspace(&found.workspace_id);
        let workspace = place.as_ref().unwrap_or(workspace);
        // Whether a successor can be made is another thing: what can be revoked is.
        let manager = keeper(workspace, &[Op::DeleteAPIKey], found.key_id.as_deref());
        let mut hindered = |why: String| {
            found.remarks.push(why);
            Way::ByHand
        };
        if manager.is_none() {
            return hindered(format!(
                "no other upstream key of {} may delete its keys (api_keys:create, api_keys:read and \
                 api_keys:delete manage them)",
                workspace.name
            ));
        }
        match held {
            _ if found.api_key_id.is_none() => hindered(
                "its id at Instantly can't be told, and nothing is revoked by a guess".into(),
            ),
            _ if !found.sure => {
                let id = found.api_key_id.clone().unwrap_or_default();
                hindered(format!(
                    "it is likely the key '{}': what is shown of it and its scopes fit, and no other's \
                     do. To have that one revoked, say --id {id}",
                    found.name_there.clone().unwrap_or_default()
                ))
            }
            None => Way::Revoke,
            // Calls go out under another one already.
            Some(key) if key.state != UpstreamKeyState::Active => Way::Revoke,
            Some(_) => Way::Rotate,
        }
    }
}

/// Whether a listed key has just the scopes that were found, and so can be the one.
fn fits(found: &LeakedUpstream, known: &Identified) -> bool {
    let set = |scopes: &[String]| scopes.iter().cloned().collect::<BTreeSet<_>>();
    let same = found.scopes.as_deref().map(set) == Some(set(&known.scopes));
    known.sure || (same && found.alive == Some(true))
}

/// Takes what Instantly lists of a key. `here` says that it is known to be of that workspace, or that a
/// person says it is this one: with its mask and scopes fitting, and no other's, that makes it certain.
fn take(found: &mut LeakedUpstream, place: &Workspace, known: Identified, here: bool) {
    let text = |text: String| scrub(clean(&text));
    found.workspace.clone_from(&place.name);
    found.workspace_id.clone_from(&place.id);
    found.api_key_id = Some(text(known.id));
    found.sure = known.sure || here;
    found.name_there = Some(text(known.name));
    if found.scopes.is_none() {
        found.scopes = Some(known.scopes.into_iter().map(text).collect());
    }
    if let Ok(made) = known.created.parse() {
        found.made_at = Some(made);
    }
}
