//! A decision of the past made again, under another grant or other policies.

use std::collections::BTreeMap;

use doorward_catalog::Op;
use doorward_condition::{Again, Asker, Kept, Policies};
use doorward_policy::{ConditionFacts, EffectiveGrant, Inputs, Judgement, WorkspaceKind};

use super::past::{Past, Was};
use crate::admin::ClientView;

/// What would change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// It was allowed and would be refused; why.
    NewlyDenied(String),
    /// It was refused and would be allowed.
    NewlyAllowed,
    /// It would wait for a person's approval; the policy.
    NeedsApproval(String),
    /// It can't be told; why.
    Unknown(String),
}

/// What decisions are made again by.
pub(super) struct Trial {
    /// The clients there are, by workspace's id and name.
    pub(super) clients: BTreeMap<(String, String), ClientView>,
    /// What stands behind each workspace, by id.
    pub(super) kinds: BTreeMap<String, WorkspaceKind>,
    /// Another grant for one client: its workspace's id and name, and the grant.
    pub(super) grant: Option<((String, String), EffectiveGrant)>,
    /// The policies, with the one that is tried.
    pub(super) policies: Policies,
    /// Whether a policy is tried.
    pub(super) tries_policy: bool,
    /// Whether some policy asks how much the client did that day: of reads that is not kept.
    pub(super) asks_of_day: bool,
}

impl Trial {
    /// Whether the sealed inputs are needed to decide again.
    pub(super) fn needs_inputs(&self, past: &Past) -> bool {
        past.sealed
            && self.judges(past, self.granted(past))
            && self.policies.bear_on(&past.client, past.op)
    }

    /// What would change.
    pub(super) fn decide(&self, past: &Past, inputs: Option<&Inputs>) -> Option<Change> {
        let granted = self.granted(past);
        if !granted {
            return past
                .was
                .may_go_on()
                .then(|| Change::NewlyDenied("not granted".to_owned()));
        }
        if !self.judges(past, granted) {
            return None;
        }
        match self.judge(past, inputs) {
            Ok(Judgement::Allow) => (past.was != Was::Allowed).then_some(Change::NewlyAllowed),
            Ok(Judgement::NeedsApproval(name)) => {
                (past.was != Was::NeedsApproval).then(|| Change::NeedsApproval(name.to_owned()))
            }
            Ok(Judgement::Deny(name) | Judgement::Failed(name)) => past
                .was
                .may_go_on()
                .then(|| Change::NewlyDenied(format!("policy {name}"))),
            Ok(_) => Some(Change::Unknown("no such judgement is known".to_owned())),
            Err(why) => Some(Change::Unknown(why)),
        }
    }

    /// Whether it is granted: as it was, but for the client whose grant is tried.
    fn granted(&self, past: &Past) -> bool {
        match &self.grant {
            Some(((workspace, name), grant))
                if *workspace == past.workspace && *name == past.client =>
            {
                let reaches = past
                    .as_workspace
                    .as_deref()
                    .is_none_or(|id| grant.reaches(id));
                reaches && grant.contains(past.op, past.at)
            }
            _ => past.was.is_granted(),
        }
    }

    /// Whether policies are to be asked: they are tried, or never were asked.
    fn judges(&self, past: &Past, granted: bool) -> bool {
        granted && (self.tries_policy || !past.was.is_granted())
    }

    fn judge(&self, past: &Past, inputs: Option<&Inputs>) -> Result<Judgement<'_>, String> {
        if !self.policies.bear_on(&past.client, past.op) {
            return Ok(Judgement::Allow);
        }
        let place = (past.workspace.clone(), past.client.clone());
        let Some(client) = self.clients.get(&place) else {
            return Err("the client is gone".to_owned());
        };
        let kind = self.kinds.get(&past.workspace).copied();
        let asker = Asker {
            name: &past.client,
            environment: client.environment,
            owner: &client.owner,
            purpose: &client.purpose,
            workspace: &client.workspace,
            workspace_kind: kind.unwrap_or(WorkspaceKind::Live),
        };
        // Of a read nothing is kept but that it was: what it named is not known.
        let bare = ConditionFacts {
            cut: true,
            ..ConditionFacts::default()
        };
        let kept = inputs.and_then(|inputs| inputs.conditions.as_ref());
        let facts = match kept {
            Some(facts) => facts,
            None if past.sealed => return Err("its inputs were erased".to_owned()),
            None if self.asks_of_day || writes(past.op) => {
                return Err("what it depended on was not kept".to_owned());
            }
            None => &bare,
        };
        let again = self.policies.judge_again(&Kept {
            op: past.op,
            asker,
            now: inputs.map_or(past.at, |inputs| inputs.decided_at),
            as_workspace: past.as_workspace.as_deref(),
            facts,
        });
        match again {
            Again::Judged(judgement) => Ok(judgement),
            Again::Unknown(name) => Err(format!("policy {name} asks for what is not kept")),
        }
    }
}

fn writes(op: Op) -> bool {
    op.facts().writes()
}
