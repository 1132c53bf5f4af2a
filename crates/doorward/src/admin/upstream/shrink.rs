//! Replacing a key by one with only what it was used for.

use std::collections::BTreeMap;

use doorward_audit::instantly::read_to;
use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::{Op, OpSet, Scope, ScopeSet};
use doorward_keys::inventory::{Act, Evidence, Narrowed, Standing, lost_without, narrow};
use doorward_keys::rotation::Why;
use doorward_policy::Timestamp;
use doorward_store::{UpstreamKey, UpstreamKeyState, Workspace};
use tokio::runtime::Handle as Runtime;

use super::list::{read_log, those_before};
use super::probe::held_key;
use super::types::{ShrinkAsked, ShrinkPlan, UpstreamShrink, UpstreamShrinkPlan};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::inventory::{Reach, Sought, sightings, standing, uses_since};
use crate::rotation::{Asked, RotationView};
use crate::server::WATCHED;

/// What a key of Doorward's own use is kept for.
const WATCH: &str = "read Instantly's audit log, keys and members";

/// A key that may be narrowed.
struct Shrinking {
    narrowed: Narrowed,
    /// Operations granted to clients that no key would cover any more.
    lost: OpSet,
    /// What should be known before it is done.
    told: Vec<String>,
    asked: Asked,
}

impl Handle<UpstreamShrinkPlan> for Admin {
    fn handle(&self, call: UpstreamShrinkPlan) -> Result<ShrinkPlan, AdminError> {
        let found = self.shrinking(&call.0)?;
        let rotations = (self.parts.rotations)()?;
        let prepared = Runtime::current().block_on(rotations.prepare(&found.asked))?;
        Ok(ShrinkPlan {
            name: call.0.name,
            since: call.0.since,
            scopes: found.narrowed.scopes,
            kept: found.narrowed.kept,
            dropped: found.narrowed.dropped,
            lost: found.lost.iter().map(|op| op.id().to_owned()).collect(),
            told: found.told,
            rotation: prepared.view,
        })
    }
}

impl Handle<UpstreamShrink> for Admin {
    fn handle(&self, call: UpstreamShrink) -> Result<RotationView, AdminError> {
        let found = self.shrinking(&call.0)?;
        if found.narrowed.scopes != call.1 {
            return Err(AdminError::usage(
                "the key was used for something else meanwhile; look at the plan again",
            ));
        }
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(rotations.begin(&found.asked))
    }
}

impl Admin {
    /// The scopes that a key's successor needs for what it was used for since then.
    ///
    /// # Errors
    /// When that can't be told, or is nothing.
    pub(in crate::admin) fn used_scopes(
        &self,
        workspace: &str,
        key: &str,
        since: Timestamp,
    ) -> Result<ScopeSet, AdminError> {
        let asked = ShrinkAsked {
            workspace: Some(workspace.to_owned()),
            name: key.to_owned(),
            since,
            to: None,
            at_once: true,
        };
        Ok(self.shrinking(&asked)?.narrowed.scopes)
    }

    fn shrinking(&self, asked: &ShrinkAsked) -> Result<Shrinking, AdminError> {
        let audit = self.parts.audit.get()?;
        let reach = self.reach()?;
        let workspace = self.workspace(asked.workspace.as_deref())?;
        let key = held_key(&workspace, &asked.name)?;
        let mut told = Vec::new();
        let logs = self.logs(std::slice::from_ref(&workspace))?;
        read_log(&audit, &logs, &workspace, &mut told)?;
        let learnt = learnt_keys(audit.store().as_ref())?;
        let granted = self.granted_scopes(&reach, &workspace, key, &mut told)?;

        let used = uses_since(&audit.reader(), &workspace.id, asked.since)?;
        if !used.whole {
            return Err(AdminError::failed(
                "the ledger has more leaves than are looked at, and what was not looked at may have \
                 been used: say a later --since",
            ));
        }
        let now = audit.now();
        let sought = Sought {
            workspace_id: &workspace.id,
            api_key_id: None,
            since: asked.since,
        };
        let (seen, whole) = sightings(self.store(), &audit.reader(), sought, now)?;
        if !whole {
            return Err(AdminError::failed(
                "Instantly's audit log or the ledger has more than is looked at: say a later --since",
            ));
        }
        // What it was before it was rotated counts as well.
        let line = std::iter::once(key).chain(those_before(&workspace, key));
        let mut evidence = Evidence::default();
        for one in line {
            if let Some(uses) = used.by_key.get(&one.id) {
                evidence.uses.join(uses);
            }
            let id = one.api_key_id.as_ref().or_else(|| learnt.get(&one.id));
            if let Some(sighting) = id.and_then(|id| seen.get(id)) {
                join_acts(&mut evidence.outside, &sighting.outside);
            }
        }
        evidence.own = own_needs(&workspace, key);
        evidence.asked = self.asked_scopes(&workspace)?;
        self.tell_gaps(&workspace, asked.since, key, &mut told)?;

        let narrowed = narrow(granted, &evidence)
            .map_err(|why| AdminError::usage(format_args!("'{}': {why}", key.name)))?;
        for (what, scope) in &narrowed.doubts {
            told.push(format!(
                "'{what}' beside Doorward may also come of what asks for {scope}, which is not kept for that"
            ));
        }
        let lost = lost_by(
            &workspace,
            key,
            narrowed.scopes,
            self.granted(&workspace, now)?,
        );
        let reference = match &asked.to {
            Some(text) => {
                let parsed = self.parts.secret_setup.reference(text);
                Some(parsed.map_err(|error| AdminError::usage(format_args!("--to: {error}")))?)
            }
            None => None,
        };
        let asked = Asked {
            workspace: workspace.id.clone(),
            key: key.name.clone(),
            why: Why::Shrink,
            scopes: Some(narrowed.scopes),
            api_key_id: key.api_key_id.as_ref().or(learnt.get(&key.id)).cloned(),
            reference,
            consumers: Vec::new(),
            timing: (self.parts.rotations)()?.timing(asked.at_once),
        };
        Ok(Shrinking {
            narrowed,
            lost,
            told,
            asked,
        })
    }

    /// The scopes that the key has: as Instantly lists them, else as Doorward knows.
    fn granted_scopes(
        &self,
        reach: &Reach,
        workspace: &Workspace,
        key: &UpstreamKey,
        told: &mut Vec<String>,
    ) -> Result<ScopeSet, AdminError> {
        let (listing, _) = self.try_listing(reach, workspace)?;
        let id = key.api_key_id.as_deref();
        let listed = id.and_then(|id| listing.keys.into_iter().find(|one| one.api_key_id == id));
        let texts = listed.map(|one| one.scopes).or_else(|| key.scopes.clone());
        let texts = texts.ok_or_else(|| {
            AdminError::usage(format_args!(
                "the scopes of '{0}' are not known: `doorward upstream probe {0}` looks for them",
                key.name
            ))
        })?;
        let mut known = ScopeSet::EMPTY;
        for text in texts {
            match Scope::parse(&text) {
                Ok(scope) => known.insert(scope),
                Err(_) => told.push(format!("the scope {text} is new to Doorward, and goes")),
            }
        }
        Ok(known)
    }

    /// The scopes that the API asked for when it refused a call.
    fn asked_scopes(&self, workspace: &Workspace) -> Result<BTreeMap<Op, ScopeSet>, AdminError> {
        let observed = self.store().observed_scopes()?;
        let mine = observed
            .iter()
            .filter(|one| one.workspace_id == workspace.id);
        let known = mine.map(|one| {
            let scopes = one
                .required
                .iter()
                .filter_map(|text| Scope::parse(text).ok());
            (one.operation, scopes.collect())
        });
        Ok(known.collect())
    }

    /// What neither source can have seen.
    fn tell_gaps(
        &self,
        workspace: &Workspace,
        since: Timestamp,
        key: &UpstreamKey,
        told: &mut Vec<String>,
    ) -> Result<(), AdminError> {
        if read_to(self.store(), &workspace.id)?.is_none() {
            told.push(
                "Instantly's audit log was never read: acts under this key beside Doorward are not \
                 counted"
                    .to_owned(),
            );
        }
        if key.created_at > since {
            told.push(format!(
                "Doorward holds this key since {} only: what it was used for before is not known",
                key.created_at
            ));
        }
        told.push(
            "reads beside Doorward are in no log: whoever else holds this key loses what goes"
                .to_owned(),
        );
        Ok(())
    }
}

fn join_acts(all: &mut BTreeMap<String, Act>, more: &BTreeMap<String, Act>) {
    for (what, act) in more {
        all.entry(what.clone())
            .and_modify(|known| known.count = known.count.and(act.count))
            .or_insert(*act);
    }
}

/// What Doorward itself uses the key for: where another key covers that too, nothing.
fn own_needs(workspace: &Workspace, key: &UpstreamKey) -> Vec<(&'static str, OpSet)> {
    let covers = |one: &UpstreamKey, op: Op| {
        one.state == UpstreamKeyState::Active
            && one.scope_set().is_some_and(|scopes| scopes.covers(op))
    };
    let another = |op: Op| {
        let mut others = workspace.upstream_keys.iter();
        others.any(|one| one.id != key.id && covers(one, op))
    };
    let needed = WATCHED.into_iter().filter(|op| !another(*op));
    vec![(WATCH, needed.collect())]
}

/// The granted operations that no key covers once this one has these scopes.
fn lost_by(workspace: &Workspace, key: &UpstreamKey, scopes: ScopeSet, granted: OpSet) -> OpSet {
    let mut keys = standing(workspace);
    keys.push(Standing {
        key_id: "the narrower key".to_owned(),
        scopes: Some(scopes),
        works: true,
    });
    lost_without(&keys, &key.id, granted)
}
