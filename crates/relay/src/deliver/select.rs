//! What is read for a lane: the next events, and those that are due again.

use std::collections::HashSet;

use crate::error::Result;
use crate::events::Event;
use crate::store::{Due, EventReader, Lane};

/// Events that are read at once, and bytes of them.
const EVENTS: usize = 256;
const BYTES: usize = 4 << 20;
/// Due deliveries that are read at once.
const DUE: usize = 64;

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) lane: Lane,
    /// The events after this one; `None` reads none.
    pub(super) after: Option<i64>,
    /// All events up to this one are on disk.
    pub(super) newest: i64,
    /// What is due by then; `None` reads none.
    pub(super) due_by: Option<i64>,
    /// What is due and at hand already.
    pub(super) at_hand: HashSet<i64>,
    /// Whether the leads' order is kept.
    pub(super) in_order: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) events: Vec<Event>,
    /// Everything up to there was read; `None` where nothing was.
    pub(super) read_to: Option<i64>,
    pub(super) due: Vec<(Due, Option<Event>)>,
    /// Whether due deliveries were looked for, and there are more.
    pub(super) looked_for_due: Option<bool>,
    /// When the next is due after those.
    pub(super) next_due: Option<i64>,
    /// Leads of these events with something that is owed still.
    pub(super) blocked: HashSet<i64>,
}

/// Reads. Blocks.
pub(super) fn read(reader: &EventReader, ask: &Ask) -> Result<Found> {
    let mut found = Found::default();
    if let Some(by) = ask.due_by {
        let most = DUE + ask.at_hand.len();
        let due = reader.due(ask.lane, by, most)?;
        let mut more = due.len() == most;
        let mut bytes = 0;
        for one in due {
            if ask.at_hand.contains(&one.seq) {
                continue;
            }
            if bytes >= BYTES {
                more = true;
                break;
            }
            let event = reader.event_at(one.seq)?;
            bytes += event.as_ref().map_or(0, length);
            found.due.push((one, event));
        }
        found.looked_for_due = Some(more);
        found.next_due = reader.next_due_after(ask.lane, by)?;
    }
    if let Some(after) = ask.after {
        found.events = reader.after(after, EVENTS, BYTES)?;
        let bytes = |event: &Event| event.body.bytes().map_or(0, bytes::Bytes::len);
        let cut =
            found.events.len() == EVENTS || found.events.iter().map(bytes).sum::<usize>() >= BYTES;
        found.read_to = match found.events.last() {
            Some(last) if cut => Some(last.seq),
            Some(last) => Some(ask.newest.max(last.seq)),
            None => Some(ask.newest),
        };
        if ask.in_order {
            let leads: HashSet<i64> = found.events.iter().filter_map(|one| one.subject).collect();
            let leads: Vec<i64> = leads.into_iter().collect();
            found.blocked = reader.blocked(ask.lane, &leads)?.into_iter().collect();
        }
    }
    Ok(found)
}

/// Bytes of an event's payload.
pub(super) fn length(event: &Event) -> usize {
    event.body.bytes().map_or(0, bytes::Bytes::len)
}
