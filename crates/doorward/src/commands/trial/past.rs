//! A decision as the ledger has it.

use doorward_catalog::Op;
use doorward_ledger::log::Record;
use doorward_ledger::{Act, Event, Leaf, ReadLeaf};
use doorward_policy::Timestamp;

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Past {
    /// Its place in the ledger.
    pub(super) seq: u64,
    /// When.
    pub(super) at: Timestamp,
    /// Name of the client.
    pub(super) client: String,
    /// Doorward's id of the workspace.
    pub(super) workspace: String,
    /// The sub-workspace.
    pub(super) as_workspace: Option<String>,
    /// The operation.
    pub(super) op: Op,
    /// How it was decided.
    pub(super) was: Was,
    /// Whether its inputs are kept, sealed.
    pub(super) sealed: bool,
}

/// How it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Was {
    /// It went on.
    Allowed,
    /// A person's approval was asked for.
    NeedsApproval,
    /// A policy stood against what was granted.
    ByPolicy(String),
    /// It was not granted, for this reason.
    NotGranted(String),
}

impl Was {
    /// Whether the grant allowed it.
    pub(super) const fn is_granted(&self) -> bool {
        !matches!(self, Self::NotGranted(_))
    }

    /// Whether it went on, or could have with an approval.
    pub(super) const fn may_go_on(&self) -> bool {
        matches!(self, Self::Allowed | Self::NeedsApproval)
    }
}

impl Past {
    /// The decision of a record, if it is one about what a client may do: a write's by its intent,
    /// a read's by its outcome, a refusal's by itself.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
            return None;
        };
        let Leaf { at, act, event, .. } = &*leaf;
        let (operation, was, sealed) = match event {
            Event::Intent {
                operation, inputs, ..
            } => (operation, allowed(act), inputs.is_some()),
            Event::Outcome {
                intent: None,
                operation: Some(operation),
                ..
            } => (operation, allowed(act), false),
            Event::Decision {
                operation: Some(operation),
                inputs,
                ..
            } => (operation, was(act.reason.as_deref()?)?, inputs.is_some()),
            _ => return None,
        };
        Some(Self {
            seq: record.sequence,
            at: *at,
            client: act.client.clone()?,
            workspace: act.workspace.clone()?,
            as_workspace: act.sub_workspace.clone(),
            op: Op::from_id(operation)?,
            was,
            sealed,
        })
    }
}

/// How what went on was decided: where a policy is named, an approval lifted it.
fn allowed(act: &Act) -> Was {
    if act.metadata.contains_key("policy") {
        Was::NeedsApproval
    } else {
        Was::Allowed
    }
}

/// What a refusal's reason means; `None` where it says nothing of grants and policies.
fn was(reason: &str) -> Option<Was> {
    Some(match reason {
        "approval_required" => Was::NeedsApproval,
        "denied_by_policy" | "policy_failed" => Was::ByPolicy(reason.to_owned()),
        "workspace_not_granted"
        | "never_granted"
        | "break_glass_over"
        | "learning_over"
        | "environment_ceiling"
        | "scope_missing"
        | "operation_not_granted" => Was::NotGranted(reason.to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::{LeafId, Verdict};

    fn past(reason: Option<&str>, event: Event) -> Option<Past> {
        let mut act = Act::new("x", Verdict::Pending);
        act.client = Some("crm".to_owned());
        act.workspace = Some("ws_1".to_owned());
        act.reason = reason.map(str::to_owned);
        let id = LeafId::from_random([1; 16]);
        let leaf = Leaf::new(id, Timestamp::from_seconds(1), act, event);
        Past::of(&Record {
            sequence: 7,
            leaf: leaf.to_bytes().unwrap().as_bytes().to_vec(),
        })
    }

    fn outcome(intent: Option<LeafId>) -> Event {
        Event::Outcome {
            intent,
            operation: Some("listCampaign".to_owned()),
            status: Some(200),
            latency_us: 1,
            body: None,
            answer: None,
        }
    }

    #[test]
    fn each_decision_counts_once() {
        let intent = Event::Intent {
            operation: "createLead".to_owned(),
            body: None,
            inputs: None,
        };
        assert_eq!(past(None, intent).unwrap().was, Was::Allowed);
        assert_eq!(past(None, outcome(None)).unwrap().was, Was::Allowed);
        let mut approved = Act::new("x", Verdict::Success);
        approved
            .metadata
            .insert("policy".to_owned(), "dangerous-acts".into());
        assert_eq!(allowed(&approved), Was::NeedsApproval);
        let of_a_write = outcome(Some(LeafId::from_random([2; 16])));
        assert_eq!(past(None, of_a_write), None);
        let refused = |reason| {
            let event = Event::Decision {
                operation: Some("createLead".to_owned()),
                status: Some(403),
                inputs: None,
            };
            past(Some(reason), event).map(|past| past.was)
        };
        let missing = "scope_missing".to_owned();
        assert_eq!(refused("scope_missing"), Some(Was::NotGranted(missing)));
        assert_eq!(refused("approval_required"), Some(Was::NeedsApproval));
        assert_eq!(refused("rate_limited"), None);
    }
}
