//! What is known here of a workspace: who may do what in it, what is owed, who went around.

use std::collections::{BTreeMap, BTreeSet};

use doorward_audit::instantly::read_to;
use doorward_audit::reconcile::reconcile_since;
use doorward_catalog::{OpSet, UseCase};
use doorward_condition::check;
use doorward_policy::Timestamp;
use doorward_posture::here::{Around, ClientFacts, Owed};
use doorward_posture::live::{Cause, Seen};
use doorward_store::{Store, Workspace};

use super::{AROUND_DAYS, DAY_MS, Round};
use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::health::OwedBy;
use crate::server::watch_options;

/// Most keys that are named of those who went around.
const KEYS_NAMED: usize = 16;

/// A workspace, and what is asked of it.
pub(super) struct Known<'a> {
    pub(super) admin: &'a Admin,
    pub(super) round: &'a Round<'a>,
    pub(super) workspace: &'a Workspace,
    /// Whether the ledger is asked what keys were used for.
    pub(super) uses: bool,
}

impl Known<'_> {
    /// The keys that are to be dead and are not yet.
    pub(super) fn owed(&self) -> Result<Vec<Owed>, AdminError> {
        let rotations = (self.admin.parts.rotations)()?;
        let mine = rotations.owed().into_iter();
        let mine = mine.filter(|owed| owed.workspace == self.workspace.name);
        let owed = mine.map(|owed| Owed {
            rotation: owed.by == OwedBy::Rotation,
            id: owed.id,
            api_key_id: owed.api_key_id,
            step: owed.step,
            tries: owed.tries,
            since: owed.since,
        });
        Ok(owed.collect())
    }

    /// The clients that are in force, and what policies hold back of what they may do.
    pub(super) fn clients(&self) -> Result<Vec<ClientFacts>, AdminError> {
        let (store, now) = (self.admin.store(), self.round.now);
        let policies = store.policies()?;
        // A policy that can't be read any more refuses all it could bear on.
        let rules = policies
            .iter()
            .filter_map(|policy| check(&policy.name, &policy.text).ok());
        let rules: Vec<_> = rules.flatten().filter(|rule| rule.approval).collect();
        let mut facts = Vec::new();
        for client in store.clients(Some(&self.workspace.id))? {
            let over = client.expires_at.is_some_and(|at| at <= now);
            if over || client.disabled_at.is_some() {
                continue;
            }
            let grant = &client.grant;
            let resolved = grant.resolve_stored(client.environment, self.workspace.kind, now);
            let granted = resolved.map_or(OpSet::EMPTY, |grant| grant.operations(now));
            let scopes = grant
                .scopes
                .iter()
                .filter(|scope| scope.starts_with("all:"));
            let all = UseCase::FullAutomation.as_str();
            let use_case = grant.use_cases.iter().filter(|name| *name == all);
            let bears =
                |named: &Option<String>| named.as_ref().is_none_or(|named| *named == client.name);
            let holding = rules.iter().filter(|rule| bears(&rule.client));
            facts.push(ClientFacts {
                wildcards: scopes.chain(use_case).cloned().collect(),
                held_back: holding.fold(OpSet::EMPTY, |all, rule| all.union(rule.operations)),
                granted,
                environment: client.environment,
                id: client.id,
                name: client.name,
            });
        }
        Ok(facts)
    }

    /// The sub-workspaces that are guarded themselves, or named in a grant.
    pub(super) fn sub_workspaces(&self) -> Result<BTreeSet<String>, AdminError> {
        let store = self.admin.store();
        let guarded = store.workspaces()?.into_iter();
        let mut all: BTreeSet<String> = guarded.filter_map(|one| one.instantly_id).collect();
        for client in store.clients(Some(&self.workspace.id))? {
            all.extend(client.grant.sub_workspaces);
        }
        Ok(all)
    }
}

/// Those who went around Doorward, by Instantly's ids of workspaces.
#[derive(Default)]
pub(super) struct Strangers {
    since: Option<Timestamp>,
    /// All of them, where the report had no room to name each.
    more: bool,
    by_place: BTreeMap<Option<String>, Vec<Option<String>>>,
}

impl Admin {
    /// Holds what was read of Instantly's logs against the ledger.
    pub(super) fn strangers(&self, round: &Round<'_>) -> Result<Strangers, AdminError> {
        let audit = self.parts.audit.get()?;
        let since = round.now.plus_millis(-AROUND_DAYS * DAY_MS);
        let options = watch_options(&self.parts.instantly).reconcile;
        let report = reconcile_since(&audit, since, round.now, &options)?;
        let mut by_place: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let listed = report.around.len() as u64;
        for act in report.around {
            by_place.entry(act.place).or_default().push(act.api_key);
        }
        Ok(Strangers {
            since: Some(since),
            more: report.around_total > listed,
            by_place,
        })
    }
}

impl Strangers {
    /// Those in a workspace, if its log is read.
    pub(super) fn of(
        &self,
        store: &dyn Store,
        workspace: &Workspace,
    ) -> Result<Seen<Around>, AdminError> {
        let (Some(since), Some(_)) = (self.since, read_to(store, &workspace.id)?) else {
            return Ok(Seen::not(
                Cause::Scope,
                "Instantly's audit log was never read: a key with audit_logs:read reads it",
            ));
        };
        let Some(id) = &workspace.instantly_id else {
            return Ok(Seen::not(
                Cause::NotHere,
                "Instantly's id of the workspace is not known",
            ));
        };
        let acts = self.by_place.get(&Some(id.clone()));
        let acts = acts.map(Vec::as_slice).unwrap_or_default();
        if acts.is_empty() && self.more {
            return Ok(Seen::not(
                Cause::TooMuch,
                "more acts went around Doorward than are told apart",
            ));
        }
        let mut keys: BTreeMap<&String, u64> = BTreeMap::new();
        for key in acts.iter().flatten() {
            *keys.entry(key).or_default() += 1;
        }
        let mut keys: Vec<(String, u64)> = keys
            .into_iter()
            .map(|(key, count)| (key.clone(), count))
            .collect();
        keys.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        keys.truncate(KEYS_NAMED);
        Ok(Seen::Looked(Around {
            since,
            records: acts.len() as u64,
            keys,
        }))
    }
}
