//! Calls that were under way when the last run ended without being told to: their outcome is not
//! known, and the record says so.

use std::collections::BTreeMap;

use doorward_ledger::log::Record;
use doorward_ledger::{Act, Event, Leaf, LeafId, ReadLeaf, Verdict};
use doorward_policy::Timestamp;

use crate::audit::Core;
use crate::draft::Draft;
use crate::error::Result;

/// Leaves that are looked back over: far more than can be under way.
const BACK: u64 = 50_000;
/// The state that an orderly end leaves behind.
pub(crate) const CLOSED: &str = "closed";

/// Ends intents that have no outcome; how many. Nothing to look for after an orderly end.
pub(crate) fn end_interrupted(core: &Core, now: Timestamp) -> Result<u64> {
    let reader = core.log.reader();
    let size = reader.size();
    let Some(last) = size.checked_sub(1).filter(|last| *last >= reader.minimum()) else {
        return Ok(0);
    };
    let mut cursor = reader.from(last)?;
    if cursor.next()?.is_some_and(|record| is_closed(&record)) {
        return Ok(0);
    }
    let mut open: BTreeMap<LeafId, Box<Leaf>> = BTreeMap::new();
    let mut cursor = reader.from(size.saturating_sub(BACK).max(reader.minimum()))?;
    while let Some(record) = cursor.next()? {
        let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
            continue;
        };
        match &leaf.event {
            Event::Intent { .. } => {
                open.insert(leaf.id, leaf);
            }
            Event::Outcome {
                intent: Some(intent),
                ..
            } => {
                open.remove(intent);
            }
            _ => {}
        }
    }
    let count = open.len() as u64;
    for leaf in open.into_values() {
        core.record_blocking(unknown_end(*leaf, now))?;
    }
    Ok(count)
}

fn is_closed(record: &Record) -> bool {
    let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
        return false;
    };
    matches!(leaf.event, Event::State { state } if state == CLOSED)
}

/// What was sealed in the intent stays there: it opens at no other place.
fn unknown_end(intent: Leaf, now: Timestamp) -> Draft {
    let mut act = Act {
        result: Verdict::Unknown,
        reason: Some("interrupted".to_owned()),
        source: None,
        ..intent.act
    };
    if let Some(actor) = &mut act.actor {
        actor.person = None;
    }
    if let Some(resource) = &mut act.resource {
        resource
            .ids
            .retain(|_, id| matches!(id, doorward_ledger::Text::Clear(_)));
    }
    let operation = match intent.event {
        Event::Intent { operation, .. } => Some(operation),
        _ => None,
    };
    let event = Event::Outcome {
        intent: Some(intent.id),
        operation,
        status: None,
        latency_us: 0,
        body: None,
        answer: None,
    };
    Draft::new(now, act, event)
}
