//! Which calls went out under which key, by the ledger.

use std::collections::{BTreeMap, BTreeSet};

use doorward_audit::{AuditError, Filter, find};
use doorward_catalog::Op;
use doorward_keys::inventory::Uses;
use doorward_ledger::log::{Reader, Record};
use doorward_ledger::{Act, Event, ReadLeaf, Verdict};
use doorward_policy::Timestamp;

/// Records that are read at once, and leaves that are looked at for them.
const PAGE: usize = 4_096;
const LOOK: u64 = 65_536;
/// Most leaves that are looked at in all.
const LEAVES_MAX: u64 = 20_000_000;

/// Where calls under a key went, and who made them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Whence {
    /// How many of them acted on which sub-workspace; none for the key's own workspace.
    pub(crate) places: BTreeMap<Option<String>, u64>,
    /// The clients that made them.
    pub(crate) clients: BTreeSet<String>,
}

/// Most sub-workspaces, and most clients, that are told apart for a key.
const WHENCE_MAX: usize = 1_024;

impl Whence {
    fn add(&mut self, sub_workspace: Option<String>, client: Option<String>) {
        if self.places.len() < WHENCE_MAX || self.places.contains_key(&sub_workspace) {
            *self.places.entry(sub_workspace).or_default() += 1;
        }
        if let Some(client) = client
            && self.clients.len() < WHENCE_MAX
        {
            self.clients.insert(client);
        }
    }
}

/// Calls by the key that they went out under.
pub(crate) struct Used {
    /// By Doorward's id of the key.
    pub(crate) by_key: BTreeMap<String, Uses>,
    /// The same, by where they went and who made them.
    pub(crate) whence: BTreeMap<String, Whence>,
    /// Whether all that is asked for was looked at.
    pub(crate) whole: bool,
}

/// The calls of a workspace's clients from `since` on that Instantly took or may have taken. Those that
/// it refused for the key's sake say nothing of what the key is needed for.
///
/// # Errors
/// When the ledger can't be read.
pub(crate) fn uses_since(
    reader: &Reader,
    workspace_id: &str,
    since: Timestamp,
) -> Result<Used, AuditError> {
    let filter = Filter {
        since: Some(since),
        workspace: Some(workspace_id.to_owned()),
        kind: Some("outcome".to_owned()),
        ..Filter::default()
    };
    let mut used = Used {
        by_key: BTreeMap::new(),
        whence: BTreeMap::new(),
        whole: true,
    };
    let mut looked_at = 0;
    let mut next = Some(reader.minimum());
    while let Some(from) = next {
        if looked_at >= LEAVES_MAX {
            used.whole = false;
            break;
        }
        let found = find(reader, &filter, from, PAGE, LOOK)?;
        looked_at += found.looked_at;
        for record in &found.records {
            if let Some((key, op, at, act)) = call(record) {
                let whence = used.whence.entry(key.clone()).or_default();
                whence.add(act.sub_workspace, act.client);
                used.by_key.entry(key).or_default().add(op, at);
            }
        }
        next = found.next;
    }
    Ok(used)
}

fn call(record: &Record) -> Option<(String, Op, Timestamp, Act)> {
    let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
        return None;
    };
    let Event::Outcome {
        operation, status, ..
    } = &leaf.event
    else {
        return None;
    };
    let refused = leaf.act.result == Verdict::Refused || matches!(status, Some(401..=403));
    let op = Op::from_id(operation.as_deref()?)?;
    let key = leaf.act.upstream_key.clone()?;
    (!refused).then_some((key, op, leaf.at, leaf.act))
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::{Leaf, LeafId};

    fn of(
        result: Verdict,
        status: Option<u16>,
        key: Option<&str>,
    ) -> Option<(String, Op, Timestamp)> {
        let mut act = Act::new("listLeads", result);
        act.upstream_key = key.map(str::to_owned);
        let event = Event::Outcome {
            intent: None,
            operation: Some("listLeads".to_owned()),
            status,
            latency_us: 1,
            body: None,
            answer: None,
        };
        let at = Timestamp::from_seconds(7);
        let leaf = Leaf::new(LeafId::from_random([1; 16]), at, act, event);
        call(&Record {
            sequence: 0,
            leaf: leaf.to_bytes().unwrap().as_bytes().to_vec(),
        })
        .map(|(key, op, at, _)| (key, op, at))
    }

    #[test]
    fn what_was_taken_counts_and_what_was_refused_does_not() {
        let at = Timestamp::from_seconds(7);
        let used = Some(("uk_1".to_owned(), Op::ListLeads, at));
        for status in [Some(200), Some(404), Some(500), None] {
            assert_eq!(of(Verdict::Success, status, Some("uk_1")), used);
        }
        assert_eq!(of(Verdict::Unknown, None, Some("uk_1")), used);
        for status in [401, 402, 403] {
            assert_eq!(of(Verdict::Failure, Some(status), Some("uk_1")), None);
        }
        assert_eq!(of(Verdict::Refused, None, Some("uk_1")), None);
        assert_eq!(of(Verdict::Success, Some(200), None), None);
    }
}
