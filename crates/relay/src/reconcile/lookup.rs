//! Whether an event is here, as far as that can be told without its payload.

use std::sync::Arc;

use doorward_policy::Timestamp;

use super::ReconcileError;
use crate::events::Event;
use crate::{EventFilter, EventStore, Order};

/// How far apart two tellings of one event may be in time, in milliseconds.
const NEAR: i64 = 15 * 60 * 1_000;
/// How much later than it happened an event may have come in, in milliseconds: Instantly's retries.
const LATE: i64 = 3 * 86_400_000;
/// Most events about one lead that are looked at.
const LOOKED_AT: usize = 1_000;

/// Whether an event about a lead at about that time is here, of one of these types or of any.
pub(super) async fn is_here(
    store: &Arc<EventStore>,
    workspace: &str,
    lead: &str,
    types: &'static [&'static str],
    at_ms: i64,
) -> Result<bool, ReconcileError> {
    let filter = EventFilter {
        lead: Some(lead.to_owned()),
        workspace: Some(workspace.to_owned()),
        since_ms: Some(at_ms.saturating_sub(NEAR)),
        until_ms: Some(at_ms.saturating_add(LATE)),
        ..EventFilter::default()
    };
    let store = Arc::clone(store);
    let found = tokio::task::spawn_blocking(move || {
        let reader = store.reader();
        let mut place = None;
        let mut looked_at = 0;
        loop {
            let page = reader.list(&filter, Order::OldestFirst, place, LOOKED_AT, false)?;
            looked_at += page.events.len();
            if page.events.iter().any(|event| is_near(event, types, at_ms)) {
                return Ok::<_, crate::RelayError>(true);
            }
            place = page.next;
            if place.is_none() || looked_at >= LOOKED_AT {
                return Ok(false);
            }
        }
    });
    Ok(found.await.map_err(|_| ReconcileError::CutOff)??)
}

fn is_near(event: &Event, types: &[&str], at_ms: i64) -> bool {
    let at = event.event_ms.unwrap_or(event.received_ms);
    (types.is_empty() || types.contains(&event.event_type.as_str()))
        && at.abs_diff(at_ms) <= NEAR as u64
}

/// A time as Instantly writes it.
pub(super) fn millis(text: Option<&str>) -> Option<i64> {
    let at: Timestamp = text?.parse().ok()?;
    Some(at.millis())
}
