//! Which calls went out under which key, by the ledger.

use std::collections::BTreeMap;

use doorward_audit::{AuditError, Filter, find};
use doorward_catalog::Op;
use doorward_keys::inventory::Uses;
use doorward_ledger::log::{Reader, Record};
use doorward_ledger::{Event, ReadLeaf, Verdict};
use doorward_policy::Timestamp;

/// Records that are read at once, and leaves that are looked at for them.
const PAGE: usize = 4_096;
const LOOK: u64 = 65_536;
/// Most leaves that are looked at in all.
const LEAVES_MAX: u64 = 20_000_000;

/// Calls by the key that they went out under.
pub(crate) struct Used {
    /// By Doorward's id of the key.
    pub(crate) by_key: BTreeMap<String, Uses>,
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
            if let Some((key, op, at)) = call(record) {
                used.by_key.entry(key).or_default().add(op, at);
            }
        }
        next = found.next;
    }
    Ok(used)
}

fn call(record: &Record) -> Option<(String, Op, Timestamp)> {
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
    (!refused).then_some((key, op, leaf.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::{Act, Leaf, LeafId};

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
