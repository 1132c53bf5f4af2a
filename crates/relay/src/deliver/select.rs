//! What is read for a lane: the next events, and those that are due again.

use std::collections::HashSet;
use std::sync::Arc;

use super::destination::Destination;
use super::replay::ReplayFilter;
use crate::error::Result;
use crate::events::Event;
use crate::store::{Due, EventReader, Lane};

/// Events that are read at once, and bytes of them.
const EVENTS: usize = 256;
const BYTES: usize = 4 << 20;
/// Due deliveries that are read at once.
const DUE: usize = 64;

/// Which events a lane sends.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    pub(super) destination: Arc<Destination>,
    /// Of a replay, what it is limited to.
    pub(super) only: Option<Arc<ReplayFilter>>,
}

impl Judge {
    fn wants(&self, event: &Event) -> bool {
        match &self.only {
            Some(only) => only.wants(&self.destination, event),
            None => self.destination.wants(event),
        }
    }
}

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) lane: Lane,
    /// A condition may take its time: it is asked here, where nobody else waits.
    pub(super) judge: Judge,
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
    /// Each with whether it is sent.
    pub(super) events: Vec<(Event, bool)>,
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
        let events = reader.after(after, EVENTS, BYTES)?;
        let cut = events.len() == EVENTS || events.iter().map(length).sum::<usize>() >= BYTES;
        found.read_to = match events.last() {
            Some(last) if cut => Some(last.seq),
            Some(last) => Some(ask.newest.max(last.seq)),
            None => Some(ask.newest),
        };
        if ask.in_order {
            let leads: HashSet<i64> = events.iter().filter_map(|one| one.subject).collect();
            let leads: Vec<i64> = leads.into_iter().collect();
            found.blocked = reader.blocked(ask.lane, &leads)?.into_iter().collect();
        }
        let judged = events.into_iter().map(|event| {
            let wanted = ask.judge.wants(&event);
            (event, wanted)
        });
        found.events = judged.collect();
    }
    Ok(found)
}

/// Bytes of an event's payload.
pub(super) fn length(event: &Event) -> usize {
    event.body.bytes().map_or(0, bytes::Bytes::len)
}
