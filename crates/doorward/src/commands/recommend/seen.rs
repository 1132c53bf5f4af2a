//! What a client asked for, by the ledger.

use std::collections::{BTreeMap, BTreeSet};

use doorward_audit::{Filter, find};
use doorward_catalog::{Op, OpSet};
use doorward_ledger::log::Reader;
use doorward_ledger::{Event, Leaf, ReadLeaf};
use doorward_policy::Timestamp;
use serde::Serialize;

use super::super::audit::Bar;
use crate::exit::Failure;

/// Records that are read at once.
const PAGE: usize = 4_096;
/// Leaves that are looked at for one page.
const LOOK: u64 = 65_536;
/// Most sub-workspaces that are told of.
const SUB_WORKSPACES: usize = 256;

/// How often something was asked for, and when last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Count {
    /// How often.
    pub(super) calls: u64,
    /// When last.
    pub(super) last: Timestamp,
}

impl Count {
    fn add(all: &mut BTreeMap<String, Self>, name: &str, at: Timestamp) {
        let count = all
            .entry(name.to_owned())
            .or_insert(Self { calls: 0, last: at });
        count.calls += 1;
        count.last = count.last.max(at);
    }
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Allowed calls, by operation.
    pub(super) used: BTreeMap<String, Count>,
    /// Calls that the grant did not allow, by reason and operation.
    pub(super) denied: BTreeMap<String, BTreeMap<String, Count>>,
    /// Requests that are no operation of the API.
    pub(super) unknown: u64,
    /// The sub-workspaces that allowed calls acted on.
    pub(super) sub_workspaces: BTreeMap<String, Count>,
    /// Entries that it wrote into the ledger itself.
    pub(super) claims: u64,
    /// The first and the last time.
    pub(super) span: Option<(Timestamp, Timestamp)>,
}

impl Seen {
    /// Reads what `filter` finds, which must name one client of one workspace.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(super) fn collect(reader: &Reader, filter: &Filter) -> Result<Self, Failure> {
        let mut seen = Self::default();
        let mut bar = Bar::new("reading the ledger");
        let mut next = Some(reader.minimum());
        while let Some(from) = next {
            let found = find(reader, filter, from, PAGE, LOOK).map_err(Failure::failed)?;
            for record in &found.records {
                if let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) {
                    seen.take(&leaf);
                }
            }
            next = found.next;
            bar.at(next.unwrap_or_else(|| reader.size()), reader.size());
        }
        Ok(seen)
    }

    /// The operations that were allowed.
    pub(super) fn operations(&self) -> OpSet {
        self.used.keys().filter_map(|id| Op::from_id(id)).collect()
    }

    /// The sub-workspaces that were acted on.
    pub(super) fn sub_workspaces(&self) -> BTreeSet<String> {
        self.sub_workspaces.keys().cloned().collect()
    }

    fn take(&mut self, leaf: &Leaf) {
        let Leaf { at, act, event, .. } = leaf;
        match event {
            // A write's intent is followed by its outcome.
            Event::Outcome {
                operation: Some(operation),
                ..
            } => {
                Count::add(&mut self.used, operation, *at);
                if let Some(id) = &act.sub_workspace
                    && (self.sub_workspaces.len() < SUB_WORKSPACES
                        || self.sub_workspaces.contains_key(id))
                {
                    Count::add(&mut self.sub_workspaces, id, *at);
                }
            }
            Event::Decision {
                operation: Some(operation),
                ..
            } => {
                // What was malformed or came too fast says nothing of the grant.
                let Some(reason) = act.reason.as_deref().filter(|reason| is_denial(reason)) else {
                    return;
                };
                let of_reason = self.denied.entry(reason.to_owned()).or_default();
                Count::add(of_reason, operation, *at);
            }
            Event::Decision { .. } if act.reason.as_deref() == Some("unknown_operation") => {
                self.unknown += 1;
            }
            Event::Claim { .. } => self.claims += 1,
            _ => return,
        }
        let (first, last) = self.span.unwrap_or((*at, *at));
        self.span = Some((first.min(*at), last.max(*at)));
    }
}

/// Whether a reason is one of the policy's, and is about what was asked for rather than about who
/// asked.
fn is_denial(reason: &str) -> bool {
    matches!(
        reason,
        "workspace_not_granted"
            | "never_granted"
            | "break_glass_over"
            | "learning_over"
            | "environment_ceiling"
            | "scope_missing"
            | "operation_not_granted"
            | "denied_by_policy"
            | "policy_failed"
            | "approval_required"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::{Act, LeafId, Verdict};

    fn leaf(act: Act, event: Event, at: i64) -> Leaf {
        let id = LeafId::from_random([1; 16]);
        Leaf::new(id, Timestamp::from_seconds(at), act, event)
    }

    fn outcome(operation: &str) -> Event {
        Event::Outcome {
            intent: None,
            operation: Some(operation.to_owned()),
            status: Some(200),
            latency_us: 1,
            body: None,
            answer: None,
        }
    }

    fn refused(reason: &str) -> Act {
        let mut act = Act::new("x", Verdict::Refused);
        act.reason = Some(reason.to_owned());
        act
    }

    #[test]
    fn what_was_allowed_is_told_apart_from_what_was_denied_or_malformed() {
        let mut seen = Seen::default();
        let mut within = Act::new("x", Verdict::Success);
        within.sub_workspace = Some("sub".to_owned());
        let decision = |operation: Option<&str>| Event::Decision {
            operation: operation.map(str::to_owned),
            status: Some(403),
            inputs: None,
        };
        let intent = Event::Intent {
            operation: "createLead".to_owned(),
            body: None,
            inputs: None,
        };
        for leaf in [
            leaf(Act::new("x", Verdict::Failure), outcome("createLead"), 20),
            leaf(within, outcome("createLead"), 10),
            leaf(Act::new("x", Verdict::Pending), intent, 99),
            leaf(refused("scope_missing"), decision(Some("deleteLead")), 5),
            leaf(refused("rate_limited"), decision(Some("patchLead")), 6),
            leaf(refused("unknown_operation"), decision(None), 7),
        ] {
            seen.take(&leaf);
        }
        let last = Timestamp::from_seconds(20);
        assert_eq!(seen.used["createLead"], Count { calls: 2, last });
        assert_eq!(seen.used.len(), 1);
        assert_eq!(seen.denied.len(), 1);
        assert_eq!(seen.denied["scope_missing"]["deleteLead"].calls, 1);
        assert_eq!(seen.unknown, 1);
        assert_eq!(seen.sub_workspaces().len(), 1);
        assert_eq!(seen.span, Some((Timestamp::from_seconds(5), last)));
    }
}
